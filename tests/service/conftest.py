"""Servers on loopback that give set answers and record the requests."""

import asyncio
import socket
import ssl
import subprocess
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from tui.service.client import Client

KEY = "runapi_0123456789abcdefghijklmnop"


class ReceivedRequest(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Host:
    """One origin. `answer` returns the response to a request."""

    def __init__(self) -> None:
        self.asked: list[ReceivedRequest] = []
        self.answer: Callable[[ReceivedRequest], Response] = lambda asked: JSONResponse(
            {"id": "t1"}
        )
        listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        config = uvicorn.Config(self, lifespan="off", log_config=None)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listening]}, daemon=True
        )
        self._thread.start()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path: str = scope["raw_path"].decode()
        asked = ReceivedRequest(
            request.method, path, dict(request.headers), await request.body()
        )
        self.asked.append(asked)
        await self.answer(asked)(scope, receive, send)

    def answer_with(self, *responses: Response) -> None:
        """Answers with these in turn, and with the last one from then on."""
        left = list(responses)
        self.answer = lambda asked: left.pop(0) if len(left) > 1 else left[0]

    @property
    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    def forget(self) -> None:
        self.asked.clear()
        self.answer_with(JSONResponse({"id": "t1"}))

    def stop(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()


@pytest.fixture(scope="session")
def _hosts() -> Iterator[tuple[Host, Host]]:
    hosts = Host(), Host()
    yield hosts
    for host in hosts:
        host.stop()


@pytest.fixture
def host(_hosts: tuple[Host, Host]) -> Host:
    """The service."""
    _hosts[0].forget()
    return _hosts[0]


@pytest.fixture
def other(_hosts: tuple[Host, Host]) -> Host:
    """Another origin, that must never see the key."""
    _hosts[1].forget()
    return _hosts[1]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@asynccontextmanager
async def speaking(base_url: str, key: str = KEY) -> AsyncIterator[Client]:
    client = Client(base_url, key)
    try:
        yield client
    finally:
        await client.aclose()


@pytest.fixture
async def client(host: Host) -> AsyncIterator[Client]:
    client = Client(host.url, KEY)
    yield client
    await client.aclose()


@asynccontextmanager
async def raw_server(
    reply: bytes, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Yields the port of a server that sends these bytes and closes the connection."""

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(reply)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]] = (
        answer
    )
    server = await asyncio.start_server(handler, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.fixture(scope="session")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A context with a certificate that no authority has signed."""
    folder: Path = tmp_path_factory.mktemp("tls")
    made = [
        *(
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
        )
    ]
    made += [
        "-keyout",
        str(folder / "key.pem"),
        "-out",
        str(folder / "cert.pem"),
        "-days",
        "2",
    ]
    try:
        subprocess.run(
            [*made, "-subj", "/CN=localhost"], check=True, capture_output=True
        )
    except OSError:
        pytest.skip("there is no openssl to make a certificate with")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context
