"""The queue file is deleted, replaced or out of reach while a program runs."""

import asyncio
import os
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.tasks.test_recovery import asides, ids, make
from tests.tasks.test_store import as_nobody, small_disk
from tui.tasks import cache as desk_module
from tui.tasks.cache import TaskCache
from tui.tasks.spool import Spool
from tui.tasks.store import Entry, Store
from tui.tasks.store_errors import DamagedError, StoreError
from tui.tasks.task import Status

URL = "https://runapi.ai"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "queue.db"


def remove_file(path: Path) -> None:
    path.unlink()


def remove_all(path: Path) -> None:
    for file in path.parent.iterdir():
        file.unlink()


def remove_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def move_away(path: Path) -> None:
    path.rename(path.with_name("moved.db"))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def replace_with_another(path: Path) -> None:
    """By a file of the same kind that has one task of its own."""
    other = path.with_name("other.db")
    with closing(Store(other)) as store:
        store.save(make(900))
    other.replace(path)


def replace_with_garbage(path: Path) -> None:
    other = path.with_name("other.db")
    other.write_bytes(b"a note to myself " * 500)
    other.replace(path)


def make_a_new_one(path: Path) -> None:
    """Another program was started after the file was removed."""
    remove_all(path)
    Store(path).close()


LOSSES = [
    remove_file,
    remove_all,
    remove_folder,
    move_away,
    empty,
    replace_with_another,
    replace_with_garbage,
    make_a_new_one,
]


@pytest.mark.parametrize("lose", LOSSES)
def test_a_store_goes_on_with_all_that_was_in_the_file(
    path: Path, lose: Callable[[Path], None]
) -> None:
    tasks = [make(number) for number in range(40)]
    with closing(Store(path)) as store:
        store.save_all(Entry(task, "held", owner="me") for task in tasks)
        store.learn(URL, "paused", "yes")
        store.push_undo(tasks[:2])
        lose(path)
        with pytest.raises(DamagedError):
            store.save(make(41))
        store.start_over()
        store.save(make(41))
        assert len(store.notices) == 1
        kept = store.search(limit=999)
        if lose is empty:  # its pages may be nowhere but in the log
            return
        assert ids(kept) >= ids([*tasks, make(41)])
        assert [event for _, event, _ in store.events(tasks[0].id)] == ["held"]
        assert store.learnt(URL) == {"paused": "yes"}
        assert store.pop_undo() == tasks[:2]
        assert store.claim("you", URL, [tasks[0].id]) == []  # who watches is kept too
        assert ids(store.claim("me", URL)) >= ids(tasks)
    with closing(Store(path)) as again:
        assert again.search(limit=999) == kept
        assert again.notices == []


def test_newer_tasks_of_the_new_file_stay(path: Path) -> None:
    old, known = make(1), make(2)
    with closing(Store(path)) as store:
        store.save_all(
            [Entry(old), Entry(replace(known, revision=4, note="newer here"))]
        )
        other = path.with_name("other.db")
        with closing(Store(other)) as brought:
            brought.save_all(
                [Entry(replace(old, revision=9, note="newer there")), Entry(known)]
            )
        other.replace(path)
        store.start_over()
        assert {task.note for task in store.search()} == {"newer here", "newer there"}
        assert store.notices[0].endswith("Tasks brought back into it: 1.")


def test_of_several_programs_each_brings_what_it_knows(path: Path) -> None:
    stores = [Store(path) for _ in range(3)]
    stores[0].add_missing((make(number), []) for number in range(9))
    remove_all(path)
    for number, store in enumerate(stores):
        store.start_over([make(100 + number)])
    assert len(stores[0].search()) == 12
    for store in stores:
        store.save(make(200))
        store.close()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("pragma integrity_check").fetchone() == ("ok",)
        assert db.execute("select count(*) from tasks").fetchone() == (13,)


def test_without_room_for_a_new_file_the_lost_one_is_tried_again(path: Path) -> None:
    tasks = [make(number) for number in range(40)]
    with closing(Store(path)) as store:
        store.add_missing((task, []) for task in tasks)
        remove_all(path)
        with small_disk(30_000), pytest.raises(StoreError, match="make room"):
            store.start_over()
        with pytest.raises(DamagedError):
            store.data_version()
        store.start_over()
        assert ids(store.search(limit=99)) == ids(tasks)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that nobody reaches, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root sees every folder")
@pytest.mark.parametrize("mode", [0o000, 0o600])
def test_a_folder_that_can_not_be_seen_for_a_while_costs_nothing(
    open_folder: Path, mode: int
) -> None:
    path, task = open_folder / "state" / "queue.db", make(1)
    path.parent.mkdir()
    with closing(Store(path)) as store:
        store.save(task)
        version = store.data_version()
        with as_nobody(path.parent):
            path.parent.chmod(mode)
            try:
                for ask in (
                    store.data_version,
                    store.start_over,
                    lambda: store.save(make(2)),
                ):
                    with pytest.raises(StoreError, match="Permission denied") as told:
                        ask()
                    assert not isinstance(told.value, DamagedError)
            finally:
                path.parent.chmod(0o700)
            assert store.data_version() == version
            store.save(make(2))
        assert ids(store.search()) == ids([task, make(2)])
        assert store.notices == []
    assert asides(path) == []


def test_a_file_in_the_place_of_the_folder_is_reported(path: Path) -> None:
    with closing(Store(path)) as store:
        store.save(make(1))
        away = path.parent.rename(path.parent.with_name("away"))
        path.parent.write_text("")
        for ask in (store.data_version, store.start_over):
            with pytest.raises(StoreError) as told:
                ask()
            assert not isinstance(told.value, DamagedError)
        path.parent.unlink()
        away.rename(path.parent)
        assert store.data_version()
        assert store.notices == []


# ---- beside memory


@pytest.fixture
async def cache(path: Path) -> AsyncIterator[TaskCache]:
    cache = TaskCache(Store(path), URL, "", lambda task: None)
    await cache.open(50)
    yield cache
    await cache.close()


@pytest.mark.parametrize("lose", LOSSES)
async def test_what_is_in_memory_is_written_to_the_new_file(
    cache: TaskCache, path: Path, lose: Callable[[Path], None]
) -> None:
    saved = [await cache.save(make(number), "held") for number in range(9)]
    sent = await cache.save(saved[0].change(note="sent"), "sending")
    notices: list[str] = []
    cache.on_notice = notices.append
    lose(path)
    await cache.refresh_others(lambda task_id: True, with_new=True)
    new = await cache.save(make(50), "held")
    with closing(Store(path)) as other:
        kept = {task.id: task for task in other.search(limit=99)}
    assert kept.items() >= {task.id: task for task in (sent, *saved[1:], new)}.items()
    assert len(notices) == 1
    assert notices[0].startswith("The queue file ")


async def test_a_draft_comes_back_unless_it_went_on(
    cache: TaskCache, path: Path
) -> None:
    spool = Spool()
    for number in range(9):
        spool.add(make(number, Status.HELD))
    drafts = list(spool)
    cache.spooled_tasks = lambda: spool
    reading = iter(spool)
    assert next(reading) == drafts[0]
    ended = await cache.save(drafts[0], "held")
    for status in (Status.SUBMITTING, Status.FETCHING, Status.COMPLETED):
        ended = await cache.save(ended.change(status), str(status))
    cache.tasks.pop(ended.id)  # as a command does with what is over
    path.write_bytes(b"nothing of it is left " * 999)
    path.with_name("queue.db-wal").write_bytes(b"")
    await cache.run(once(DamagedError("found by a read of what wasn't in memory")))
    await cache.save(drafts[1], "held")
    with closing(Store(path)) as other:
        assert ids(other.search(limit=99)) - {ended.id} == ids(drafts[1:])
        lost = other.get(ended.id)
        assert lost is None or lost.status is Status.COMPLETED
    assert list(reading) == drafts[1:]  # read by two at once


async def test_a_snapshot_that_was_written_before_the_loss_is_not_refused(
    cache: TaskCache, path: Path
) -> None:
    first = await cache.save(make(1), "held")
    second = first.change(note="second")
    store = cache._store
    # And no answer came
    store.save_all([Entry(second, "written", owner=cache.owner, after=first.revision)])
    remove_all(path)
    (problem,) = await cache.run(
        Store.save_all,
        [Entry(second, "written", owner=cache.owner, after=first.revision)],
    )
    assert problem is None
    assert store.get(first.id) == second
    assert [event for _, event, _ in store.events(first.id)] == ["held", "written"]


async def test_an_older_state_of_the_same_file_gets_back_what_it_lacks(
    cache: TaskCache, path: Path
) -> None:
    await cache.save(make(1), "held")
    with (
        closing(sqlite3.connect(path)) as db,
        closing(sqlite3.connect(path.with_name("backup.db"))) as backup,
    ):
        db.backup(backup)
    await cache.save(make(2), "held")
    with (
        closing(sqlite3.connect(path.with_name("backup.db"))) as backup,
        closing(sqlite3.connect(path)) as db,
    ):
        backup.backup(db)
    notices: list[str] = []
    cache.on_notice = notices.append
    await cache.refresh_others(lambda task_id: False, with_new=True)
    with closing(Store(path)) as other:
        assert ids(other.search()) == ids([make(1), make(2)])
    assert "put back to an earlier state" in notices[0]


async def test_changes_of_others_are_seen_despite_wrong_clocks(
    cache: TaskCache, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = await cache.save(make(1), "held", own=False)
    with closing(Store(path)) as other:
        other.save_all(
            [
                Entry(
                    replace(
                        mine,
                        revision=mine.revision + 1,
                        updated_at=1.0,
                        note="an hour behind",
                    )
                ),
                Entry(replace(make(2), updated_at=2.0)),
            ]
        )
        assert await cache.refresh_others(lambda task_id: False, with_new=True)
        assert cache.tasks[mine.id].note == "an hour behind"
        assert make(2).id in cache.tasks
        other.save(
            replace(
                mine, revision=0, updated_at=9e9, note="older, of a clock that is ahead"
            )
        )
        await cache.refresh_others(lambda task_id: False, with_new=True)
        assert cache.tasks[mine.id].note == "an hour behind"


async def test_a_failed_read_is_repeated(
    cache: TaskCache, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Store(path)) as other:
        other.save(make(1))
    with monkeypatch.context() as locked:
        locked.setattr(Store, "learnt", refuse)
        with pytest.raises(StoreError):
            await cache.refresh_others(lambda task_id: False, with_new=True)
    await cache.refresh_others(lambda task_id: False, with_new=True)
    assert make(1).id in cache.tasks


def once(error: Exception) -> Callable[[Store], None]:
    """What fails at its first call."""
    errors = [error]

    def work(_: Store) -> None:
        if errors:
            raise errors.pop()

    return work


def refuse(*_: object) -> None:
    raise StoreError("locked")


async def test_a_change_of_an_older_snapshot_still_counts_as_newer(
    cache: TaskCache,
) -> None:
    """A note was made from the snapshot before a mark was set: others must see both."""
    first = await cache.save(make(1), "held")
    marked = await cache.amend(first.id, favourite=True)
    noted = await cache.save(first.change(note="waiting"))
    assert noted.favourite
    assert noted.revision == marked.revision + 1


async def test_a_long_wait_is_reported_and_its_end(
    cache: TaskCache, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_module, "SLOW", 0.01)
    heard: asyncio.Queue[bool] = asyncio.Queue()
    cache.on_waiting = heard.put_nowait
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin immediate")
        writes = [
            asyncio.create_task(cache.save(make(number), "held")) for number in range(3)
        ]
        async with asyncio.timeout(20):
            assert await heard.get() is True
        other.execute("rollback")
    async with asyncio.timeout(20):
        await asyncio.gather(*writes)
        assert await heard.get() is False
    assert heard.empty()


async def test_an_endless_lock_is_reported(cache: TaskCache, path: Path) -> None:
    heard: list[bool] = []
    cache.on_waiting = heard.append
    await cache.save(make(1))
    cache._store._db.execute("pragma busy_timeout = 20")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin immediate")
        with pytest.raises(
            StoreError, match="another program is holding it: end that program"
        ):
            await cache.save(make(2))
        other.execute("rollback")
    await cache.save(make(2))
    assert heard == []


async def test_undo_outlives_the_process(path: Path) -> None:
    first = TaskCache(Store(path), URL, "", lambda task: None)
    await first.open(50)
    groups = [[make(number, Status.COMPLETED)] for number in range(3)]
    for group in groups:
        await first.run(Store.push_undo, group)
    await first.close()
    second = TaskCache(Store(path), URL, "", lambda task: None)
    await second.open(50)
    assert await second.run(Store.peek_undo) == groups[2]
    assert [await second.run(Store.pop_undo) for _ in range(4)] == [
        groups[2],
        groups[1],
        groups[0],
        [],
    ]
    assert await second.run(Store.peek_undo) == []
    await second.close()


async def test_an_interrupted_command_sets_aside_unsent_tasks(
    cache: TaskCache, path: Path
) -> None:
    held = [await cache.save(make(number, Status.HELD), "held") for number in range(5)]
    going = await cache.save(held[0].change(Status.SUBMITTING), "sending")
    cache.tasks.pop(held[1].id)
    aside = await cache.set_aside_unsent(task.id for task in held)
    assert ids(aside) == ids(held[1:])
    assert cache.tasks[held[2].id] == next(
        task for task in aside if task.id == held[2].id
    )
    assert held[1].id not in cache.tasks
    found = {task.id: watched for task, watched in await cache.unfinished()}
    assert found == {task.id: False for task in held}
    with closing(Store(path)) as other:
        assert ids(other.claim("you", URL)) == set()  # ours alone goes on
        assert {task.id: is_held for task, is_held in other.unfinished("you")}[going.id]
