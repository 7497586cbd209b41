"""A world in which everything goes wrong, and goes wrong the same way again: clock,
threads, network and service.

`VirtualLoop` has a clock that jumps over every wait, and runs what belongs into threads
in between, late and in a drawn order. A `Process` can be killed, suspended, or find its
disk full. `Wire` carries requests to the embedded service and loses them on either way.
`Book` and `Ledger` know what was asked of the service and what it made.
"""

import asyncio
import io
import json
import random
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar, TypeVarTuple
from unittest import mock
from weakref import WeakKeyDictionary

import httpx
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tui.catalog.load import Catalog, bundled
from tui.demo import service, tasks
from tui.demo.pictures import ResultFiles
from tui.tasks.store_errors import StoreError

# ---- what the service was asked for, and what it made


class Book(tasks.TaskRegistry):
    """The service's book; forgets nothing."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.made: list[tasks.DemoTask] = []

    def add(self, *args: Any, **options: Any) -> tasks.DemoTask:
        task = super().add(*args, **options)
        self.made.append(task)
        return task

    @property
    def spent(self) -> int:
        """Micro-dollars, less what failed tasks were given back."""
        return self.account()[1]


def booked(catalog: Catalog | None = None, **options: Any) -> tuple[Starlette, Book]:
    """The embedded service with all models, or those of a catalog, and its book."""
    books: list[Book] = []

    def opened(**facts: Any) -> Book:
        books.append(Book(**facts))
        return books[-1]

    with mock.patch.object(service, "TaskRegistry", opened):
        app = service.create_app(catalog or bundled(), **options)
    return app, books[0]


@dataclass(frozen=True)
class Post:
    """A paid request as it came in."""

    path: str
    key: str
    body: bytes


class Ledger:
    """ASGI middleware: keeps every paid request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.posts: list[Post] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = dict(scope.get("headers", ())).get(b"idempotency-key")
        if key is None:
            await self._app(scope, receive, send)
            return
        body = b""
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return  # the sender ended before its request was whole
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self.posts.append(Post(scope["path"], key.decode(), body))
        whole: Message = {"type": "http.request", "body": body, "more_body": False}

        async def again() -> Message:
            return whole

        await self._app(scope, again, send)

    def muddled(self) -> list[str]:
        """Keys that came with more than one body or path, and bodies without a key."""
        sent: dict[str, set[tuple[str, bytes]]] = {}
        for post in self.posts:
            sent.setdefault(post.key, set()).add((post.path, post.body))
        return [key for key, kinds in sent.items() if len(kinds) > 1 or not key]


Moment = Literal["arrived", "answered", "halfway", "told"]


class Snare:
    """ASGI middleware: ends whoever asks at a chosen moment of a chosen request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._left = 0
        self._moment: Moment = "told"
        self._end: Callable[[], None] = lambda: None
        self.sprung = threading.Event()

    def set(self, requests: int, moment: Moment, end: Callable[[], None]) -> None:
        """Call `end` when so many requests have come: before it is looked at, before it
        is answered, in the middle of the answer, or after it.
        """
        self._left, self._moment, self._end = requests, moment, end
        self.sprung.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._left -= 1
        if self._left:
            await self._app(scope, receive, send)
            return

        async def halfway(message: Message) -> None:
            if self._moment == "answered":
                self._spring()
            body = message.get("body", b"")
            if self._moment == "halfway" and len(body) > 1:
                half = len(body) // 2
                await send({**message, "body": body[:half], "more_body": True})
                self._spring()
                message = {**message, "body": body[half:]}
            await send(message)

        if self._moment == "arrived":
            self._spring()
        await self._app(scope, receive, halfway)
        self._spring()

    def _spring(self) -> None:
        if not self.sprung.is_set():
            self._end()
            self.sprung.set()


# ---- time and threads

Words = TypeVarTuple("Words")
Result = TypeVar("Result")
EPOCH = 2_000_000_000.0
_LATENCIES = (0.0, 0.0, 0.0005, 0.002, 0.01, 0.04)


class Process:
    """Whose loop, threads and requests these are."""

    def __init__(self) -> None:
        self.killed = False
        self.asleep_until = 0.0
        self.disk_full = False
        self.was_full = False
        self.context = copy_context()
        self.context.run(_PROCESS.set, self)


_PROCESS: ContextVar[Process] = ContextVar("process")


class _Timeless(selectors.SelectSelector):
    """Waits for nothing: where the loop has nothing to do, its clock is put forward."""

    loop: "VirtualLoop"

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("everything waits for ever")
        self.loop.now += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """No wait takes time; threads are played on the loop's own one, in an order that
    `chance` draws.
    """

    def __init__(self, chance: random.Random, slowness: float = 1.0) -> None:
        self.now = 0.0
        self.slowness = slowness
        self.leapt = 0.0
        """Seconds by which the wall clock is ahead, or behind if negative: the machine
        was suspended, or its clock was set.
        """
        self.chance = chance
        self._lanes: WeakKeyDictionary[Any, _Lane] = WeakKeyDictionary()
        selector = _Timeless()
        selector.loop = self
        super().__init__(selector)
        self._clock_resolution = 1e-7

    def time(self) -> float:
        return self.now

    def latency(self) -> float:
        return (
            self.chance.choice(_LATENCIES)
            * self.chance.uniform(0.5, 1.5)
            * self.slowness
        )

    def run_in_executor(
        self, executor: Any, func: Callable[[*Words], Result], *args: *Words
    ) -> "asyncio.Future[Result]":
        if executor is not None and executor._shutdown:
            raise RuntimeError("cannot schedule new futures after shutdown")
        lane = (
            _Lane(self)
            if executor is None
            else self._lanes.setdefault(executor, _Lane(self))
        )
        return lane.submit(_PROCESS.get(), func, args)


class _Lane:
    """One thread: takes its work in order; what is cancelled before it began is left
    out.
    """

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._waiting: deque[tuple[Process, asyncio.Future[Any], Callable[[], Any]]] = (
            deque()
        )
        self._busy = False

    def submit(
        self, process: Process, func: Callable[..., Any], args: tuple[Any, ...]
    ) -> "asyncio.Future[Any]":
        done: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.append((process, done, lambda: _worked(process, func, args)))
        if not self._busy:
            self._next()
        return done

    def _next(self) -> None:
        self._busy = bool(self._waiting)
        if self._busy:
            self._loop.call_later(
                self._loop.latency(), self._begin, *self._waiting.popleft()
            )

    def _begin(
        self, process: Process, done: "asyncio.Future[Any]", work: Callable[[], Any]
    ) -> None:
        if process.killed:
            return
        if process.asleep_until > self._loop.now:
            self._loop.call_at(process.asleep_until, self._begin, process, done, work)
        elif done.cancelled():
            self._next()
        else:
            result: Any = None
            problem: Exception | None = None
            try:
                result = work()
            except Exception as error:
                problem = error
            self._loop.call_later(
                self._loop.latency(), self._deliver, process, done, result, problem
            )

    def _deliver(
        self,
        process: Process,
        done: "asyncio.Future[Any]",
        result: Any,
        problem: Exception | None,
    ) -> None:
        if process.killed:
            return
        if process.asleep_until > self._loop.now:
            self._loop.call_at(
                process.asleep_until, self._deliver, process, done, result, problem
            )
            return
        if not done.cancelled():
            if problem:
                done.set_exception(problem)
            else:
                done.set_result(result)
        self._next()


_WRITES = (
    *("save_all", "lease", "claim", "renew", "release", "learn", "remember_upload"),
    *("add_missing", "set_aside_unsent", "set_aside_job"),
    *("push_undo", "pop_undo", "write_back"),
)


def _worked(process: Process, func: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    work = func.func if isinstance(func, partial) else func
    if process.disk_full and getattr(work, "__name__", "") in _WRITES:
        process.was_full = True
        raise StoreError("The queue file can't be used: the disk is full.")
    return func(*args)


class WallClock:
    """Stands in for the module `time`."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._leapt = loop.leapt
        self._told = 0.0

    def time(self) -> float:
        moment = EPOCH + self._loop.now + self._loop.leapt
        if self._leapt == self._loop.leapt:
            # No moment comes twice, unless the clock was set
            moment = max(moment, self._told + 1e-6)
        self._leapt = self._loop.leapt
        self._told = moment
        return moment

    def time_ns(self) -> int:
        return int(self.time() * 1e9)

    def monotonic(self) -> float:
        return self._loop.now

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


# ---- the way to the service

Kind = Literal["create", "poll", "file", "upload"]
FAULTS: dict[Kind, tuple[str, ...]] = {
    "create": (
        *("unreachable", "connect timeout", "cut before", "cut after", "late", "slow"),
        *("500 before", "500 after", "html before", "html after", "nameless", "adopt"),
        *("429", "401", "402", "403", "404", "409", "422"),
    ),
    "poll": (
        *(
            "unreachable",
            "cut after",
            "slow",
            "500 before",
            "html before",
            "429",
            "401",
            "404",
        ),
        *("shrug", "odd", "bare", "wrapped"),
    ),
    "file": (
        *("unreachable", "slow", "500 before", "html before", "403", "404", "410"),
        *("torn", "short", "empty"),
    ),
    "upload": ("unreachable", "cut before", "500 before", "html before", "429"),
}
_PAGE = b"<!DOCTYPE html><html><body>Trouble</body></html>"


def kind_of(request: httpx.Request) -> Kind:
    if "idempotency-key" in request.headers:
        return "create"
    if request.method == "GET":
        return "file" if request.url.path.startswith("/files/results/") else "poll"
    return "upload"


class Network:
    """The way to the service, shared by all processes; `faults` are what it does to a
    request, by chance.
    """

    def __init__(
        self, loop: VirtualLoop, app: ASGIApp, leaves: Callable[[httpx.Request], None]
    ) -> None:
        self.faults: dict[Kind, set[str]] = {}
        self._loop = loop
        self._app = httpx.ASGITransport(app)
        self._leaves = leaves
        self._under_way: set[asyncio.Task[httpx.Response]] = set()

    def fault(self, kind: Kind) -> str:
        active = sorted(self.faults.get(kind, ()))
        return (
            self._loop.chance.choice(active)
            if active and self._loop.chance.random() < 0.7
            else ""
        )

    def leaves(self, request: httpx.Request) -> None:
        self._leaves(request)

    def deliver(
        self, request: httpx.Request, after: float = 0.0
    ) -> "asyncio.Task[httpx.Response]":
        """Whatever becomes of the sender, the request arrives."""
        arriving = self._loop.create_task(self._deliver(request, after))
        self._under_way.add(arriving)
        arriving.add_done_callback(self._under_way.discard)
        return arriving

    async def _deliver(self, request: httpx.Request, after: float) -> httpx.Response:
        await asyncio.sleep(after)
        answer = await self._app.handle_async_request(request)
        return httpx.Response(
            answer.status_code, headers=answer.headers, content=await answer.aread()
        )


class Wire(httpx.AsyncBaseTransport):
    """One process's connections."""

    def __init__(self, network: Network, loop: VirtualLoop, process: Process) -> None:
        self._network = network
        self._loop = loop
        self._process = process

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        kind = kind_of(request)
        await self._awake()
        if kind == "create":
            self._network.leaves(request)
        fault = self._network.fault(kind)
        try:
            await asyncio.sleep(self._loop.latency())
        except asyncio.CancelledError:
            self._perhaps(request, fault)
            raise
        if self._process.killed:
            self._perhaps(request, fault)
        await self._awake()
        answer = await self._carried(request, fault)
        await asyncio.sleep(self._loop.latency())
        await self._awake()
        return answer

    def _perhaps(self, request: httpx.Request, fault: str) -> None:
        if fault in ("", "slow") and self._loop.chance.random() < 0.5:
            self._network.deliver(request)

    async def _awake(self) -> None:
        """Once the process may go on; never, if it was killed."""
        if self._process.asleep_until > self._loop.now:
            await asyncio.sleep(self._process.asleep_until - self._loop.now)
        if self._process.killed:
            await asyncio.sleep(1e9)

    async def _carried(self, request: httpx.Request, fault: str) -> httpx.Response:
        chance = self._loop.chance
        match fault.split():
            case ["unreachable"]:
                raise httpx.ConnectError("nobody listens", request=request)
            case ["connect", "timeout"]:
                raise httpx.ConnectTimeout("nobody answers", request=request)
            case ["cut", "before"]:
                await asyncio.sleep(chance.uniform(0, 3))
                raise httpx.ReadError("the line broke", request=request)
            case ["late"]:
                self._network.deliver(request, chance.choice((0.1, 2.0, 30.0)))
                raise httpx.ReadTimeout("no answer", request=request)
            case ["500" | "html" as word, "before"]:
                return _page(503 if word == "500" else 200)
            case ["429"]:
                return httpx.Response(
                    429,
                    headers={"Retry-After": chance.choice(("1", "7", "0"))},
                    json={},
                )
            case ["shrug"]:
                return httpx.Response(200, json={})
            case ["odd"]:
                return httpx.Response(200, json={"status": "baking"})
            case [status] if status.isdigit():
                return httpx.Response(int(status), json={"error": "No."})
        answer = await asyncio.shield(self._network.deliver(request))
        match fault.split():
            case ["slow"]:
                await asyncio.sleep(chance.choice((1.0, 20.0, 150.0)))
            case ["cut", "after"]:
                raise httpx.RemoteProtocolError("the line broke", request=request)
            case ["500" | "html" as word, "after"]:
                return _page(504 if word == "500" else 200)
            case ["nameless"]:
                return httpx.Response(202, json={"ok": True})
            case ["adopt"]:
                named = {"X-RunAPI-Task-Id": answer.headers.get("X-RunAPI-Task-Id", "")}
                return httpx.Response(
                    500, json={"error": "Something went wrong"}, headers=named
                )
            case ["bare"]:
                return _without_pictures(answer)
            case ["wrapped"]:
                return _within_text(answer)
            case ["torn"]:
                return httpx.Response(200, stream=_Torn(answer.content))
            case ["short"]:
                return httpx.Response(
                    200, content=answer.content[: len(answer.content) // 2]
                )
            case ["empty"]:
                return httpx.Response(200)
        return answer


class _Torn(httpx.AsyncByteStream):
    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> Any:
        yield self._content[:20]
        await asyncio.sleep(0.5)
        raise httpx.ReadError("the line broke")


def _page(status: int) -> httpx.Response:
    return httpx.Response(status, content=_PAGE, headers={"Content-Type": "text/html"})


def _without_pictures(answer: httpx.Response) -> httpx.Response:
    """A completed task whose pictures are told later."""
    said = answer.json()
    if said.get("status") != "completed":
        return answer
    return httpx.Response(200, json=said | {"images": []})


def _within_text(answer: httpx.Response) -> httpx.Response:
    """A completed task whose pictures stand in JSON text in `response.body`."""
    said = answer.json()
    if said.get("status") != "completed":
        return answer
    body = json.dumps({"images": said.pop("images")})
    return httpx.Response(200, json=said | {"response": {"body": body}})


def picture(path: str) -> bytes:
    """The small file behind a result's URL."""
    file = io.BytesIO()
    colour = random.Random(path).randbytes(3)
    Image.new("RGB", (3, 2), tuple(colour)).save(
        file, "PNG" if path.endswith("png") else "JPEG"
    )
    return file.getvalue()


def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded service paints nothing: its pictures are small, but whole."""
    monkeypatch.setattr(
        ResultFiles,
        "_paint",
        lambda self, task, index: picture(self.names(task)[index]),
    )


def pictures_without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded service makes its small pictures on the event loop: each is the
    `picture` of its path.
    """

    async def data(self: ResultFiles, task: tasks.DemoTask, index: int) -> bytes:
        return picture(f"/files/results/{task.id}/{self.names(task)[index]}")

    monkeypatch.setattr(ResultFiles, "data", data)
