"""Asks the terminal how it can draw images, before the app takes it over."""

import os
import re
import select
import tempfile
import termios
import time
import tty
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from tui.graphics import cell_size, tmux
from tui.graphics.cell_size import Cell
from tui.graphics.tmux import through_tmux
from tui.system import atomic_file
from tui.system.ssh import is_over_ssh
from tui.system.terminal_queries import CELL, COLOUR, DA1, DA2, KITTY, NAME
from tui.text import one_line

Ask = Callable[[str], bytes]
"""Asks the terminal, and returns all that it answers up to the answer to DA1.

Without that one, it is what came in time.
"""


class Images(StrEnum):
    """How images are drawn."""

    KITTY = "kitty"
    SIXEL = "sixel"
    ITERM = "iterm"
    SEXTANT = "sextant"
    QUADRANT = "quadrant"
    HALF = "half"
    ASCII = "ascii"
    NONE = "none"


_Decision = tuple[Images, str]
"""How images are drawn, and a sentence that says why."""

PIXELS = frozenset({Images.KITTY, Images.SIXEL, Images.ITERM})
"""The ways that draw more than characters."""


@dataclass(frozen=True)
class Terminal:
    """What is known of the terminal.

    `why` is a sentence for people, `cell` the size of a character in pixels,
    `multiplexer` "tmux", "screen" or "", `remote` whether the bytes travel over SSH,
    `truecolor` whether 24-bit colours are certain. `blocks` are the finest characters
    for what pixels can't do, `budget` the bytes that the pixels of an image may take
    (0: any), `shared` a folder whose files the terminal has proven to read. With
    `late`, answers may still come, as typing.
    """

    images: Images
    why: str
    name: str = ""
    cell: Cell | None = None
    multiplexer: str = ""
    remote: bool = False
    truecolor: bool = False
    blocks: Images = Images.HALF
    budget: int = 0
    shared: Path | None = None
    late: bool = False
    viewers: frozenset[str] | None = field(default=None, compare=False)
    """Those that have shown our pane of tmux; None where it doesn't tell."""


# Terminals that draw kitty images at Unicode placeholders, and since when. Konsole,
# WezTerm and Warp answer the kitty query too, but know no placeholders.
_PLACEHOLDERS = {"kitty": (0, 28), "ghostty": (1, 0)}

# Terminals that draw iTerm2's inline images better than, or without, Sixel: in all
# colours and fewer bytes.
_INLINE = ("iterm2", "mintty", "warp", "wezterm")

# Terminals that draw sextants themselves, whatever the font. Others that tell their
# name have at least a font with quadrants, though some leave seams between its glyphs.
_SEXTANTS = ("contour", "foot", "ghostty", "kitty", "konsole", "vte", "wezterm")

_REMOTE_BUDGET = 40_000
"""Bytes of an image over SSH: a third of a second at 1 Mbit/s."""

_SCREEN = "GNU screen lets no images through."
_ALLOW = "put `set -g allow-passthrough on` into ~/.tmux.conf"

# TERM or TERM_PROGRAM that make questions useless or harmful.
_NOT_ASKED = {
    "": (
        Images.HALF,
        (
            "TERM is not set, so the terminal was not asked; half blocks work nearly"
            " everywhere."
        ),
    ),
    "dumb": (
        Images.ASCII,
        "TERM is dumb: this terminal knows neither colours nor images.",
    ),
    "linux": (Images.HALF, "The Linux console has no image protocol."),
    # Prints the kitty query
    "Apple_Terminal": (Images.HALF, "The Terminal of macOS has no image protocol."),
}

# Terminals answer in order and every one answers DA1 (device attributes), so that its
# answer says that no other will follow. What some terminals misunderstand is asked only
# once their names are known: tmux makes a title of the question for kitty images, and 3.5
# a sixel image of the one for a 24-bit colour that is set and read back.
_NAME_QUERY = NAME.text + DA2.text + CELL.text + DA1.text
_DA1 = re.compile(rb"\x1b\[\?([\d;]*)c")
_DA2 = re.compile(rb"\x1b\[>(\d+)[\d;]*c")
_XTVERSION = re.compile(rb"\x1bP>\|([^\x1b\x07]{1,200})")
_KITTY_OK = re.compile(rb"\x1b_Gi=31[^;\x1b]*;OK")
_READ = re.compile(rb"\x1b_Gi=32[^;\x1b]*;OK")
_MISSED = re.compile(rb"\x1b_Gi=33[^;\x1b]*;E")
_TRUECOLOR = re.compile(rb"\x1bP1\$r[^\x1b]*48[:;]2[:;]+1[:;]2[:;]3")
_BRAND = re.compile(r"([^\s(]+)[\s(]*v?([\w.-]*)")
_MOST_BYTES = 65536
# The secondary device attributes begin with the first letter of their names.
_MULTIPLEXERS = {b"84": "tmux", b"83": "screen"}
_MULTIPLEXER_TERMS = ("tmux", "screen")
"""How TERM begins inside a multiplexer. Its other variables prove nothing: new windows
and sudo take them along.
"""


class _Answers:
    """A terminal's answers about itself."""

    def __init__(self, received: bytes = b"") -> None:
        version = _XTVERSION.search(received)
        name = version[1].decode(errors="replace") if version else ""
        self.brand, self.version = _brand_and_version(name)
        self.name = f"{self.brand} {self.version}".strip()
        self.cell = cell_size.answered(received)
        self.kitty = bool(_KITTY_OK.search(received))
        self.truecolor = bool(_TRUECOLOR.search(received))
        da1 = _DA1.search(received)
        self.silent = da1 is None
        self.sixel = da1 is not None and b"4" in da1[1].split(b";")
        self.late = self.silent
        """Whether answers may still come."""
        da2 = _DA2.search(received)
        self.multiplexer = _MULTIPLEXERS.get(da2[1], "") if da2 else ""
        if self.brand in _MULTIPLEXERS.values():
            self.multiplexer = self.brand

    @property
    def able(self) -> tuple[int, ...] | None:
        """Since which version this brand has placed kitty images in text, if it does."""
        return _PLACEHOLDERS.get(self.brand.lower())


def _brand_and_version(name: str) -> tuple[str, str]:
    # Anything can hide in a name: people only see it without controls.
    found = _BRAND.match(one_line(name, 40))
    return (found[1], found[2]) if found else ("", "")


@dataclass
class _Dialogue:
    """A terminal that may be asked, and has so many seconds for each answer."""

    fd: int
    seconds: float
    _deadline: float = 0.0

    def ask(self, query: str) -> bytes:
        """Is an `Ask`."""
        self._deadline = time.monotonic() + self.seconds
        received = b""
        before = termios.tcgetattr(self.fd)
        try:
            # Never TCSADRAIN: it waits for ever on a stopped terminal
            tty.setcbreak(self.fd, termios.TCSANOW)
            os.write(self.fd, query.encode())
            while not _DA1.search(received) and len(received) < _MOST_BYTES:
                chunk = self._receive()
                if not chunk:
                    break
                received += chunk
        finally:
            if not _DA1.search(received):
                termios.tcflush(self.fd, termios.TCIFLUSH)
            termios.tcsetattr(self.fd, termios.TCSANOW, before)
        return received

    def _receive(self) -> bytes:
        """Returns the next bytes; none after the deadline, or at the end."""
        seconds = max(0.0, self._deadline - time.monotonic())
        readable, _, _ = select.select([self.fd], [], [], seconds)
        if not readable:
            return b""
        return os.read(self.fd, 4096)


def probe(
    choice: str = "auto",
    env: Mapping[str, str] = os.environ,
    seconds: float = 2.0,
    *,
    budget: int | None = None,
    cache: Path | None = None,
) -> Terminal:
    """Returns what is known of the terminal of this process.

    `choice`, "auto" or a value of `Images`, overrules what it can do. A terminal has
    `seconds` for each answer, and is asked nothing more after the first one that it
    owes; no answers get through as typing but `late` ones. `budget` are the bytes that
    an image may take (0: any; None: as the connection suggests), `cache` a folder from
    which a terminal on this machine may read its images. Raises ValueError for an
    unknown choice.
    """
    forced = None if choice == "auto" else Images(choice)
    terminal = _from_environment(env)
    try:
        # stdin may be a pipe and stdout closed. A non-blocking descriptor of its own
        # never hangs.
        fd = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            terminal = replace(terminal, cell=cell_size.of_kernel())
            known = _known_unasked(fd, terminal, forced, env)
            if known:
                images, why = known
                terminal = replace(terminal, images=images, why=why)
            else:
                terminal = _examine(_Dialogue(fd, seconds).ask, terminal, env)
                is_direct = not (terminal.multiplexer or terminal.remote)
                if terminal.images is Images.KITTY and cache and is_direct:
                    terminal = _with_shared_folder(fd, seconds, terminal, cache)
        finally:
            os.close(fd)
    except (OSError, termios.error):
        pass  # no terminal, or one that went away
    return _settled(terminal, forced, budget)


def probe_again(
    terminal: Terminal,
    ask: Ask,
    choice: str = "auto",
    env: Mapping[str, str] = os.environ,
    budget: int | None = None,
) -> Terminal:
    """Returns what is known of the terminal by now: another may show the same tmux."""
    forced = None if choice == "auto" else Images(choice)
    fresh = replace(terminal, cell=cell_size.of_kernel())
    found = _examine(ask, fresh, env)
    return _settled(found, forced, budget)


def measure_again(terminal: Terminal, ask: Ask) -> Cell | None:
    """Returns the size of a cell that the terminal tells now; it changes with its font."""
    area = terminal.images is Images.SIXEL and not terminal.multiplexer
    query = CELL.text + (cell_size.AREA_QUERY if area else "")
    return cell_size.answered(ask(query + DA1.text))


def _settled(terminal: Terminal, forced: Images | None, budget: int | None) -> Terminal:
    """Returns the terminal as its user wants it used."""
    if forced is not None:
        terminal = replace(terminal, images=forced, why=f"You asked for {forced}.")
    if terminal.images is Images.ITERM and terminal.multiplexer:
        why = f"iTerm2's images do not get through {terminal.multiplexer}."
        terminal = replace(terminal, images=terminal.blocks, why=why)
    if terminal.images not in PIXELS:
        return replace(terminal, budget=0)
    if budget is None:
        budget = _REMOTE_BUDGET if terminal.remote else 0
    return replace(terminal, budget=budget)


def _from_environment(env: Mapping[str, str]) -> Terminal:
    """Returns what the environment says of a terminal that nobody has asked."""
    program = env.get("TERM_PROGRAM", "")
    version = env.get("TERM_PROGRAM_VERSION", "")
    name = f"{program} {version}".strip() or env.get("TERM", "")
    return Terminal(
        Images.NONE,
        "There is no terminal to draw on.",
        name=one_line(name, 40),
        multiplexer=_multiplexer_by_term(env),
        remote=is_over_ssh(env),
        truecolor=env.get("COLORTERM", "") in ("truecolor", "24bit"),
    )


def _multiplexer_by_term(env: Mapping[str, str]) -> str:
    """Returns the multiplexer that TERM speaks of."""
    if not env.get("TERM", "").startswith(_MULTIPLEXER_TERMS):
        return ""
    return "screen" if env.get("STY") and not env.get("TMUX") else "tmux"


def _known_unasked(
    fd: int, terminal: Terminal, forced: Images | None, env: Mapping[str, str]
) -> _Decision | None:
    """Returns how images are drawn where the terminal can't or needn't be asked."""
    if terminal.multiplexer == "screen":
        return Images.HALF, _SCREEN
    if os.tcgetpgrp(fd) != os.getpgrp():
        return (
            Images.HALF,
            "This process is in the background, so the terminal was not asked.",
        )
    if forced and forced not in PIXELS and terminal.cell and terminal.truecolor:
        return forced, ""
    known = _NOT_ASKED.get(env.get("TERM", ""))
    return known or _NOT_ASKED.get(env.get("TERM_PROGRAM", "?"))


def _examine(ask: Ask, terminal: Terminal, env: Mapping[str, str]) -> Terminal:
    """Returns the terminal with what it answers. Raises OSError and termios.error."""
    multiplexer = _multiplexer_by_term(env)
    answers = _answers(ask, multiplexer)
    if not answers.brand:
        answers.multiplexer = answers.multiplexer or multiplexer
    terminal = replace(terminal, multiplexer=answers.multiplexer)
    if answers.multiplexer == "tmux":
        return _examine_tmux(ask, terminal, answers, env)
    if answers.multiplexer == "screen":
        return _described(terminal, (Images.HALF, _SCREEN), False, answers)
    return _described(terminal, _decide(answers), answers.truecolor, answers)


def _answers(ask: Ask, multiplexer: str = "") -> _Answers:
    """Returns the answers of a terminal that may be a `multiplexer`."""
    first = ask(_NAME_QUERY)
    answers = _Answers(first)
    is_terminal = answers.brand or not multiplexer
    if answers.silent or answers.multiplexer or not is_terminal:
        return answers
    query = COLOUR.text
    if answers.able:
        query += KITTY.text
    if answers.sixel and not answers.cell:
        query += cell_size.AREA_QUERY
    second = ask(query + DA1.text)
    answers = _Answers(first + second)
    answers.late = not _DA1.search(second)
    return answers


def _examine_tmux(
    ask: Ask, terminal: Terminal, inner: _Answers, env: Mapping[str, str]
) -> Terminal:
    """Returns the terminal around tmux, with what gets through.

    tmux answers for itself; the terminal is asked through tmux's passthrough.
    """
    facts = tmux.facts(env)
    viewers = tmux.viewers(env)
    outer = _Answers()
    outer.late = False
    # The answer reaches the pane that has the keyboard, whichever that is
    is_heard = viewers is None or any(viewer.has_keys for viewer in viewers)
    if facts.lets_through and is_heard:
        outer = _answers(lambda query: ask(through_tmux(query)))
    if viewers is not None:
        ids = frozenset(viewer.id for viewer in viewers)
        terminal = replace(terminal, viewers=ids)
    names = {viewer.terminal for viewer in viewers or ()}
    if len(names) > 1:
        why = "Different terminals show this window of tmux; blocks look right in each."
        decision = Images.HALF, why
    elif viewers is not None and not viewers:
        decision = Images.HALF, "No terminal shows this window of tmux yet."
    else:
        decision = _decide_inside_tmux(inner, outer, facts)
    return _described(terminal, decision, "RGB" in facts.features, outer, inner)


def _decide_inside_tmux(
    inner: _Answers, outer: _Answers, facts: tmux.TmuxFacts
) -> _Decision:
    """Returns how images are drawn, from the answers of tmux and the terminal."""
    images, why = _decide(outer)
    if images is Images.KITTY:
        return images, f"{why.removesuffix('.')}, through tmux."
    if inner.sixel and (outer.sixel or "sixel" in facts.features):
        return Images.SIXEL, "tmux and the terminal around it both draw sixel images."
    if outer.silent:
        return images, _advice(facts)
    if outer.multiplexer:
        return _blocks(
            outer
        ), f"{outer.multiplexer} around tmux lets no images through."
    if outer.sixel:
        why = f"{outer.name} draws sixel images, but this tmux does not."
        return _blocks(outer), why
    return images, why


def _advice(facts: tmux.TmuxFacts) -> str:
    """Returns why nothing is known of the terminal around tmux, and what helps."""
    if not facts.is_known:
        return (
            "Nothing gets through tmux. If `tmux show -Ap allow-passthrough` says off,"
            f" {_ALLOW}."
        )
    if facts.lets_through:  # versions before 3.3 have no such option
        state = f" with allow-passthrough {facts.passthrough}"
        return (
            f"The terminal around tmux{state if facts.passthrough else ''} answered no"
            " question in time."
        )
    brand, version = _brand_and_version(facts.terminal)
    if not brand:
        return (
            "tmux lets no images through. If the terminal around it draws kitty images,"
            f" {_ALLOW}."
        )
    least = _PLACEHOLDERS.get(brand.lower())
    if least and tmux.version_of(version) >= least:
        return f"tmux lets no images through to {brand}; {_ALLOW}."
    return f"Through tmux, {brand} draws no images that this program can send."


def _described(
    terminal: Terminal, decision: _Decision, truecolor: bool, *answers: _Answers
) -> Terminal:
    """Returns the terminal with a decision and its answers, the first ones first.

    The cell is that of the last ones: tmux fits images to its own.
    """
    names = [answer.name for answer in answers if answer.name]
    cells = [answer.cell for answer in reversed(answers) if answer.cell]
    images, why = decision
    return replace(
        terminal,
        images=images,
        why=why,
        name=names[0] if names else terminal.name,
        cell=cells[0] if cells else terminal.cell,
        truecolor=terminal.truecolor or truecolor,
        blocks=_blocks(answers[0]),
        late=any(answer.late for answer in answers),
    )


def _blocks(answers: _Answers) -> Images:
    """Returns the finest characters that are drawn right."""
    if answers.brand.lower().startswith(_SEXTANTS):
        return Images.SEXTANT
    if answers.brand:
        return Images.QUADRANT
    return Images.HALF


def _decide(answers: _Answers) -> _Decision:
    """Returns how images are drawn, and a sentence that says why."""
    if answers.silent:
        return (
            Images.HALF,
            "The terminal answered no question in time; half blocks work nearly"
            " everywhere.",
        )
    name = answers.name or "The terminal"
    brand = answers.brand.lower()
    least = answers.able
    numbers = re.findall(r"\d+", answers.version)
    version = tuple(int(number) for number in numbers[:3])
    if answers.kitty and least and version >= least:
        return Images.KITTY, f"{name} draws kitty images."
    if brand.startswith(_INLINE):
        return Images.ITERM, f"{name} draws iTerm2's inline images."
    if answers.sixel:
        return Images.SIXEL, f"{name} draws sixel images."
    blocks = _blocks(answers)
    if answers.kitty and least:
        able = ".".join(map(str, least))
        return blocks, f"{name} is too old to place images in text; {able} can."
    return blocks, f"{name} draws no images that this program knows how to send."


def _with_shared_folder(
    fd: int, seconds: float, terminal: Terminal, cache: Path
) -> Terminal:
    """Returns the terminal with the folder for images that it reads by itself.

    It has none where it can't read that, as in a sandbox.
    """
    folder = cache / "shown"
    try:
        atomic_file.make_private_folder(folder)
        _sweep(folder)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=f"{os.getpid()}-") as file:
            file.write(bytes(3))
            file.flush()
            present = _file_query(32, file.name)
            # Some terminals answer OK for any file, even one that isn't there.
            absent = _file_query(33, f"{file.name}-not")
            received = _Dialogue(fd, seconds).ask(present + absent + DA1.text)
    except OSError:
        return terminal
    if _READ.search(received) and _MISSED.search(received):
        return replace(terminal, shared=folder)
    return terminal


def _file_query(number: int, name: str) -> str:
    """Returns the question, of this number, whether a file with a pixel can be read."""
    path = b64encode(os.fsencode(name)).decode()
    return f"\x1b_Gi={number},s=1,v=1,a=q,t=f,f=24;{path}\x1b\\"


def _sweep(folder: Path) -> None:
    """Removes the files of processes that have ended.

    A file's name begins with the id of its process.
    """
    for path in folder.iterdir():
        process, _, _ = path.name.partition("-")
        try:
            os.kill(int(process), 0)
        except ProcessLookupError:
            path.unlink(missing_ok=True)
        except (ValueError, OverflowError, PermissionError):
            pass  # not ours
