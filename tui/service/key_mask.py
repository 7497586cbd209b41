"""Masks the API key in what the service repeats, in any form that it may have there."""

import base64
import re

_SHORTEST_KEY = 8
"""Characters; a shorter key could be a word of any answer, and isn't masked in it."""
_MASK = b"[key]"
_MOST_SEARCHED = 500_000
"""Bytes in which an escaped key is masked alone; a longer content is masked whole."""
_LAYERS = 3
"""Escapes within escapes that are seen through."""
# An escaped character in JSON, a URL or HTML, also within a quoted text of its kind;
# all in lower case.
_ESCAPED = re.compile(
    rb"\\{1,4}(?:u00|x)([0-9a-f]{2})|%(?:25){0,3}([0-9a-f]{2})"
    rb"|&#x0{0,5}([0-9a-f]{2});|&#0{0,5}([0-9]{2,3});|\\{1,4}/"
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

    def add(self, api_key: str) -> None:
        key = api_key.encode(errors="surrogatepass")
        if len(key) < _SHORTEST_KEY:
            return
        for form in (key, key[::-1], key.hex().encode(), *_in_base64(key)):
            folded = form.translate(_FOLDED)
            if folded not in self._forms:
                pattern = b"".join(map(_spellings, folded))
                self._forms[folded] = re.compile(pattern, re.IGNORECASE)

    def masked(self, content: bytes) -> bytes:
        """Returns the content word for word, except for the keys."""
        if not self._is_in(content):
            return content
        if len(content) <= _MOST_SEARCHED:
            for pattern in self._forms.values():
                content = pattern.sub(_MASK, content)
        return _MASK if self._is_in(content) else content

    def _is_in(self, content: bytes) -> bool:
        seen = content.translate(_FOLDED)
        for _ in range(_LAYERS):
            if any(form in seen for form in self._forms):
                return True
            inner = _ESCAPED.sub(_unescaped, seen).translate(_FOLDED)
            if inner == seen:
                break
            seen = inner
        return False


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
