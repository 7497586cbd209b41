"""Answers that are late, odd or wrong for a while end no paid task."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from tests.loopback import serving
from tests.tasks.conftest import OpenEngine
from tui.catalog.load import bundled
from tui.demo.service import create_app
from tui.service.task_answer import MOST_RESULTS
from tui.tasks import fetching, worker
from tui.tasks.connection import Connection
from tui.tasks.rescue import rescue
from tui.tasks.task import SetAside, Status

FLUX = bundled().find("flux-2-pro-text-to-image")


class Changed:
    """The embedded service, some of whose answers are changed by the test."""

    def __init__(self) -> None:
        self._service = create_app(bundled(), delay=0)
        self.polls = self.downloads = 0
        self.posts: list[str] = []

    def poll(self, number: int, said: dict[str, Any]) -> Response | None:
        """What is answered to a poll in place of `said`; None leaves it."""
        return None

    def download(self, number: int) -> Response | None:
        """What is answered in place of a picture; None leaves it."""
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        instead: Response | None = None
        if path.startswith("/files/"):
            self.downloads += 1
            instead = self.download(self.downloads)
        elif method == "GET" and ("/tasks/" in path or "text_to_image/" in path):
            said = await self._said(scope, receive)
            self.polls += said != {}
            instead = self.poll(self.polls, said) if said else None
        elif method == "POST":
            self.posts.append(path)
        await (instead or self._service)(scope, receive, send)

    async def _said(self, scope: Scope, receive: Receive) -> dict[str, Any]:
        chunks: list[bytes] = []

        async def keep(message: Any) -> None:
            chunks.append(message.get("body", b""))

        await self._service(scope, receive, keep)
        said = json.loads(b"".join(chunks))
        return said if "status" in said else {}


class LatePictures(Changed):
    def poll(self, number: int, said: dict[str, Any]) -> Response | None:
        return (
            JSONResponse({"task_id": said["task_id"], "status": "completed"})
            if number < 4
            else None
        )


class NestedText(Changed):
    def poll(self, number: int, said: dict[str, Any]) -> Response | None:
        body = json.dumps({"images": said.pop("images")}) if "images" in said else ""
        return JSONResponse(said | {"response": {"status": 200, "body": body}})


class UnknownPlace(Changed):
    def poll(self, number: int, said: dict[str, Any]) -> Response | None:
        return JSONResponse(said | {"made": {"files": said.pop("images", [])}})


class NotFoundForAWhile(Changed):
    def poll(self, number: int, said: dict[str, Any]) -> Response | None:
        return JSONResponse({"error": "Not found"}, 404) if number < 12 else None


class HostIsLate(Changed):
    def download(self, number: int) -> Response | None:
        return Response(status_code=404 if number % 2 else 403) if number < 4 else None


class HostSendsPages(Changed):
    def download(self, number: int) -> Response | None:
        return HTMLResponse("<html>Please wait</html>") if number < 6 else None


@pytest.mark.parametrize(
    "service",
    [
        LatePictures,
        NestedText,
        UnknownPlace,
        NotFoundForAWhile,
        HostIsLate,
        HostSendsPages,
    ],
    ids=lambda service: service.__name__,
)
async def test_what_comes_late_or_oddly_is_waited_for(
    service: type[Changed], open_engine: OpenEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (worker, fetching):
        monkeypatch.setattr(module, "backoff", lambda *_: 0.0)
    monkeypatch.setattr(worker, "MISSING_FOR", 0.01)
    app = service()
    with serving(app) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            ended = await watched.engine.wait(task.id)
    assert ended.status is Status.COMPLETED
    assert (ended.error, len(ended.files)) == (None, 1)
    assert len([path for path in app.posts if "text_to_image" in path]) == 1


@pytest.mark.parametrize(
    ("word", "status"),
    [
        *(
            (word, Status.FAILED)
            for word in (
                "generate_failed",
                "create_task_failed",
                "aborted",
                "moderated",
            )
        ),
        *((word, Status.FAILED) for word in ("nsfw", "NSFW", "Create-Task-Failed")),
        *((word, Status.COMPLETED) for word in ("succeed", "ready", "READY")),
    ],
)
async def test_words_that_are_known_as_ends_end_a_task(
    word: str, status: Status, open_engine: OpenEngine
) -> None:
    class Worded(Changed):
        def poll(self, number: int, said: dict[str, Any]) -> Response | None:
            pictures = {} if status is Status.FAILED else {"images": said.get("images")}
            return JSONResponse({"task_id": said["task_id"], "status": word} | pictures)

    with serving(Worded()) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            assert (await watched.engine.wait(task.id)).status is status


async def test_an_unknown_word_is_asked_less_often_then_set_aside_with_that_word(
    open_engine: OpenEngine,
) -> None:
    class Percolating(Changed):
        still = True

        def poll(self, number: int, said: dict[str, Any]) -> Response | None:
            return (
                JSONResponse({"task_id": said["task_id"], "status": "percolating"})
                if self.still
                else None
            )

    app = Percolating()
    with serving(app) as url:
        async with open_engine(url, longest_wait=0.5) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            left = await watched.engine.wait(task.id)
            assert (left.watched, left.set_aside) == (False, SetAside.WAITED)
            assert "percolating" in left.note
            assert app.polls < 25  # at the first pause it would have been fifty
            assert watched.engine.gave_up[task.id].kind == "timeout"
        async with open_engine(url) as again:
            assert not again.engine.is_running(task.id)
            app.still = False
            await again.engine.watch(task.id)
            assert (await again.engine.wait(task.id)).status is Status.COMPLETED
    assert len([path for path in app.posts if "text_to_image" in path]) == 1


async def test_a_command_gives_up_a_missing_task_and_it_can_be_resumed(
    open_engine: OpenEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "MISSING_FOR", 0.01)
    with serving(NotFoundForAWhile()) as url:
        async with open_engine(url, tries=4) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            left = await watched.engine.wait(task.id)
            assert (left.live, watched.engine.gave_up[task.id].kind) == (
                True,
                "not_found",
            )
        async with open_engine(url) as again:
            assert (await again.engine.wait(task.id)).status is Status.COMPLETED


async def test_a_finished_task_without_a_picture_is_asked_again_when_wished(
    open_engine: OpenEngine,
) -> None:
    class Empty(Changed):
        empty = True

        def poll(self, number: int, said: dict[str, Any]) -> Response | None:
            return (
                JSONResponse({"task_id": said["task_id"], "status": "completed"})
                if self.empty
                else None
            )

    app = Empty()
    with serving(app) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            ended = await watched.engine.wait(task.id)
            assert (ended.status, ended.error and ended.error.kind) == (
                Status.COMPLETED,
                "empty",
            )
            app.empty = False
            tasks, problems = await rescue(watched.engine)
            assert ([task.id for task in tasks], problems) == ([task.id], [])
            saved = await watched.engine.wait(task.id)
    assert (saved.status, saved.error, len(saved.files)) == (Status.COMPLETED, None, 1)


async def test_a_new_address_is_asked_for_when_the_old_one_has_gone(
    open_engine: OpenEngine,
) -> None:
    seen: Counter[str] = Counter()

    class Moved(Changed):
        def poll(self, number: int, said: dict[str, Any]) -> Response | None:
            for image in said.get("images", []):
                image["url"] += f"?signed={number}"
            return JSONResponse(said)

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            signed = scope["query_string"].decode()
            seen[signed] += signed.startswith("signed")
            if signed == "signed=1":
                await Response(status_code=410)(scope, receive, send)
                return
            await super().__call__(scope, receive, send)

    with serving(Moved()) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            ended = await watched.engine.wait(task.id)
    assert ended.status is Status.COMPLETED
    assert Path(ended.files[0]).is_file()
    assert seen["signed=1"] >= 1
    assert seen["signed=2"] == 1


async def test_a_conflict_after_a_lost_answer_is_asked_again_with_the_same_key(
    open_engine: OpenEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui.tasks import submit as sending

    monkeypatch.setattr(sending, "backoff", lambda *_: 0.0)
    keys: list[bytes] = []
    service = create_app(bundled(), delay=0)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await service(scope, receive, send)
            return
        keys.append(dict(scope["headers"])[b"idempotency-key"])
        if len(keys) == 1:  # made, and its answer lost

            async def lost(message: Any) -> None:
                pass

            await service(scope, receive, lost)
            await Response(status_code=504)(scope, receive, send)
        elif len(keys) < 4:
            said = {
                "error": {
                    "code": "request_conflict",
                    "message": "This request is still being processed.",
                }
            }
            await JSONResponse(said, 409)(scope, receive, send)
        else:
            await service(scope, receive, send)

    with serving(app) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            ended = await watched.engine.wait(task.id)
    assert ended.status is Status.COMPLETED
    assert (len(keys), len(set(keys))) == (4, 1)


@pytest.mark.parametrize("status", [200, 503])
async def test_a_service_that_asks_for_an_hour_holds_up_no_longest_wait(
    status: int, open_engine: OpenEngine
) -> None:
    class Hourly(Changed):
        def poll(self, number: int, said: dict[str, Any]) -> Response:
            return JSONResponse(
                {**said, "status": "processing"}, status, {"Retry-After": "3600"}
            )

    with serving(Hourly()) as url:
        async with open_engine(url, longest_wait=0.5, tries=4) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            async with asyncio.timeout(20):
                left = await watched.engine.wait(task.id)
    assert left.set_aside is SetAside.WAITED


async def test_a_conflict_over_a_new_key_is_a_request_that_came_twice(
    open_engine: OpenEngine,
) -> None:
    service = create_app(bundled(), delay=0)
    keys: list[bytes] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            keys.append(dict(scope["headers"])[b"idempotency-key"])
            # What came first, from a gateway that repeats requests, is at work
            if len(keys) == 1:
                said = {
                    "error": {
                        "code": "request_conflict",
                        "message": "This request is still being processed.",
                    }
                }
                await JSONResponse(said, 409)(scope, receive, send)
                return
        await service(scope, receive, send)

    with serving(app) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            ended = await watched.engine.wait(task.id)
    assert ended.status is Status.COMPLETED
    assert (len(keys), len(set(keys))) == (2, 1)


async def test_what_was_made_before_a_task_failed_is_saved(
    open_engine: OpenEngine,
) -> None:
    class Partly(Changed):
        def poll(self, number: int, said: dict[str, Any]) -> Response | None:
            return JSONResponse(
                said | {"status": "failed", "error": "3 of 4 were refused"}
            )

    with serving(Partly()) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            ended = await watched.engine.wait(task.id)
    assert (ended.status, len(ended.files)) == (Status.COMPLETED, 1)
    assert ended.error
    assert (ended.error.kind, ended.error.message) == ("failed", "3 of 4 were refused")


async def test_pictures_under_an_unknown_word_are_saved_after_the_longest_wait(
    open_engine: OpenEngine,
) -> None:
    class Odd(Changed):
        def poll(self, number: int, said: dict[str, Any]) -> Response | None:
            return JSONResponse(said | {"status": "200"})

    with serving(Odd()) as url:
        async with open_engine(url, longest_wait=0.3, tries=4) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            ended = await watched.engine.wait(task.id)
    assert (ended.status, len(ended.files)) == (Status.COMPLETED, 1)


@pytest.mark.parametrize("status", [302, 400, 404, 405, 410, 451])
async def test_a_refusal_that_is_not_the_services_own_rejects_nothing(
    status: int, open_engine: OpenEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A portal or a gateway answers for a while, after the service has accepted."""
    from tui.tasks import submit as sending

    monkeypatch.setattr(sending, "backoff", lambda *_: 0.0)
    service = create_app(bundled(), delay=0)
    keys: list[bytes] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            keys.append(dict(scope["headers"]).get(b"idempotency-key", b""))
            if len(keys) in (2, 3, 4):
                page = HTMLResponse(
                    "<html>Sign in</html>", status, {"location": "https://portal.test/"}
                )
                await page(scope, receive, send)
                return
        await service(scope, receive, send)

    with serving(app) as url:
        async with open_engine(url, api="service") as watched:
            first = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            assert (await watched.engine.wait(first.id)).status is Status.COMPLETED
            second = await watched.engine.submit(FLUX, {"prompt": "a lake"})
            ended = await watched.engine.wait(second.id)
    assert ended.status is Status.COMPLETED
    assert len(set(keys)) == 2


@pytest.mark.parametrize("status", [200, 503])
@pytest.mark.parametrize("asked", ["0", "1e-9", "-5", "nan", "0.001", "soon"])
async def test_no_service_is_asked_more_often_than_usual(
    asked: str, status: int, open_engine: OpenEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Eager(Changed):
        def poll(self, number: int, said: dict[str, Any]) -> Response | None:
            if number >= 4:
                return None
            return JSONResponse(
                {**said, "status": "processing"}, status, {"Retry-After": asked}
            )

    monkeypatch.setattr(worker, "backoff", lambda *_: 0.0)
    slept: list[float] = []
    sleep = Connection.sleep

    async def counted(connection: Connection, seconds: float) -> None:
        slept.append(seconds)
        await sleep(connection, seconds)

    monkeypatch.setattr(Connection, "sleep", counted)
    app = Eager()
    with serving(app) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            ended = await watched.engine.wait(task.id)
    assert ended.status is Status.COMPLETED
    assert app.polls == 4
    assert all(seconds >= 0.005 for seconds in slept)  # half of it, at a slow answer
    assert len(slept) == 4


async def test_a_task_with_any_number_of_pictures_keeps_the_first_and_says_so(
    open_engine: OpenEngine,
) -> None:
    class Many(Changed):
        def poll(self, number: int, said: dict[str, Any]) -> Response | None:
            (image,) = said["images"]
            more = [
                {"urls": [f"{image['url']}?{row}-{at}" for at in range(200)]}
                for row in range(50)
            ]
            return JSONResponse(said | {"images": more})

    app = Many()
    with serving(app) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            named = await watched.until_status(task.id, Status.FETCHING)
            events = await watched.engine.queue.events(task.id)
    assert len(named.results) == MOST_RESULTS
    assert named.results[0].url.endswith("?0-0")
    told = [event for _, event, _ in events if "were left out" in event]
    assert told == [
        "the service says completed; 9,872 of the pictures that it names were left out"
    ]


async def test_an_answer_of_megabytes_at_each_poll_fills_no_disk(
    open_engine: OpenEngine, tmp_path: Path
) -> None:
    class Long(Changed):
        def poll(self, number: int, said: dict[str, Any]) -> Response | None:
            if number > 20:
                return None
            more = {"status": "processing", "progress": number, "x": "y" * 100_000}
            return JSONResponse({"task_id": said["task_id"]} | more)

    app = Long()
    with serving(app) as url:
        async with open_engine(url, pause=lambda age: 0.001) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            ended = await watched.engine.wait(task.id)
            events = await watched.engine.queue.events(task.id)
    assert ended.status is Status.COMPLETED
    assert sum(len(raw) for _, _, raw in events) < 1_100_000
    assert '"pending"' in "".join(raw for _, _, raw in events[:4])
    assert '"completed"' in "".join(raw for _, _, raw in events[-4:])
    assert (tmp_path / "queue.db").stat().st_size < 4_000_000


async def test_a_location_in_trouble_hides_no_paid_picture(
    open_engine: OpenEngine,
) -> None:
    service = create_app(bundled(), delay=0)
    asked: Counter[str] = Counter()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def moved(message: Any) -> None:
            if message["type"] == "http.response.start":
                place = (b"location", b"/there/x")
                others = [pair for pair in message["headers"] if pair[0] != b"location"]
                message = {**message, "headers": [*others, place]}
            await send(message)

        if scope["path"] == "/there/x":
            asked["location"] += 1
            await JSONResponse({"error": "oops"}, 500)(scope, receive, send)
        else:
            await service(scope, receive, moved)

    with serving(app) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            ended = await watched.engine.wait(task.id)
    assert (ended.status, len(ended.files)) == (Status.COMPLETED, 1)
    assert asked["location"] == 1


@pytest.mark.parametrize(
    "url", ["http://files.example/a.png", "https://10.0.0.5/a.png", "http://[fe80::1]/"]
)
async def test_a_picture_at_an_address_that_is_refused_is_told_and_can_be_resumed(
    url: str, open_engine: OpenEngine
) -> None:
    class Elsewhere(Changed):
        elsewhere = True

        def poll(self, number: int, said: dict[str, Any]) -> Response | None:
            is_done = self.elsewhere and "images" in said
            return JSONResponse(said | {"images": [{"url": url}]}) if is_done else None

    app = Elsewhere()
    with serving(app) as base_url:
        async with open_engine(base_url) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            ended = await watched.engine.wait(task.id)
            assert ended.status is Status.EXPIRED
            assert ended.error
            assert "not saved: The result's address is refused:" in ended.error.message
            app.elsewhere = False
            await watched.engine.watch(task.id)
            again = await watched.engine.wait(task.id)
    assert (again.status, len(again.files)) == (Status.COMPLETED, 1)
    assert len([path for path in app.posts if "text_to_image" in path]) == 1
