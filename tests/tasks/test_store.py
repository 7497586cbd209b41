"""The queue on disk: what is saved is found, and of several processes one watches a task."""

import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tui.catalog.load import bundled
from tui.tasks.plan import draft
from tui.tasks.store import VERSION, Store, StoreError, TakenError
from tui.tasks.task import Problem, Result, Status, Task

URL = "https://runapi.ai"
Make = Callable[..., Task]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "runapi-tui" / "queue.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = Store(path)
    yield store
    store.close()


@pytest.fixture
def second(store: Store, path: Path) -> Iterator[Store]:
    """What another process has open on the same file."""
    second = Store(path)
    yield second
    second.close()


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make(prompt: str = "a fox", **fields: Any) -> Task:
        task = draft(bundled().find("z-image"), {"prompt": prompt}, base_url=URL, out_dir=tmp_path)
        return replace(task, **fields)

    return make


def ids(tasks: list[Task]) -> list[str]:
    return [task.id for task in tasks]


# ---- the file


def test_the_file_is_for_its_owner_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        Store(path).close()
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_its_companions_are_too(store: Store, path: Path, make: Make) -> None:
    store.save(make())
    files = sorted(file.name for file in path.parent.iterdir())
    assert files == ["queue.db", "queue.db-shm", "queue.db-wal"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


def test_a_file_of_a_newer_version_is_refused_and_left_alone(store: Store, path: Path, make: Make) -> None:
    task = make()
    store.save(task)
    store.close()
    with sqlite3.connect(path) as database:
        database.execute(f"pragma user_version = {VERSION + 1}")
    database.close()
    with pytest.raises(StoreError, match=r"made by a newer runapi-tui: update this one\.$"):
        Store(path)
    with sqlite3.connect(path) as database:
        assert database.execute("select id from tasks").fetchall() == [(task.id,)]
        database.execute(f"pragma user_version = {VERSION}")
    database.close()
    again = Store(path)
    assert again.get(task.id) == task
    again.close()


@pytest.mark.parametrize(
    "content", [b"not a database, but long enough to be looked at " * 99, b"SQLite format 3\0junk"]
)
def test_a_damaged_file_is_told(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(StoreError, match=str(path)):
        Store(path)
    assert path.read_bytes() == content


def test_damage_further_inside_is_told_as_well(store: Store, path: Path, make: Make) -> None:
    for _ in range(50):
        store.save(make("long " * 200))
    store.close()
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with pytest.raises(StoreError):
        Store(path).newest(100)


def test_a_folder_instead_of_a_file_is_told(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StoreError):
        Store(path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        Store(tmp_path / "file" / "queue.db")


@pytest.mark.parametrize("attempt", range(3))
def test_several_processes_may_start_at_once(path: Path, attempt: int) -> None:
    problems: list[str] = []
    together = threading.Barrier(6)

    def start() -> None:
        together.wait()
        try:
            Store(path).close()
        except Exception as error:
            problems.append(str(error))

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == [], attempt


# ---- saving and finding


def test_a_task_comes_back_whole(store: Store, second: Store, make: Make) -> None:
    task = make(
        "füchse\n家\x00",
        remote_id="tsk_1",
        error=Problem("network", "Hm."),
        results=(Result(url="https://x/a.png", path="/a.png", width=8, height=8, bytes=9, format="png"),),
        cost_micro=50_000,
        status=Status.PENDING,
    )
    store.save(task)
    assert store.get(task.id) == task
    assert second.get(task.id) == task


def test_a_later_snapshot_takes_the_place_of_the_earlier(store: Store, make: Make) -> None:
    task = make()
    store.save(task)
    store.save(task.change(Status.SUBMITTING))
    found = store.get(task.id)
    assert found
    assert found.status is Status.SUBMITTING
    assert len(store.newest(10)) == 1


def test_a_task_is_found_by_any_of_its_names(store: Store, make: Make) -> None:
    task = make(id="abcd1111222233", remote_id="tsk_7f3e-99")
    store.save(task)
    store.save(make(id="zzzz1111224444", remote_id="tsk_other"))
    for name in ("abcd1111222233", "tsk_7f3e-99", "abcd", "2233", "abcd1111", "1111222233", "ABCD"):
        assert store.get(name) == task, name


@pytest.mark.parametrize(
    "name",
    ["tsk_7f3e", "abc", "233", "bcd1", "nosuchid", "%", "%%%%", "____", "abcd%", "ab_d1111222233", "'", "\0"],
)
def test_what_is_no_name_finds_nothing(store: Store, make: Make, name: str) -> None:
    store.save(make(id="abcd1111222233", remote_id="tsk_7f3e-99"))
    assert store.get(name) is None


def test_no_name_at_all_finds_nothing(store: Store, make: Make) -> None:
    """A task that was not sent yet has no remote id either."""
    store.save(make())
    assert store.get("") is None


def test_an_ambiguous_beginning_or_end_finds_nothing(store: Store, make: Make) -> None:
    store.save(make(id="abcd1111222233"))
    store.save(make(id="abcd5555222233"))
    store.save(make(id="2233777788889a"))
    assert store.get("abcd") is None
    assert store.get("222233") is None
    assert store.get("2233") is None
    assert store.get("abcd1")


def test_a_whole_name_wins_over_the_beginning_of_another(store: Store, make: Make) -> None:
    whole = make(id="abcd1111222233", remote_id="zzzz")
    store.save(whole)
    store.save(make(id="zzzz1111222233"))
    assert store.get("zzzz") == whole


def test_the_newest_come_first(store: Store, make: Make) -> None:
    tasks = [make(id=f"0000000000000{number}") for number in range(5)]
    for task in tasks[::-1]:
        store.save(task)
    assert ids(store.newest(3)) == ids(tasks[:1:-1])
    assert len(store.newest(99)) == 5
    assert store.newest(0) == []


def test_the_newest_may_be_filtered(store: Store, make: Make) -> None:
    fox = make("A Red FOX", id="a1", status=Status.COMPLETED, remote_id="tsk_x9")
    owl = make("an owl 100% white", id="b2", model="imagen-4")
    for task in (fox, owl):
        store.save(task)
    assert ids(store.newest(9, status="completed")) == ["a1"]
    assert ids(store.newest(9, model="imagen-4")) == ["b2"]
    assert ids(store.newest(9, search="red fox")) == ["a1"]
    assert ids(store.newest(9, search="tsk_x9")) == ["a1"]
    assert ids(store.newest(9, search="b2")) == ["b2"]
    assert ids(store.newest(9, search="100%")) == ["b2"]
    assert ids(store.newest(9, search="%")) == ["b2"]
    assert ids(store.newest(9, search="_ed")) == []
    assert store.newest(9, status="completed", model="imagen-4") == []


def test_what_has_changed_since(store: Store, make: Make) -> None:
    for number, moment in enumerate((10.0, 30.0, 20.0)):
        store.save(make(id=f"t{number}", updated_at=moment))
    assert ids(store.changed_since(20.0)) == ["t2", "t1"]
    assert store.changed_since(31.0) == []


def test_the_data_version_tells_of_others_writes_alone(store: Store, second: Store, make: Make) -> None:
    before = store.data_version()
    store.save(make())
    assert store.data_version() == before
    second.save(make())
    assert store.data_version() != before


# ---- who watches


def test_a_task_has_one_watcher(store: Store, second: Store, make: Make) -> None:
    task = make()
    store.save(task)
    assert ids(store.claim("me", URL)) == [task.id]
    assert second.claim("you", URL) == []
    assert ids(store.claim("me", URL)) == [task.id]


def test_saving_with_an_owner_takes_the_watch(store: Store, second: Store, make: Make) -> None:
    store.save(make(), owner="me")
    assert second.claim("you", URL) == []


def test_saving_without_an_owner_leaves_it_to_all(store: Store, second: Store, make: Make) -> None:
    task = make()
    store.save(task)
    assert ids(second.claim("you", URL)) == [task.id]


def test_what_another_process_watches_is_not_written_over(store: Store, second: Store, make: Make) -> None:
    task = make()
    store.save(task, owner="me")
    for owner in ("", "you"):
        with pytest.raises(TakenError):
            second.save(task.change(note="mine now"), owner=owner)
    assert second.take("you", task.id) is None
    assert store.get(task.id) == task


def test_what_is_released_may_be_taken(store: Store, second: Store, make: Make) -> None:
    mine, yours = make(), make()
    store.save(mine, owner="me")
    second.save(yours, owner="you")
    store.release("me")
    assert ids(second.claim("third", URL)) == [mine.id]


def test_a_watch_that_went_silent_is_taken_over(
    store: Store, second: Store, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = make()
    with monkeypatch.context() as silent:
        silent.setattr("tui.tasks.store.LEASE", -1.0)
        store.save(task, owner="me")
    assert ids(second.claim("you", URL)) == [task.id]
    assert store.claim("me", URL) == []


def test_a_renewed_watch_is_kept(store: Store, second: Store, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    task = make()
    with monkeypatch.context() as silent:
        silent.setattr("tui.tasks.store.LEASE", -1.0)
        store.save(task, owner="me")
    store.renew("me", [task.id])
    assert second.claim("you", URL) == []


def test_a_watch_that_was_taken_over_is_not_renewed(
    store: Store, second: Store, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A laptop wakes up: its tasks are others' now."""
    task = make()
    with monkeypatch.context() as silent:
        silent.setattr("tui.tasks.store.LEASE", -1.0)
        store.save(task, owner="me")
    second.claim("you", URL)
    store.renew("me", [task.id])
    store.release("me")
    assert store.claim("third", URL) == []


def test_only_unfinished_tasks_of_that_service_are_claimed(store: Store, make: Make) -> None:
    live = [make(status=status) for status in (Status.HELD, Status.SUBMITTING, Status.PENDING, Status.FETCHING)]
    left = [
        make(status=Status.COMPLETED),
        make(status=Status.REJECTED),
        make(status=Status.DROPPED),
        make(status=Status.PENDING, watched=False),
        make(error=Problem("validation", "Choose.")),
        make(base_url="https://elsewhere.example"),
    ]
    for task in live + left:
        store.save(task)
    assert sorted(ids(store.claim("me", URL))) == sorted(ids(live))


def test_some_may_be_claimed_alone(store: Store, second: Store, make: Make) -> None:
    one, two = make(), make()
    store.save(one)
    store.save(two)
    assert ids(store.claim("me", URL, [one.id, "nosuch"])) == [one.id]
    assert store.claim("me", URL, []) == []
    assert ids(second.claim("you", URL)) == [two.id]


def test_an_ended_task_is_watched_by_nobody(store: Store, second: Store, make: Make) -> None:
    task = make(status=Status.PENDING)
    store.save(task, owner="me")
    failed = task.change(Status.FAILED)
    store.save(failed, owner="me")
    second.save(failed.change(Status.FETCHING))
    assert ids(second.claim("you", URL)) == [task.id]


# ---- what happened, what was learnt


def test_events_are_kept_in_order_with_the_servers_words(store: Store, second: Store, make: Make) -> None:
    task, other = make(), make()
    store.save(task, "held")
    store.save(other, "held")
    store.save(task.change(note="silent"))
    store.save(task.change(Status.SUBMITTING), "answered", '{"id": "t1"}')
    events = second.events(task.id)
    assert [(event, raw) for _, event, raw in events] == [("held", ""), ("answered", '{"id": "t1"}')]
    assert events[0][0] <= events[1][0]
    assert store.events("nosuch") == []


def test_what_was_learnt_belongs_to_its_service(store: Store, second: Store) -> None:
    assert store.learnt(URL) == {}
    store.learn(URL, "route", "unified")
    store.learn(URL, "status", "tasks")
    store.learn(URL, "route", "service")
    assert second.learnt(URL) == {"route": "service", "status": "tasks"}
    assert second.learnt("https://elsewhere.example") == {}
