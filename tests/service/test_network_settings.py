"""Proxies and certificates of the environment: named where they fail, shown and tried."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.proxy import Listener, bytes_answer, http_answer, listening, tunnel
from tests.service.conftest import speaking
from tests.tls import Authority, authority
from tui.service import certificates
from tui.service.errors import DownloadError, NetworkError
from tui.service.network_errors import network_error
from tui.service.network_settings import Setting, settings, tried

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n" + b'{"id": "me"}'


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """None of the variables, unless a test sets them."""
    for name in (*_PROXIES, *map(str.lower, _PROXIES), *certificates.VARIABLES):
        monkeypatch.delenv(name, raising=False)
    certificates.trusted_context.cache_clear()
    yield
    certificates.trusted_context.cache_clear()


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("company"))


@pytest.fixture
async def service(company: Authority) -> AsyncIterator[Listener]:
    """A service whose certificate a company's authority has signed."""
    async with listening(bytes_answer(ANSWER), company.server) as listener:
        yield listener


async def failure(port: int) -> str:
    async with speaking(f"https://127.0.0.1:{port}") as client:
        with pytest.raises(NetworkError) as caught:
            await client.me()
    assert not caught.value.sent
    return str(caught.value)


# ---- certificates


async def test_a_companys_authority_is_refused_with_what_to_set(
    service: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = await failure(service.port)
    assert "from an authority that isn't trusted" in said
    assert "set SSL_CERT_FILE to a file with the certificate of its authority" in said
    async with listening(tunnel(service.port)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        said = await failure(service.port)
    assert "through the proxy of HTTPS_PROXY" in said
    assert "SSL_CERT_FILE" in said


@pytest.mark.parametrize("variable", certificates.VARIABLES)
async def test_every_variable_is_honoured(
    variable: str,
    service: Listener,
    company: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_folder = variable == "SSL_CERT_DIR"
    monkeypatch.setenv(variable, str(company.folder if is_folder else company.file))
    async with speaking(f"https://127.0.0.1:{service.port}") as client:
        assert await client.me() == {"id": "me"}


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
async def test_a_bundle_may_be_a_folder(
    variable: str,
    service: Listener,
    company: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(variable, str(company.folder))
    async with speaking(f"https://127.0.0.1:{service.port}") as client:
        assert await client.me() == {"id": "me"}


@pytest.mark.parametrize("variable", certificates.VARIABLES)
async def test_a_variable_that_leads_nowhere_is_named(
    variable: str, service: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(tmp_path / "none"))
    assert f"{variable} ({tmp_path / 'none'}) is not a" in await failure(service.port)
    os.mkfifo(tmp_path / "fifo")
    certificates.trusted_context.cache_clear()
    monkeypatch.setenv(variable, str(tmp_path / "fifo"))
    assert f"{variable} ({tmp_path / 'fifo'}) is not a" in await failure(service.port)


async def test_one_without_the_authority_is_named(
    service: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = authority(tmp_path)
    monkeypatch.setenv("CURL_CA_BUNDLE", str(other.file))
    said = await failure(service.port)
    assert f"CURL_CA_BUNDLE ({other.file}) says which are: add that authority" in said


async def test_the_first_of_the_variables_counts(
    service: Listener,
    company: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none"))
    monkeypatch.setenv("SSL_CERT_FILE", str(company.file))
    async with speaking(f"https://127.0.0.1:{service.port}") as client:
        assert await client.me() == {"id": "me"}


async def test_a_certificate_for_another_host_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = authority(tmp_path, "DNS:other.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(other.file))
    async with listening(bytes_answer(ANSWER), other.server) as listener:
        assert "is for another host" in await failure(listener.port)


def test_a_certificate_that_is_out_of_date_says_so() -> None:
    refusal = ssl.SSLCertVerificationError(1, "certificate has expired")
    refusal.verify_code = 10
    error = httpx.ConnectError("x")
    error.__cause__ = refusal
    said = network_error(
        error, "https://x.example/", "x", unsent=True, uses_proxies=False
    )
    assert "has expired" in str(said)
    assert "clock" in str(said)


# ---- proxies


@pytest.mark.parametrize(
    ("user", "status", "words"),
    [
        ("", "407 Who are you", "HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT"),
        ("u:secret@", "407 No", "doesn't accept the name and password in HTTPS_PROXY"),
        ("u:secret@", "403 Forbidden", "name it in NO_PROXY"),
        ("", "502 Bad gateway", "502 Bad gateway."),
    ],
)
async def test_a_proxys_refusal_names_proxy_and_status(
    user: str,
    status: str,
    words: str,
    service: Listener,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with listening(http_answer(status)) as proxy:
        place = f"127.0.0.1:{proxy.port}"
        monkeypatch.setenv("HTTPS_PROXY", f"http://{user}{place}")
        said = await failure(service.port)
        base_url = f"https://127.0.0.1:{service.port}"
        async with speaking(base_url) as client:
            with pytest.raises(DownloadError) as caught:
                await client.download(f"{base_url}/a.png", tmp_path / "a.part")
    named = f"The proxy of HTTPS_PROXY (http://{place}) refused to connect to 127.0.0.1"
    for each in (said, str(caught.value)):
        assert f"{named}: {status}." in each
        assert words in each
        assert "secret" not in each
    assert service.connections == 0


# ---- what doctor shows


def states(base_url: str) -> dict[str, str]:
    return {setting.name: setting.state for setting in settings(base_url)}


def test_every_variable_is_shown_with_what_it_does(
    company: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {
        "HTTPS_PROXY": "http://u:secret@big.example:1",
        "https_proxy": "http://u:secret@small.example:2/?secret",
        "ALL_PROXY": "socks5://u:secret@h:3",
        "http_proxy": "http://h:4",
        "NO_PROXY": "corp.example",
        "SSL_CERT_FILE": str(company.file),
        "CURL_CA_BUNDLE": "/x/y",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    assert states("https://runapi.ai") == {
        "HTTPS_PROXY": "not used: https_proxy comes first",
        "https_proxy": "in force for runapi.ai",
        "ALL_PROXY": "not used: https_proxy comes first",
        "http_proxy": "not used: all requests go by https",
        "NO_PROXY": "doesn't matter for runapi.ai",
        "SSL_CERT_FILE": "in force, with 1 authority",
        "CURL_CA_BUNDLE": "not used: SSL_CERT_FILE comes first",
    }
    found = {setting.name: setting for setting in settings("https://runapi.ai")}
    assert found["https_proxy"].value == "http://small.example:2"
    assert "secret" not in str(list(map(str, found.values())))
    monkeypatch.setenv("no_proxy", "runapi.ai")
    direct = states("https://runapi.ai")
    assert direct["https_proxy"] == "not used: NO_PROXY names runapi.ai"
    assert direct["no_proxy"] == "in force: runapi.ai is connected to directly"
    assert direct["NO_PROXY"] == "not used: no_proxy comes first"
    here = states("http://127.0.0.1:8080")
    assert here["https_proxy"] == "not used: 127.0.0.1 is this machine"
    assert here["SSL_CERT_FILE"].startswith("not used")


def test_an_empty_variable_may_switch_another_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://h:1")
    monkeypatch.setenv("https_proxy", "")
    found = states("https://runapi.ai")
    assert found["https_proxy"] == "empty, which switches HTTPS_PROXY off"
    assert found["HTTPS_PROXY"] == "not used for runapi.ai"


def test_a_variable_at_fault_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none"))
    (setting,) = settings("https://runapi.ai")
    assert setting.level == "error"
    assert "is not a file of certificates" in setting.state


def test_without_a_variable_nothing_is_shown_or_tried() -> None:
    assert settings("https://runapi.ai") == []
    assert tried("https://runapi.ai") is None


def test_a_service_on_this_machine_is_not_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert tried("http://127.0.0.1:1") is None


async def attempt(port: int) -> Setting:
    setting = await asyncio.to_thread(tried, f"https://127.0.0.1:{port}")
    assert setting is not None
    return setting


async def test_what_is_set_is_tried(
    service: Listener, company: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening(tunnel(service.port)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        refused = await attempt(service.port)
        certificates.trusted_context.cache_clear()
        monkeypatch.setenv("SSL_CERT_FILE", str(company.file))
        works = await attempt(service.port)
        assert proxy.connections == 2
    assert (refused.level, works.level) == ("error", "ok")
    assert "SSL_CERT_FILE" in refused.state
    assert works.state == "works (HTTP 200)"
    async with listening(http_answer("407 Who are you")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://u:secret@127.0.0.1:{proxy.port}")
        refused = await attempt(service.port)
    assert refused.level == "error"
    assert "407 Who are you" in refused.state
    assert "secret" not in str(refused)


async def test_a_page_of_a_proxy_is_a_warning(
    company: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(company.file))
    async with listening(http_answer("403 Blocked"), company.server) as listener:
        setting = await attempt(listener.port)
    assert (setting.level, "HTTP 403" in setting.state) == ("warning", True)


def test_many_authorities_are_counted(
    company: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = tmp_path / "both.pem"
    (tmp_path / "other").mkdir()
    other = authority(tmp_path / "other")
    both.write_bytes(company.file.read_bytes() + other.file.read_bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(both))
    (setting,) = settings("https://runapi.ai")
    assert setting.state == "in force, with 2 authorities"
