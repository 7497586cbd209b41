"""The whole way of a task over real HTTP: every status, every trouble, nothing lost,
nothing paid twice.
"""

import asyncio
import contextlib
import json
import socket
import sqlite3
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from PIL import Image
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.loopback import serving
from tests.tasks.conftest import OpenEngine, requests
from tui.catalog.load import bundled
from tui.catalog.spec import Model, Values
from tui.demo import DEMO_KEY
from tui.demo.service import create_app
from tui.tasks import actions, fetching
from tui.tasks.draft import InvalidRequestError
from tui.tasks.engine_state import EngineState
from tui.tasks.store import Store
from tui.tasks.store_errors import LeasedError, StoreError
from tui.tasks.task import SetAside, Status, Task

FLUX = bundled().find("flux-2-pro-text-to-image")
REMIX = bundled().find("flux-2-pro-remix-image")
KONTEXT = bundled().find("flux-kontext-pro")
Z_IMAGE = bundled().find("z-image")
Routes = Literal["both", "unified", "service"]


class Spy:
    """Counts requests by method and path, and keeps what was posted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.asked: Counter[str] = Counter()
        self.posted: list[tuple[str, bytes, bytes]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked[f"{scope['method']} {scope['path']}"] += 1
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        message = await receive()
        key = dict(scope["headers"]).get(b"idempotency-key", b"")
        self.posted.append((scope["path"], key, message.get("body", b"")))

        async def again() -> Any:
            return message

        await self._app(scope, again, send)


@pytest.fixture
def spy() -> Spy:
    return Spy(create_app(bundled(), delay=0))


@pytest.fixture
def base_url(spy: Spy) -> Iterator[str]:
    with serving(spy) as url:
        yield url


def balance(base_url: str) -> int:
    answer = httpx.get(
        f"{base_url}/api/v1/me/balance", headers={"Authorization": f"Bearer {DEMO_KEY}"}
    )
    return int(answer.json()["balance_cents"])


@pytest.mark.parametrize("routes", ["both", "unified", "service"])
async def test_every_family_ends_as_a_whole_image_on_every_kind_of_server(
    routes: Routes, open_engine: OpenEngine
) -> None:
    wanted: list[tuple[Model, Values]] = [
        (FLUX, {"prompt": "a fox", "aspect_ratio": "16:9"}),
        (bundled().find("imagen-4"), {"prompt": "a city"}),
        (KONTEXT, {"prompt": "a boat"}),
        (Z_IMAGE, {"prompt": "a lake"}),
    ]
    with serving(create_app(bundled(), delay=0, routes=routes)) as url:
        async with open_engine(url) as watched:
            tasks = [
                await watched.engine.submit(model, values) for model, values in wanted
            ]
            ended = [await watched.engine.wait(task.id) for task in tasks]
    assert [task.status for task in ended] == ["completed"] * 4
    assert {task.route for task in ended} == {
        "service" if routes == "service" else "unified"
    }
    for task in ended:
        with Image.open(task.files[0]) as image:
            image.load()
            assert (image.width, image.height) == (
                task.results[0].width,
                task.results[0].height,
            )
        assert task.cost_micro == task.estimate_micro


async def test_the_body_and_its_key_are_on_disk_before_a_byte_is_sent(
    spy: Spy, open_engine: OpenEngine, tmp_path: Path
) -> None:
    on_disk: list[dict[str, Any]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with sqlite3.connect(tmp_path / "queue.db") as queue:
            on_disk.append(
                json.loads(queue.execute("select data from tasks").fetchone()[0])
            )
        await spy(scope, receive, send)

    with serving(app) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            await watched.engine.wait(task.id)
    _, key, body = spy.posted[0]
    assert on_disk[0]["status"] == "submitting"
    assert on_disk[0]["key"].encode() == key
    assert b64decode(on_disk[0]["body"]) == body


async def test_statuses_are_told_in_order(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url) as watched:
        task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
        await watched.engine.wait(task.id)
    words = list(dict.fromkeys(str(told.status) for told in watched.told))
    assert words == ["held", "submitting", "pending", "fetching", "completed"]


async def test_the_server_without_unified_routes_is_learnt_once(
    spy: Spy, open_engine: OpenEngine
) -> None:
    states: list[EngineState] = []
    with serving(Spy(create_app(bundled(), delay=0, routes="service"))) as url:
        async with open_engine(url, on_state=states.append) as watched:
            for _ in range(2):
                task = await watched.engine.submit(
                    KONTEXT, {"prompt": "a fox", "image_url": "https://host.test/a.png"}
                )
                ended = await watched.engine.wait(task.id)
                assert ended.values["source_image_url"] == "https://host.test/a.png"
        async with open_engine(url) as again:
            assert again.engine.state.route == "service"
    routes = [state.route for state in states if state.route]
    assert set(routes) == {"service"}


async def test_a_value_without_a_place_on_the_learnt_route_holds_the_task(
    open_engine: OpenEngine,
) -> None:
    with serving(create_app(bundled(), delay=0, routes="service")) as url:
        before = balance(url)
        async with open_engine(url) as watched:
            task = await watched.engine.submit(
                Z_IMAGE, {"prompt": "a lake", "size": "512x512"}
            )
            held = await watched.engine.wait(task.id)
        assert balance(url) == before
    assert held.status is Status.HELD
    assert held.error
    assert "size" in held.error.message
    assert "aspect_ratio" in held.error.message


async def test_with_neither_route_the_servers_words_are_shown(
    open_engine: OpenEngine,
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": 404,
                "headers": [(b"content-type", b"application/json")],
            }
        )
        await send({"type": "http.response.body", "body": b'{"error": "no such shop"}'})

    with serving(app) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            ended = await watched.engine.wait(task.id)
            assert watched.engine.state.route is None
    assert ended.status is Status.REJECTED
    assert ended.error
    assert "no such shop" in ended.error.message


@pytest.mark.parametrize("word", ["lost", "500", "429", "adopt", "flaky"])
async def test_trouble_is_survived_and_paid_once(
    word: str, spy: Spy, base_url: str, open_engine: OpenEngine
) -> None:
    before = balance(base_url)
    async with open_engine(base_url) as watched:
        task = await watched.engine.submit(FLUX, {"prompt": f"a fox demo:{word}"})
        ended = await watched.engine.wait(task.id)
    assert ended.status is Status.COMPLETED
    assert before - balance(base_url) == 5
    submits = [
        (key, body) for path, key, body in spy.posted if path == "/v1/text_to_image"
    ]
    assert len(set(submits)) == 1


@pytest.mark.parametrize(
    ("word", "status", "kind"),
    [
        ("fail", Status.FAILED, "failed"),
        ("refused", Status.REJECTED, "validation"),
        ("empty", Status.COMPLETED, "empty"),
        ("gone", Status.EXPIRED, "download"),
        ("broken", Status.FAILED, "download"),
    ],
)
async def test_an_end_without_a_picture_says_why(
    word: str,
    status: Status,
    kind: str,
    base_url: str,
    open_engine: OpenEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fetching, "GONE_FOR", 0.0)
    async with open_engine(base_url) as watched:
        task = await watched.engine.submit(FLUX, {"prompt": f"a fox demo:{word}"})
        ended = await watched.engine.wait(task.id)
    assert (ended.status, ended.error and ended.error.kind) == (status, kind)
    assert ended.files == ()
    assert [path for path in Path(ended.out_dir).glob("*") if path.name] == []


async def test_a_refused_key_holds_what_was_not_made_until_there_is_another(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url, key="runapi_wrong_key") as watched:
        tasks = await watched.engine.submit_job(
            requests(FLUX, [{"prompt": f"fox {number}"} for number in range(12)])
        )
        for task in tasks[:8]:
            held = await watched.until_note(task.id, "refused the API key")
            assert held.status is Status.HELD
        assert watched.engine.state.refused
        watched.engine.set_api_key(DEMO_KEY)
        ended = [await watched.engine.wait(task.id) for task in tasks]
    assert {task.status for task in ended} == {Status.COMPLETED}
    assert "runapi_wrong_key" not in (
        Path(ended[0].out_dir).parent / "queue.db"
    ).read_bytes().decode("latin-1")


@pytest.mark.parametrize(
    ("status", "kind"), [(401, "authentication"), (402, "credits")]
)
async def test_a_refusal_in_the_middle_of_a_job_rejects_nothing(
    status: int, kind: str, open_engine: OpenEngine, tmp_path: Path
) -> None:
    service = create_app(bundled(), delay=0)
    posts: list[str] = []
    refuse = True

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            posts.append(scope["path"])
            if refuse and len(posts) > 3:
                await send(
                    {"type": "http.response.start", "status": status, "headers": []}
                )
                await send({"type": "http.response.body", "body": b""})
                return
        await service(scope, receive, send)

    with serving(app) as url:
        async with open_engine(url, tries=4) as watched:
            tasks = await watched.engine.submit_job(
                requests(FLUX, [{"prompt": f"fox {n}"} for n in range(8)])
            )
            ended = [await watched.engine.wait(task.id) for task in tasks]
            assert {
                watched.engine.gave_up[task.id].kind
                for task in ended
                if task.id in watched.engine.gave_up
            } == {kind}
        assert Counter(task.status for task in ended) == {
            Status.COMPLETED: 3,
            Status.HELD: 5,
        }
        refuse = False
        async with open_engine(url) as again:
            for task in tasks:
                assert (await again.engine.wait(task.id)).status is Status.COMPLETED


async def test_without_credit_nothing_is_made(open_engine: OpenEngine) -> None:
    with serving(create_app(bundled(), delay=0, balance_cents=1)) as url:
        async with open_engine(url, tries=4) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            held = await watched.engine.wait(task.id)
            assert watched.engine.gave_up[task.id].kind == "credits"
    assert (held.status, held.error) == (Status.HELD, None)
    assert "balance is too low" in held.note


async def test_a_server_that_is_down_keeps_the_task_free_to_drop(
    open_engine: OpenEngine,
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with open_engine(
            f"http://127.0.0.1:{unused.getsockname()[1]}"
        ) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            held = await watched.until(
                lambda told: told.status is Status.HELD and "Trying again" in told.note
            )
            assert "can't be reached" in held.note
            (dropped,) = await watched.engine.drop([task.id])
            assert dropped.status is Status.DROPPED


async def test_bounded_tries_give_up_and_can_be_resumed(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url, tries=1) as watched:
        task = await watched.engine.submit(FLUX, {"prompt": "a fox demo:lost"})
        left = await watched.engine.wait(task.id)
        assert left.status is Status.SUBMITTING
        assert watched.engine.gave_up[task.id].kind == "server"
    before = balance(base_url)
    async with open_engine(base_url) as again:
        ended = await again.engine.wait(task.id)
    assert ended.status is Status.COMPLETED
    assert balance(base_url) == before


async def test_closing_leaves_tasks_for_the_next_start(open_engine: OpenEngine) -> None:
    with serving(create_app(bundled(), delay=0.3)) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            await watched.until(lambda told: told.status is Status.PENDING)
        async with open_engine(url) as again:
            ended = await again.engine.wait(task.id)
    assert ended.status is Status.COMPLETED


async def test_stop_says_still_billed_and_watching_goes_on_later(
    open_engine: OpenEngine,
) -> None:
    with serving(create_app(bundled(), delay=0.3)) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            await watched.until(lambda told: told.status is Status.PENDING)
            stopped = await watched.engine.stop(task.id)
            assert "still billed" in stopped.note
            assert await watched.engine.drop([task.id]) == []
        async with open_engine(url) as again:
            assert not again.engine.tasks[task.id].live
            await again.engine.watch(task.id)
            ended = await again.engine.wait(task.id)
    assert ended.status is Status.COMPLETED


async def test_retry_is_a_new_task_with_a_key_of_its_own(
    spy: Spy, base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url) as watched:
        failed = await watched.engine.submit(FLUX, {"prompt": "a fox demo:fail"})
        await watched.engine.wait(failed.id)
        again = await watched.engine.retry(watched.engine.tasks[failed.id])
        await watched.engine.wait(again.id)
    assert again.retry_of == failed.id
    assert again.body == failed.body
    assert len({key for path, key, _ in spy.posted if path == "/v1/text_to_image"}) == 2


@pytest.mark.hands_over("*.png")
async def test_a_local_file_is_uploaded_first(
    base_url: str, open_engine: OpenEngine, tmp_path: Path
) -> None:
    source = tmp_path / "source.png"
    Image.new("RGB", (64, 64), "red").save(source)
    async with open_engine(base_url) as watched:
        task = await watched.engine.submit(
            REMIX, {"prompt": "in snow", "source_image_urls": [str(source)]}
        )
        ended = await watched.engine.wait(task.id)
    assert ended.status is Status.COMPLETED
    assert ended.values["source_image_urls"] == [str(source)]
    assert json.loads(ended.body)["source_image_urls"][0].startswith(base_url)


@pytest.mark.hands_over("*.png")
async def test_a_failed_upload_stops_before_anything_is_paid(
    open_engine: OpenEngine, tmp_path: Path
) -> None:
    source = tmp_path / "source.png"
    Image.new("RGB", (64, 64), "red").save(source)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert not scope["path"].endswith("remix_image")
        await send({"type": "http.response.start", "status": 413, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with serving(app) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(
                REMIX, {"prompt": "in snow", "source_image_urls": [str(source)]}
            )
            held = await watched.engine.wait(task.id)
    assert held.status is Status.HELD
    assert held.error
    assert "Nothing was charged" in held.error.message


async def test_invalid_values_are_refused_before_anything_is_written(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url) as watched:
        with pytest.raises(InvalidRequestError) as refused:
            await watched.engine.submit(
                REMIX, {"prompt": "x", "source_image_urls": ["/no/such.png"]}
            )
        assert watched.engine.tasks == {}
    assert "There is no file /no/such.png." in refused.value.errors["source_image_urls"]


async def test_many_tasks_poll_concurrently_and_all_are_saved(
    open_engine: OpenEngine,
) -> None:
    with serving(create_app(bundled(), delay=0.2, balance_cents=100_000)) as url:
        async with open_engine(url, concurrency=20) as watched:
            tasks = [
                await watched.engine.submit(Z_IMAGE, {"prompt": f"a lake {n}"})
                for n in range(20)
            ]
            ended: list[Task] = [await watched.engine.wait(task.id) for task in tasks]
    assert {task.status for task in ended} == {Status.COMPLETED}
    assert len({path for task in ended for path in task.files}) == 20


async def test_what_another_process_writes_is_seen(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url) as person, open_engine(base_url) as script:
        task = await script.engine.submit(FLUX, {"prompt": "a fox"})
        seen = await person.until(
            lambda told: told.id == task.id and told.status is Status.COMPLETED
        )
    assert seen.files


async def test_two_processes_never_send_the_same_task(
    spy: Spy, base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url) as one, open_engine(base_url) as two:
        tasks = [
            await one.engine.submit(FLUX, {"prompt": f"a fox {n}"}, start=False)
            for n in range(6)
        ]
        await one.engine.adopt()
        await two.engine.adopt()
        for task in tasks:
            await one.until_status(task.id, Status.COMPLETED)
    assert len([path for path, _, _ in spy.posted if path == "/v1/text_to_image"]) == 6


def stubborn(spy: Spy, status: int) -> ASGIApp:
    """Takes the first submit and never answers it; the later ones get `status`."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await spy(scope, receive, send)
            return
        first = not spy.posted
        if first:

            async def silence(message: Any) -> None:
                raise ConnectionError  # the task is made; its answer is lost

            with contextlib.suppress(ConnectionError):
                await spy(scope, receive, silence)
            return
        message = await receive()
        spy.posted.append(
            (scope["path"], dict(scope["headers"])[b"idempotency-key"], message["body"])
        )
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return app


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 422, 429])
async def test_what_may_have_been_made_is_never_moved_dropped_or_rejected(
    status: int, spy: Spy, open_engine: OpenEngine
) -> None:
    with serving(stubborn(spy, status)) as url:
        async with open_engine(url, tries=2) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            left = await watched.engine.wait(task.id)
            assert (left.status, left.unsure) == (Status.SUBMITTING, True)
            assert task.id in watched.engine.gave_up
            assert await watched.engine.drop([task.id]) == []
    assert len({(path, key, body) for path, key, body in spy.posted}) == 1


async def test_an_unsure_task_is_sent_again_on_the_users_word(
    spy: Spy, open_engine: OpenEngine
) -> None:
    with serving(stubborn(spy, 409)) as url:
        async with open_engine(url, tries=2) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            left = await watched.engine.wait(task.id)
    assert not left.watched
    assert f"resume {left.id}`, sends the same request once more" in left.note


async def test_what_another_process_carries_is_not_dropped_here(
    open_engine: OpenEngine,
) -> None:
    with serving(create_app(bundled(), delay=3600)) as url:
        async with (
            open_engine(url) as person,
            open_engine(url, concurrency=1) as script,
        ):
            tasks = [
                await script.engine.submit(FLUX, {"prompt": f"a fox {n}"})
                for n in range(2)
            ]
            await script.until(lambda told: told.status is Status.PENDING)
            await person.until(lambda told: told.id == tasks[1].id)
            assert await person.engine.drop([tasks[1].id]) == []
            with pytest.raises(LeasedError, match="Another"):
                await actions.toggle_favourite(person.engine, [tasks[1]])
            assert [task.id for task in await script.engine.drop([tasks[1].id])] == [
                tasks[1].id
            ]


async def test_a_slow_file_host_does_not_hold_up_a_paid_submit(
    open_engine: OpenEngine,
) -> None:
    service = create_app(bundled(), delay=0)
    release = asyncio.Event()
    there: list[asyncio.AbstractEventLoop] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        there[:] = [asyncio.get_running_loop()]
        if scope["path"].startswith("/files/"):
            await release.wait()
        await service(scope, receive, send)

    with serving(app) as url:
        async with open_engine(url, concurrency=40) as watched:
            tasks = [
                await watched.engine.submit(Z_IMAGE, {"prompt": f"a lake {n}"})
                for n in range(17)
            ]
            for task in tasks:
                await watched.until_status(task.id, Status.FETCHING)
            late = await watched.engine.submit(Z_IMAGE, {"prompt": "a late lake"})
            await watched.until_status(late.id, Status.FETCHING)
        there[0].call_soon_threadsafe(release.set)


async def test_an_output_folder_that_is_none_is_told_before_anything_is_paid(
    spy: Spy, base_url: str, open_engine: OpenEngine, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    async with open_engine(base_url, out_dir=tmp_path / "file") as watched:
        with pytest.raises(InvalidRequestError, match="can't be saved"):
            await watched.engine.submit(FLUX, {"prompt": "a fox"})
    assert spy.posted == []


@pytest.mark.hands_over("*.png")
async def test_the_same_content_is_uploaded_once(
    spy: Spy, base_url: str, open_engine: OpenEngine, tmp_path: Path
) -> None:
    for name in ("a.png", "b.png"):
        Image.new("RGB", (64, 64), "red").save(tmp_path / name)
    async with open_engine(base_url) as watched:
        tasks = [
            await watched.engine.submit(
                REMIX,
                {"prompt": "in snow", "source_image_urls": [str(tmp_path / name)]},
            )
            for name in ("a.png", "b.png", "a.png")
        ]
        for task in tasks:
            assert (await watched.engine.wait(task.id)).status is Status.COMPLETED
    assert len([path for path, _, _ in spy.posted if path.endswith("/prepare")]) == 1


async def test_the_queue_file_is_closed_after_everything_has_let_go(
    base_url: str, open_engine: OpenEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    carried = asyncio.Event()

    async def carry(task_id: str) -> None:
        carried.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            order.append("let go")

    async with open_engine(base_url) as watched:
        engine = watched.engine
        close = engine.queue.close

        async def closing() -> None:
            order.append("closing")
            await close()

        monkeypatch.setattr(engine._worker, "run", carry)
        monkeypatch.setattr(engine.queue, "close", closing)
        await engine.submit(FLUX, {"prompt": "a fox"})
        await carried.wait()
    assert order == ["let go", "closing"]


async def test_what_was_set_aside_meanwhile_is_neither_moved_nor_sent(
    open_engine: OpenEngine, base_url: str
) -> None:
    """A refusal may be worked on, such as by a move to the other route, while the
    command is interrupted: what comes of it is not written.
    """
    async with open_engine(base_url) as watched:
        await watched.engine.pause(True)
        held = await watched.engine.submit(bundled().find("z-image"), {"prompt": "fox"})
        (aside,) = await watched.engine.set_aside([held.id])
        assert aside.set_aside is SetAside.INTERRUPTED
        for later in (held.change(note="moved"), held.change(Status.SUBMITTING)):
            with pytest.raises(LeasedError):
                await watched.engine.queue.save(later, "later")
        assert await watched.engine.queue.named([held.id]) == [aside]


@pytest.mark.parametrize("step", [-1, 1])
async def test_a_move_that_the_disk_refuses_in_part_leaves_an_order(
    step: int,
    open_engine: OpenEngine,
    base_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_engine(base_url) as watched:
        engine = watched.engine
        await engine.pause(True)
        first = await engine.submit(Z_IMAGE, {"prompt": "fox"})
        second = await engine.submit(Z_IMAGE, {"prompt": "owl"})
        save_all = Store.save_all
        writes: list[int] = []

        def save_once(store: Store, entries: Any) -> Any:
            writes.append(1)
            if len(writes) > 1:
                raise StoreError("The disk is full.")
            return save_all(store, entries)

        monkeypatch.setattr(Store, "save_all", save_once)
        with contextlib.suppress(StoreError):
            await engine.move(first if step > 0 else second, step)
        saved = await engine.queue.named([first.id, second.id])
        before, after = sorted(saved, key=lambda task: task.turn)
        assert before.turn[0] < after.turn[0]
        assert [before.id, after.id] == [second.id, first.id]
        assert engine.tasks[first.id].turn == after.turn
        with pytest.raises(StoreError):
            await engine.move(first, -1)
        assert engine.tasks[first.id].turn == after.turn
        assert engine.tasks[second.id].turn == before.turn
