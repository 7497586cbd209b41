"""What never left this machine is held and free to drop, whatever proxy, certificate or
package is at fault.
"""

import asyncio
import builtins
import os
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.proxy import (
    Listener,
    Talk,
    bytes_answer,
    hang_up,
    http_answer,
    listening,
    tunnel,
)
from tests.tasks.conftest import OpenEngine
from tui.catalog.load import bundled
from tui.demo import DEMO_KEY, DEMO_URL
from tui.demo.transport import in_process
from tui.service import certificates
from tui.service.client import Client
from tui.service.errors import NetworkError, ServiceError
from tui.tasks.task import Status

pytestmark = pytest.mark.slow

FLUX = bundled().find("flux-2-pro-text-to-image")
_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No proxy and no authorities of one's own, unless a test sets them."""
    for name in (*_VARIABLES, *(name.lower() for name in _VARIABLES), *_CERTIFICATES):
        monkeypatch.delenv(name, raising=False)
    certificates.trusted_context.cache_clear()
    yield
    certificates.trusted_context.cache_clear()


@pytest.fixture
async def service() -> AsyncIterator[Listener]:
    """What stands where the service should: to be reached by nobody."""

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        listener.heard += await reader.read(4096)

    async with listening(hear) as listener:
        yield listener


@pytest.fixture
def vouched(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """What a server on loopback uses, and the file of an authority that vouches for it."""
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
        "-subj",
        "/CN=here",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-days",
        "2",
    ]
    try:
        subprocess.run(
            [*made, "-keyout", "key.pem", "-out", "cert.pem"],
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )
    except OSError:
        pytest.skip("there is no openssl to make a certificate with")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    return tls, tmp_path / "cert.pem"


@dataclass(frozen=True)
class Fault:
    """A variable at fault. `{proxy}` is the port of a proxy that talks as told,
    `{folder}` a folder of the test.
    """

    variable: str
    value: str
    sentence: str
    talk: Talk = hang_up


SOCKS_GREETING, SOCKS_REFUSED = b"\x05\x00", b"\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00"
FAULTS = {
    "scheme": Fault(
        "HTTPS_PROXY",
        "ftp://u:secret@h:1",
        "HTTPS_PROXY (ftp://h:1) is not the URL of a proxy",
    ),
    "socks4": Fault(
        "ALL_PROXY",
        "socks4://h:1",
        "ALL_PROXY (socks4://h:1) is not the URL of a proxy",
    ),
    "port": Fault(
        "https_proxy",
        "http://u:secret@h:port",
        "https_proxy (http://h:port) is not the URL of a proxy",
    ),
    "odd password": Fault(
        "HTTPS_PROXY", "http://u:secr/et@h:1", "is not the URL of a proxy"
    ),
    "no host": Fault(
        "HTTPS_PROXY", "http://", "HTTPS_PROXY (http://) is not the URL of a proxy"
    ),
    "brackets": Fault(
        "HTTPS_PROXY",
        "http://[::1",
        "HTTPS_PROXY (http://[::1) is not the URL of a proxy",
    ),
    "nobody": Fault(
        "HTTPS_PROXY",
        "http://127.0.0.1:1",
        "HTTPS_PROXY (http://127.0.0.1:1) can't be reached",
    ),
    "no scheme": Fault(
        "HTTPS_PROXY",
        "u:secret@127.0.0.1:1",
        "HTTPS_PROXY (http://127.0.0.1:1) can't be",
    ),
    "unknown": Fault(
        "HTTPS_PROXY",
        "http://proxy.invalid:1",
        "(http://proxy.invalid:1) was not found",
    ),
    "socks nobody": Fault(
        "ALL_PROXY", "socks5://127.0.0.1:1", "(socks5://127.0.0.1:1) can't be reached"
    ),
    "407": Fault(
        "HTTPS_PROXY",
        "http://u:secret@127.0.0.1:{proxy}",
        "refused to connect to 127.0.0.1: 407 Who are you.",
        http_answer("407 Who are you"),
    ),
    "403": Fault(
        "ALL_PROXY",
        "http://127.0.0.1:{proxy}",
        ": 403 Not you.",
        http_answer("403 Not you"),
    ),
    "502": Fault(
        "HTTPS_PROXY", "http://127.0.0.1:{proxy}", ": 502 Bad.", http_answer("502 Bad")
    ),
    "hangs up": Fault(
        "HTTPS_PROXY",
        "http://127.0.0.1:{proxy}",
        "closed the connection before 127.0.0.1",
    ),
    "no TLS": Fault(
        "HTTPS_PROXY",
        "https://127.0.0.1:{proxy}",
        "certificate or TLS failed",
        http_answer("200 OK"),
    ),
    "no TLS behind": Fault(
        "HTTPS_PROXY",
        "http://127.0.0.1:{proxy}",
        "through the proxy of HTTPS_PROXY",
        bytes_answer(b"HTTP/1.1 200 OK\r\n\r\n", b"not TLS at all\r\n\r\n"),
    ),
    "no HTTP": Fault(
        "HTTPS_PROXY",
        "http://127.0.0.1:{proxy}",
        "closed the connection before",
        bytes_answer(b"SSH-2.0\r\n\r\n"),
    ),
    "socks refused": Fault(
        "ALL_PROXY",
        "socks5://u:secret@127.0.0.1:{proxy}",
        "ALL_PROXY (socks5://127.0.0.1:",
        bytes_answer(SOCKS_GREETING),
    ),
    "socks no way": Fault(
        "ALL_PROXY",
        "socks5h://127.0.0.1:{proxy}",
        "refused to connect to 127.0.0.1",
        bytes_answer(SOCKS_GREETING, SOCKS_REFUSED),
    ),
    "no socks": Fault(
        "ALL_PROXY",
        "socks5://127.0.0.1:{proxy}",
        "could not be sent",
        bytes_answer(b"HTTP/1.1 400"),
    ),
    "no file": Fault(
        "SSL_CERT_FILE", "{folder}/none.pem", "none.pem) is not a file of certificates"
    ),
    "a folder": Fault("SSL_CERT_FILE", "{folder}", ") is not a file of certificates"),
    "no certificate": Fault("SSL_CERT_FILE", "{folder}/text", "SSL_CERT_FILE ("),
    "a FIFO": Fault(
        "SSL_CERT_FILE", "{folder}/fifo", "fifo) is not a file of certificates"
    ),
    "no folder": Fault(
        "SSL_CERT_DIR", "{folder}/none", "none) is not a folder of certificates"
    ),
    "empty folder": Fault(
        "SSL_CERT_DIR", "{folder}/empty", "its certificate or TLS failed"
    ),
    "no log": Fault("SSLKEYLOGFILE", "{folder}/none/log", "SSLKEYLOGFILE ("),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_variable_at_fault_is_named_and_the_task_is_free(
    name: str,
    service: Listener,
    open_engine: OpenEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fault = FAULTS[name]
    (tmp_path / "text").write_text("no certificate")
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "fifo")
    async with listening(fault.talk) as proxy:
        monkeypatch.setenv(
            fault.variable, fault.value.format(proxy=proxy.port, folder=tmp_path)
        )
        async with open_engine(f"https://127.0.0.1:{service.port}") as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            held = await watched.until(lambda told: bool(told.note))
            assert held.status is Status.HELD
            assert not held.unsure
            assert fault.sentence in held.note
            assert "secret" not in held.note
            (dropped,) = await watched.engine.drop([task.id])
    assert dropped.status is Status.DROPPED
    # With an empty folder of authorities, TLS is tried
    assert b"HTTP" not in service.heard
    assert service.connections == (name == "empty folder")


async def test_a_missing_package_is_named(
    service: Listener, open_engine: OpenEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "socksio":
            raise ImportError(f"No module named {name}", name=name)
        return real(name, *rest)

    monkeypatch.setenv("ALL_PROXY", "socks5://u:secret@127.0.0.1:9")
    monkeypatch.setattr(builtins, "__import__", without)
    async with open_engine(f"https://127.0.0.1:{service.port}") as watched:
        task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
        held = await watched.until_note(
            task.id, "ALL_PROXY (socks5://127.0.0.1:9) needs the Python package socksio"
        )
        assert (held.status, held.unsure) == (Status.HELD, False)
        assert await watched.engine.drop([task.id])
    assert service.connections == 0


@pytest.mark.parametrize("key", ["runapi_ä_secret_key", "runapi_secret\nX-Header: 1"])
async def test_a_key_that_no_header_carries_is_never_sent(
    key: str, service: Listener, open_engine: OpenEngine
) -> None:
    async with open_engine(f"http://127.0.0.1:{service.port}", key=key) as watched:
        task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
        held = await watched.until_note(task.id, "characters that HTTP doesn't allow")
        assert (held.status, held.unsure) == (Status.HELD, False)
        assert "secret" not in held.note
        assert await watched.engine.drop([task.id])
    assert service.heard == b""


async def test_what_breaks_off_after_the_request_left_is_unsure(
    service: Listener, open_engine: OpenEngine
) -> None:
    async with open_engine(f"http://127.0.0.1:{service.port}") as watched:
        task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
        told = await watched.until_note(task.id, "Outcome unknown")
    assert (told.status, told.unsure) == (Status.SUBMITTING, True)


async def test_what_breaks_off_behind_a_proxy_that_opened_the_way_is_unsure(
    vouched: tuple[ssl.SSLContext, Path],
    open_engine: OpenEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tls, authority = vouched
    async with (
        listening(hang_up, tls) as service,
        listening(tunnel(service.port)) as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        async with open_engine(f"https://127.0.0.1:{service.port}") as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            told = await watched.until(lambda told: bool(told.note))
            assert "broke off. Outcome unknown" in told.note
            assert (told.status, told.unsure) == (Status.SUBMITTING, True)
            assert await watched.engine.drop([task.id]) == []


@pytest.mark.parametrize("variable", [*_VARIABLES, *_CERTIFICATES])
async def test_the_demo_looks_at_neither_proxies_nor_certificates(
    variable: str,
    open_engine: OpenEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(
        variable, f"{tmp_path}/none" if variable in _CERTIFICATES else "[::1"
    )
    async with open_engine(DEMO_URL, transport=in_process(bundled(), 0)) as watched:
        task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
        assert (await watched.engine.wait(task.id)).status is Status.COMPLETED


@pytest.mark.parametrize(
    "no_proxy",
    [
        "*",
        "127.0.0.1",
        "x.example, 127.0.0.1",
        "::1,127.0.0.1",
        "[::1] 127.0.0.0/8",
        "https://127.0.0.1",
        "<local>,*",
    ],
)
async def test_no_proxy_is_heeded_whatever_else_it_says(
    no_proxy: str, service: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    await asked(f"https://127.0.0.1:{service.port}")
    assert service.connections == 1


@pytest.mark.parametrize(
    "no_proxy",
    ["::1", "[::1]", "[::1]:443", "::1/128", "<local>", "127.0.0.2", "http://*", "[["],
)
async def test_a_no_proxy_of_others_changes_nothing(
    no_proxy: str, service: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    error = await asked(f"https://127.0.0.1:{service.port}")
    assert "HTTPS_PROXY (http://127.0.0.1:1) can't be reached" in str(error)
    assert not error.sent


async def asked(url: str) -> NetworkError:
    """How a question to this base URL fails."""
    client = Client(url, DEMO_KEY)
    try:
        with pytest.raises(ServiceError) as caught:
            await client.me()
    finally:
        await client.aclose()
    assert isinstance(caught.value, NetworkError)
    return caught.value


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "SSL_CERT_FILE"])
async def test_a_file_that_cannot_be_fetched_names_the_variable(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "nonsense://x")
    client = Client("https://service.invalid", DEMO_KEY)
    with pytest.raises(ServiceError, match=variable):
        await client.download("https://files.invalid/a.png", tmp_path / "a.part")
    await client.aclose()
