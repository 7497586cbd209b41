"""The queue file of an earlier version becomes one of this version, whole or not at
all.
"""

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from tui.tasks import schema
from tui.tasks.caller_key import KeyTakenError
from tui.tasks.ceilings import Ceilings, Wanted
from tui.tasks.store import Entry, Store
from tui.tasks.store_errors import DamagedError, StoreError
from tui.tasks.task import SetAside, Status, Task

URL = "https://runapi.ai"


def old_row(
    number: int, prompt: str, status: str = "held", owner: str = "", **fields: Any
) -> tuple[Any, ...]:
    """A task as version 1 wrote it, without all that tasks have learnt since."""
    task_id, remote_id = f"0000000000{number:04}", f"tsk_{number}"
    told = {
        "id": task_id,
        "action": "z_image/text_to_image",
        "model": "z-image",
        "service": "z_image",
        "base_url": URL,
        "route": "unified",
        "values": {"prompt": prompt},
        "status": status,
        "created_at": 1700000000.0 + number,
        "updated_at": 1700000001.0 + number,
        "body": "eyJtb2RlbCI6InotaW1hZ2UifQ==",
        "key": f"key-{number}",
        "remote_id": remote_id,
        "unsure": False,
        "watched": True,
        **fields,
    }
    until = time.time() + 9 if owner else 0.0
    times = (told["created_at"], told["updated_at"])
    return (
        task_id,
        *times,
        status,
        "z-image",
        prompt,
        remote_id,
        URL,
        owner,
        until,
        msgspec.json.encode(told),
    )


def old_file(path: Path, rows: list[tuple[Any, ...]]) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("pragma journal_mode = wal")
        db.executescript(schema._VERSION_1)
        db.executemany(f"insert into tasks values ({', '.join('?' * 11)})", rows)
        db.execute(
            "insert into events values (?, 5.0, 'answered', '{}')", (rows[0][0],)
        )
        db.execute("insert into learnt values (?, 'route', 'service')", (URL,))
        db.execute(
            "insert into uploads values (?, 'digest', 'https://x/up.png', ?)",
            (URL, time.time() + 99),
        )
        db.execute("pragma user_version = 1")


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return [*db.iterdump(), str(db.execute("pragma user_version").fetchone())]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "queue.db"


def test_everything_of_version_1_is_kept(path: Path) -> None:
    old_file(
        path,
        [
            old_row(1, "Füchse im Schnee", owner="me"),
            old_row(2, "an owl", "pending", owner="you"),
            old_row(3, "a lake", "pending"),
            old_row(
                4,
                "a FOX",
                "completed",
                results=[{"url": "https://x/a.png"}],
                cost_micro=30_000,
                finished_at=9.0,
            ),
        ],
    )
    store = Store(path)
    fox = store.get("tsk_4")
    assert fox
    assert (fox.prompt, fox.status, fox.cost_micro, fox.key) == (
        "a FOX",
        Status.COMPLETED,
        30_000,
        "key-4",
    )
    assert fox.body == b'{"model":"z-image"}'
    assert [task.prompt for task in store.search()] == [
        "a FOX",
        "a lake",
        "an owl",
        "Füchse im Schnee",
    ]
    assert [task.prompt for task in store.search("FÜCHSE")] == ["Füchse im Schnee"]
    assert [
        task.prompt for task in store.search("cost>0.02 model:z-im status:completed")
    ] == ["a FOX"]
    assert [task.prompt for task in store.search("tsk_2")] == ["an owl"]
    assert len(store.shown(10)) == 4
    assert store.events(fox.id) == []
    assert store.events("00000000000001") == [(5.0, "answered", "{}")]
    assert store.learnt(URL) == {"route": "service"}
    assert store.uploaded(URL, "digest") == "https://x/up.png"
    assert store.notices == []
    assert sorted(task.prompt for task in store.claim("me", URL)) == [
        "Füchse im Schnee",
        "a lake",
    ]
    store.close()
    again = Store(path)
    assert len(again.search()) == 4
    again.close()


def test_a_task_of_version_1_that_cannot_be_read_is_kept_and_told(path: Path) -> None:
    broken = (*old_row(2, "an owl")[:-1], b'{"id": "\xff')
    old_file(path, [old_row(1, "a fox"), broken, old_row(3, "a lake")])
    store = Store(path)
    assert [task.prompt for task in store.search()] == ["a lake", "a fox"]
    assert len(store.notices) == 1
    assert "00000000000002" in store.notices[0]
    store.close()
    # Its very bytes
    assert any(broken[0] in line and "22696422" in line.lower() for line in dump(path))


def test_several_processes_migrate_at_once(path: Path) -> None:
    old_file(path, [old_row(number, f"prompt {number}") for number in range(300)])
    work = (
        "import sys; from pathlib import Path; from tui.tasks.store import Store; print('ready', flush=True);"
        "sys.stdin.readline(); store = Store(Path(sys.argv[1])); print(len(store.search('prompt')), store.notices)"
    )
    command = [sys.executable, "-c", work, str(path)]
    pipes = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for process in pipes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in pipes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate(timeout=30)[0] for process in pipes] == ["300 []\n"] * 3


@pytest.mark.parametrize(
    "problem", [KeyboardInterrupt(), sqlite3.OperationalError("disk I/O error")]
)
def test_an_interrupted_migration_leaves_version_1_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch, problem: BaseException
) -> None:
    old_file(path, [old_row(number, f"prompt {number}") for number in range(9)])
    before, rows, whole_row = dump(path), iter(range(5)), schema.row

    def failing(*args: Any) -> tuple[object, ...]:
        if next(rows, None) is None:
            raise problem
        return whole_row(*args)

    with monkeypatch.context() as interrupted:
        interrupted.setattr(schema, "row", failing)
        with pytest.raises((KeyboardInterrupt, StoreError)):
            Store(path)
    assert dump(path) == before
    store = Store(path)
    assert len(store.search("prompt")) == 9
    store.close()


def test_a_newer_file_is_refused_and_left_alone(path: Path) -> None:
    Store(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("alter table tasks add column later text")
        db.execute(f"pragma user_version = {schema.VERSION + 1}")
    before, content = dump(path), path.read_bytes()
    with pytest.raises(
        StoreError,
        match=r"queue\.db was made by a newer runapi-tui: update this one\.$",
    ):
        Store(path)
    assert dump(path) == before
    assert path.read_bytes() == content


def test_a_newer_program_that_migrates_at_the_same_time_is_not_undone(
    path: Path,
) -> None:
    old_file(path, [old_row(1, "a fox")])

    class Late(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if sql == "begin immediate":
                with closing(sqlite3.connect(path)) as newer:
                    newer.execute(f"pragma user_version = {schema.VERSION + 1}")
            return super().execute(sql, *values)

    with closing(sqlite3.connect(path, isolation_level=None, factory=Late)) as db:
        assert schema.prepare(db) == schema.VERSION + 1
    assert dump(path)[-1] == f"({schema.VERSION + 1},)"


def test_tasks_of_version_2_are_kept_and_have_no_profile(path: Path) -> None:
    *_, data = old_row(1, "a fox")
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript(
            schema._VERSION_1.partition("create table learnt")[0] + schema._VERSION_2
        )
        db.executescript(
            "drop table tasks_1; create table learnt (base_url, name, value)"
        )
        columns = (*schema.row(schema.decode(data))[:15], data)
        db.execute(f"insert into tasks values ({', '.join('?' * 16)})", columns)
        db.execute("pragma user_version = 2")
    store = Store(path)
    (fox,) = store.search()
    store.save(replace(fox, id="00000000000002", profile="work"))
    assert (fox.prompt, fox.profile) == ("a fox", "")
    assert store.claim("me", URL, profile="home") == []
    assert [task.id for task in store.claim("me", URL)] == [fox.id]
    assert [task.profile for task in store.claim("me", URL, profile="work")] == ["work"]
    store.close()


VERSION_3 = (
    schema._VERSION_1 + schema._VERSION_2 + "drop table tasks_1;" + schema._VERSION_3
)


def file_of_version_3(path: Path, count: int, **fields: Any) -> list[Task]:
    """As the program before this one has left it: its clock was set back while it
    wrote.
    """
    tasks = [
        schema.decode(old_row(number, f"fox {number}", **fields)[-1])
        for number in range(count)
    ]
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("pragma journal_mode = wal")
        db.executescript(VERSION_3)
        for number, task in enumerate(tasks):
            columns = schema.row(
                replace(task, updated_at=9e8 - number), "me" if number == 1 else "", 5.0
            )[:20]
            db.execute(f"insert into tasks values ({', '.join('?' * 20)})", columns)
            db.execute(
                "insert into events values (?, 5.0, 'answered', '{}')", (task.id,)
            )
        db.execute("pragma user_version = 3")
    return [replace(task, updated_at=9e8 - number) for number, task in enumerate(tasks)]


def test_tasks_of_version_3_are_numbered_as_they_were_written(path: Path) -> None:
    tasks = file_of_version_3(path, 9)
    with closing(Store(path)) as store:
        assert store.changed_since(0) == (tasks, 9)
        assert store.changed_since(7) == (tasks[7:], 9)
        assert store.events(tasks[3].id) == [(5.0, "answered", "{}")]
        changed = tasks[0].change(note="seen")
        assert store.save_all([Entry(changed, after=tasks[0].revision)]) == [None]
        assert store.changed_since(9) == ([changed], 10)
        assert store.pop_undo() == []
        assert store.notices == []


def test_estimates_of_version_3_count_for_the_ceilings(path: Path) -> None:
    file_of_version_3(path, 3, estimate_micro=5, cost_micro=None, job="one")
    with closing(Store(path)) as store:
        verdict = store.judge([Wanted("one", "z-image", 1)], Ceilings(job=15))
        (passed,) = verdict.passed
        assert passed.spent.micro == 15
        kept = store._read("select estimate_micro from tasks")
        assert kept == [(5,)] * 3


def test_what_version_3_has_imported_can_be_changed_and_counts_for_no_ceiling(
    path: Path,
) -> None:
    (task,) = file_of_version_3(path, 1, revision=7, estimate_micro=10**9)
    with closing(sqlite3.connect(path)) as db, db:
        as_it_stood = replace(task, set_aside=SetAside.IMPORTED, watched=False)
        db.execute("update tasks set data = ?", (schema.encode(as_it_stood),))
    with closing(Store(path)) as store:
        assert store.spent(URL).day.micro == 0
        history = store.get(task.id)
        assert history
        assert history.imported
        dropped = history.change(Status.DROPPED, deleted=True)
        assert store.save_all([Entry(dropped, after=history.revision)]) == [None]
        found = store.get(task.id)
        assert found
        assert found.deleted


def test_what_version_3_has_made_and_not_saved_is_unfinished(path: Path) -> None:
    made = {"status": "failed", "results": [{"url": "https://x/a.png"}]}
    tasks = file_of_version_3(path, 3, made_at=time.time(), **made)
    with closing(Store(path)) as store:
        assert [task.id for task, _ in store.unfinished()] == [
            task.id for task in tasks
        ]


def test_a_callers_key_is_known_in_a_file_of_an_earlier_version(path: Path) -> None:
    file_of_version_3(path, 2)
    task = schema.decode(old_row(7, "a fox")[-1])
    keyed = replace(task, caller_key="order 7")
    again = replace(keyed, id="00000000000008")
    others = [
        replace(again, base_url="https://x.example"),
        replace(again, id="00000000000009", profile="work"),
    ]
    with closing(Store(path)) as store:
        store.add_missing([(keyed, []), *((other, []) for other in others)])
        with pytest.raises(KeyTakenError) as taken:
            store.add_missing([(replace(again, id="00000000000010"), [])])
        assert taken.value.task == keyed
        assert len(store.search()) == 5
        assert store.notices == []


def test_a_program_that_is_killed_while_it_migrates_leaves_the_old_file_whole(
    path: Path,
) -> None:
    tasks = file_of_version_3(path, 300)
    before = dump(path)
    work = (
        "import os, signal, sys; from pathlib import Path; from tui.tasks import schema;"
        "from tui.tasks.store import Store; usual, left = schema.decode, [200];"
        "schema.decode = lambda data: (left.append(left.pop() - 1), usual(data))[1] if left[0]"
        " else os.kill(os.getpid(), signal.SIGKILL);"
        "Store(Path(sys.argv[1]))"
    )
    assert (
        subprocess.run([sys.executable, "-c", work, str(path)], timeout=60).returncode
        == -signal.SIGKILL
    )
    assert dump(path) == before
    with closing(Store(path)) as store:
        assert store.changed_since(0) == (tasks, 300)
        assert store.notices == []


def test_a_file_that_is_brought_up_while_it_is_open_is_refused_and_not_set_aside(
    path: Path,
) -> None:
    with closing(Store(path)) as store:
        with closing(sqlite3.connect(path)) as newer, newer:
            newer.execute("alter table tasks add column later text")
            newer.execute("alter table events rename to events_5")
            newer.execute(f"pragma user_version = {schema.VERSION + 1}")
        task = schema.decode(old_row(1, "a fox")[-1])
        for ask in (lambda: store.save(task, "held"), lambda: store.events(task.id)):
            with pytest.raises(
                StoreError, match="made by a newer runapi-tui: update this one"
            ) as told:
                ask()
            assert not isinstance(told.value, DamagedError)
    assert [file.name for file in path.parent.glob("queue*")] == ["queue.db"]
