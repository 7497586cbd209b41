"""What comes from the terminal, as Textual's messages.

Pasted text is never a key, so that it never pays for anything.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator

from textual import constants, events
from textual.keys import Keys
from textual.message import Message

from tui.terminal.replies import ReplyFilter
from tui.terminal.textual_private import OpenParser
from tui.text import inert, plain

MOST_PASTED = 100_000
"""Characters of a paste; what comes beyond is dropped."""
QUIET = 1.0
"""Seconds of silence after which a paste without an end is taken for ended."""
TOGETHER = 0.005
"""Seconds within which a line feed and a text come together, although in two reads.
Nobody types that fast.
"""
_BURST = 512
"""Characters in one read that nobody has typed: their rest may come in further reads.
"""
_BURST_TOGETHER = 0.025
_LINE_END = 0.05
"""Seconds within which a line feed belongs to the carriage return before it."""
_TYPED = 64
"""Printable characters in one read that might be typing on a slow link; with line ends
inside, a quarter of it.
"""

_ALT_DIGIT = re.compile("\x1b[0-9]")
_START = "\x1b[200~"
_END = "\x1b[201~"
# What a terminal tells by itself: mouse, focus, answers. None of it is typed or pasted.
_REPORT = re.compile(
    r"\x1b\[(?:<[\d;-]*[Mm]|M[^\n]{3}|[IO]|\?[\d;]*(?:\$y|[cu])|[\d;:]+t|\d+;\d+R)"
)
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.|[^\[O])")
# A sequence whose end hasn't come yet.
_BEGUN = re.compile(r"\x1b(?:\[(?:M[^\n]{0,2}|[0-?]{0,40}[ -/]*)?|O)?\Z")
_NEW_LINE = re.compile(r"(\x1b?\r?\n)")
_KEY = re.compile(r"[^\x1b\r\n]|" + _ESCAPE.pattern)
# Terminals are set up to send this for shift+enter.
_SHIFT_ENTER = "\\\r\n"
# Of a key in Kitty's protocol: its code (other codes behind a colon), modifiers, press,
# repeat or release, text.
_KITTY_KEY = re.compile(
    r"\x1b\[(\d{1,7})(?::[\d:]*)?;(\d{0,4})(?::(\d))?((?:;[\d:]*)?[u~A-HPQRS])"
)
_RELEASED = "3"
# Persian words and many emoji have them inside. Python doesn't call them printable.
_JOINERS = ("\u200c", "\u200d")
# Enter with xterm's modifyOtherKeys: its modifiers.
_OTHER_ENTER = re.compile(r"\x1b\[27;(\d{1,4});13~")


def _ignore(_reply: str) -> None:
    pass


class PasteCut(Message):
    """The paste before was longer than `MOST_PASTED`: its end is dropped."""


class Keyboard:
    """Turns what is read into messages: keys, the mouse, pastes.

    Everything between the marks of a bracketed paste is one `Paste`, however it is cut
    into reads. A line feed is the key ctrl+j only if it comes alone: with other text
    around it, it is a line's end, as terminals send it that know no bracketed paste, or
    that were told to send it for shift+enter.
    """

    def __init__(
        self,
        *,
        on_reply: Callable[[str], None] = _ignore,
        debug: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_reply` gets each answer of the terminal to a question about itself."""
        self._debug = debug
        self._clock = clock
        self._parser = _Parser(debug)
        self._typed = ReplyFilter(on_reply)
        self._begun = ""
        self._begun_at = 0.0
        self._cut = ""  # the beginning of a paste's mark that was given up
        self._paste: _Paste | None = None
        self._open = False  # a paste has ended without its mark
        self._line_feed_at: float | None = None
        self._return_at = float("-inf")
        self._text_until = float("-inf")
        self._burst_until = float("-inf")

    @property
    def patience(self) -> float | None:
        """Seconds after which `tick` has something to do, None for never."""
        if self._line_feed_at is not None:
            return TOGETHER
        if self._begun or self._parser.is_waiting:
            return constants.ESCAPE_DELAY / 4
        return QUIET / 4 if self._paste else None

    def feed(self, data: str) -> Iterator[Message]:
        """What has just been read."""
        now = self._clock()
        data, self._begun = self._completed(data), ""
        while data:
            if self._paste:
                data = self._paste.take(data, now)
                if self._paste.ended:
                    yield from self._pasted(self._paste, now)
                    self._paste = None
                continue
            before, start, data = data.partition(_START)
            if not start and (begun := _BEGUN.search(before)):
                self._begun, self._begun_at = begun[0], now
                before = before[: begun.start()]
            yield from self._outside(before, now)
            if start:
                self._open = False
                self._paste = _Paste(now)

    def tick(self) -> Iterator[Message]:
        """What is certain by now, since nothing more has come."""
        now = self._clock()
        if self._line_feed_at is not None and now - self._line_feed_at >= TOGETHER:
            self._line_feed_at = None
            yield from self._parsed("\n")
        if self._begun and now - self._begun_at >= constants.ESCAPE_DELAY:
            begun, self._begun = self._begun, ""
            self._cut = begun if _START.startswith(begun) else ""
            if len(self._cut) <= len("\x1b["):  # nobody types more of it
                yield from self._parsed(begun)
                self._parser.wait_no_longer()
        if self._paste and now - self._paste.read_at >= QUIET:
            yield from self._pasted(self._paste, now)
            self._paste, self._open = None, True
        yield from self._parsed(None)

    def _completed(self, data: str) -> str:
        """With what was held back before it."""
        if self._begun:
            return self._begun + data
        cut, self._cut = self._cut, ""
        whole = cut + data
        if cut and (
            whole.startswith(_START)
            or (len(cut) > len("\x1b[") and _START.startswith(whole))
        ):
            return whole
        return data

    def _outside(self, data: str, now: float) -> Iterator[Message]:
        """What came outside the marks of a paste."""
        data = self._typed(data)
        reports = "".join(_REPORT.findall(data))
        if reports:
            yield from self._parsed(reports)
            data = _REPORT.sub("", data)
        if self._open and data:
            more, end, data = data.rpartition(_END)
            yield from self._paste_event(more)
            if end or _KEY.fullmatch(data):
                self._open = False
            else:
                yield from self._paste_event(data)
                return
        if data:
            yield from self._text_or_keys(data, now)

    def _text_or_keys(self, data: str, now: float) -> Iterator[Message]:
        """What was typed, or pasted into a terminal that doesn't mark pastes."""
        if self._line_feed_at is not None:
            self._line_feed_at = None
            data = "\n" + data
        elif data.startswith("\n") and now - self._return_at < _LINE_END:
            data = data[1:]  # its line has ended already
        self._return_at = now if data.endswith("\r") else float("-inf")
        if data == "\n" and now >= self._text_until:
            self._line_feed_at = now  # ctrl+j, if nothing follows at once
            return
        if data == _SHIFT_ENTER:
            yield events.Paste("\n")
        elif _is_pasted(data) or (now < self._burst_until and _has_text(data)):
            yield from self._paste_event(data)
        else:
            for number, part in enumerate(_NEW_LINE.split(data)):
                if number % 2:
                    yield events.Paste("\n")
                elif part:
                    yield from self._parsed(part)
        if _has_text(data):
            self._text_came(len(data), now)

    def _text_came(self, length: int, now: float) -> None:
        burst = length >= _BURST
        self._text_until = now + (_BURST_TOGETHER if burst else TOGETHER)
        if burst:
            self._burst_until = self._text_until

    def _pasted(self, paste: "_Paste", now: float) -> Iterator[Message]:
        yield from self._paste_event(paste.text)
        self._text_came(len(paste.text), now)
        # A mark in the text itself doesn't make keys of its rest
        self._burst_until = self._text_until

    def _paste_event(self, text: str) -> Iterator[Message]:
        whole = text.replace("\r\n", "\n").replace("\r", "\n")
        text = plain(whole, MOST_PASTED)
        if text:
            yield events.Paste(text)
        if text != inert(whole):
            yield PasteCut()

    def _parsed(self, data: str | None) -> Iterator[Message]:
        """The keys and reports in it; None: only time has passed."""
        try:
            yield from self._parser.tick() if data is None else self._parser.feed(data)
        except (
            Exception
        ):  # numbers that mean nothing: they must not end the reading of keys
            former, self._parser = self._parser, _Parser(self._debug)
            self._parser.resume_after(former)


class _Paste:
    """A paste whose end mark hasn't come."""

    def __init__(self, now: float) -> None:
        self.ended = False
        self.read_at = now
        self._parts: list[str] = []
        # As much as `plain` looks at, and seen to be cut
        self._room = 2 * MOST_PASTED + 1
        self._edge = ""

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def take(self, data: str, now: float) -> str:
        """Take more of it; what is left stands behind its end."""
        self.read_at = now
        data = self._edge + data
        text, end, rest = data.partition(_END)
        self.ended = bool(end)
        # A text that holds the end mark itself: it goes on until the terminal's own.
        while end and _END in rest.partition(_START)[0]:
            more, _, rest = rest.partition(_END)
            text += more
        self._edge = "" if end else _beginning_of_end(text)
        self._add(text.removesuffix(self._edge))
        return rest

    def _add(self, text: str) -> None:
        text = text[: self._room]
        self._room -= len(text)
        self._parts.append(text)


def _beginning_of_end(text: str) -> str:
    """The longest beginning of the end mark that a text ends with."""
    lengths = range(len(_END) - 1, 0, -1)
    return next(
        (_END[:length] for length in lengths if text.endswith(_END[:length])), ""
    )


def _is_pasted(data: str) -> bool:
    """Whether so much in a single read was hardly typed."""
    text = _ESCAPE.sub("", data)
    printable = [character for character in text if character.isprintable()]
    if "\n" in text:
        return bool(printable)
    if "\r" in text.rstrip("\r"):
        return len(printable) >= _TYPED / 4
    # A key held down repeats itself.
    return len(printable) >= _TYPED and len(set(printable)) > 3


def _has_text(data: str) -> bool:
    text = _ESCAPE.sub("", data)
    return any(character.isprintable() or character in "\r\n\t" for character in text)


class _Parser(OpenParser):
    """Textual's parser, taught released keys, and more ways to write a key."""

    def resume_after(self, former: "_Parser") -> None:
        self.mouse_pixels = former.mouse_pixels
        self.terminal_size = former.terminal_size
        self.terminal_pixel_size = former.terminal_pixel_size

    def key_events(self, sequence: str, alt: bool) -> Iterable[events.Key]:
        found = _KITTY_KEY.fullmatch(sequence)
        if found:
            code, modifiers, event, rest = found.groups()
            if event == _RELEASED:
                return [events.Key(Keys.Ignore, sequence)]
            sequence = f"\x1b[{code};{modifiers}{rest}"
        enter = _OTHER_ENTER.fullmatch(sequence)
        if enter:
            sequence = f"\x1b[13;{enter[1]}u"
        if sequence == "\r" and alt:
            return [events.Key("alt+enter", None)]
        if _ALT_DIGIT.fullmatch(sequence):  # Textual takes it for `¡` and the like
            sequence = sequence[1]
            alt = True
        keys = super().key_events(sequence, alt)
        return map(_without_text if alt else _with_joiner, keys)


class _Joiner(events.Key):
    """A part of a letter or an emoji that shows nothing by itself."""

    @property
    def is_printable(self) -> bool:
        """True: else text fields would leave it out."""
        return True


# Textual names handlers by the class: this one is handled as any other key.
_Joiner.handler_name = events.Key.handler_name


def _with_joiner(key: events.Key) -> events.Key:
    return _Joiner(key.key, key.character) if key.character in _JOINERS else key


def _without_text(key: events.Key) -> events.Key:
    """Returns a key that was pressed with alt: text fields would insert its letter."""
    return events.Key(key.key, None) if key.key.startswith("alt+") else key
