"""A damaged queue file is renamed, and its readable tasks continue."""

import re
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.tasks.test_schema import old_file, old_row
from tests.tasks.test_store import small_disk
from tui.tasks import recovery
from tui.tasks.store import Entry, Store
from tui.tasks.store_errors import DamagedError, StoreError
from tui.tasks.task import Status, Task

URL = "https://runapi.ai"
COUNT = 120
PAGE = 4096


def make(number: int, status: Status = Status.PENDING) -> Task:
    return Task(
        id=f"0000000000{number:04}",
        action="z_image/text_to_image",
        model="z-image",
        service="z_image",
        base_url=URL,
        route="unified",
        values={"prompt": f"fox {number} " + "in the snow " * 60},
        status=status,
        created_at=1.0 + number,
        updated_at=1.0 + number,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "C# 100%25 of it?"
    folder.mkdir()
    return folder / "queue.db"


@pytest.fixture
def tasks(path: Path) -> list[Task]:
    """What the file has in it: half of them unfinished, watched by a process that is
    gone for good.
    """
    tasks = [
        make(number, Status.PENDING if number % 2 else Status.COMPLETED)
        for number in range(COUNT)
    ]
    with closing(Store(path)) as store:
        store.add_missing((task, []) for task in tasks)
    return tasks


def garbage(path: Path) -> None:
    path.write_bytes(b"not a database, but long enough to be looked at " * 999)


def junk_behind_the_header(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0junk")


def cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2 // PAGE * PAGE + 99])


def pages_in_the_middle(path: Path) -> None:
    pages = path.stat().st_size // PAGE
    with path.open("r+b") as file:
        file.seek(pages // 2 * PAGE)
        file.write(b"\xff" * PAGE * 8)


def all_but_the_first_page(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:PAGE] + b"\xff" * (len(content) - PAGE))


def reopened(path: Path) -> Store:
    """Opens the file and reads everything, as a program does."""
    store = Store(path)
    try:
        store.search(limit=9999)
        store.changed_since(0)
    except DamagedError:
        store.start_over()
    return store


def ids(tasks: Iterable[Task]) -> set[str]:
    return {task.id for task in tasks}


def asides(path: Path) -> list[Path]:
    return sorted(
        file
        for file in path.parent.iterdir()
        if re.fullmatch(r"queue-damaged-[\w-]+\.db", file.name)
    )


@pytest.mark.parametrize(
    ("damage", "least"),
    [
        (garbage, 0),
        (junk_behind_the_header, 0),
        (all_but_the_first_page, 0),
        (cut, COUNT // 5),
        (pages_in_the_middle, COUNT * 2 // 3),
    ],
)
def test_a_damaged_file_is_renamed_and_its_readable_tasks_continue(
    path: Path, tasks: list[Task], damage: Callable[[Path], None], least: int
) -> None:
    damage(path)
    content = path.read_bytes()
    store = reopened(path)
    kept = store.search(limit=9999)
    assert least <= len(kept) < COUNT
    assert all(task in tasks for task in kept)
    assert [file.read_bytes() for file in asides(path)] == [content]
    (notice,) = store.notices
    assert str(asides(path)[0]) in notice
    assert f" {len(kept)} readable tasks" in notice
    assert len(store.search("fox", limit=9999)) == len(kept)
    assert ids(store.claim("me", URL)) == ids(task for task in kept if task.live)
    store.save(make(9000), "held")
    store.close()

    again = reopened(path)
    assert len(again.search(limit=9999)) == len(kept) + 1
    assert again.notices == []
    assert len(asides(path)) == 1
    again.close()


def test_a_damaged_file_of_version_1_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    old_file(
        path,
        [
            old_row(number, f"fox {number} " + "in the snow " * 60)
            for number in range(COUNT)
        ],
    )
    pages_in_the_middle(path)
    with closing(Store(path)) as store:
        assert len(store.notices) == 1
        assert len(store.search("fox", limit=9999)) >= COUNT * 2 // 3


def test_the_companions_go_along(path: Path, tasks: list[Task], tmp_path: Path) -> None:
    """A crash left tasks in the write-ahead log alone: they are not lost with the
    damaged file's name.
    """
    running = Store(path)
    running.add_missing((make(number), []) for number in range(500, 510))
    crashed = tmp_path / "crashed"
    shutil.copytree(path.parent, crashed)
    running.close()
    copy = crashed / path.name
    pages_in_the_middle(copy)
    log = copy.with_name("queue.db-wal").read_bytes()
    aside = recovery.set_aside(copy)
    assert sorted(file.name for file in crashed.iterdir()) == [
        aside.name + end for end in ("", "-shm", "-wal")
    ]
    assert aside.with_name(aside.name + "-wal").read_bytes() == log
    assert len(list(recovery.readable_tasks(aside))) > COUNT * 2 // 3

    recovery.rename(aside, copy)
    copy.with_name("queue.db-shm").unlink()
    with closing(reopened(copy)) as store:
        assert ids(store.search(limit=9999)) >= ids(
            make(number) for number in range(500, 510)
        )
        assert len(store.notices) == 1


@pytest.mark.usefixtures("tasks")
def test_of_two_processes_one_renames_the_damaged_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Store(path), Store(path)
    pages_in_the_middle(path)
    set_aside = recovery.set_aside
    entered: list[threading.Event] = [threading.Event(), threading.Event()]
    other = threading.Thread(target=second.start_over)
    calls = iter(entered)

    def slowly(path: Path) -> Path:
        next(calls).set()
        if not entered[1].is_set():
            other.start()  # it sees the damaged file, as we did
            entered[1].wait(0.2)
        return set_aside(path)

    monkeypatch.setattr(recovery, "set_aside", slowly)
    first.start_over()
    other.join()
    assert len(asides(path)) == 1
    kept = first.search(limit=9999)
    assert len(kept) > COUNT // 2
    assert second.search(limit=9999) == kept
    assert (len(first.notices), len(second.notices)) == (1, 0)
    second.save(make(9000))
    assert first.get(make(9000).id) == make(9000)
    first.close()
    second.close()


@pytest.mark.usefixtures("tasks")
def test_who_does_not_notice_the_damage_hears_that_the_file_is_another_one(
    path: Path,
) -> None:
    first, second = Store(path), Store(path)
    version = second.data_version()
    assert second.data_version() == version
    first.start_over()
    with pytest.raises(DamagedError):
        second.data_version()
    second.start_over()
    second.save(make(9000))
    assert first.get(make(9000).id) == make(9000)
    assert len(asides(path)) == 1

    path.unlink()  # by hand, in the middle of everything
    with pytest.raises(DamagedError):
        first.data_version()
    first.start_over()
    first.save(make(9001))
    assert len(asides(path)) == 1
    first.close()
    second.close()


def test_without_room_for_a_new_file_the_damaged_one_waits_at_its_place(
    path: Path, tasks: list[Task]
) -> None:
    with closing(Store(path)) as store:
        pages_in_the_middle(path)
        content = path.read_bytes()
        with small_disk(80_000), pytest.raises(StoreError, match="make room") as told:
            store.start_over()
        assert not isinstance(told.value, DamagedError)
        assert store.notices == []
    assert asides(path) == []
    assert path.read_bytes() == content
    log = path.with_name("queue.db-wal")
    # Nothing of the new file is left to be replayed
    assert not log.exists() or log.stat().st_size == 0
    with closing(reopened(path)) as store:
        assert len(store.search(limit=9999)) >= COUNT * 2 // 3


def test_a_start_without_room_for_a_new_file_leaves_the_damaged_one(
    path: Path, tasks: list[Task]
) -> None:
    pages_in_the_middle(path)
    no_header(path)
    content = path.read_bytes()
    with small_disk(30_000), pytest.raises(StoreError, match="make room"):
        Store(path)
    assert asides(path) == []
    assert path.read_bytes() == content
    with closing(Store(path)) as store:
        assert len(store.search(limit=9999)) >= COUNT * 2 // 3


def test_a_start_without_room_leaves_a_log_whose_file_is_gone(
    path: Path, tmp_path: Path
) -> None:
    running = Store(path)
    for number in range(20):
        running.save(make(number), "held")
    left = tmp_path / "left"
    shutil.copytree(path.parent, left)
    running.close()
    copy = left / path.name
    copy.unlink()
    with small_disk(30_000), pytest.raises(StoreError, match="make room"):
        Store(copy)
    with closing(Store(copy)) as store:
        assert ids(store.search(limit=99)) == ids(make(number) for number in range(20))


@pytest.mark.parametrize(
    "data", [b'{"id": "x"', b"\xff\xfe", b'{"id": "\xff"}', b"{}", 5, 'text "']
)
def test_an_unreadable_row_is_skipped_and_reported_once(
    path: Path, tasks: list[Task], data: Any
) -> None:
    broken = tasks[51]
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("update tasks set data = ? where id = ?", (data, broken.id))
    store = Store(path)
    others = [task for task in tasks if task != broken]
    assert store.search(limit=9999) == others[::-1]
    assert store.shown(9999) == others[::-1]
    assert store.changed_since(0)[0] == others
    assert store.get(broken.id) is None
    assert store.lease("me", [broken.id, tasks[1].id]) == [tasks[1]]
    assert ids(store.claim("me", URL)) == ids(task for task in others if task.live)
    assert len(store.notices) == 1
    assert broken.id in store.notices[0]
    assert len(asides(path)) == 0
    store.save(broken, owner="me")
    assert store.get(broken.id) == broken
    store.close()


# ---- page by page


def no_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(100))


def no_schema(path: Path) -> None:
    """Destroys the list of the tables, but not the header."""
    with path.open("r+b") as file:
        file.seek(100)
        file.write(bytes(PAGE - 100))


def schema_that_is_no_text(path: Path) -> None:
    content = path.read_bytes()
    at = content.index(b"CREATE TABLE tasks")
    path.write_bytes(content[:at] + b"\xff\xfe\xfd" + content[at + 3 :])


def version_that_cannot_be(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(60)
        file.write(b"\xff\xff\xff\xf0")


def no_first_page(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\xff" * PAGE)


def no_root(path: Path) -> None:
    """Destroys the page from which SQLite finds all rows."""
    with closing(sqlite3.connect(path)) as db:
        (root,) = db.execute(
            "select rootpage from sqlite_master where name = 'tasks'"
        ).fetchone()
    with path.open("r+b") as file:
        file.seek((root - 1) * PAGE)
        file.write(b"\xff" * PAGE)


@pytest.mark.parametrize(
    "damage",
    [
        no_header,
        no_schema,
        schema_that_is_no_text,
        version_that_cannot_be,
        no_first_page,
        no_root,
    ],
)
def test_damage_outside_the_rows_costs_no_task(
    path: Path, tasks: list[Task], damage: Callable[[Path], None]
) -> None:
    # Far beyond a page
    long = replace(make(700), values={"prompt": "a long story " * 20_000}, revision=3)
    with closing(Store(path)) as store:
        store.save(long, "held", "the server's words")
        store.learn(URL, "paused", "yes")
    damage(path)
    with closing(reopened(path)) as store:
        assert sorted(store.search(limit=9999), key=lambda task: task.id) == [
            *tasks,
            long,
        ]
        assert [event for _, event, _ in store.events(long.id)] == ["held"]
        assert store.learnt(URL) == {"paused": "yes"}
        (notice,) = store.notices
        assert f"{COUNT + 1} readable tasks went into a new one." in notice
        assert store.changed_since(0)[1] == COUNT + 1


def test_what_only_the_log_has_is_saved_with_a_broken_file(
    path: Path, tasks: list[Task], tmp_path: Path
) -> None:
    """The program was killed before anything reached the file itself, whose header is
    damaged.
    """
    running = Store(path)
    changed = [replace(task, note="changed", revision=1) for task in tasks[:7]]
    new = [make(number) for number in range(500, 510)]
    for task in (*changed, *new):
        running.save(task)
    crashed = tmp_path / "crashed"
    shutil.copytree(path.parent, crashed)
    running.close()
    copy = crashed / path.name
    no_header(copy)
    with closing(reopened(copy)) as store:
        kept = {task.id: task for task in store.search(limit=9999)}
    assert kept == {task.id: task for task in (*tasks, *changed, *new)}


@pytest.mark.usefixtures("tasks")
def test_what_the_log_has_not_committed_is_left_out(path: Path, tmp_path: Path) -> None:
    running = Store(path)
    running._db.execute("pragma cache_size = 2")  # so that it writes before the end
    running._db.execute("begin immediate")
    running._db.execute("update tasks set data = replace(data, 'fox', 'owl')")
    crashed = tmp_path / "crashed"
    shutil.copytree(path.parent, crashed)
    running.close()
    copy = crashed / path.name
    assert b"owl" in copy.with_name("queue.db-wal").read_bytes()
    no_header(copy)
    with closing(reopened(copy)) as store:
        assert len(store.search("fox", limit=9999)) == COUNT
        assert all(task.prompt.startswith("fox") for task in store.search(limit=9999))


def test_a_log_whose_file_is_gone_is_read(path: Path, tmp_path: Path) -> None:
    running = Store(path)
    for number in range(20):
        running.save(make(number), "held")
    left = tmp_path / "left"
    shutil.copytree(path.parent, left)
    running.close()
    copy = left / path.name
    copy.unlink()
    with closing(Store(copy)) as store:
        assert ids(store.search(limit=99)) == ids(make(number) for number in range(20))
        assert len(store.notices) == 1


def test_of_several_states_of_a_task_the_newest_is_saved(
    path: Path, tasks: list[Task]
) -> None:
    """Told by its revision: clocks were set back meanwhile."""
    with closing(Store(path)) as store:
        for revision in range(1, 6):
            store.save_all(
                Entry(
                    replace(
                        task,
                        note="words " * 300 * revision,
                        revision=revision,
                        updated_at=9.0 - revision,
                    )
                )
                for task in tasks
            )
    no_header(path)
    with closing(reopened(path)) as store:
        assert {task.revision for task in store.search(limit=9999)} == {5}


def test_the_number_of_lost_tasks_is_reported(path: Path, tasks: list[Task]) -> None:
    """A page of three rows is lost, and the index of the ids still names them."""
    content = path.read_bytes()
    at = content.index(b'{"id":"' + tasks[60].id.encode()) // PAGE * PAGE
    lost = {
        task.id
        for task in tasks
        if at <= content.index(b'{"id":"' + task.id.encode()) < at + PAGE
    }
    path.write_bytes(content[:at] + b"\xff" * PAGE + content[at + PAGE :])
    with closing(reopened(path)) as store:
        assert ids(store.search(limit=9999)) == ids(tasks) - lost
        assert store.notices[0].endswith(
            f"; {COUNT - len(lost)} readable tasks went into a new one; {len(lost)} can't be read any more."
        )


@pytest.mark.parametrize(
    "column",
    ["id", "status", "model", "words", "base_url", "remote_id", "owner", "job"],
)
def test_a_row_that_is_not_utf_8_hides_no_other(
    path: Path, tasks: list[Task], column: str
) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(
            f"update tasks set {column} = cast(x'fffe41' as text) where id = ?",
            (tasks[50].id,),
        )
    with closing(Store(path)) as store:
        others = ids(tasks) - {tasks[50].id}
        assert others <= ids(store.search(limit=9999))
        assert others <= ids(store.shown(9999))
        assert others <= ids(store.changed_since(0)[0])
        assert ids(task for task in tasks if task.live) - {tasks[50].id} <= ids(
            store.claim("me", URL)
        )
        assert {tasks[1].id, tasks[3].id} <= {task.id for task, _ in store.unfinished()}
        store.save(replace(tasks[2], note="still writes"))
        store.set_aside_unsent([task.id for task in tasks])


def test_what_was_learnt_and_happened_may_be_no_utf_8(
    path: Path, tasks: list[Task]
) -> None:
    with closing(Store(path)) as store:
        store.save(tasks[0], "held", "fine")
        store.learn(URL, "route", "service")
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("update events set raw = cast(x'ff41' as text)")
        db.execute("update learnt set value = cast(x'ff41' as text)")
    with closing(Store(path)) as store:
        assert store.events(tasks[0].id)[0][1:] == (
            "held",
            "\N{REPLACEMENT CHARACTER}A",
        )
        assert store.learnt(URL) == {"route": "\N{REPLACEMENT CHARACTER}A"}


def test_a_second_report_of_one_damage_leaves_the_new_file_alone(
    path: Path, tasks: list[Task]
) -> None:
    """What was asked before the new start fails with the old file, and is told after
    it.
    """
    with closing(Store(path)) as store:
        pages_in_the_middle(path)
        with pytest.raises(DamagedError) as first:
            store.search(limit=9999)
        with pytest.raises(DamagedError) as second:
            store.changed_since(0)
        store.start_over(found=first.value)
        store.start_over(found=second.value)
        assert len(asides(path)) == 1
        assert len(store.notices) == 1
