"""Which addresses are public, in every spelling."""

import pytest

from tui.service.addresses import (
    is_own_name,
    is_public,
    is_public_answer,
    may_be_public,
    parsed,
)

PUBLIC = [
    *("93.184.216.34", "1.1.1.1", "100.63.255.255", "100.128.0.1", "172.15.0.1"),
    *("172.32.0.1", "192.169.0.1", "169.253.0.1", "223.255.255.255"),
    *("2606:4700::1111", "2a00:1450::1", "2002:5db8:d822::1"),
    *("::ffff:93.184.216.34", "64:ff9b::5db8:d822"),
]
NOT_PUBLIC = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.5", "127.0.0.1", "127.255.1.2", "100.64.0.1"),
    *("169.254.169.254", "172.16.0.1", "172.31.255.255", "192.168.1.1", "192.0.0.8"),
    *("192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1"),
    *("240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254"),
    *("ff02::1", "2001:db8::1", "2001::1", "2001:10::1", "3fff::1", "100::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1"),
    *("2002:7f00:1::", "2002:a00:1::1", "2002:a9fe:a9fe::1"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1"),
    *("2606:4700::1111%eth0", "4000::1", "5f00::1"),
]


@pytest.mark.parametrize("text", PUBLIC)
def test_public(text: str) -> None:
    address = parsed(text)
    assert address is not None
    assert is_public(address)
    assert may_be_public(text)


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_not_public(text: str) -> None:
    address = parsed(text)
    assert address is not None
    assert not is_public(address)
    assert not may_be_public(text)
    assert not may_be_public(f"{text}.")


@pytest.mark.parametrize(
    "host",
    [
        *("2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "127.0.0.01"),
        *("017700000001", "127.0.0.1.", "1.2.3.4.5", "0x7F.0.0.1", "10.1", "0", "0x"),
        *("a.0x1", "example.1", "%31%32%37.0.0.1", "fe80::1%25eth0", "::1%25lo"),
        *("localhost", "LOCALHOST", "localhost.", "api.localhost", "db.local"),
        *("metadata.google.internal", "x.localdomain", "router.lan", "nas.home.arpa"),
        *("router", "metadata", "", ".", "a..b", "ex%20ample.com", "[::1]", "a b.com"),
    ],
)
def test_no_name_of_the_internet(host: str) -> None:
    assert not may_be_public(host)


@pytest.mark.parametrize(
    "host",
    [
        *("runapi.ai", "files.runapi.ai.", "a_b.example.com", "xn--bcher-kva.example"),
        *("1e100.net", "0xdead.example", "localhost.example", "internal.example"),
    ],
)
def test_a_name_of_the_internet(host: str) -> None:
    assert may_be_public(host)


def test_some_proxies_answer_every_name_with_an_address_of_their_own() -> None:
    address = parsed("198.18.3.4")
    assert address is not None
    assert is_public_answer(address)
    private = parsed("10.0.0.1")
    assert private is not None
    assert not is_public_answer(private)


@pytest.mark.parametrize(
    ("host", "own"),
    [
        *((host, True) for host in ("localhost", "a.localhost", "127.9.9.9", "::1")),
        ("::ffff:127.0.0.1", True),
        ("localhost.", True),
        *((host, False) for host in ("0.0.0.0", "::", "10.0.0.1", "x.demo")),
        *((host, False) for host in ("localhost.example", "127.1", "2130706433")),
    ],
)
def test_names_of_this_machine(host: str, own: bool) -> None:
    assert is_own_name(host) is own
