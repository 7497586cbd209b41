"""Asks the terminal how it can draw images, before the app takes it over."""

import fcntl
import os
import re
import select
import struct
import subprocess
import tempfile
import termios
import time
import tty
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from tui.system import atomic_file
from tui.system.environment import child_environment
from tui.system.ssh import is_over_ssh
from tui.text import one_line

Cell = tuple[int, int]


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

# Name and size of a cell; kitty images, a 24-bit colour set and read back. Terminals
# answer in order and every one answers DA1 (device attributes), so that its answer says
# that no other will follow.
_DA1_QUERY = "\x1b[c"
_QUERY_INSIDE = "\x1b[>0q\x1b[16t"
_KITTY_QUERY = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
_COLOUR_QUERY = "\x1b[48;2;1;2;3m\x1bP$qm\x1b\\\x1b[m"
_QUERY = f"{_QUERY_INSIDE}{_KITTY_QUERY}{_COLOUR_QUERY}{_DA1_QUERY}"
_DA1 = re.compile(rb"\x1b\[\?([\d;]*)c")
_XTVERSION = re.compile(rb"\x1bP>\|([^\x1b\x07]{1,200})")
_KITTY_OK = re.compile(rb"\x1b_Gi=31[^;\x1b]*;OK")
_READ = re.compile(rb"\x1b_Gi=32[^;\x1b]*;OK")
_MISSED = re.compile(rb"\x1b_Gi=33[^;\x1b]*;E")
_CELL = re.compile(rb"\x1b\[6;(\d{1,4});(\d{1,4})t")
_TRUECOLOR = re.compile(rb"\x1bP1\$r[^\x1b]*48[:;]2[:;]+1[:;]2[:;]3")
_BRAND = re.compile(r"([^\s(]+)[\s(]*v?([\w.-]*)")
_MOST_BYTES = 65536


class _Answers:
    """A terminal's answers about itself."""

    def __init__(self, received: bytes = b"") -> None:
        self.brand = ""
        self.version = ""
        version = _XTVERSION.search(received)
        if version:
            # Anything can hide in a name: people only see it without controls.
            name = one_line(version[1].decode(errors="replace"), 40)
            brand = _BRAND.match(name)
            if brand:
                self.brand, self.version = brand.groups()
        self.name = f"{self.brand} {self.version}".strip()
        self.cell: Cell | None = None
        cell = _CELL.search(received)
        if cell:
            self.cell = _plausible(int(cell[2]), int(cell[1]))
        self.kitty = bool(_KITTY_OK.search(received))
        self.truecolor = bool(_TRUECOLOR.search(received))
        da1 = _DA1.search(received)
        self.silent = da1 is None
        self.sixel = da1 is not None and b"4" in da1[1].split(b";")


@dataclass(frozen=True)
class _Dialogue:
    """A terminal that may be asked until a deadline of the monotonic clock."""

    fd: int
    deadline: float

    def ask(self, query: str) -> bytes:
        """Returns all that is received up to the answer to the query's DA1.

        Without that answer it is what was received until the deadline.
        """
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
        seconds = max(0.0, self.deadline - time.monotonic())
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

    `choice`, "auto" or a value of `Images`, overrules what it can do. Takes at most
    `seconds`, and lets no answers through as typing but `late` ones. `budget` are the
    bytes that an image may take (0: any; None: as the connection suggests), `cache` a
    folder from which a terminal on this machine may read its images. Raises ValueError
    for an unknown choice.
    """
    deadline = time.monotonic() + seconds
    forced = None if choice == "auto" else Images(choice)
    terminal = _from_environment(env)
    try:
        # stdin may be a pipe and stdout closed. A non-blocking descriptor of its own
        # never hangs.
        fd = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            terminal = replace(terminal, cell=cell_now())
            known = _known_unasked(fd, terminal, forced, env)
            if known:
                images, why = known
                terminal = replace(terminal, images=images, why=why)
            else:
                dialogue = _Dialogue(fd, deadline)
                terminal = _examine(dialogue, terminal, env, cache)
        finally:
            os.close(fd)
    except (OSError, termios.error):
        pass  # no terminal, or one that went away
    if forced is not None:
        terminal = replace(terminal, images=forced, why=f"You asked for {forced}.")
    if terminal.images is Images.ITERM and terminal.multiplexer:
        why = f"iTerm2's images do not get through {terminal.multiplexer}."
        terminal = replace(terminal, images=terminal.blocks, why=why)
    if terminal.images not in PIXELS:
        return terminal
    if budget is None:
        budget = _REMOTE_BUDGET if terminal.remote else 0
    return replace(terminal, budget=budget)


def _from_environment(env: Mapping[str, str]) -> Terminal:
    """Returns what the environment says of a terminal that nobody has asked."""
    program = env.get("TERM_PROGRAM", "")
    version = env.get("TERM_PROGRAM_VERSION", "")
    name = f"{program} {version}".strip() or env.get("TERM", "")
    multiplexer = ""
    if env.get("TMUX"):
        multiplexer = "tmux"
    elif env.get("STY"):
        multiplexer = "screen"
    return Terminal(
        Images.NONE,
        "There is no terminal to draw on.",
        name=one_line(name, 40),
        multiplexer=multiplexer,
        remote=is_over_ssh(env),
        truecolor=env.get("COLORTERM", "") in ("truecolor", "24bit"),
    )


def _known_unasked(
    fd: int, terminal: Terminal, forced: Images | None, env: Mapping[str, str]
) -> _Decision | None:
    """Returns how images are drawn where the terminal can't or needn't be asked."""
    if terminal.multiplexer == "screen":
        return Images.HALF, "GNU screen lets no images through."
    if os.tcgetpgrp(fd) != os.getpgrp():
        return (
            Images.HALF,
            "This process is in the background, so the terminal was not asked.",
        )
    if forced and terminal.cell and terminal.truecolor:
        return forced, ""
    known = _NOT_ASKED.get(env.get("TERM", ""))
    return known or _NOT_ASKED.get(env.get("TERM_PROGRAM", "?"))


def _examine(
    dialogue: _Dialogue, terminal: Terminal, env: Mapping[str, str], cache: Path | None
) -> Terminal:
    """Returns the terminal with what it answers. Raises OSError and termios.error."""
    is_tmux = terminal.multiplexer == "tmux"
    # tmux takes the question for kitty images for a title, and 3.5 the one for the
    # colour for a sixel image.
    if is_tmux or env.get("TERM", "").startswith(("tmux", "screen")):
        query = _QUERY_INSIDE + _DA1_QUERY
    else:
        query = _QUERY
    inner = _Answers(dialogue.ask(query))
    if is_tmux or inner.brand == "tmux":
        return _examine_tmux(dialogue, terminal, inner, env)
    terminal = _described(terminal, _decide(inner), inner.truecolor, inner)
    if terminal.images is Images.KITTY and cache and not terminal.remote:
        terminal = replace(terminal, shared=_shared_folder(dialogue, cache))
    return terminal


def _examine_tmux(
    dialogue: _Dialogue, terminal: Terminal, inner: _Answers, env: Mapping[str, str]
) -> Terminal:
    """Returns the terminal around tmux, with what gets through.

    tmux answers for itself; the terminal is asked through tmux's passthrough.
    """
    features, passthrough = _ask_tmux(env, dialogue.deadline)
    outer = _Answers()
    if passthrough not in ("off", "0"):
        outer = _Answers(dialogue.ask(through_tmux(_QUERY)))
    decision = _decide_inside_tmux(inner, outer, features)
    terminal = replace(terminal, multiplexer="tmux")
    return _described(terminal, decision, "RGB" in features, outer, inner)


def _decide_inside_tmux(inner: _Answers, outer: _Answers, features: str) -> _Decision:
    """Returns how images are drawn, from the answers of tmux and the terminal."""
    images, why = _decide(outer)
    if images is Images.KITTY:
        return images, f"{why.removesuffix('.')}, through tmux."
    if inner.sixel and (outer.sixel or "sixel" in features):
        return Images.SIXEL, "tmux and the terminal around it both draw sixel images."
    if outer.silent:
        return (
            images,
            "tmux lets no images through; put `set -g allow-passthrough on` into"
            " ~/.tmux.conf.",
        )
    if outer.sixel:
        why = f"{outer.name} draws sixel images, but this tmux does not."
        return _blocks(outer), why
    return images, why


def _described(
    terminal: Terminal, decision: _Decision, truecolor: bool, *answers: _Answers
) -> Terminal:
    """Returns the terminal with a decision and its answers, the first ones first."""
    names = [answer.name for answer in answers if answer.name]
    cells = [answer.cell for answer in answers if answer.cell]
    images, why = decision
    return replace(
        terminal,
        images=images,
        why=why,
        name=names[0] if names else terminal.name,
        cell=terminal.cell or (cells[0] if cells else None),
        truecolor=terminal.truecolor or truecolor,
        blocks=_blocks(answers[0]),
        late=any(answer.silent for answer in answers),
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
    least = _PLACEHOLDERS.get(brand)
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


def _shared_folder(dialogue: _Dialogue, cache: Path) -> Path | None:
    """Returns the folder for images that the terminal reads by itself.

    It is None where the terminal can't read it, as in a sandbox.
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
            received = dialogue.ask(present + absent + _DA1_QUERY)
    except OSError:
        return None
    if _READ.search(received) and _MISSED.search(received):
        return folder
    return None


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


def _ask_tmux(env: Mapping[str, str], deadline: float) -> tuple[str, str]:
    """Returns the features of the terminal around tmux, and its `allow-passthrough`.

    Both are empty where tmux doesn't answer.
    """
    if not env.get("TMUX"):
        return "", ""  # this tmux runs on another machine
    command = [
        "tmux",
        "display-message",
        "-p",
        "#{client_termfeatures}|#{allow-passthrough}",
    ]
    seconds = max(0.1, deadline - time.monotonic())
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            env=child_environment(env),
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return "", ""
    features, _, passthrough = done.stdout.strip().partition("|")
    return features, passthrough


def through_tmux(sequence: str) -> str:
    """Returns a sequence wrapped, so that tmux passes it to the terminal around it."""
    escaped = sequence.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{escaped}\x1b\\"


def cell_now() -> Cell | None:
    """Returns the present size of a character in pixels, if the kernel knows it.

    It changes with the font.
    """
    try:
        fd = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
        try:
            window = fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(8))
        finally:
            os.close(fd)
    except OSError:
        return None
    rows, columns, width, height = struct.unpack("4H", window)
    if not columns or not rows:
        return None
    return _plausible(width // columns, height // rows)


def _plausible(width: int, height: int) -> Cell | None:
    """Returns the size of a character in pixels; None where it can't be true."""
    if 2 <= width <= 200 and 2 <= height <= 400:
        return width, height
    return None
