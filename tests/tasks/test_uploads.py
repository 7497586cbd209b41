"""An uploaded file lives for an hour: no paid request names one that has ended."""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.loopback import serving
from tests.tasks.conftest import OpenEngine
from tests.tasks.faults import Ledger, booked
from tui.catalog.load import bundled
from tui.catalog.spec import Values
from tui.system.small_file import read_small_file
from tui.tasks import submit, uploads
from tui.tasks.draft import draft
from tui.tasks.store import Store
from tui.tasks.task import Status

pytestmark = pytest.mark.hands_over("source.png")

REMIX = bundled().find("flux-2-pro-remix-image")
MINUTE = 60.0


class Clocks:
    """The wall clock of this machine, and the service's own."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.service_ahead = 0.0

    def pass_(self, seconds: float, *, set_by: float = 0.0) -> None:
        """Let so much time pass; meanwhile somebody sets this machine's clock."""
        self.service_ahead += seconds
        self.ahead += seconds + set_by


class Service:
    """The embedded service on loopback, and what it was asked for."""

    def __init__(self, url: str, ledger: Ledger) -> None:
        self.url = url
        self.ledger = ledger

    @property
    def sources(self) -> list[str]:
        """The address of the source of each paid request."""
        return [
            json.loads(post.body)["source_image_urls"][0] for post in self.ledger.posts
        ]


class Way(httpx.AsyncBaseTransport):
    """The way to the service; `instead` is what comes of the next paid requests, and of
    uploads.
    """

    def __init__(self) -> None:
        self._real = httpx.AsyncHTTPTransport()
        self.instead: list[httpx.Response | Exception] = []
        self.uploads_fail: list[httpx.Response] = []
        self.uploads = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/files/prepare"):
            self.uploads += 1
            if self.uploads_fail:
                return self.uploads_fail.pop(0)
        if "idempotency-key" in request.headers and self.instead:
            answer = self.instead.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        return await self._real.handle_async_request(request)

    async def aclose(self) -> None:
        await self._real.aclose()


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    clocks = Clocks()
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + clocks.ahead)
    both = SimpleNamespace(
        time=time.time, monotonic=lambda: time.monotonic() + clocks.service_ahead
    )
    for module in (submit, uploads):
        monkeypatch.setattr(module, "time", both)
    return clocks


@pytest.fixture
def service(clocks: Clocks) -> Iterator[Service]:
    began = time.monotonic()
    app, _ = booked(
        delay=0, clock=lambda: time.monotonic() - began + clocks.service_ahead
    )
    ledger = Ledger(app)
    with serving(ledger) as url:
        yield Service(url, ledger)


@pytest.fixture
def values(tmp_path: Path) -> Values:
    source = tmp_path / "source.png"
    Image.new("RGB", (64, 64), "red").save(source)
    return {"prompt": "in snow", "source_image_urls": [str(source)]}


def source_of(values: Values) -> Path:
    urls: Any = values["source_image_urls"]
    return Path(urls[0])


HELD_BY: dict[str, Callable[[], httpx.Response | Exception]] = {
    "a rate limit": lambda: httpx.Response(
        429, headers={"Retry-After": "1"}, json={"error": "slow down"}
    ),
    "no connection": lambda: httpx.ConnectError("no route to host"),
}


@pytest.mark.parametrize("held_by", HELD_BY)
@pytest.mark.parametrize(
    ("restarted", "set_by"),
    [
        (False, 0.0),
        (False, -90 * MINUTE),
        (False, -300 * MINUTE),
        (True, 0.0),
        (True, -300 * MINUTE),
    ],
)
async def test_what_waited_for_over_an_hour_is_uploaded_again(
    held_by: str,
    restarted: bool,
    set_by: float,
    clocks: Clocks,
    service: Service,
    values: Values,
    open_engine: OpenEngine,
) -> None:
    way = Way()
    way.instead.append(HELD_BY[held_by]())
    async with open_engine(
        service.url, transport=way, tries=1 if restarted else None
    ) as watched:
        task = await watched.engine.submit(REMIX, values)
        held = await watched.until(
            lambda told: bool(told.body) and told.status is Status.HELD
        )
        if restarted:
            await watched.engine.wait(task.id)
        await watched.engine.pause(True)
        clocks.pass_(90 * MINUTE, set_by=set_by)
        if not restarted:
            await watched.engine.pause(False)
            ended = await watched.engine.wait(task.id)
    if restarted:
        async with open_engine(service.url, transport=Way()) as watched:
            await watched.engine.pause(False)
            ended = await watched.engine.wait(task.id)
    assert ended.status is Status.COMPLETED
    assert held.body != ended.body
    assert held.key != ended.key
    assert [post.key for post in service.ledger.posts] == [ended.key]
    assert json.loads(held.body)["source_image_urls"] != service.sources


async def test_an_upload_is_used_again_as_long_as_it_surely_lives(
    clocks: Clocks, service: Service, values: Values, open_engine: OpenEngine
) -> None:
    way = Way()
    for minutes in (0, 40, 15, 10):
        clocks.pass_(minutes * MINUTE)
        async with open_engine(service.url, transport=way) as watched:
            task = await watched.engine.submit(REMIX, values)
            assert (await watched.engine.wait(task.id)).status is Status.COMPLETED
    first, second, third, fourth = service.sources
    assert first == second != third == fourth
    assert way.uploads == 2


async def test_a_retry_uploads_its_files_again(
    clocks: Clocks, service: Service, values: Values, open_engine: OpenEngine
) -> None:
    async with open_engine(service.url) as watched:
        failed = await watched.engine.submit(REMIX, {**values, "prompt": "demo:fail"})
        failed = await watched.engine.wait(failed.id)
        clocks.pass_(90 * MINUTE)
        again = await watched.engine.retry(failed)
        await watched.engine.wait(again.id)
    first, second = service.sources
    assert first != second


async def test_an_unsure_request_is_sent_again_as_it_was(
    clocks: Clocks, service: Service, values: Values, open_engine: OpenEngine
) -> None:
    """It may have been made: whatever becomes of its upload, the bytes and the key
    stay.
    """
    way = Way()
    way.instead.append(httpx.Response(504, text="<html>gateway</html>"))
    async with open_engine(service.url, transport=way, tries=1) as watched:
        task = await watched.engine.submit(REMIX, values)
        unsure = await watched.engine.wait(task.id)
    clocks.pass_(90 * MINUTE)
    async with open_engine(service.url, transport=way) as watched:
        later = await watched.engine.wait(task.id)
    assert unsure.unsure
    assert [(post.body, post.key) for post in service.ledger.posts] == [
        (unsure.body, unsure.key)
    ]
    assert (later.body, later.key) == (unsure.body, unsure.key)
    assert way.uploads == 1


async def test_the_address_of_an_upload_that_has_ended_is_told_before_anything_is_paid(
    clocks: Clocks, service: Service, values: Values, open_engine: OpenEngine
) -> None:
    async with open_engine(service.url) as watched:
        task = await watched.engine.submit(REMIX, values)
        await watched.engine.wait(task.id)
        copied: Values = {"prompt": "in rain", "source_image_urls": service.sources}
        task = await watched.engine.submit(REMIX, copied)
        assert (await watched.engine.wait(task.id)).status is Status.COMPLETED
        clocks.pass_(90 * MINUTE)
        task = await watched.engine.submit(REMIX, values)
        await watched.engine.wait(task.id)
        sent = len(service.ledger.posts)
        task = await watched.engine.submit(REMIX, copied)
        held = await watched.engine.wait(task.id)
    assert held.status is Status.HELD
    assert held.error
    assert "choose the file itself" in held.error.message
    assert len(service.ledger.posts) == sent == 3


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_an_upload_that_fails_for_now_keeps_the_task_held_and_free(
    status: int, service: Service, values: Values, open_engine: OpenEngine
) -> None:
    way = Way()
    way.uploads_fail.append(httpx.Response(status, json={"error": "later"}))
    async with open_engine(service.url, transport=way) as watched:
        task = await watched.engine.submit(REMIX, values)
        waits = await watched.until(lambda told: "Trying again" in told.note)
        ended = await watched.engine.wait(task.id)
    assert waits.status is Status.HELD
    assert not waits.unsure
    assert ended.status is Status.COMPLETED
    assert len(service.ledger.posts) == 1


@pytest.mark.parametrize("swapped", ["before the start", "while it is read"])
async def test_the_very_bytes_that_leave_are_a_whole_image(
    swapped: str,
    service: Service,
    values: Values,
    open_engine: OpenEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A file that was an image when the task was made may be something else later."""
    source = source_of(values)
    if swapped == "while it is read":
        monkeypatch.setattr(
            uploads, "read_small_file", lambda path, limit: b"-----BEGIN"
        )
    way = Way()
    async with open_engine(service.url, transport=way) as watched:
        await watched.engine.pause(True)
        task = await watched.engine.submit(REMIX, values)
        if swapped == "before the start":
            source.write_bytes(b"-----BEGIN")
        await watched.engine.pause(False)
        held = await watched.engine.wait(task.id)
        assert held.status is Status.HELD
        assert held.error
        assert "source.png is not a PNG, JPEG, WebP or GIF" in held.error.message
        assert (way.uploads, service.ledger.posts) == (0, [])
        monkeypatch.setattr(uploads, "read_small_file", read_small_file)
        Image.new("RGB", (8, 8), "blue").save(source)
        again = await watched.engine.retry(held)
        assert (await watched.engine.wait(again.id)).status is Status.COMPLETED
        assert way.uploads == 1


async def test_a_full_folder_for_temporary_files_isnt_the_sources_fault(
    service: Service,
    values: Values,
    open_engine: OpenEngine,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    async with open_engine(service.url) as watched:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
        held = await watched.engine.submit(REMIX, values)
        held = await watched.engine.wait(held.id)
    assert held.status is Status.HELD
    assert held.error
    assert held.error.message.endswith(
        "source.png can't be checked, as the folder for temporary files can't be used:"
        " No such file or directory. It was not uploaded, and nothing was charged."
    )
    assert service.ledger.posts == []


async def test_a_waiting_task_of_an_earlier_run_uploads_no_other_file(
    service: Service, values: Values, open_engine: OpenEngine
) -> None:
    source = source_of(values)
    async with open_engine(service.url) as watched:
        await watched.engine.pause(True)
        task = await watched.engine.submit(REMIX, values)
    source.unlink()
    source.symlink_to("/etc/hostname")
    way = Way()
    async with open_engine(service.url, transport=way) as watched:
        await watched.engine.pause(False)
        held = await watched.engine.wait(task.id)
    assert held.status is Status.HELD
    assert (way.uploads, service.ledger.posts) == (0, [])


def test_earlier_addresses_of_a_file_stay_known(tmp_path: Path) -> None:
    store = Store(tmp_path / "queue.db")
    for number in range(3):
        store.remember_upload("https://x", "digest", f"https://x/{number}.png", 60)
    assert store.uploaded("https://x", "digest") == "https://x/2.png"
    given: Any = [
        store.upload_ends("https://x", f"https://x/{number}.png") > time.time()
        for number in range(3)
    ]
    assert given == [True] * 3
    assert store.upload_ends("https://x", "https://x/other.png") == 0
    store.close()


# ---- which file it is


@pytest.fixture
def two_files(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (512, 512), "red").save(tmp_path / name / "cat.png")
    return tmp_path / "a/cat.png", tmp_path / "b/cat.png"


def drafted(source: str, tmp_path: Path) -> Values:
    values: Values = {"prompt": "a fox", "source_image_urls": [source]}
    return draft(REMIX, values, base_url="x", out_dir=tmp_path / "out").values


def test_a_relative_path_names_the_same_file_in_every_folder(
    two_files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(two_files[0].parent)
    assert drafted("cat.png", tmp_path)["source_image_urls"] == [str(two_files[0])]


def test_a_link_is_followed_once_also_before_two_dots(
    two_files: tuple[Path, Path], tmp_path: Path
) -> None:
    first, second = two_files
    inner = second.parent / "inner"
    inner.mkdir()
    link = tmp_path / "link"
    link.symlink_to(inner)
    tricky = f"{link}/../cat.png"  # as text, a file beside the link
    assert drafted(tricky, tmp_path)["source_image_urls"] == [str(second)]
    assert first != second


async def test_a_file_that_became_a_link_is_not_uploaded(
    service: Service, open_engine: OpenEngine, two_files: tuple[Path, Path]
) -> None:
    first, second = two_files
    async with open_engine(service.url) as watched:
        await watched.engine.pause(True)
        values: Values = {"prompt": "a fox", "source_image_urls": [str(first)]}
        task = await watched.engine.submit(REMIX, values)
        first.unlink()
        first.symlink_to(second)
        await watched.engine.pause(False)
        held = await watched.until(
            lambda found: found.id == task.id and found.error is not None
        )
    assert held.status is Status.HELD
    assert "is a link now" in str(held.error)
    assert service.ledger.posts == []
