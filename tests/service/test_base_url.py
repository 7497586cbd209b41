"""One spelling for a base URL, and none that would leak a key."""

import pytest

from tui.service.base_url import canonical, same_origin

BASE = "https://runapi.ai"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("https://runapi.ai", "https://runapi.ai"),
        (" https://runapi.ai/ \n", "https://runapi.ai"),
        ("https://runapi.ai///", "https://runapi.ai"),
        ("https://runapi.ai/v1", "https://runapi.ai"),
        ("https://runapi.ai/v1/", "https://runapi.ai"),
        ("https://runapi.ai/api/v1", "https://runapi.ai"),
        ("https://runapi.ai/api/v1//", "https://runapi.ai"),
        ("https://gateway.example/runapi/v1", "https://gateway.example/runapi"),
        ("https://runapi.ai:8443/v1", "https://runapi.ai:8443"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://127.8.9.1", "http://127.8.9.1"),
        ("http://localhost:8000/v1", "http://localhost:8000"),
        ("http://api.localhost", "http://api.localhost"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
        ("http://runapi.demo", "http://runapi.demo"),
    ],
)
def test_a_base_url_in_its_canonical_form(given: str, meant: str) -> None:
    assert canonical(given) == meant
    assert canonical(canonical(given)) == meant


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("HTTPS://RunAPI.ai", "https://runapi.ai"),
        ("https://runapi.ai:443", "https://runapi.ai"),
        ("http://localhost:80", "http://localhost"),
        ("https://runapi.ai./v1", "https://runapi.ai"),
        ("https://RUNAPI.ai.:443", "https://runapi.ai"),
    ],
)
def test_one_service_has_one_base_url(given: str, meant: str) -> None:
    """Tasks belong to a base URL: with two spellings, some would be hidden."""
    assert canonical(given) == meant


@pytest.mark.parametrize(
    "given",
    [
        "http://runapi.ai",
        "http://192.168.0.2",
        "http://0.0.0.0",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://[2001:db8::1]",
        "http://x.demo",
        "http://demo",
        "http://a.runapi.demo",
        "http://runapi.demo.evil.example",
        "http://runapi.demo:8000",
        "http://runapi.demo/path",
    ],
)
def test_a_key_is_not_sent_unencrypted(given: str) -> None:
    with pytest.raises(ValueError, match="not encrypted"):
        canonical(given)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "/",
        "runapi.ai",
        "https://",
        "https:///path",
        "ftp://runapi.ai",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://user@runapi.ai",
        "https://user:secret@runapi.ai",
        "https://:secret@runapi.ai",
        "https://@runapi.ai",
        "https://runapi.ai\\@evil.example",
        "https://runapi.ai?x=1",
        "https://runapi.ai#x",
        "https://runapi.ai?",
        "https://runapi.ai#",
        "https://runapi.ai:port",
        "https://runapi.ai:99999",
        "https://[::1",
        "https://run api.ai",
        "https://run\napi.ai",
        "https://run\u202eapi.ai",
        "https://runapi.ai/\x1b]52;c;x\x07",
    ],
)
def test_other_text_is_not_a_base_url(given: str) -> None:
    with pytest.raises(ValueError, match="is not a base URL") as caught:
        canonical(given)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://me:s3cret@runapi.ai", "ftp://runapi.ai/?key=s3cret", "x://#s3cret"]
)
def test_a_secret_in_a_base_url_is_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match=r"base URL|encrypted") as refused:
        canonical(url)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "base", "same"),
    [
        ("https://runapi.ai/x", BASE, True),
        ("https://runapi.ai:443/x", BASE, True),
        ("HTTPS://RUNAPI.AI/x", BASE, True),
        ("http://127.0.0.1:80/x", "http://127.0.0.1", True),
        ("https://runapi.ai:444/x", BASE, False),
        ("http://runapi.ai/x", BASE, False),
        ("https://api.runapi.ai/x", BASE, False),
        ("https://runapi.ai.evil.example", BASE, False),
        ("https://runapi.ai@evil.example", BASE, False),
        ("/x", BASE, False),
        ("", BASE, False),
        ("https://[", BASE, False),
        ("https://runapi.ai:port", BASE, False),
    ],
)
def test_same_origin(url: str, base: str, same: bool) -> None:
    assert same_origin(url, base) is same


@pytest.mark.parametrize(
    "host",
    [
        "evil.example;.runapi.ai",
        "a%00.runapi.ai",
        "a%2f.runapi.ai",
        ".runapi.ai",
        "a..b",
    ],
)
def test_a_host_has_letters_digits_and_hyphens(host: str) -> None:
    with pytest.raises(ValueError, match="is not a base URL"):
        canonical(f"https://{host}")
