"""The key in every form in which a service may repeat it."""

import base64
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest

from tui.service import key_mask
from tui.service.key_mask import KeyMask
from tui.text import inert

KEY = "runapi_0123456789-abcdefghijklmnop/+Z"


def in_json(text: str) -> str:
    return "".join(f"\\u{ord(letter):04x}" for letter in text)


def in_url(text: str) -> str:
    return "".join(f"%{ord(letter):02X}" for letter in text)


def in_base64(before: str, after: str, *, urlsafe: bool) -> Callable[[str], str]:
    def written(text: str) -> str:
        whole = f"{before}{text}{after}".encode()
        encoded = (
            base64.urlsafe_b64encode(whole) if urlsafe else base64.b64encode(whole)
        )
        return encoded.decode()

    return written


FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "Bearer": lambda text: f"Bearer {text}",
    "upper": str.upper,
    "lower": str.lower,
    "turned round": lambda text: text[::-1],
    "JSON": in_json,
    "JSON, partly": lambda text: in_json(text[:3]) + text[3:9] + in_json(text[9:]),
    "JSON in upper case": lambda text: in_json(text).upper().replace("\\U", "\\u"),
    "JSON slash": lambda text: text.replace("/", "\\/"),
    "JSON in JSON": lambda text: json.dumps(json.dumps(in_json(text))),
    "URL": lambda text: quote(text, safe=""),
    "URL, every letter": in_url,
    "URL in URL": lambda text: quote(quote(text, safe=""), safe=""),
    "URL in JSON": lambda text: in_json(in_url(text)),
    "HTML": lambda text: "".join(f"&#{ord(letter)};" for letter in text),
    "HTML in hex": lambda text: "".join(f"&#x{ord(letter):X};" for letter in text),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    **{
        f"base64 {before!r} {after!r} {urlsafe}": in_base64(
            before, after, urlsafe=urlsafe
        )
        for before in ("", "a", "ab", "Bearer ", "user:")
        for after in ("", "x", "xy")
        for urlsafe in (False, True)
    },
    "base64 in JSON": lambda text: in_base64("", "", urlsafe=False)(text).replace(
        "/", "\\/"
    ),
    "base64 in a URL": lambda text: quote(in_base64("a", "", urlsafe=False)(text)),
}


@pytest.fixture
def mask() -> KeyMask:
    mask = KeyMask()
    mask.add(KEY)
    return mask


@pytest.mark.parametrize("form", FORMS)
def test_no_form_of_the_key_is_left(form: str, mask: KeyMask) -> None:
    written = FORMS[form](KEY)
    left = mask.masked(f'{{"seen": "{written}", "id": "t1"}}'.encode()).decode()
    assert "[key]" in left
    assert len(left) < 60
    assert all(written[at : at + 12] not in left for at in range(len(written) - 12))


def test_the_rest_stays_word_for_word(mask: KeyMask) -> None:
    text = '{"a": "%41\\u0042&#67; \\/ ünï", "b": "runapi_0123"}'.encode()
    assert mask.masked(text) == text
    assert mask.masked(text + KEY.encode() + text) == text + b"[key]" + text


def test_a_large_content_that_hides_it_is_masked_whole(
    mask: KeyMask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_mask, "_MOST_SEARCHED", 1000)
    assert mask.masked(b"x" * 1000 + in_json(KEY).encode()) == b"[key]"


def test_every_key_that_was_used_is_masked_and_no_short_word(mask: KeyMask) -> None:
    mask.add("another-key-1")
    mask.add("pending")
    mask.add("")
    said = mask.masked(f"{KEY} another-key-1 pending".encode())
    assert said == b"[key] [key] pending"


@pytest.mark.parametrize(
    "between", ["\u200e", "\x07", "\x1b[0m", "\x85", "\ufeff", " "]
)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_key_is_masked_that_would_be_whole_once_the_text_is_cleaned(
    between: str, ascii_only: bool, mask: KeyMask
) -> None:
    answer = {"id": "t1", "error": {"message": f"Bad key {between.join(KEY)}"}}
    content = json.dumps(answer, ensure_ascii=ascii_only).encode()
    kept = json.loads(mask.masked_answer(content))
    assert kept["id"] == "t1"
    assert KEY not in inert(kept["error"]["message"]).replace(" ", "")
    assert "[key]" in kept["error"]["message"]
