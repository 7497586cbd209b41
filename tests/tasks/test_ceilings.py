"""Ceilings over real HTTP: each submit is compared with what was really charged."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from tests.loopback import serving
from tests.tasks.conftest import OpenEngine, Watched, requests
from tests.tasks.faults import booked, small_pictures
from tui.catalog.load import bundled
from tui.catalog.spec import Values
from tui.demo.tasks import DemoTask
from tui.tasks import archive, connection, submit
from tui.tasks.ceilings import CeilingError, Ceilings
from tui.tasks.drain import to_the_end
from tui.tasks.store import Store
from tui.tasks.task import SetAside, Status, Task, new_id

MODEL = bundled().find("z-image")
PRICE = 10_000
DEAR: Values = {"prompt": "a fox demo:dear"}
"""Charged $5, at a list price of $0.01."""
FOX: Values = {"prompt": "a fox"}


class At(NamedTuple):
    """The service, and what it has made."""

    url: str
    made: list[DemoTask]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[At]:
    small_pictures(monkeypatch)
    monkeypatch.setattr(submit, "CHARGE_PAUSE", 0.01)
    app, book = booked(delay=0, balance_cents=100_000)
    with serving(app) as url:
        yield At(url, book.made)


async def ended(watched: Watched, tasks: list[Task]) -> list[Task]:
    return [await watched.engine.wait(task.id) for task in tasks]


def past_ceiling(tasks: list[Task]) -> list[Task]:
    return [task for task in tasks if task.set_aside is SetAside.CEILING]


async def test_a_charge_above_the_list_price_stops_its_job(
    service: At, open_engine: OpenEngine, tmp_path: Path
) -> None:
    limited: dict[str, Any] = {"ceilings": Ceilings(job=100_000), "concurrency": 1}
    async with open_engine(service.url, **limited) as watched:
        tasks = await watched.engine.submit_job(requests(MODEL, [DEAR] * 6))
        stopped = past_ceiling(await ended(watched, tasks))
        assert len(service.made) == 1
        assert len(stopped) == 5
        assert not any(task.live or task.sent_at for task in stopped)
        assert stopped[0].note == (
            "Not sent, not charged: it would cost about $5.00. This job may cost $0.10,"
            " and $5.00 is spent or on its way (job_usd). Raise that limit and start an"
            " open app again, or send it anyway: `s` in the app, or"
            f" `runapi-tui resume --over-budget {stopped[0].job}`."
        )
        # Without the user's word it is stopped once more; with it, it is sent.
        first, second = stopped[:2]
        await watched.engine.watch(first.id)
        assert past_ceiling(await ended(watched, [first]))
        await watched.engine.watch(second.id, over_ceiling=True)
        assert (await watched.engine.wait(second.id)).cost_micro == 5_000_000
        assert len(service.made) == 2
    # Nothing is sent by another start, nor where no ceiling is set.
    async with open_engine(service.url) as watched:
        assert await watched.engine.adopt() == []
    assert len(service.made) == 2


@pytest.mark.parametrize(
    "limited",
    [{"ceilings": Ceilings(job=50_000)}, {"ceilings": Ceilings(day=50_000)}],
    ids=["job", "day"],
)
async def test_of_a_price_of_0_one_is_sent_until_a_charge_is_known(
    service: At, open_engine: OpenEngine, limited: dict[str, Any]
) -> None:
    async with open_engine(service.url, concurrency=8, **limited) as watched:
        tasks = await watched.engine.submit_job(requests(MODEL, [DEAR] * 8, [0] * 8))
        assert len(past_ceiling(await ended(watched, tasks))) == 7
    assert len(service.made) == 1


async def test_of_a_price_of_0_that_is_a_low_one_as_many_are_sent_as_fit(
    service: At, open_engine: OpenEngine
) -> None:
    limited: dict[str, Any] = {"ceilings": Ceilings(day=3 * PRICE), "concurrency": 8}
    async with open_engine(service.url, **limited) as watched:
        tasks = await watched.engine.submit_job(requests(MODEL, [FOX] * 8, [0] * 8))
        assert len(past_ceiling(await ended(watched, tasks))) == 5
    assert [made.cost for made in service.made] == [PRICE] * 3


async def test_no_more_than_the_places_are_sent_before_a_charge_is_known(
    service: At, open_engine: OpenEngine
) -> None:
    limited: dict[str, Any] = {"ceilings": Ceilings(day=10**6), "concurrency": 3}
    async with open_engine(service.url, **limited) as watched:
        tasks = await watched.engine.submit_job(requests(MODEL, [DEAR] * 12))
        assert len(past_ceiling(await ended(watched, tasks))) >= 9
    assert len(service.made) <= 3


async def test_what_the_user_has_agreed_to_passes(
    service: At, open_engine: OpenEngine
) -> None:
    async with open_engine(service.url, ceilings=Ceilings(1, 1)) as watched:
        with pytest.raises(CeilingError):
            await watched.engine.submit_job(requests(MODEL, [DEAR] * 3))
        assert not watched.engine.tasks
        tasks = await watched.engine.submit_job(
            requests(MODEL, [DEAR] * 3), over_ceiling=True
        )
        assert {task.status for task in await ended(watched, tasks)} == {
            Status.COMPLETED
        }
    assert len(service.made) == 3


async def test_what_is_set_aside_while_it_waits_for_the_connection_stays_unsent(
    service: At, open_engine: OpenEngine
) -> None:
    async with open_engine(service.url, ceilings=Ceilings(day=10**6)) as watched:
        queue, gate = watched.engine.queue, watched.engine._connection._gate
        for _ in range(connection.AT_ONCE):
            await gate.acquire()
        task = await watched.engine.submit(MODEL, FOX)
        while not gate._waiters:  # noqa: ASYNC110  it has no event for this
            await asyncio.sleep(0.01)
        await queue.set_aside_job(task, "Another task of its job passed a limit.")
        for _ in range(connection.AT_ONCE):
            gate.release()
        assert past_ceiling(await ended(watched, [task]))
        assert queue.tasks[task.id].status is Status.HELD
    assert service.made == []


async def test_what_another_program_has_spent_counts_at_each_submit(
    service: At, open_engine: OpenEngine, tmp_path: Path
) -> None:
    async with open_engine(service.url, ceilings=Ceilings(day=3 * PRICE)) as watched:
        engine = watched.engine
        await engine.pause(True)
        tasks = await engine.submit_job(requests(MODEL, [FOX] * 3))
        other = Store(tmp_path / "queue.db")
        spent = replace(tasks[0], id=new_id(), job="", base_url="https://RUNAPI.ai.")
        spent = spent.change(Status.SUBMITTING).change(Status.FETCHING)
        spent = replace(spent.change(Status.COMPLETED), cost_micro=2 * PRICE)
        other.save(spent)
        other.close()
        await engine.pause(False)
        assert len(past_ceiling(await ended(watched, tasks))) == 2
    assert len(service.made) == 1


async def test_a_retry_counts_for_its_job_and_leaves_the_task_where_it_is_refused(
    service: At, open_engine: OpenEngine
) -> None:
    cells: list[Values] = [FOX, {"prompt": "a fox demo:fail"}]
    async with open_engine(service.url, ceilings=Ceilings(job=2 * PRICE)) as watched:
        engine = watched.engine
        tasks = await engine.submit_job(requests(MODEL, cells))
        _, failed = await ended(watched, tasks)
        # The failed one has cost nothing: its retry fits.
        again = await engine.retry(failed)
        assert (await engine.wait(again.id)).status is Status.FAILED
        engine._submitter.ceilings = Ceilings(job=PRICE)
        with pytest.raises(CeilingError, match="This job may cost"):
            await engine.retry(engine.tasks[again.id])
        assert not engine.tasks[again.id].retried_by
        third = await engine.retry(engine.tasks[again.id], over_ceiling=True)
        await engine.wait(third.id)
    assert len(service.made) == 4


async def test_a_window_of_a_long_job_sets_all_of_it_aside_at_once(
    service: At, open_engine: OpenEngine
) -> None:
    limited: dict[str, Any] = {"ceilings": Ceilings(job=10**6), "concurrency": 1}
    async with open_engine(service.url, adopt=False, **limited) as watched:
        tasks = await watched.engine.submit_job(
            requests(MODEL, [DEAR] * 30), start=False
        )
        ids = [task.id for task in tasks]
        told = [task async for task in to_the_end(watched.engine, ids)]
        assert len(past_ceiling(told)) == 29
        writes = {task.updated_at for task in past_ceiling(told)}
        newest = await watched.engine.queue.run(Store.newest)
    assert len(service.made) == 1
    assert len(writes) == 29
    assert newest < 30 * 2 + 15  # each was written twice: drafted, and set aside


def test_an_imported_mark_of_the_user_s_word_is_none(tmp_path: Path) -> None:
    store, other = Store(tmp_path / "queue.db"), Store(tmp_path / "other.db")
    task = Task(
        id=new_id(),
        action="text_to_image",
        model="z-image",
        service="z_image",
        base_url="https://runapi.ai",
        route="unified",
        values=FOX,
        created_at=1.0,
        cost_micro=10**9,
        over_ceiling=True,
    )
    store.save(task)
    archive.load(other, archive.dump(store), tmp_path, print)
    (brought,) = other.search()
    assert not brought.over_ceiling
    assert other.spent("https://runapi.ai").day.micro == 0
    store.close()
    other.close()
