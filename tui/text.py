"""Makes text from outside harmless, and formats numbers and sentences for people."""

import json
import re
import time
import unicodedata
from collections.abc import Callable, Iterable

# One escape sequence: OSC/DCS/APC/PM/SOS up to their terminator (or the end), CSI, then
# any other ESC pair.
_ESCAPES = re.compile(
    r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f]).*?(?:\x07|\x1b\\|\x9c|\Z)"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[ -/]*[0-~]?",
    re.DOTALL,
)
# C0 but tab and newline, DEL, C1, bidi controls, line and paragraph separators, BOM,
# tags, lone surrogates.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f\ud800-\udfff]"
)

# The same, tabs and line feeds, with joiners before them, which join nothing then: Rich
# would measure them with the next letter.
_NO_CELLS = re.compile(rf"(?:(?<!\u200d)\u200d++)?(?:[\t\n]|{_CONTROLS.pattern})")
# A joiner with the emoji behind it, skin tones, selectors and keycaps
_EMOJI_PARTS = re.compile(
    "\u200d[\u2190-\u2bff\U0001f000-\U0001faff]?|[\U0001f3fb-\U0001f3ff\ufe00-\ufe0f\u20e3]"
)
_FLAG_LETTERS = re.compile("[\U0001f1e6-\U0001f1ff]")
_SURROGATES = re.compile("[\ud800-\udfff]")

# White space and controls; what Unicode lets no font show: soft hyphens, joiners,
# fillers, selectors, tags, BOMs.
_INVISIBLE = re.compile(
    r"[\s\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff]*"
)


def invisible(text: str) -> bool:
    """Return whether `text` is blank: nothing, white space, controls and the like."""
    return _INVISIBLE.fullmatch(_ESCAPES.sub("", text)) is not None


def inert(text: str) -> str:
    """Return `text` without terminal escapes, control or bidi characters.

    Tabs and line feeds stay, and so does all that letters and emoji are made of.
    """
    if text.isprintable():
        return text
    return _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n")))


def is_inert_line(text: str) -> bool:
    """Return whether `inert` leaves a text as it is, and it is one line without tabs."""
    return inert(text) == text and not re.search(r"[\t\n]", text)


def on_screen(text: str) -> str:
    """Return a part of a line without anything that isn't a letter or sign in cells.

    It has as many cells as before: what is removed is measured as none by Rich, and a
    lone surrogate as one.
    """
    if text.isprintable():
        return text
    return _NO_CELLS.sub("", _SURROGATES.sub("\ufffd", text))


def steady(text: str) -> str:
    """Return a text that takes the same number of cells in every terminal.

    They disagree about emoji that are joined, tinted or chosen by a selector, about
    flags, and about accents that could be part of their letter. Of joined emoji the
    first one stays; a flag becomes its two letters.
    """
    if text.isascii():
        return text
    composed = unicodedata.normalize("NFC", text)
    return _FLAG_LETTERS.sub(_as_letter, _EMOJI_PARTS.sub("", composed))


def _as_letter(sign: re.Match[str]) -> str:
    return chr(ord(sign[0]) - ord("\U0001f1e6") + ord("A"))


def plain(text: object, limit: int = 20_000) -> str:
    """Return `inert` text, cut at `limit` characters.

    Everything from a server, a file or an argument passes through here before it is
    shown, or stored to be shown.
    """
    whole = str(text)
    cleaned = inert(whole[: limit * 2])
    if len(cleaned) <= limit and len(whole) <= limit * 2:
        return cleaned
    return cleaned[: limit - 1] + "…"


def one_line(text: object, limit: int = 300) -> str:
    """Return `plain` text on one line, with white space folded."""
    return plain(" ".join(plain(text).split()), limit)


def is_text(text: str) -> bool:
    """Return whether `text` can be encoded as UTF-8: some names of files can't."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def duration(seconds: float) -> str:
    """`8s`, `1m 05s`, `2h 07m`, `3d 4h`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02}s"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60:02}m"
    return f"{whole // 86400}d {whole % 86400 // 3600}h"


def clock(moment: float) -> str:
    """Return a time in seconds since the epoch as local time: `14:03:20`."""
    return time.strftime("%H:%M:%S", time.localtime(moment))


def file_size(count: int) -> str:
    """Return a size in bytes: `812 B`, `48 KB`, `3.1 MB` (powers of 1000)."""
    if count < 1000:
        return f"{count} B"
    if count < 999_500:
        return f"{count / 1000:.0f} KB"
    return f"{count / 1_000_000:.1f} MB"


def counted(count: int, what: str) -> str:
    """`1 task`, `1,200 tasks`."""
    return f"1 {what}" if count == 1 else f"{count:,} {what}s"


def by_count(count: int, one: str, many: str, **values: object) -> str:
    """Return the sentence for this count, with `{count}` and `values` filled in.

    Whole sentences, not parts of one, so that they can be translated.
    """
    return (one if count == 1 else many).format(count=f"{count:,}", **values)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a question that names the known word nearest to `name`, or nothing."""
    import difflib  # rarely needed

    near = difflib.get_close_matches(name, list(known), n=1)
    return f"Did you mean {near[0]}?" if near else ""


def dollars(micro: int | None) -> str:
    """Return micro-dollars as `$0.05`, with all decimals; `?` for an unknown amount."""
    if micro is None:
        return "?"
    sign = "-" if micro < 0 else ""
    whole, _, fraction = f"{abs(micro) / 1_000_000:.6f}".partition(".")
    decimals = fraction.rstrip("0").ljust(2, "0")
    return f"{sign}${whole}.{decimals}"


def mask(secret: str) -> str:
    """Return a key as it may be shown: enough to recognise, too little to use."""
    if len(secret) >= 24:
        return f"{secret[:7]}…{secret[-4:]}"
    if len(secret) >= 8:
        return f"…{secret[-2:]}"
    return "…" if secret else ""


def inert_json(value: object, indent: int | None = None) -> str:
    """Return JSON, without `indent` on one line; what `inert` removes is escaped."""
    return escaped(json.dumps(value, ensure_ascii=False, indent=indent))


def escaped(text: str) -> str:
    """Return `text` with all that `inert` removes written as JSON escapes.

    JSON stays valid and means the same.
    """
    return text if text.isprintable() else spelled(text, _json_escape)


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def spelled(text: str, form: Callable[[str], str]) -> str:
    """Return `text` with each character that `inert` removes in some other form."""
    return _CONTROLS.sub(lambda found: form(found[0]), text)
