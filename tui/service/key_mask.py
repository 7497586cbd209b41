"""Masks the API key in what the service repeats, in any form that it may have there."""

import base64
import hashlib
import json
import re
import threading
from typing import Any

_SHORTEST_KEY = 8
"""Characters; a shorter key could be a word of any answer, and isn't masked in it."""
_MASK = b"[key]"
_MOST_SEARCHED = 500_000
"""Bytes in which an escaped key is masked alone; a longer content is masked whole."""
_LAYERS = 3
"""Escapes within escapes that are seen through."""
_MOST_DEPTH = 60
"""Levels of an answer that holds a key; what is further in is left out."""
_MOST_URLS = 4096
"""URLs with a key that are remembered."""
_UNWRITABLE_URL = "https://key.invalid/[key]"
"""Stands for a URL that is none any more without the key."""
# An escaped character in JSON, a URL or HTML, also within a quoted text of its kind;
# all in lower case.
_ESCAPED = re.compile(
    rb"\\{1,4}(?:u00|x)([0-9a-f]{2})|%(?:25){0,3}([0-9a-f]{2})"
    rb"|&#x0{0,5}([0-9a-f]{2});|&#0{0,5}([0-9]{2,3});|\\{1,4}/"
)
# What may stand between the characters of a key, and is removed before a text is shown:
# escape sequences, spaces, and all that isn't ASCII, also as JSON writes it.
_NO_KEY = re.compile(
    rb"(?:\\u001b|\x1b)\[[0-9;]*[a-z]|\\u[0-9a-f]{4}|\\[bfnrt]|[^!-~]+"
)
# Neither case nor the dialect of base64 tells two forms apart.
_FOLDED = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZ-_", b"abcdefghijklmnopqrstuvwxyz+/"
)


class KeyMask:
    """Knows every key that was used, for as long as it lives."""

    def __init__(self) -> None:
        self._forms: dict[bytes, re.Pattern[bytes]] = {}
        """By form, as in `_FOLDED`: the pattern of its escaped spellings."""
        self._urls: dict[str, str] = {}
        """By masked URL: the URL as it came."""
        self._lock = threading.Lock()

    def add(self, api_key: str) -> None:
        key = api_key.encode(errors="surrogatepass")
        if len(key) < _SHORTEST_KEY:
            return
        forms = dict(self._forms)
        for form in (key, key[::-1], key.hex().encode(), *_in_base64(key)):
            folded = form.translate(_FOLDED)
            if folded not in forms:
                pattern = b"".join(map(_spellings, folded))
                forms[folded] = re.compile(pattern, re.IGNORECASE)
        self._forms = forms  # a new one: threads may be reading the old one

    def masked(self, content: bytes) -> bytes:
        """Returns the content word for word, except for the keys."""
        if not self._is_in(content):
            return content
        if len(content) <= _MOST_SEARCHED:
            for pattern in self._forms.values():
                content = pattern.sub(_MASK, content)
        return _MASK if self._is_in(content) else content

    def masked_answer(self, content: bytes) -> bytes:
        """Returns an answer without the keys; what was JSON can still be parsed.

        Each of its texts is masked alone: one of them can't hide the others.
        """
        if not self._is_in(content):
            return content
        try:
            answer = json.loads(content.decode(errors="replace").removeprefix("\ufeff"))
        except (ValueError, RecursionError):
            return self.masked(content)
        cleaned = _in_json(self._cleaned(answer, 0)).encode(errors="replace")
        return _MASK if self._is_in(cleaned) else cleaned

    def original(self, url: str) -> str:
        """Returns the URL for which a masked one stands; any other as it is."""
        return self._urls.get(url, url)

    def _cleaned(self, value: Any, depth: int) -> Any:
        """Returns a parsed value whose texts are masked."""
        if isinstance(value, str):
            return self._cleaned_text(value, depth)
        if isinstance(value, dict | list) and depth > _MOST_DEPTH:
            return None
        if isinstance(value, list):
            return [self._cleaned(item, depth + 1) for item in value]
        if isinstance(value, dict):
            return {
                self._cleaned_text(name, depth): self._cleaned(item, depth + 1)
                for name, item in value.items()
            }
        return _MASK.decode() if self._is_in_text(str(value)) else value

    def _cleaned_text(self, text: str, depth: int) -> str:
        if not self._is_in_text(text):
            return text
        if text.startswith(("http://", "https://")):
            return self._masked_url(text)
        inner = _nested(text) if depth <= _MOST_DEPTH else None
        if inner is None:
            cleaned = self._masked_text(text)
        else:
            cleaned = _in_json(self._cleaned(inner, depth + 1))
        return _MASK.decode() if self._is_in_text(cleaned) else cleaned

    def _masked_url(self, url: str) -> str:
        """Returns a URL without the keys, and remembers what it stands for.

        Two that only differ in how they spell a key stay two.
        """
        shown = self._masked_text(url)
        authority = shown.partition("://")[2].partition("/")[0]
        if not authority or "[key]" in authority.partition("?")[0]:
            shown = _UNWRITABLE_URL
        digest = hashlib.sha256(url.encode(errors="surrogatepass")).hexdigest()
        shown = f"{shown}#{digest[:8]}"
        with self._lock:
            if len(self._urls) >= _MOST_URLS:
                self._urls.pop(next(iter(self._urls)))
            self._urls[shown] = url
        return shown

    def _masked_text(self, text: str) -> str:
        masked = self.masked(text.encode(errors="surrogatepass"))
        return masked.decode(errors="replace")

    def _is_in_text(self, text: str) -> bool:
        """Tells whether a key is in a text, or in how JSON writes it."""
        if len(text) < _SHORTEST_KEY:
            return False
        if self._is_in(text.encode(errors="surrogatepass")):
            return True
        if text.isprintable():
            return False
        return self._is_in(_in_json(text).encode(errors="surrogatepass"))

    def _is_in(self, content: bytes) -> bool:
        forms = self._forms
        seen = content.translate(_FOLDED)
        for _ in range(_LAYERS):
            bare = _NO_KEY.sub(b"", seen)
            if any(form in seen or form in bare for form in forms):
                return True
            inner = _ESCAPED.sub(_unescaped, seen).translate(_FOLDED)
            if inner == seen:
                break
            seen = inner
        return False


def _in_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _nested(text: str) -> Any:
    """Returns the object or list that is in a text as JSON; None for other text."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _in_base64(key: bytes) -> list[bytes]:
    """Returns what stands for a key in base64, wherever in a content it begins.

    At both ends a digit that also stands for a neighbour is left out.
    """
    found = []
    for before, first in enumerate((0, 2, 3)):
        digits = base64.b64encode(bytes(before) + key).rstrip(b"=")
        is_shared = (before + len(key)) % 3 > 0
        found.append(digits[first : len(digits) - is_shared])
    return found


def _unescaped(escape: re.Match[bytes]) -> bytes:
    hexadecimal, decimal = escape[1] or escape[2] or escape[3], escape[4]
    if decimal:
        return bytes((min(int(decimal), 255),))
    return bytes((int(hexadecimal, 16),)) if hexadecimal else b"/"


def _spellings(byte: int) -> bytes:
    """Returns a pattern of a folded character, as it is or escaped."""
    others = {b"+": b"-", b"/": b"_"}
    character = bytes((byte,))
    same = {character, character.upper(), others.get(character, character)}
    codes = b"|".join(b"%02x" % ord(one) for one in sorted(same))
    numbers = b"|".join(b"%d" % ord(one) for one in sorted(same))
    plain = b"|".join(re.escape(one) for one in sorted(same))
    slash = rb"\\{0,4}" if character == b"/" else b""
    return (
        rb"(?:%b(?:%b)|\\{1,4}(?:u00|x)(?:%b)|%%(?:25){0,3}(?:%b)"
        rb"|&#x0{0,5}(?:%b);|&#0{0,5}(?:%b);)"
    ) % (slash, plain, codes, codes, codes, numbers)
