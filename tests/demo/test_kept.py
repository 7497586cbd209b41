"""What the embedded service keeps in its file: through restarts, between processes, and
whatever becomes of it.
"""

import gc
import os
import resource
import shutil
import sqlite3
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.demo.test_service import (
    KONTEXT,
    REMIX,
    SEGMENTS,
    SMALL,
    UNIFIED,
    Clock,
    Json,
    demo,
    png,
)
from tests.loopback import serving
from tui.catalog.load import bundled
from tui.catalog.spec import Values
from tui.demo import DEMO_KEY, store, tasks, uploads
from tui.demo.service import create_app

REMIXED: Values = {"model": "flux-2-pro-remix-image", "prompt": "snow"}
GROK: Values = {"model": "grok-imagine-image-2-0"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "service.db"


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that couldn't be used is looked at again at once."""
    monkeypatch.setattr(store, "OPEN_AGAIN", 0.0)


def damage(file: Path) -> None:
    """Overwrite all that was written, as a failing disk might."""
    with closing(sqlite3.connect(file)) as database:
        database.execute("pragma wal_checkpoint(truncate)")
    file.write_bytes(b"not a database, " * (file.stat().st_size // 16))


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process can grow."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


# Restarts


async def test_a_task_goes_on_over_a_restart_and_its_key_is_known(file: Path) -> None:
    clock = Clock()
    async with demo(file=file, clock=clock, delay=4) as api:
        path = await api.made(UNIFIED, SMALL, "k1")
        assert (await api.get(path)).json()["status"] == "pending"
    clock.now += 6
    async with demo(file=file, clock=clock, delay=4) as api:
        done = (await api.get(path)).json()
        assert done["status"] == "completed"
        assert (await api.download(done["images"][0]["url"])).status_code == 200
        again = (await api.post(UNIFIED, SMALL, "k1")).json()
        assert (again["task_id"], again["task_replayed"]) == (done["task_id"], True)
        other = await api.post(UNIFIED, {**SMALL, "prompt": "two foxes"}, "k1")
        assert other.status_code == 409
        assert await api.balance() == (4999, 1)


async def test_a_result_is_the_same_picture_after_a_restart(file: Path) -> None:
    async with demo(file=file) as api:
        (image,) = await api.images(UNIFIED, SMALL)
        before = await api.download(image["url"])
    async with demo(file=file) as api:
        assert (await api.download(image["url"])).content == before.content


async def test_results_and_uploads_are_sources_after_a_restart(
    file: Path, painted: list[Json]
) -> None:
    async with demo(file=file) as api:
        (result,) = await api.images(UNIFIED, {**SMALL, "size": "64x32"})
        upload = (await api.upload(png((90, 30)))).json()
        task = await api.made(
            "/api/v1/grok_imagine/text_to_image",
            {**GROK, "prompt": "a fox", "aspect_ratio": "1:1"},
        )
    async with demo(file=file) as api:
        await api.picture(REMIX, {**REMIXED, "source_image_urls": [result["url"]]})
        await api.picture(REMIX, {**REMIXED, "source_image_urls": [upload["url"]]})
        assert [wishes["source"].size for wishes in painted if wishes["source"]] == [
            (64, 32),
            (90, 30),
        ]
        body: Values = {**GROK, "source_task_id": task.rpartition("/")[2]}
        assert (
            len((await api.get(await api.made(SEGMENTS, body))).json()["segments"]) == 4
        )


async def test_a_remix_is_painted_from_its_source_even_a_day_later(
    file: Path, painted: list[Json]
) -> None:
    clock = Clock()
    async with demo(file=file, clock=clock) as api:
        url = (await api.upload(png((90, 30)))).json()["url"]
        path = await api.made(REMIX, {**REMIXED, "source_image_urls": [url]})
    clock.now += 86400
    async with demo(file=file, clock=clock) as api:
        assert (await api.download(url)).status_code == 404
        late = await api.post(
            KONTEXT,
            {"model": "flux-kontext-pro", "prompt": "x", "source_image_url": url},
        )
        assert (late.status_code, list(late.json()["errors"])) == (
            422,
            ["source_image_url"],
        )
        (image,) = (await api.get(path)).json()["images"]
        await api.download(image["url"])
        assert painted[0]["source"].size == (90, 30)


async def test_trouble_is_counted_over_restarts(file: Path) -> None:
    told = []
    for number in range(5):
        async with demo(file=file) as api:
            if not number:
                path = await api.made(UNIFIED, {**SMALL, "prompt": "demo:late"})
            told.append(len((await api.get(path)).json()["images"]))
    assert told == [0, 0, 0, 1, 1]


async def test_money_is_remembered_and_failures_are_given_back(file: Path) -> None:
    clock = Clock()
    async with demo(file=file, clock=clock, delay=4) as api:
        await api.made(UNIFIED, SMALL)
        await api.made(UNIFIED, {**SMALL, "prompt": "demo:fail"})
        assert await api.balance() == (4998, 2)
    clock.now += 86400
    async with demo(file=file, clock=clock, delay=4) as api:
        assert await api.balance() == (4999, 1)
        assert (await api.get("/api/v1/me/balance")).json()["spent_cents_today"] == 0


async def test_an_account_that_ran_dry_is_filled_up_by_the_next_start(
    file: Path,
) -> None:
    for left in ((0, 10), (0, 20)):
        async with demo(file=file, balance_cents=10) as api:
            for _ in range(10):
                await api.made(UNIFIED, SMALL)
            assert (await api.post(UNIFIED, SMALL)).status_code == 402
            assert await api.balance() == left


# Several processes


async def test_what_one_process_makes_the_other_knows(file: Path) -> None:
    clock = Clock()
    async with (
        demo(file=file, clock=clock) as one,
        demo(file=file, clock=clock) as other,
    ):
        path = await one.made(UNIFIED, SMALL, "k1")
        assert (await other.get(path)).json()["status"] == "completed"
        assert (await other.post(UNIFIED, SMALL, "k1")).json()["task_replayed"] is True
        await other.made(UNIFIED, SMALL, "k2")
        assert await one.balance() == (4998, 2)


def test_the_same_key_at_the_same_time_makes_one_task(file: Path) -> None:
    keys = [f"k{number}" for number in range(20)]
    start = threading.Barrier(4)

    def post(base_url: str) -> list[str]:
        with httpx.Client(
            base_url=base_url, headers={"Authorization": f"Bearer {DEMO_KEY}"}
        ) as client:
            start.wait()
            answers = [
                client.post(UNIFIED, json=SMALL, headers={"Idempotency-Key": key})
                for key in keys
            ]
        return [answer.json()["task_id"] for answer in answers]

    with (
        serving(create_app(bundled(), file=file)) as one,
        serving(create_app(bundled(), file=file)) as other,
        ThreadPoolExecutor(4) as pool,
    ):
        made = list(pool.map(post, (one, other, one, other)))
    assert made[0] == made[1] == made[2] == made[3]
    assert len(set(made[0])) == len(keys)
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("select count(*), sum(cost) from tasks").fetchone() == (
            20,
            200_000,
        )


# The clock


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_clock_that_is_set_back_stops_nothing(
    restarted: bool, file: Path
) -> None:
    clock = Clock()
    clock.now = 1_000_000.0
    async with demo(file=file, clock=clock, delay=4) as api:
        over, begun = await api.made(UNIFIED, SMALL), ""
        clock.now += 6
        begun = await api.made(UNIFIED, SMALL)
        clock.now -= 100_000
        if not restarted:
            assert (await api.get(over)).json()["status"] == "completed"
            assert (await api.get(begun)).json()["status"] == "pending"
            clock.now += 6
            assert (await api.get(begun)).json()["status"] == "completed"
            return
    async with demo(file=file, clock=clock, delay=4) as api:
        assert (await api.get(over)).json()["status"] == "completed"
        clock.now += 6
        assert (await api.get(begun)).json()["status"] == "completed"


# The file


async def test_nothing_is_opened_before_the_first_request_and_only_the_user_may_read_it(
    file: Path,
) -> None:
    async with demo(file=file) as api:
        assert not file.parent.exists()
        await api.made(UNIFIED, SMALL)
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        assert {
            stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()
        } == {0o600}


@pytest.mark.parametrize("place", ["file", "folder"])
async def test_the_demo_starts_where_nothing_can_be_written(
    place: str, file: Path
) -> None:
    if place == "file":
        file.mkdir(parents=True)
    else:
        file.parent.write_text("a file where the folder should be")
    async with demo(file=file) as api:
        assert (await api.get(await api.made(UNIFIED, SMALL, "k1"))).json()[
            "status"
        ] == "completed"
        assert (await api.post(UNIFIED, SMALL, "k1")).json()["task_replayed"] is True
        assert (await api.upload(png())).status_code == 200


async def test_a_task_of_a_file_that_cannot_be_read_is_not_denied(
    file: Path, unhurried: None
) -> None:
    async with demo(file=file) as api:
        path = await api.made(UNIFIED, SMALL)
    aside = file.rename(file.with_name("aside"))
    file.mkdir()
    async with demo(file=file) as api:
        assert (await api.get(path)).status_code == 503
        new = await api.made(UNIFIED, SMALL)
        file.rmdir()
        aside.rename(file)
        for known in (path, new):
            assert (await api.get(known)).json()["status"] == "completed"
        assert await api.balance() == (4998, 2)


async def test_a_full_disk_is_borne_in_memory_and_written_to_later(
    file: Path, unhurried: None
) -> None:
    async with demo(file=file) as api:
        before = await api.made(UNIFIED, SMALL)
        with full_disk():
            during = await api.made(UNIFIED, SMALL, "k1")
            for path in (before, during):
                assert (await api.get(path)).json()["status"] == "completed"
        after = await api.made(UNIFIED, SMALL)
    async with demo(file=file) as api:
        for path in (before, during, after):
            assert (await api.get(path)).json()["status"] == "completed"
        assert (await api.post(UNIFIED, SMALL, "k1")).json()["task_replayed"] is True
        assert await api.balance() == (4997, 3)


@pytest.mark.parametrize("closed", [True, False])
async def test_on_a_full_disk_the_next_start_knows_what_was_made(
    closed: bool, file: Path
) -> None:
    async with demo(file=file) as api:
        path = await api.made(UNIFIED, SMALL)
    if closed:
        del api
        gc.collect()
        assert os.listdir(file.parent) == [file.name]
    with full_disk():
        async with demo(file=file) as api:
            assert (await api.get(path)).json()["status"] == "completed"
            new = await api.made(UNIFIED, SMALL)
            assert (await api.get(new)).json()["status"] == "completed"


async def test_a_file_that_goes_away_is_written_anew(file: Path) -> None:
    async with demo(file=file) as api, demo(file=file) as other:
        before = await api.made(UNIFIED, SMALL)
        elsewhere = await other.made(UNIFIED, SMALL)
        shutil.rmtree(file.parent)
        after = await api.made(UNIFIED, SMALL)
        assert (await other.get(after)).json()["status"] == "completed"
    async with demo(file=file) as api:
        for path in (before, elsewhere, after):
            assert (await api.get(path)).json()["status"] == "completed"


@pytest.mark.parametrize("running", [False, True])
async def test_a_damaged_file_is_set_aside(running: bool, file: Path) -> None:
    async with demo(file=file) as api:
        await api.made(UNIFIED, SMALL)
        if running:
            damage(file)
            path = await api.made(UNIFIED, SMALL)
            assert (await api.get(path)).json()["status"] == "completed"
    if not running:
        damage(file)
    async with demo(file=file) as api:
        path = await api.made(UNIFIED, SMALL)
    async with demo(file=file) as api:
        assert (await api.get(path)).json()["status"] == "completed"
    assert (
        file.with_name("service-damaged.db").read_bytes().startswith(b"not a database")
    )


async def test_a_file_that_another_process_holds_is_asked_again(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LOCK_WAIT", 0.01)
    async with demo(file=file) as api:
        path = await api.made(UNIFIED, SMALL)
        with closing(sqlite3.connect(file, isolation_level=None)) as holder:
            holder.execute("begin immediate")
            assert (await api.get(path)).json()["status"] == "completed"
            assert (await api.post(UNIFIED, SMALL, "k1")).status_code == 503
        assert "task_replayed" not in (await api.post(UNIFIED, SMALL, "k1")).json()
        assert await api.balance() == (4998, 2)


# Bounds


async def test_uploads_are_bounded_and_their_room_is_given_back(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "TOTAL_LIMIT", 300_000)
    async with demo(file=file) as api:
        urls = [(await api.upload(bytes(100_000))).json()["url"] for _ in range(5)]
        assert [(await api.download(url)).status_code for url in urls] == [
            404,
            404,
            200,
            200,
            200,
        ]
        api.clock.now += 8 * 86400
        last = (await api.upload(bytes(400_000))).json()["url"]
        assert (await api.download(last)).status_code == 200
        await api.upload(b"x")
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("select size from uploads").fetchall() == [(1,)]
        database.execute("pragma wal_checkpoint(truncate)")
    assert file.stat().st_size < 100_000


async def test_forgotten_tasks_stay_paid(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "KEPT_TASKS", 3)
    async with demo(file=file) as api:
        for prompt in ("a fox", "demo:fail", "a fox", "demo:fail", "a fox", "a fox"):
            await api.made(UNIFIED, {**SMALL, "prompt": prompt})
        assert await api.balance() == (4996, 4)
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("select count(*) from tasks").fetchone() == (3,)
