"""The queue on disk: what is saved is found, and of several processes one watches a
task.
"""

import os
import resource
import sqlite3
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.outside import TEMPORARY
from tui.catalog.load import bundled
from tui.tasks.draft import draft
from tui.tasks.lease import LEASE
from tui.tasks.store import Entry, Store
from tui.tasks.store_errors import DamagedError, LeasedError, StoreError
from tui.tasks.task import Problem, Result, Status, Task
from tui.tasks.trash import KEPT_FOR
from tui.tasks.undo import UNDO_GROUPS

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
        task = draft(
            bundled().find("z-image"),
            {"prompt": prompt},
            base_url=URL,
            out_dir=tmp_path,
        )
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
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {
        0o600
    }


def test_a_file_that_others_may_read_is_made_private(
    store: Store, path: Path, make: Make
) -> None:
    store.save(make())
    places = [path.parent, *path.parent.iterdir()]
    for place in places:
        place.chmod(0o777)
    Store(path).close()
    assert [place for place in places if place.stat().st_mode & 0o077] == []
    assert store.notices == []


def test_a_file_of_another_user_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(path).close()
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    store = Store(path)
    store.close()
    assert len(store.notices) == 2
    assert all("belongs to another user" in told for told in store.notices)


def test_a_folder_instead_of_a_file_is_told(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StoreError, match=r"can't be opened: check"):
        Store(path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"queue\.db can't be used: .*\.$"):
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
        results=(
            Result(
                url="https://x/a.png",
                path="/a.png",
                width=8,
                height=8,
                bytes=9,
                format="png",
            ),
        ),
        cost_micro=50_000,
        status=Status.PENDING,
    )
    store.save(task)
    assert store.get(task.id) == task
    assert second.get(task.id) == task


def test_a_later_snapshot_takes_the_place_of_the_earlier(
    store: Store, make: Make
) -> None:
    task = make()
    store.save(task)
    store.save(task.change(Status.SUBMITTING))
    found = store.get(task.id)
    assert found
    assert found.status is Status.SUBMITTING
    assert len(store.search()) == 1


def test_a_task_is_found_by_any_of_its_names(store: Store, make: Make) -> None:
    task = make(id="abcd1111222233", remote_id="tsk_7f3e-99")
    store.save(task)
    store.save(make(id="zzzz1111224444", remote_id="tsk_other"))
    for name in (
        "abcd1111222233",
        "tsk_7f3e-99",
        "abcd",
        "2233",
        "abcd1111",
        "1111222233",
        "ABCD",
    ):
        assert store.get(name) == task, name


@pytest.mark.parametrize(
    "name",
    [
        "tsk_7f3e",
        "abc",
        "233",
        "bcd1",
        "nosuchid",
        "%",
        "%%%%",
        "____",
        "abcd%",
        "ab_d1111222233",
        "'",
        "\0",
        "\ud8001",
    ],
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


def test_a_whole_name_wins_over_the_beginning_of_another(
    store: Store, make: Make
) -> None:
    whole = make(id="abcd1111222233", remote_id="zzzz")
    store.save(whole)
    store.save(make(id="zzzz1111222233"))
    assert store.get("zzzz") == whole


def test_the_queue_shows_the_latest_and_all_that_is_unfinished(
    store: Store, make: Make
) -> None:
    for number in range(6):
        store.save(make(id=f"z{number}", status=Status.COMPLETED))
    for status in (Status.HELD, Status.PENDING, Status.COMPLETED):
        store.save(make(id=f"a-{status}", status=status))
        store.save(make(id=f"b-{status}", status=status, cleared=True))
        store.save(make(id=f"c-{status}", status=status, deleted=True))
    unfinished = ["b-pending", "b-held", "a-pending", "a-held"]
    assert ids(store.shown(2)) == ["z5", "z4", *unfinished]
    assert ids(store.shown(0)) == unfinished
    assert ids(store.shown(99)) == [
        "z5",
        "z4",
        "z3",
        "z2",
        "z1",
        "z0",
        *unfinished,
        "a-completed",
    ]


def test_a_job_is_found_whole(store: Store, make: Make) -> None:
    store.save(make(id="c", job="j1"))
    store.save(make(id="a", job="j1", cleared=True))
    store.save(make(id="b", job="j1", deleted=True))
    store.save(make(id="d", job="j2"))
    assert ids(store.of_job("j1")) == ["a", "c"]
    assert store.of_job("nosuch") == []


def test_what_has_changed_since(store: Store, make: Make) -> None:
    """Told by the order of the writes: one clock was set back, another one was ahead."""
    assert store.changed_since(0) == ([], 0)
    for number, moment in enumerate((10.0, 9e9, 20.0)):
        store.save(make(id=f"t{number}", updated_at=moment))
    changed, newest = store.changed_since(1)
    assert (ids(changed), newest) == (["t1", "t2"], 3)
    assert store.newest() == newest
    assert store.changed_since(newest) == ([], newest)
    store.save(make(id="t0", updated_at=5.0))
    changed, newest = store.changed_since(newest)
    assert (ids(changed), newest) == (["t0"], 4)
    store.renew("me", ["t1"])
    store.lease("me", ["t1"])
    assert store.newest() == newest  # who watches is no news


def test_the_data_version_tells_of_others_writes_alone(
    store: Store, second: Store, make: Make
) -> None:
    before = store.data_version()
    store.save(make())
    assert store.data_version() == before
    second.save(make())
    assert store.data_version() != before


# ---- many at once


def test_many_are_written_at_once_and_each_hears_of_its_own_problem(
    store: Store, second: Store, make: Make
) -> None:
    mine, theirs, ended = make(), make(), make(status=Status.COMPLETED)
    second.save(theirs, owner="you")
    version = second.data_version()
    problems = store.save_all(
        [
            Entry(mine, "held", owner="me"),
            Entry(theirs.change(note="mine now"), "stolen", owner="me"),
            Entry(mine.change(Status.SUBMITTING), "sent", "{}", owner="me"),
            Entry(ended),
        ]
    )
    assert [type(problem) for problem in problems] == [
        type(None),
        LeasedError,
        type(None),
        type(None),
    ]
    assert second.data_version() == version + 1
    assert second.get(mine.id) == store.get(mine.id)
    assert [task.status for task in second.search() if task.id == mine.id] == [
        Status.SUBMITTING
    ]
    assert second.get(theirs.id) == theirs
    assert second.get(ended.id) == ended
    assert [event for _, event, _ in second.events(mine.id)] == ["held", "sent"]
    assert second.events(theirs.id) == []
    assert store.save_all([]) == []


def test_a_snapshot_that_needs_another_one_is_refused_with_it(
    store: Store, second: Store, make: Make
) -> None:
    """A retry is not sent where its task couldn't be marked as retried."""
    failed, retry = make(status=Status.FAILED), make()
    store.save(failed)
    store.save(failed.change(retried_by="another"))
    marked = failed.change(retried_by=retry.id)
    mark = Entry(marked, "retried", owner="me", after=failed.revision)
    problems = second.save_all(
        [mark, Entry(retry, "held", owner="me", if_previous=True)]
    )
    assert [type(problem) for problem in problems] == [LeasedError, LeasedError]
    assert store.get(retry.id) is None


def test_many_are_written_all_or_none(store: Store, second: Store, make: Make) -> None:
    known, version = make(), second.data_version()
    store.save(known)
    unwritable = make(cost_micro=2**70)
    with pytest.raises(OverflowError):
        store.save_all(
            [Entry(known.change(note="lost"), "lost"), Entry(make()), Entry(unwritable)]
        )
    assert second.search() == [known]
    assert second.events(known.id) == []
    assert second.data_version() == version + 1
    second.save(make())  # and nothing is left locked
    assert len(store.search()) == 2


def test_what_is_known_is_not_written_over(
    store: Store, second: Store, make: Make
) -> None:
    known, new = make("a fox"), make("an owl", status=Status.PENDING)
    store.save(known, "held")
    count = second.add_missing(
        [
            (replace(known, values={"prompt": "another"}), [(1.0, "imported", "")]),
            (new, [(2.0, "held", ""), (1.0, "drafted", "{}")]),
            (replace(new, cost_micro=5), [(3.0, "again", "")]),
        ]
    )
    assert count == 1
    assert store.get(known.id) == known
    assert store.get(new.id) == new
    assert [event for _, event, _ in store.events(known.id)] == ["held"]
    assert store.events(new.id) == [(1.0, "drafted", "{}"), (2.0, "held", "")]
    assert ids(store.search("owl")) == [new.id]
    assert set(ids(store.claim("me", URL))) == {known.id, new.id}
    assert second.add_missing([]) == 0


# ---- who watches


def test_a_task_has_one_watcher(store: Store, second: Store, make: Make) -> None:
    task = make()
    store.save(task)
    assert ids(store.claim("me", URL)) == [task.id]
    assert second.claim("you", URL) == []
    assert ids(store.claim("me", URL)) == [task.id]


def test_saving_with_an_owner_takes_the_watch(
    store: Store, second: Store, make: Make
) -> None:
    store.save(make(), owner="me")
    assert second.claim("you", URL) == []


def test_saving_without_an_owner_leaves_it_to_all(
    store: Store, second: Store, make: Make
) -> None:
    task = make()
    store.save(task)
    assert ids(second.claim("you", URL)) == [task.id]


def test_what_another_process_watches_is_not_written_over(
    store: Store, second: Store, make: Make
) -> None:
    task = make()
    store.save(task, owner="me")
    for owner in ("", "you"):
        with pytest.raises(LeasedError):
            second.save(task.change(note="mine now"), owner=owner)
    assert second.lease("you", [task.id]) == []
    assert store.get(task.id) == task


def test_of_many_those_are_taken_that_nobody_has(
    store: Store, second: Store, make: Make
) -> None:
    free, mine, theirs, ended = make(), make(), make(), make(status=Status.COMPLETED)
    for task, owner in ((free, ""), (mine, "me"), (theirs, "you"), (ended, "")):
        store.save(task, owner=owner)
    asked = [ended.id, theirs.id, "nosuch", free.id, mine.id]
    assert store.lease("me", asked) == [ended, free, mine]
    assert second.lease("you", asked) == [theirs]
    assert second.claim("you", URL) == [theirs]
    assert store.lease("me", []) == []


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
        silent.setattr("tui.tasks.claims.LEASE", -1.0)
        store.save(task, owner="me")
    assert ids(second.claim("you", URL)) == [task.id]
    assert store.claim("me", URL) == []


def test_a_job_that_is_put_into_the_queue_is_watched_for_a_whole_lease(
    store: Store, second: Store, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = [make(), make()]
    store.add_missing(((task, []) for task in tasks), "me")
    put_at = time.time()
    monkeypatch.setattr(time, "time", lambda: put_at + LEASE - 1)
    assert second.claim("you", URL) == []
    monkeypatch.setattr(time, "time", lambda: put_at + LEASE + 1)
    assert ids(second.claim("you", URL)) == ids(tasks)


def test_a_renewed_watch_is_kept(
    store: Store, second: Store, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = make()
    with monkeypatch.context() as silent:
        silent.setattr("tui.tasks.claims.LEASE", -1.0)
        store.save(task, owner="me")
    store.renew("me", [task.id])
    assert second.claim("you", URL) == []


def test_a_watch_that_was_taken_over_is_not_renewed(
    store: Store, second: Store, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A laptop wakes up: its tasks are others' now."""
    task = make()
    with monkeypatch.context() as silent:
        silent.setattr("tui.tasks.claims.LEASE", -1.0)
        store.save(task, owner="me")
    second.claim("you", URL)
    store.renew("me", [task.id])
    store.release("me")
    assert store.claim("third", URL) == []


def test_only_unfinished_tasks_of_that_service_are_claimed(
    store: Store, make: Make
) -> None:
    live = [
        make(status=status)
        for status in (Status.HELD, Status.SUBMITTING, Status.PENDING, Status.FETCHING)
    ]
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


def test_an_ended_task_is_watched_by_nobody(
    store: Store, second: Store, make: Make
) -> None:
    task = make(status=Status.PENDING)
    store.save(task, owner="me")
    failed = task.change(Status.FAILED)
    store.save(failed, owner="me")
    second.save(failed.change(Status.FETCHING))
    assert ids(second.claim("you", URL)) == [task.id]


# ---- what happened, what was learnt


def test_events_are_kept_in_order_with_the_servers_words(
    store: Store, second: Store, make: Make
) -> None:
    task, other = make(), make()
    store.save(task, "held")
    store.save(other, "held")
    store.save(task.change(note="silent"))
    store.save(task.change(Status.SUBMITTING), "answered", '{"id": "t1"}')
    events = second.events(task.id)
    assert [(event, raw) for _, event, raw in events] == [
        ("held", ""),
        ("answered", '{"id": "t1"}'),
    ]
    assert events[0][0] <= events[1][0]
    assert store.events("nosuch") == []


def test_what_was_learnt_belongs_to_its_service(store: Store, second: Store) -> None:
    assert store.learnt(URL) == {}
    store.learn(URL, "route", "unified")
    store.learn(URL, "status", "tasks")
    store.learn(URL, "route", "service")
    assert second.learnt(URL) == {"route": "service", "status": "tasks"}
    assert second.learnt("https://elsewhere.example") == {}


def test_an_upload_is_known_until_it_expires(
    store: Store, second: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.remember_upload(URL, "digest", "https://x/old.png", 60)
    store.remember_upload(URL, "digest", "https://x/new.png", 60)
    assert second.uploaded(URL, "digest") == "https://x/new.png"
    assert second.uploaded("https://elsewhere.example", "digest") == ""
    assert second.uploaded(URL, "other") == ""
    later = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: later)
    assert second.uploaded(URL, "digest") == ""


def test_a_rest_beyond_an_hour_is_of_a_wrong_clock(store: Store) -> None:
    now = time.time()
    kept = {
        "rest": str(now + 3000),
        "rest old": str(now - 9e6),
        "rest none": "",
        "route": "service",
        "resting": "x",
    }
    wrong = {
        "rest work": str(now + 4000),
        "rest a": "soon",
        "rest b": "inf",
        "rest c": "nan",
        "rest d": "1e999",
    }
    for name, value in (kept | wrong).items():
        store.learn(URL, name, value)
    assert store.learnt(URL) == kept


def test_an_upload_of_a_clock_that_was_ahead_is_none(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = time.time() + 86400
    with monkeypatch.context() as then:
        then.setattr(time, "time", lambda: ahead)
        store.remember_upload(URL, "digest", "https://x/up.png", 3000)
    assert store.uploaded(URL, "digest") == ""


# ---- what was not sent


def test_what_is_held_is_set_aside_whoever_watches_it(
    store: Store, second: Store, make: Make
) -> None:
    mine, theirs, free = make(), make(), make(error=Problem("validation", "Choose."))
    sent, ended, left = (
        make(status=Status.SUBMITTING),
        make(status=Status.COMPLETED),
        make(),
    )
    store.save_all([Entry(mine, owner="me"), Entry(free), Entry(ended), Entry(left)])
    second.save_all([Entry(theirs, owner="you"), Entry(sent, owner="you")])
    asked = [task.id for task in (ended, sent, theirs, free, mine)]
    before = second.newest()
    aside = store.set_aside_unsent(iter([*asked, "nosuch", *asked]))
    # What needs the user first is not sent anyhow
    assert sorted(ids(aside)) == sorted(ids([theirs, mine]))
    for task in aside:
        assert second.get(task.id) == task
        assert (task.status, task.watched, task.set_aside, task.note) == (
            Status.HELD,
            False,
            "interrupted",
            "",
        )
        assert task.revision == 1
        assert not task.live
        assert [event for _, event, _ in second.events(task.id)] == ["set aside"]
    assert second.changed_since(before)[0] == aside
    assert store.get(sent.id) == sent
    assert ids(store.claim("third", URL)) == [left.id]
    assert store.set_aside_unsent(asked) == []
    (problem,) = second.save_all(
        [Entry(theirs.change(Status.SUBMITTING), owner="you", after=0)]
    )
    assert isinstance(problem, LeasedError)  # it was about to be sent


def test_thousands_are_set_aside_at_once(
    store: Store, second: Store, make: Make
) -> None:
    tasks = [make(id=f"t{number:04}") for number in range(3000)]
    store.add_missing(((task, []) for task in tasks), "you")
    version = second.data_version()
    assert len(store.set_aside_unsent(task.id for task in tasks)) == 3000
    assert second.data_version() == version + 1
    assert store.claim("me", URL) == []


# ---- what has not ended


def test_what_has_not_ended_is_told_with_who_watches_it(
    store: Store, make: Make, tmp_path: Path
) -> None:
    now = time.time()
    image = Result(url="https://x/a.png")
    saved = Result(url="https://x/a.png", path=str(tmp_path / "a.png"))
    unfinished = {
        "a": make(id="a"),
        "b": make(id="b", status=Status.PENDING, watched=False),
        "c": make(
            id="c",
            status=Status.SUBMITTING,
            base_url="https://elsewhere.example",
            profile="work",
        ),
        "d": make(
            id="d", status=Status.FAILED, results=(image,), made_at=now - 6 * 86400
        ),
        "e": make(
            id="e",
            status=Status.EXPIRED,
            results=(saved, image),
            made_at=now,
            cleared=True,
        ),
        "f": make(id="f", status=Status.COMPLETED, results=(image,), made_at=now + 99),
        "g": make(
            id="g", status=Status.FETCHING, results=(image,), made_at=now - 8 * 86400
        ),
    }
    over = [
        make(status=Status.COMPLETED, results=(saved,), made_at=now),
        make(status=Status.COMPLETED, error=Problem("empty", "Nothing."), made_at=now),
        make(status=Status.FAILED, results=(image,), made_at=now - 8 * 86400),
        make(status=Status.FAILED),
        make(status=Status.DROPPED),
        make(status=Status.PENDING, deleted=True),
        make(status=Status.FAILED, results=(image,), made_at=now, deleted=True),
    ]
    store.add_missing(((task, []) for task in over), "you")
    store.save_all(Entry(task) for task in unfinished.values())
    store.lease("you", ["a", "d"])
    store.lease("me", ["b"])
    found = list(store.unfinished("me"))
    assert [task for task, _ in found] == list(unfinished.values())
    assert [task.id for task, is_held in found if is_held] == ["a", "d"]
    assert [task.id for task, is_held in store.unfinished() if is_held] == [
        "a",
        "b",
        "d",
    ]


def test_what_has_not_ended_is_read_while_it_changes(store: Store, make: Make) -> None:
    store.add_missing((make(id=f"t{number:04}"), []) for number in range(1200))
    count = 0
    for task, _ in store.unfinished():
        count += 1
        store.save(task.change(Status.DROPPED))
    assert count == 1200
    assert list(store.unfinished()) == []


@pytest.mark.parametrize("method", ["claim", "unfinished", "release", "shown"])
def test_the_ended_are_not_looked_through(
    store: Store, make: Make, method: str
) -> None:
    """Whatever the number of ended tasks, no more steps are taken than without them."""
    calls: dict[str, Callable[[], object]] = {
        "claim": lambda: store.claim("me", URL),
        "unfinished": lambda: list(store.unfinished("me")),
        "release": lambda: store.release("me"),
        "shown": lambda: store.shown(5),
    }
    store.add_missing((make(id=f"a{number}"), []) for number in range(5))
    store.add_missing(
        (make(id=f"b{number:04}", status=Status.COMPLETED), []) for number in range(20)
    )

    def steps() -> int:
        count = 0

        def step() -> int:
            nonlocal count
            count += 1
            return 0

        store._db.set_progress_handler(step, 10)
        calls[method]()
        store._db.set_progress_handler(None, 10)
        return count

    few = steps()
    store.add_missing(
        (make(id=f"c{number:04}", status=Status.COMPLETED), [])
        for number in range(2000)
    )
    assert steps() <= 2 * few + 10


# ---- what can be undone


def test_what_was_put_away_last_comes_back_first(
    store: Store, second: Store, make: Make
) -> None:
    assert store.pop_undo() == store.peek_undo() == []
    one, two = (
        [make(), make()],
        [make(results=(Result(url="https://x/a.png", path="/a.png"),))],
    )
    store.push_undo(one)
    store.push_undo([])
    second.push_undo(two)
    assert store.peek_undo() == second.peek_undo() == two
    assert store.pop_undo() == two
    assert second.pop_undo() == one
    assert store.pop_undo() == []


def test_no_more_is_kept_to_be_undone_than_the_trash_keeps(
    store: Store, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(UNDO_GROUPS + 5):
        store.push_undo([make(id=f"t{number:03}")])
    later = time.time() + KEPT_FOR - 60
    monkeypatch.setattr(time, "time", lambda: later)
    assert store.peek_undo()
    monkeypatch.setattr(time, "time", lambda: later + 120)
    assert store.peek_undo() == store.pop_undo() == []
    monkeypatch.setattr(time, "time", lambda: later)
    groups = 0
    while store.pop_undo():
        groups += 1
    assert groups == UNDO_GROUPS


# ---- a file that can't be used


WRITES: dict[str, Callable[[Store, Task], object]] = {
    "save": lambda store, task: store.save(task, "held", owner="me"),
    "add_missing": lambda store, task: store.add_missing(
        [(replace(task, id="new"), [(1.0, "held", "")])]
    ),
    "keep_upload": lambda store, task: store.remember_upload(
        URL, "digest", "https://x/a.png", 60
    ),
    "learn": lambda store, task: store.learn(URL, "route", "service" * 2000),
    "take": lambda store, task: store.lease("me", [task.id]),
    "claim": lambda store, task: store.claim("me", URL),
    "renew": lambda store, task: store.renew("me", [task.id]),
    "release": lambda store, task: store.release("me"),
}


def contents(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return list(database.iterdump())


@contextmanager
def small_disk(size: int) -> Iterator[None]:
    """No file may grow beyond `size`, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def as_nobody(folder: Path) -> Iterator[None]:
    """Root may write everywhere: these tests are somebody else then."""
    if os.geteuid():
        yield
        return
    for path in (folder, *folder.iterdir()):
        os.chown(path, 65534, 65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that nobody reaches, unlike pytest's own."""
    with tempfile.TemporaryDirectory(dir=TEMPORARY) as folder:
        yield Path(folder)
        Path(folder).chmod(0o700)


def test_a_file_that_may_not_be_written_can_be_read(
    open_folder: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, task = open_folder / "queue.db", make()
    with closing(Store(path)) as store:
        store.save(task)
    path.chmod(0o400)
    before = contents(path)
    monkeypatch.setattr(
        time, "sleep", lambda seconds: pytest.fail("no patience helps here")
    )
    with as_nobody(open_folder), closing(Store(path)) as store:
        assert store.search() == [task]
        for write in WRITES.values():
            with pytest.raises(
                StoreError,
                match=r"queue\.db can't be used: it may not be written to: change its",
            ):
                write(store, task)
    assert contents(path) == before


@pytest.mark.parametrize("exists", [True, False])
def test_a_folder_that_may_not_be_written_is_told(
    open_folder: Path, exists: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = open_folder / "queue.db"
    if exists:
        Store(path).close()
    open_folder.chmod(0o500)
    monkeypatch.setattr(
        time, "sleep", lambda seconds: pytest.fail("no patience helps here")
    )
    with (
        as_nobody(open_folder),
        pytest.raises(
            StoreError, match=r"its permissions, or its folder's|Permission denied"
        ),
    ):
        Store(path)
    assert [file.name for file in open_folder.iterdir()] == ["queue.db"] * exists


@pytest.mark.parametrize("write", ["save", "add_missing", "learn"])
def test_a_full_disk_is_told_and_nothing_is_written(
    store: Store, path: Path, make: Make, write: str
) -> None:
    known = make()
    store.save(known, "held")
    pages = store._db.execute("pragma page_count").fetchone()[0]
    store._db.execute(f"pragma max_page_count = {pages}")
    before = contents(path)
    huge = make(values={"prompt": "in the snow " * 3000})
    with pytest.raises(
        StoreError,
        match=r"queue\.db can't be used: the disk is full: make room there\.$",
    ):
        WRITES[write](store, huge)
    with pytest.raises(StoreError):
        store.save_all([Entry(known.change(note="lost"), "lost"), Entry(huge)])
    assert contents(path) == before
    assert store.search() == [known]
    store._db.execute("pragma max_page_count = 9999")  # room was made
    WRITES[write](store, huge)
    assert contents(path) != before


def test_a_full_disk_is_told_at_once_where_there_is_no_file_yet(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        time, "sleep", lambda seconds: pytest.fail("no patience helps here")
    )
    with (
        small_disk(0),
        pytest.raises(
            StoreError, match=r"queue\.db can't be used: the disk .*: make room there"
        ),
    ):
        Store(path)
    with closing(Store(path)) as store:
        assert store.search() == []


def test_a_disk_that_refuses_to_write_is_told(
    store: Store, path: Path, make: Make
) -> None:
    known = make()
    store.save(known, "held")
    size = path.with_name("queue.db-wal").stat().st_size
    with small_disk(size):
        for write in ("save", "add_missing", "learn", "take", "claim"):
            with pytest.raises(
                StoreError,
                match=r"queue\.db can't be used: the disk .*: make room there",
            ) as told:
                WRITES[write](store, known)
            assert not isinstance(told.value, DamagedError)
    assert store.search() == [known]
    assert [event for _, event, _ in store.events(known.id)] == ["held"]
    store.save(known.change(Status.SUBMITTING))
    assert [task.status for task in store.search()] == [Status.SUBMITTING]


def test_a_file_that_another_program_holds_is_told(
    path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.tasks.queue_file.LOCK_WAIT", 0.01)
    task = make()
    with (
        closing(Store(path)) as store,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        store.save(task)
        other.execute("begin immediate")
        for write in WRITES.values():
            with pytest.raises(
                StoreError,
                match=r"another program is holding it: end that program, then",
            ):
                write(store, task.change(note="lost"))
        assert store.search() == [task]
        other.execute("rollback")
        store.save(task.change(note="kept"))
        assert [task.note for task in store.search()] == ["kept"]
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("pragma locking_mode = exclusive")
        other.execute("begin exclusive")
        with pytest.raises(StoreError, match="another program is holding it"):
            Store(path)
