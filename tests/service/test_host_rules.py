"""Where files may be, by what the base URL is."""

import httpx
import pytest

from tui.service.host_rules import OwnMachineOnly, PublicFiles

PUBLIC = PublicFiles("https://runapi.ai")
PRIVATE = PublicFiles("https://10.0.0.5/gateway")
OWN = PublicFiles("http://127.0.0.1:8000")
EMBEDDED = PublicFiles("http://runapi.demo")


@pytest.mark.parametrize(
    ("rule", "url", "problem"),
    [
        (PUBLIC, "https://files.example.com/a.png", ""),
        (PUBLIC, "https://93.184.216.34/a.png", ""),
        (PUBLIC, "https://files.example.com:8443/a.png", ""),
        (PUBLIC, "https://runapi.ai/a.png", ""),
        (PUBLIC, "http://runapi.ai/a.png", "not encrypted"),
        (PUBLIC, "http://files.example.com/a.png", "not encrypted"),
        (PUBLIC, "http://127.0.0.1/a.png", "not encrypted"),
        (PUBLIC, "ftp://files.example.com/a.png", "not a web URL"),
        (PUBLIC, "file:///etc/passwd", "not a web URL"),
        (PUBLIC, "https:///a.png", "not a web URL"),
        (PUBLIC, "/a.png", "not a web URL"),
        *(
            (PUBLIC, f"https://{host}/a.png", "on this machine or a private network")
            for host in (
                *("127.0.0.1", "localhost", "10.0.0.5", "169.254.169.254", "[::1]"),
                *("[::ffff:7f00:1]", "2130706433", "127.1", "0x7f.1", "router"),
                *("metadata.google.internal", "127。0。0。1", "me@127.0.0.1"),
            )
        ),
        (PRIVATE, "https://10.0.0.5/a.png", ""),
        (PRIVATE, "https://10.0.0.5:443/a.png", ""),
        (PRIVATE, "https://10.0.0.6/a.png", "on this machine or a private network"),
        (PRIVATE, "https://10.0.0.5:8443/a", "on this machine or a private network"),
        (PRIVATE, "http://10.0.0.5/a.png", "not encrypted"),
        (PRIVATE, "https://localhost/a.png", "on this machine or a private network"),
        (OWN, "http://127.0.0.1:8000/a.png", ""),
        (OWN, "http://localhost:9/a.png", ""),
        (OWN, "http://[::1]:9/a.png", ""),
        (OWN, "https://files.example.com/a.png", ""),
        (OWN, "http://files.example.com/a.png", "not encrypted"),
        (OWN, "http://169.254.169.254/a.png", "not encrypted"),
        (OWN, "https://192.168.0.1/a.png", "on this machine or a private network"),
        (OWN, "http://0.0.0.0:8000/a.png", "not encrypted"),
        (EMBEDDED, "http://runapi.demo/a.png", ""),
        (EMBEDDED, "http://x.demo/a.png", "not encrypted"),
        (EMBEDDED, "http://127.0.0.1/a.png", "not encrypted"),
    ],
)
def test_an_address(rule: PublicFiles, url: str, problem: str) -> None:
    assert rule.problem(httpx.URL(url)) == problem


@pytest.mark.parametrize(
    ("rule", "host", "address", "allowed"),
    [
        (PUBLIC, "files.example.com", "93.184.216.34", True),
        (PUBLIC, "files.example.com", "2606:4700::1111", True),
        (PUBLIC, "files.example.com", "198.18.0.7", True),
        (PUBLIC, "198.18.0.7", "198.18.0.7", False),
        *(
            (PUBLIC, "files.example.com", address, False)
            for address in (
                *("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fe80::1%2"),
                *("::ffff:10.0.0.1", "0.0.0.0", "100.64.0.1", "nonsense"),
            )
        ),
        (PUBLIC, "runapi.ai", "10.0.0.1", True),  # as the user set it
        (PRIVATE, "10.0.0.5", "10.0.0.5", True),
        (PRIVATE, "10.0.0.6", "10.0.0.6", False),
        (OWN, "localhost", "::1", True),
        (OWN, "files.example.com", "127.0.0.1", True),
        (OWN, "files.example.com", "93.184.216.34", True),
        (OWN, "files.example.com", "10.0.0.1", False),
        (OWN, "a.localhost", "93.184.216.34", False),
    ],
)
def test_a_connection(
    rule: PublicFiles, host: str, address: str, allowed: bool
) -> None:
    assert rule.may_connect(host, 443, address) is allowed


def test_another_port_of_the_service_is_another_origin() -> None:
    assert not PRIVATE.may_connect("10.0.0.5", 8443, "10.0.0.5")


@pytest.mark.parametrize(
    ("address", "allowed"),
    [("127.0.0.1", True), ("::1", True), ("10.0.0.1", False), ("8.8.8.8", False)],
)
def test_a_key_without_encryption_stays_here(address: str, allowed: bool) -> None:
    assert OwnMachineOnly().may_connect("x.localhost", 80, address) is allowed
