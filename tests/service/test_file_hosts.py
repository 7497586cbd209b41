"""File hosts over real HTTP: where they may be, and how much of them is read."""

import asyncio
import gzip
import os
import socket
import ssl
import stat
import subprocess
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse, RedirectResponse, Response

from tests.proxy import Listener, Talk, listening
from tests.service.conftest import KEY, Host, speaking
from tui.service import certificates, file_hosts
from tui.service.client import Client
from tui.service.errors import (
    DownloadError,
    GoneError,
    NetworkError,
    RefusedError,
    ServiceError,
)

BOMB = gzip.compress(gzip.compress(bytes(200_000_000), 1), 1)
"""Some kilobytes that hold most of a megabyte, which holds 200 MB."""


def bomb(status: int = 200, **headers: str) -> Response:
    unpacked_once = gzip.decompress(BOMB)
    return Response(
        unpacked_once, status, {"Content-Encoding": "gzip", **headers}, "image/png"
    )


@pytest.fixture
def peak() -> Iterator[Callable[[], int]]:
    """Returns the most bytes that were in use at once during the test."""
    bomb()  # made before this is measured
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def place(url: str, **headers: Any) -> JSONResponse:
    return JSONResponse({"signed_id": "s", "upload_url": url, "headers": headers})


def uploaded() -> JSONResponse:
    return JSONResponse({"url": "https://files.example/1.png"})


# ---- the answer to an upload


async def test_the_answer_to_an_upload_is_not_unpacked(
    host: Host, other: Host, client: Client, peak: Callable[[], int]
) -> None:
    for status in (200, 500):
        host.answer_with(place(f"{other.url}/put"), uploaded())
        other.answer_with(bomb(status))
        if status == 200:
            await client.upload(Path("a.png"), b"x", "abc")
        else:
            with pytest.raises(DownloadError, match=r"\(HTTP 500\)"):
                await client.upload(Path("a.png"), b"x", "abc")
    assert other.asked[0].headers["accept-encoding"] == "identity"
    assert peak() < 20_000_000


async def test_the_answer_to_an_upload_may_never_end(
    host: Host, client: Client
) -> None:
    closed = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n.")
        await writer.drain()
        await reader.read()
        closed.set()

    async with listening(talk) as slow:
        host.answer_with(place(f"http://127.0.0.1:{slow.port}/put"), uploaded())
        await client.upload(Path("a.png"), b"x", "abc")
        await asyncio.wait_for(closed.wait(), 10)


async def test_an_upload_has_so_much_time_and_no_more(
    host: Host, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_hosts, "_FIRST_TIME", 0.2)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nX-Header: ")
        await drip(writer)

    async with listening(talk) as slow:
        host.answer_with(place(f"http://127.0.0.1:{slow.port}/put"), uploaded())
        with pytest.raises(NetworkError, match="did not answer in time"):
            await client.upload(Path("a.png"), b"x", "abc")


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_redirect_of_an_upload_is_not_followed(
    host: Host, other: Host, client: Client, code: int
) -> None:
    host.answer_with(place(f"{other.url}/put"))
    other.answer_with(RedirectResponse(f"{host.url}/put", code))
    with pytest.raises(DownloadError, match="redirect, which is not followed"):
        await client.upload(Path("a.png"), b"x", "abc")
    assert (host.paths, other.paths) == (["/api/v1/files/prepare"], ["/put"])


async def test_an_upload_has_no_headers_but_those_of_storages(
    host: Host, other: Host, client: Client
) -> None:
    named: dict[str, Any] = {
        "content-TYPE": "image/png",
        "Content-MD5": "abc==",
        "Content-Disposition": 'inline; filename="a.png"',
        "x-amz-acl": "private",
        "X-Goog-Meta": 5,
        "x-ms-blob-type": "BlockBlob",
        "Authorization": "Bearer x",
        "Proxy-Authorization": "Basic x",
        "Cookie": "a=b",
        "Host": "elsewhere.example",
        "Content-Length": "0",
        "Transfer-Encoding": "chunked",
        "Connection": "upgrade",
        "X-Forwarded-For": "127.0.0.1",
        "X-HTTP-Method-Override": "DELETE",
        "x-amz-line": "a\r\nHost: b",
        "x-amz-letters": "ü",
        "x-amz-long": "x" * 5000,
        "x-amz-list": ["a"],
        "x-amz-true": True,
    }
    host.answer_with(place(f"{other.url}/put", **named), uploaded())
    await client.upload(Path("a.png"), b"12345", "abc")
    (put,) = other.asked
    usual = ("accept", "accept-encoding", "connection", "user-agent")
    assert {
        name: value for name, value in put.headers.items() if name not in usual
    } == {
        "host": other.url.removeprefix("http://"),
        "content-length": "5",
        "content-type": "image/png",
        "content-md5": "abc==",
        "content-disposition": 'inline; filename="a.png"',
        "x-amz-acl": "private",
        "x-goog-meta": "5",
        "x-ms-blob-type": "BlockBlob",
    }
    assert put.headers["connection"] == "keep-alive"


async def test_only_so_many_headers_are_sent(
    host: Host, other: Host, client: Client
) -> None:
    named = {f"x-amz-{number}": "1" for number in range(9000)}
    host.answer_with(place(f"{other.url}/put", **named), uploaded())
    await client.upload(Path("a.png"), b"x", "abc")
    assert len([name for name in other.asked[0].headers if "x-amz" in name]) == 40


# ---- a result


async def drip(writer: asyncio.StreamWriter) -> None:
    """Sends a byte now and then, for as long as somebody is there."""
    for _ in range(1000):
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.02)


def answer(head: bytes, *parts: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.3)
        await drip(writer)

    return talk


async def test_a_result_that_drips_is_given_up(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_hosts, "_FIRST_TIME", 0.2)
    async with listening(answer(b"Content-Length: 900\r\n")) as slow:
        with pytest.raises(DownloadError, match="in time"):
            await client.download(f"http://127.0.0.1:{slow.port}/a", tmp_path / "a")
    assert (tmp_path / "a").stat().st_size < 100


async def test_what_has_come_gives_a_result_more_time(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_hosts, "_FIRST_TIME", 0.2)
    monkeypatch.setattr(file_hosts, "_SLOWEST_DOWNLOAD", 10.0)
    head, part = b"Content-Length: 200\r\n", bytes(100)
    async with listening(answer(head, part, part)) as slow:
        await client.download(f"http://127.0.0.1:{slow.port}/a", tmp_path / "a")
    assert (tmp_path / "a").stat().st_size == 200


async def test_the_bodies_of_redirects_are_not_read(
    host: Host, client: Client, tmp_path: Path, peak: Callable[[], int]
) -> None:
    host.answer_with(bomb(302, Location="/b.png"), Response(b"picture"))
    await client.download(f"{host.url}/a.png", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"picture"
    assert peak() < 20_000_000


async def test_a_compressed_result_is_unpacked_up_to_its_limit(
    host: Host, client: Client, tmp_path: Path, peak: Callable[[], int]
) -> None:
    packed = {"Content-Encoding": "gzip"}
    host.answer_with(Response(gzip.compress(b"picture"), headers=packed))
    await client.download(f"{host.url}/a.png", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"picture"
    assert host.asked[0].headers["accept-encoding"] == "identity"
    host.answer_with(bomb())
    with pytest.raises(GoneError, match="larger than 3 MB"):
        await client.download(f"{host.url}/a.png", tmp_path / "a", 3_000_000)
    assert (tmp_path / "a").stat().st_size <= 3_000_000
    assert peak() < 20_000_000


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "GZIP,BR"])
async def test_no_other_compression_is_unpacked(
    host: Host, client: Client, tmp_path: Path, encoding: str
) -> None:
    host.answer_with(Response(b"x", headers={"Content-Encoding": encoding}))
    with pytest.raises(DownloadError, match="compression"):
        await client.download(f"{host.url}/a.png", tmp_path / "a")
    with pytest.raises(ServiceError, match="compression"):
        await client.me()


@pytest.mark.parametrize("encoding", ["", "identity", "aws-chunked", "utf-8", "none"])
async def test_words_that_are_no_compression_are_ignored(
    host: Host, client: Client, tmp_path: Path, encoding: str
) -> None:
    host.answer_with(Response(b"picture", headers={"Content-Encoding": encoding}))
    await client.download(f"{host.url}/a.png", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"picture"


async def test_no_cookie_is_kept(host: Host, client: Client, tmp_path: Path) -> None:
    host.answer_with(Response(b"{}", headers={"Set-Cookie": "a=b"}))
    for _ in range(2):
        await client.me()
        await client.download(f"{host.url}/a.png", tmp_path / "a")
    assert not any("cookie" in asked.headers for asked in host.asked)


# ---- the file until it is whole


async def test_a_link_in_the_place_of_a_file_is_replaced(
    host: Host, client: Client, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    mine.write_text("mine")
    part = tmp_path / "a.part"
    part.symlink_to(mine)
    host.answer_with(Response(b"picture"))
    await client.download(f"{host.url}/a.png", part)
    assert (mine.read_text(), part.read_bytes()) == ("mine", b"picture")
    assert not part.is_symlink()


async def test_a_link_that_appears_meanwhile_is_not_followed(
    host: Host, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mine"
    part = tmp_path / "a.part"
    monkeypatch.setattr(Path, "unlink", lambda path, **options: os.symlink(mine, path))
    host.answer_with(Response(b"picture"))
    with pytest.raises(FileExistsError):
        await client.download(f"{host.url}/a.png", part)
    assert not mine.exists()


@pytest.mark.parametrize(("mask", "mode"), [(0, 0o644), (0o077, 0o600)])
async def test_nobody_else_may_write_into_a_file(
    host: Host, client: Client, tmp_path: Path, mask: int, mode: int
) -> None:
    host.answer_with(Response(b"picture"))
    before = os.umask(mask)
    try:
        await client.download(f"{host.url}/a.png", tmp_path / "a.part")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.part").stat().st_mode) == mode


# ---- hosts


@pytest.mark.parametrize(
    "url",
    [
        *("http://10.0.0.1/a", "http://169.254.169.254/a", "https://192.168.0.1/a"),
        *("https://[fe80::1]/a", "http://2130706433/a", "http://0.0.0.0/a"),
        *("http://files.example/a", "https://metadata.google.internal/a"),
    ],
)
async def test_no_file_is_where_none_may_be(
    host: Host, client: Client, tmp_path: Path, url: str
) -> None:
    """Not even for a service on this machine."""
    with pytest.raises(GoneError, match="address is refused"):
        await client.download(url, tmp_path / "a")
    host.answer_with(RedirectResponse(url))
    with pytest.raises(GoneError, match="address is refused"):
        await client.download(f"{host.url}/a.png", tmp_path / "a")
    host.answer_with(place(url))
    with pytest.raises(RefusedError, match=r"a\.png was not uploaded"):
        await client.upload(Path("a.png"), b"x", "abc")


class Names:
    """What names lead to, in turn; and how often each was looked up."""

    def __init__(self) -> None:
        self.led: dict[str, list[str]] = {}

    def look_up(self, host: Any, port: Any, *args: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in self.led:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        known = self.led[name]
        address = known.pop(0) if len(known) > 1 else known[0]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port))]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    names = Names()
    monkeypatch.setattr(socket, "getaddrinfo", names.look_up)
    return names


@pytest.fixture(scope="session")
def example_tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for api.example and files.example, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    command = [
        *("openssl", "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"),
        *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=api.example"),
        *("-addext", "subjectAltName=DNS:api.example,DNS:files.example"),
        *("-keyout", str(key), "-out", str(certificate)),
    ]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except OSError:
        pytest.skip("there is no openssl to make a certificate with")
    return certificate, key


@pytest.fixture
def tls(
    example_tls: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[ssl.SSLContext]:
    certificate, key = example_tls
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    certificates.trusted_context.cache_clear()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    yield context
    certificates.trusted_context.cache_clear()


def picture(redirect: str = "") -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        if redirect and b"/away" in asked:
            head = f"HTTP/1.1 302 Found\r\nLocation: {redirect}\r\n"
        else:
            head = "HTTP/1.1 200 OK\r\n"
        tail = "Connection: close\r\nContent-Length: 7\r\n\r\npicture"
        writer.write(f"{head}{tail}".encode())
        await writer.drain()

    return talk


@asynccontextmanager
async def two_hosts(tls: ssl.SSLContext) -> AsyncIterator[tuple[Listener, Listener]]:
    """A service, which redirects `/away`, and a file host."""
    async with (
        listening(picture(), tls) as files,
        listening(picture(f"https://files.example:{files.port}/b"), tls) as api,
    ):
        yield api, files


async def test_a_name_that_leads_into_a_private_network_is_never_connected(
    names: Names, tls: ssl.SSLContext, tmp_path: Path
) -> None:
    names.led = {"api.example": ["127.0.0.1"], "files.example": ["127.0.0.1"]}
    async with two_hosts(tls) as (api, files):
        base_url = f"https://api.example:{api.port}"
        async with speaking(base_url) as client:
            await client.download(f"{base_url}/a", tmp_path / "a")
            assert (tmp_path / "a").read_bytes() == b"picture"
            for url in (f"https://files.example:{files.port}/a", f"{base_url}/away"):
                with pytest.raises(DownloadError, match="a private network") as caught:
                    await client.download(url, tmp_path / "b")
                assert caught.value.passing  # the names of this network may be wrong
    assert (api.connections > 0, files.connections) == (True, 0)


async def test_a_name_is_looked_up_once_and_connected_where_it_was_checked(
    names: Names, tls: ssl.SSLContext, tmp_path: Path
) -> None:
    names.led = {"api.example": ["127.0.0.1", "0.0.0.1"]}
    async with (
        listening(picture(), tls) as api,
        speaking(f"https://api.example:{api.port}") as client,
    ):
        await client.download(f"{client.base_url}/a", tmp_path / "a")
    assert names.led == {"api.example": ["0.0.0.1"]}


async def test_the_addresses_of_a_name_are_tried_in_turn(
    monkeypatch: pytest.MonkeyPatch, host: Host
) -> None:
    places = ["10.0.0.1", "127.0.0.9", "127.0.0.1"]
    port = int(host.url.rpartition(":")[2])

    def look_up(*args: Any, **options: Any) -> Any:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (place, port))
            for place in places
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    async with speaking(f"http://api.localhost:{port}") as client:
        assert await client.me() == {"id": "t1"}


async def test_a_key_is_not_sent_to_a_name_that_is_not_this_machine(
    names: Names,
) -> None:
    names.led = {"api.localhost": ["10.0.0.1"]}
    async with speaking("http://api.localhost:8000", KEY) as client:
        with pytest.raises(NetworkError, match="is not on this machine") as caught:
            await client.me()
    assert not caught.value.sent


async def test_a_name_of_this_machine_is_reached(names: Names, host: Host) -> None:
    names.led = {"api.localhost": ["127.0.0.1"]}
    port = host.url.rpartition(":")[2]
    async with speaking(f"http://api.localhost:{port}") as client:
        assert await client.me() == {"id": "t1"}
