"""Writes labels into pictures, in letters of several fonts.

Pillow's own font has little more than ASCII. What it lacks is taken from fonts of the
system with well-known names, found in a bounded search; where no font has a letter, one
without its accent is written, or the box that stands for a missing letter.
"""

import os
import stat
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from PIL import ImageDraw, ImageFont

from tui.images.files import ImageError
from tui.text import one_line, steady

_Font = ImageFont.FreeTypeFont
_Colour = tuple[int, int, int]

_FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/run/current-system/sw/share/X11/fonts",  # NixOS
    "/System/Library/Fonts",
    "/Library/Fonts",
    "~/.local/share/fonts",
    "~/Library/Fonts",
)
_NAMES = (
    *("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf"),
    *("Arial.ttf", "Helvetica.ttc"),
    # Chinese, Japanese, Korean
    *("NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf", "NotoSansSC-Regular.otf"),
    *("SourceHanSans-Regular.ttc", "SourceHanSansSC-Regular.otf", "wqy-microhei.ttc"),
    *("wqy-zenhei.ttc", "DroidSansFallbackFull.ttf", "DroidSansFallback.ttf"),
    *("uming.ttc", "ipag.ttf", "ipaexg.ttf", "VL-Gothic-Regular.ttf"),
    *("NanumGothic.ttf", "PingFang.ttc", "Hiragino Sans GB.ttc"),
    *("AppleSDGothicNeo.ttc", "Arial Unicode.ttf"),
    # Other scripts
    *("NotoSansArabic-Regular.ttf", "NotoSansHebrew-Regular.ttf"),
    *("NotoSansDevanagari-Regular.ttf", "NotoSansThai-Regular.ttf"),
    *("NotoSansSymbols2-Regular.ttf", "NotoEmoji-Regular.ttf", "unifont.otf"),
    "unifont.ttf",
)
"""Fonts that are taken, the first one first."""
_MOST_ENTRIES = 20_000
"""Files and folders that are looked at in search of fonts."""
_MOST_BYTES = 100_000_000  # of a font
_NO_LETTER = "\uffff"
_ALIKE = str.maketrans(
    {"×": "x", "–": "-", "—": "-", "−": "-", "ß": "ss", "‘": "'", "’": "'"}
    | {"“": '"', "”": '"', "„": '"', "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "★": "*"}
)
_BREAKS = " -_/,"


class LabelFont:
    """The letters of one size."""

    def __init__(self, size: int) -> None:
        """Load Pillow's own font. Raises ImageError where Pillow can't write text."""
        try:
            own = ImageFont.load_default(size)
        except ImportError as error:
            raise ImageError("Pillow was built without FreeType here.") from error
        assert isinstance(own, _Font)
        self._own = own
        self._size = size
        self._more: dict[Path, _Font | None] = {}
        self._known: dict[tuple[int, str], bool] = {}
        self.lacks_letters = False
        """True once a text had letters that no font has."""

    @property
    def line_height(self) -> int:
        """Pixels from a line to the next."""
        return round(self._size * 1.35)

    def width(self, text: str) -> int:
        """Return how many pixels a line takes."""
        runs = self._runs(_clean(text))
        return round(sum(font.getlength(run) for font, run in runs))

    def write(
        self,
        draw: ImageDraw.ImageDraw,
        place: tuple[int, int],
        text: str,
        colour: _Colour,
    ) -> None:
        """Write a line in a colour; `place` is its left upper corner."""
        x: float = place[0]
        base = place[1] + self._size
        for font, run in self._runs(_clean(text)):
            draw.text((x, base), run, fill=colour, font=font, anchor="ls")
            x += font.getlength(run)

    def cut(self, text: str, room: int) -> str:
        """Return a text as one line of at most `room` pixels, cut with "…"."""
        line = _clean(text)
        if self.width(line) <= room:
            return line
        return self._start_of(line, room, "…")

    def wrapped(self, text: str, room: int, most: int) -> list[str]:
        """Return a text as at most `most` lines of `room` pixels."""
        rest = _clean(text)
        lines: list[str] = []
        while rest and len(lines) < most - 1 and self.width(rest) > room:
            start = self._start_of(rest, room, "") or rest[0]
            at = max(start.rfind(sign) for sign in _BREAKS) + 1
            if len(start) == len(rest) or rest[len(start)] == " " or at == 0:
                at = len(start)
            lines.append(rest[:at].strip())
            rest = rest[at:].strip()
        if rest:
            lines.append(self.cut(rest, room))
        return lines

    def _start_of(self, line: str, room: int, end: str) -> str:
        """Return as much of a line as fits with `end` behind it."""
        low, high = 0, len(line)
        while low < high:
            middle = (low + high + 1) // 2
            if self.width(line[:middle].rstrip() + end) <= room:
                low = middle
            else:
                high = middle - 1
        return line[:low].rstrip() + end

    def _runs(self, text: str) -> list[tuple[_Font, str]]:
        """Return the parts of a line with the font of each.

        Letters get one font for all of the line if possible, signs their own.
        """
        lacking = {letter for letter in set(text) if not self._has(self._own, letter)}
        if not lacking:
            return [(self._own, text)]
        if any(letter.isalpha() for letter in lacking):
            for font in self._fonts():
                if all(self._has(font, letter) for letter in set(text)):
                    return [(font, text)]
        runs: list[tuple[_Font, str]] = []
        for letter in text:
            font, written = self._letter(letter)
            if runs and (_joins(letter) or runs[-1][0] is font):
                font = runs[-1][0]
                written = runs.pop()[1] + written
            runs.append((font, written))
        return runs

    def _letter(self, letter: str) -> tuple[_Font, str]:
        """Return the font of a letter, and what is written for it."""
        for font in self._fonts():
            if self._has(font, letter):
                return font, letter
        decomposed = unicodedata.normalize("NFKD", letter.translate(_ALIKE))
        alike = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
        if alike and all(self._has(self._own, sign) for sign in alike):
            return self._own, alike
        self.lacks_letters = True
        return self._own, _NO_LETTER

    def _fonts(self) -> Iterator[_Font]:
        yield self._own
        for path in system_fonts():
            if path not in self._more:
                self._more[path] = _loaded(path, self._size)
            font = self._more[path]
            if font:
                yield font

    def _has(self, font: _Font, letter: str) -> bool:
        if letter == " " or _joins(letter):
            return True
        key = id(font), letter
        if key not in self._known:
            shape = font.getmask(letter)
            missing = font.getmask(_NO_LETTER)
            is_missing = shape.size == missing.size and bytes(shape) == bytes(missing)
            self._known[key] = shape.getbbox() is not None and not is_missing
        return self._known[key]


@cache
def system_fonts() -> tuple[Path, ...]:
    """Return the known fonts of the system and the user, the first choice first."""
    found: dict[str, Path] = {}
    looked_at = 0
    for root in _FOLDERS:
        for folder, folders, names in os.walk(os.path.expanduser(root)):
            looked_at += len(folders) + len(names)
            if looked_at > _MOST_ENTRIES:
                break
            for name in set(names) & set(_NAMES):
                found.setdefault(name, Path(folder, name))
    return tuple(found[name] for name in _NAMES if name in found)


def _loaded(path: Path, size: int) -> _Font | None:
    """Return a font, or None where its file is none."""
    try:
        known = path.stat()
        if not stat.S_ISREG(known.st_mode) or known.st_size > _MOST_BYTES:
            return None
        return ImageFont.truetype(path, size)
    except (OSError, ValueError):
        return None


def _clean(text: str) -> str:
    return steady(one_line(text))


def _joins(letter: str) -> bool:
    """Return whether a sign is a part of the letter before it."""
    return unicodedata.category(letter) in ("Mn", "Me", "Cf")
