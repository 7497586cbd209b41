"""Imported tasks are history: nothing is sent, uploaded, fetched or moved by their word."""

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.app import past
from tests.loopback import serving
from tests.tasks.conftest import OpenEngine, Watched
from tests.tasks.faults import Book, Post, booked, small_pictures
from tui.catalog.load import bundled
from tui.service.routes import status_paths, submit_path
from tui.tasks import actions
from tui.tasks.archive import load
from tui.tasks.draft import InvalidRequestError
from tui.tasks.models import ModelGoneError
from tui.tasks.rescue import rescue
from tui.tasks.store import Entry, Store
from tui.tasks.task import RetriedError, Status, Task, new_id

Z_IMAGE = bundled().find("z-image")
FREE = ("/api/v1/me/balance", "/api/v1/price_schedules")


class Heard:
    """ASGI middleware: notes what is asked of the service, and paid bodies."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.asked: list[tuple[str, str]] = []
        self.paid: list[Post] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in FREE:
            await self._app(scope, receive, send)
            return
        self.asked.append((scope["method"], scope["path"]))
        key = dict(scope["headers"]).get(b"idempotency-key")
        if key is None:
            await self._app(scope, receive, send)
            return
        message = await receive()
        self.paid.append(Post(scope["path"], key.decode(), message["body"]))

        async def again() -> Any:
            return message

        await self._app(scope, again, send)


class Service:
    """The embedded service on loopback."""

    def __init__(self, url: str, heard: Heard, book: Book) -> None:
        self.url = url
        self.heard = heard
        self.book = book


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    small_pictures(monkeypatch)
    app, book = booked(delay=0)
    heard = Heard(app)
    with serving(heard) as url:
        yield Service(url, heard, book)


def forged(at: Service, status: str, /, **fields: Any) -> dict[str, Any]:
    """A line as a stranger may have written it."""
    task = past(
        "a fox",
        Status(status),
        action="text_to_image",
        model="z-image",
        service="z_image",
        base_url=at.url,
    )
    known = msgspec.to_builtins(task) | {"format": "runapi-tui 1", "events": []}
    return {**known, **fields}


async def imported(watched: Watched, line: dict[str, Any], folder: Path) -> Task:
    """The task of a line, once it was imported."""

    def imports(store: Store) -> Task:
        assert load(store, [json.dumps(line)], folder, print) == (1, 0)
        found = store.get(line["id"])
        assert found
        return found

    return await watched.engine.queue.run(imports)


BODY = "eyJtb2RlbCI6ICJmb3JnZWQifQ=="  # {"model": "forged"}
WAITING = {"body": BODY, "key": "forged-key", "location": "/api/v1/me/api_keys"}


@pytest.mark.parametrize("status", ["held", "submitting"])
async def test_what_waited_is_sent_as_a_new_task_of_its_values(
    service: Service, open_engine: OpenEngine, tmp_path: Path, status: str
) -> None:
    line = forged(
        service,
        status,
        **WAITING,
        service="me",
        route="service",
        base_url="https://elsewhere.example",
        profile="work",
        estimate_micro=1,
        job=new_id(),
        out_dir="/",
    )
    async with open_engine(service.url) as watched:
        old = await imported(watched, line, tmp_path)
        with pytest.raises(ValueError, match="never sent itself"):
            await watched.engine.watch(old.id)
        assert await actions.send(watched.engine, [old]) == "1 task queued to be sent."
        (old,) = await watched.engine.queue.named([old.id])
        new = await watched.engine.wait(old.retried_by)
        with pytest.raises(RetriedError):
            await watched.engine.retry(old)
    assert (old.status, old.unsure) == (Status.DROPPED, status == "submitting")
    assert (new.status, new.retry_of, new.imported) == (
        Status.COMPLETED,
        old.id,
        False,
    )
    assert (new.profile, new.job, new.out_dir) == ("", "", str(tmp_path / "images"))
    assert new.estimate_micro == 10_000
    (post,) = service.heard.paid
    assert post.path == "/v1/text_to_image"
    assert post.key not in ("", "forged-key")
    assert json.loads(post.body) == {"model": "z-image", "prompt": "a fox"}


@pytest.mark.parametrize(
    "fields",
    [
        {"action": "api_keys", "service": "me"},
        {"model": "forged"},
        {"model": "../../me"},
    ],
    ids=str,
)
async def test_what_the_catalog_does_not_know_is_only_looked_at(
    service: Service, open_engine: OpenEngine, tmp_path: Path, fields: dict[str, Any]
) -> None:
    async with open_engine(service.url) as watched:
        for status in ("held", "submitting", "failed"):
            line = forged(service, status, **WAITING, **fields)
            task = await imported(watched, line, tmp_path)
            with pytest.raises(ModelGoneError):
                await watched.engine.retry(task)
        for status in ("pending", "processing", "fetching"):
            line = forged(service, status, **fields, remote_id="tsk_1")
            task = await imported(watched, line, tmp_path)
            with pytest.raises(ValueError, match="can only be looked at"):
                await watched.engine.watch(task.id)
    assert service.heard.asked == []


@pytest.mark.parametrize("status", ["held", "failed"])
async def test_no_file_is_uploaded_and_nobody_called_back(
    service: Service, open_engine: OpenEngine, tmp_path: Path, status: str
) -> None:
    secret = tmp_path / "id_rsa"
    secret.write_text("secret")
    model = next(
        model
        for model in bundled().models
        if any(
            param.name == "source_image_urls"
            for route in model.routes.values()
            for param in route.params
        )
    )
    edit = {"action": model.action, "model": model.slug, "service": model.service}
    hostile: list[dict[str, Any]] = [
        {"source_image_urls": [str(secret)]},
        {"source_image_urls": ["https://x.example/a.png", "~/.ssh/id_rsa"]},
        {"callback_url": "https://evil.example/"},
    ]
    async with open_engine(service.url) as watched:
        for values in hostile:
            line = forged(service, status, **edit, values={"prompt": "a", **values})
            task = await imported(watched, line, tmp_path)
            with pytest.raises(InvalidRequestError, match="Nothing was sent"):
                await watched.engine.retry(task)
    assert service.heard.asked == []


async def test_what_is_at_the_service_is_polled_where_the_catalog_says(
    service: Service, open_engine: OpenEngine, tmp_path: Path
) -> None:
    async with open_engine(service.url) as watched:
        made = await watched.engine.submit(Z_IMAGE, {"prompt": "an owl"})
        made = await watched.engine.wait(made.id)
    service.heard.asked.clear()
    evil = [{"url": "https://evil.example/a.png"}]
    told: dict[str, dict[str, Any]] = {
        "pending": {},
        "processing": {"service": "me", "location": f"{service.url}/api/v1/me"},
        "fetching": {"results": evil},
        "failed": {"results": evil, "made_at": 5.0},
        "expired": {"results": evil, "made_at": 5.0},
        "completed": {"error": {"kind": "empty", "message": "no picture"}},
    }
    async with open_engine(service.url) as watched:
        for status, fields in told.items():
            line = forged(service, status, **fields, remote_id=made.remote_id)
            line |= {"cost_micro": 5}
            task = await imported(watched, line, tmp_path)
            await watched.engine.watch(task.id)
            ended = await watched.engine.wait(task.id)
            assert (ended.status, ended.imported) == (Status.COMPLETED, True), status
            assert len(ended.files) == 1
            assert ended.results[0].url.startswith(service.url)
        spent = await watched.engine.queue.spent()
        assert spent.today.tasks == 1
    paths = {path for method, path in service.heard.asked if method == "GET"}
    assert len(service.heard.asked) == len(
        [path for method, path in service.heard.asked if method == "GET"]
    )
    statuses = {path for path in paths if not path.startswith("/files/")}
    allowed = {
        place.path
        for route in ("unified", "service")
        for place in status_paths(
            route,
            "z_image",
            "text_to_image",
            made.remote_id,
        )
    }
    assert statuses <= allowed
    assert len(service.book.made) == 1


@pytest.mark.parametrize(
    "remote_id",
    ["", "..", ".", "../me", "a/b", "a?b=c", "a#b", "a b", "x\n", "a" * 500, "%2e"],
)
async def test_an_odd_id_is_never_asked_for(
    service: Service, open_engine: OpenEngine, tmp_path: Path, remote_id: str
) -> None:
    async with open_engine(service.url) as watched:
        line = forged(service, "pending", remote_id=remote_id)
        task = await imported(watched, line, tmp_path)
        with pytest.raises(ValueError, match="can only be looked at"):
            await watched.engine.watch(task.id)
    assert service.heard.asked == []


async def test_a_file_that_its_images_would_replace_stays(
    service: Service, open_engine: OpenEngine, tmp_path: Path
) -> None:
    line = forged(service, "pending", remote_id="t1")
    part = tmp_path / "images" / f".{line['id']}-0.part"
    async with open_engine(service.url) as watched:
        task = await imported(watched, line, tmp_path / "images")
        part.parent.mkdir(exist_ok=True)
        part.write_text("somebody's own")
        with pytest.raises(ValueError, match="in the way"):
            await watched.engine.watch(task.id)
    assert part.read_text() == "somebody's own"
    assert service.heard.asked == []


async def test_another_service_is_never_asked(
    service: Service, open_engine: OpenEngine, tmp_path: Path
) -> None:
    line = forged(service, "pending", remote_id="t1", base_url="https://evil.example")
    async with open_engine(service.url) as watched:
        task = await imported(watched, line, tmp_path)
        with pytest.raises(ValueError, match="another service") as raised:
            await watched.engine.watch(task.id)
    assert "evil" not in str(raised.value)
    assert service.heard.asked == []


async def test_nothing_goes_on_or_is_rescued_by_itself(
    service: Service, open_engine: OpenEngine, tmp_path: Path
) -> None:
    lines = [
        forged(
            service,
            status,
            results=[{"url": f"{service.url}/files/x.png"}],
            remote_id="tsk_1",
            made_at=past("x").created_at - 60,
        )
        for status in Status
    ]
    async with open_engine(service.url) as watched:
        for line in lines:
            await imported(watched, line, tmp_path)
    async with open_engine(service.url) as watched:
        assert await rescue(watched.engine) == ([], [])
        assert await watched.engine.adopt() == []
    assert service.heard.asked == []


async def test_deleting_it_moves_no_file(
    service: Service, open_engine: OpenEngine, tmp_path: Path
) -> None:
    async with open_engine(service.url) as watched:
        made = await watched.engine.submit(Z_IMAGE, {"prompt": "an owl"})
        made = await watched.engine.wait(made.id)
        line = msgspec.to_builtins(made) | {"format": "runapi-tui 1", "id": new_id()}
        images = tmp_path / "images"
        task = await imported(watched, line, images)
        assert task.files == made.files
        told = await actions.delete(watched.engine, [task], "z")
        assert told == (
            f"1 task deleted. z brings it back. {Path(made.files[0]).name} is kept:"
            " changed since it was saved, or not saved by this program."
        )
        assert Path(made.files[0]).exists()
        assert not (images / ".trash").exists()
        await watched.engine.marker.undo()
        told = await actions.delete(watched.engine, [made], "z")
        assert told == "1 task and its files deleted. z brings it back."
        assert not Path(made.files[0]).exists()
        empty = await imported(watched, forged(service, "failed"), images)
        told = await actions.delete(watched.engine, [empty], "z")
        assert told == "1 task deleted. z brings it back."


@pytest.mark.parametrize("status", [Status.HELD, Status.SUBMITTING])
@pytest.mark.parametrize(
    "fields",
    [
        {"service": "me", "action": "api_keys"},
        {"service": "me"},
        {"action": "../../api/v1/me/api_keys"},
        {"imported": True},
    ],
    ids=str,
)
async def test_a_row_sends_nothing_to_another_place_than_the_catalogs(
    service: Service,
    open_engine: OpenEngine,
    tmp_path: Path,
    status: Status,
    fields: dict[str, Any],
) -> None:
    line = forged(service, status, **fields, key="k", body=BODY)
    task = msgspec.convert(line, Task)
    store = Store(tmp_path / "queue.db")
    store.save_all([Entry(task)])
    store.close()
    async with open_engine(service.url) as watched:
        ended = await watched.engine.wait(task.id)
    assert not ended.live
    assert ended.error or ended.unsure or not ended.watched
    assert service.heard.paid == []


def row_of(at: Service, folder: Path, fields: dict[str, Any]) -> Task:
    """A task that was being sent when its process ended, as the queue file has it."""
    sending = {"key": "its-own-key", "body": BODY, "sent_at": time.time()}
    task = msgspec.convert(forged(at, "submitting", **sending | fields), Task)
    store = Store(folder / "queue.db")
    store.save_all([Entry(task)])
    store.close()
    return task


@pytest.mark.parametrize(
    "fields", [{"model": "gone-1"}, {"service": "z_image_2"}], ids=str
)
async def test_what_may_be_paid_is_sent_again_though_its_model_left_the_catalog(
    service: Service, open_engine: OpenEngine, tmp_path: Path, fields: dict[str, Any]
) -> None:
    task = row_of(service, tmp_path, fields)
    async with open_engine(service.url) as watched:
        left = await watched.engine.wait(task.id)
        assert (left.status, left.watched) == (Status.SUBMITTING, False)
        assert f"`runapi-tui resume {task.id}`" in left.note
        assert service.heard.paid == []
        await watched.engine.watch(task.id)
        await watched.engine.wait(task.id)
    post = service.heard.paid[0]
    assert (post.key, post.body) == ("its-own-key", b'{"model": "forged"}')


@pytest.mark.parametrize(
    "fields",
    [
        {"imported": True},
        {"service": "me", "action": "api_keys"},
        {"service": "files", "route": "service"},
        {"service": "..", "model": "gone-1"},
        {"action": "a/b", "model": "gone-1"},
        {"key": "", "model": "gone-1"},
    ],
    ids=str,
)
async def test_no_word_of_the_user_sends_what_leads_to_no_model(
    service: Service, open_engine: OpenEngine, tmp_path: Path, fields: dict[str, Any]
) -> None:
    task = row_of(service, tmp_path, fields)
    async with open_engine(service.url) as watched:
        await watched.engine.wait(task.id)
        with contextlib.suppress(ValueError):
            await watched.engine.watch(task.id)
        left = await watched.engine.wait(task.id)
    assert not left.watched
    assert "isn't sent again" in left.note
    assert service.heard.paid == []


def test_no_name_leads_to_another_place() -> None:
    assert submit_path("unified", "x", "../me") == "/v1/..%2Fme"
    assert submit_path("service", "..", "a/b?c#d") == "/api/v1/%2E%2E/a%2Fb%3Fc%23d"
    for place in status_paths("unified", "a/b", "..", ".."):
        assert ".." not in place.path
        assert "a/b" not in place.path


async def test_a_known_task_is_not_changed(
    service: Service, open_engine: OpenEngine, tmp_path: Path
) -> None:
    async with open_engine(service.url) as watched:
        made = await watched.engine.submit(Z_IMAGE, {"prompt": "an owl"})
        made = await watched.engine.wait(made.id)
        line = forged(service, "held", id=made.id)
        taken = await watched.engine.queue.run(
            load, [json.dumps(line)], tmp_path, print
        )
        assert taken == (0, 0)
        assert await watched.engine.queue.run(Store.get, made.id) == made
