"""Which way of drawing images the terminal can do, asked before the app takes the
terminal over.
"""

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
    """What a terminal said of itself."""

    def __init__(self, heard: bytes = b"") -> None:
        da1, version, cell = (
            _DA1.search(heard),
            _XTVERSION.search(heard),
            _CELL.search(heard),
        )
        # Anything can hide in a name: `one_line` takes controls out before a person
        # sees it.
        brand = (
            _BRAND.match(one_line(version[1].decode(errors="replace"), 40))
            if version
            else None
        )
        self.brand, self.version = brand.groups() if brand else ("", "")
        self.name = f"{self.brand} {self.version}".strip()
        self.cell = _plausible(int(cell[2]), int(cell[1])) if cell else None
        self.kitty = bool(_KITTY_OK.search(heard))
        self.sixel = da1 is not None and b"4" in da1[1].split(b";")
        self.truecolor = bool(_TRUECOLOR.search(heard))
        self.silent = da1 is None


def probe(
    choice: str = "auto",
    env: Mapping[str, str] = os.environ,
    seconds: float = 2.0,
    *,
    budget: int | None = None,
    cache: Path | None = None,
) -> Terminal:
    """The terminal of this process; `choice` ("auto" or a value of `Images`) overrules
    what it can do.

    Takes at most so many seconds and leaves no answer behind as typing, but `late`
    ones. `budget` are the bytes that an image may take (0: any; None: as the connection
    suggests), `cache` a folder in which a terminal on this machine may be handed its
    images. ValueError for an unknown choice.
    """
    deadline = time.monotonic() + seconds
    forced = None if choice == "auto" else Images(choice)
    program = (
        f"{env.get('TERM_PROGRAM', '')} {env.get('TERM_PROGRAM_VERSION', '')}".strip()
    )
    terminal = Terminal(
        Images.NONE,
        "There is no terminal to draw on.",
        name=one_line(program or env.get("TERM", ""), 40),
        multiplexer="tmux" if env.get("TMUX") else "screen" if env.get("STY") else "",
        remote=is_over_ssh(env),
        truecolor=env.get("COLORTERM", "") in ("truecolor", "24bit"),
    )
    try:
        # stdin may be a pipe and stdout closed. A non-blocking descriptor of its own
        # never hangs.
        fd = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            terminal = _examine(fd, terminal, forced, env, cache, deadline)
        finally:
            os.close(fd)
    except (OSError, termios.error):
        pass  # no terminal, or one that went away
    if forced is not None:
        terminal = replace(terminal, images=forced, why=f"You asked for {forced}.")
    if terminal.images is Images.ITERM and terminal.multiplexer:
        why = f"iTerm2's images do not get through {terminal.multiplexer}."
        terminal = replace(terminal, images=terminal.blocks, why=why)
    if terminal.images in PIXELS:
        usual = _REMOTE_BUDGET if terminal.remote else 0
        terminal = replace(terminal, budget=usual if budget is None else budget)
    return terminal


def _examine(
    fd: int,
    terminal: Terminal,
    forced: Images | None,
    env: Mapping[str, str],
    cache: Path | None,
    deadline: float,
) -> Terminal:
    terminal = replace(terminal, cell=cell_now())
    known = _NOT_ASKED.get(env.get("TERM", "")) or _NOT_ASKED.get(
        env.get("TERM_PROGRAM", "?")
    )
    if terminal.multiplexer == "screen":
        known = (Images.HALF, "GNU screen lets no images through.")
    elif os.tcgetpgrp(fd) != os.getpgrp():
        known = (
            Images.HALF,
            "This process is in the background, so the terminal was not asked.",
        )
    elif forced and terminal.cell and terminal.truecolor:
        known = (forced, "")
    if known:
        return replace(terminal, images=known[0], why=known[1])
    # tmux takes the question for kitty images for a title, and 3.5 the one for the
    # colour for a sixel image.
    inside = terminal.multiplexer == "tmux" or env.get("TERM", "").startswith(
        ("tmux", "screen")
    )
    inner = _Answers(
        _ask(fd, _QUERY_INSIDE + _DA1_QUERY if inside else _QUERY, deadline)
    )
    if inner.brand == "tmux" or terminal.multiplexer == "tmux":
        return _examine_tmux(fd, terminal, inner, env, deadline)
    terminal = _described(terminal, _decide(inner), inner.truecolor, inner)
    if terminal.images is Images.KITTY and cache and not terminal.remote:
        terminal = replace(terminal, shared=_shared(fd, cache, deadline))
    return terminal


def _examine_tmux(
    fd: int,
    terminal: Terminal,
    inner: _Answers,
    env: Mapping[str, str],
    deadline: float,
) -> Terminal:
    """tmux answers for itself; the terminal around it is asked through tmux's
    passthrough.
    """
    features, passthrough = _ask_tmux(env, deadline)
    closed = passthrough in ("off", "0")
    outer = _Answers() if closed else _Answers(_ask(fd, through_tmux(_QUERY), deadline))
    images, why = _decide(outer)
    if images is Images.KITTY:
        why = f"{why.removesuffix('.')}, through tmux."
    elif inner.sixel and (outer.sixel or "sixel" in features):
        images, why = (
            Images.SIXEL,
            "tmux and the terminal around it both draw sixel images.",
        )
    elif outer.silent:
        why = (
            "tmux lets no images through; put `set -g allow-passthrough on` into"
            " ~/.tmux.conf."
        )
    elif outer.sixel:
        images, why = (
            _blocks(outer),
            f"{outer.name} draws sixel images, but this tmux does not.",
        )
    return _described(
        replace(terminal, multiplexer="tmux"),
        (images, why),
        "RGB" in features,
        outer,
        inner,
    )


def _described(
    terminal: Terminal,
    decision: tuple[Images, str],
    truecolor: bool,
    *answers: _Answers,
) -> Terminal:
    return replace(
        terminal,
        images=decision[0],
        why=decision[1],
        name=next((answer.name for answer in answers if answer.name), terminal.name),
        cell=terminal.cell
        or next((answer.cell for answer in answers if answer.cell), None),
        truecolor=terminal.truecolor or truecolor,
        blocks=_blocks(answers[0]),
        late=any(answer.silent for answer in answers),
    )


def _blocks(answers: _Answers) -> Images:
    """The finest characters that look right."""
    if answers.brand.lower().startswith(_SEXTANTS):
        return Images.SEXTANT
    return Images.QUADRANT if answers.brand else Images.HALF


def _decide(answers: _Answers) -> tuple[Images, str]:
    name, brand, blocks = (
        answers.name or "The terminal",
        answers.brand.lower(),
        _blocks(answers),
    )
    least = _PLACEHOLDERS.get(brand)
    version = tuple(int(part) for part in re.findall(r"\d+", answers.version)[:3])
    if answers.silent:
        return (
            Images.HALF,
            (
                "The terminal answered no question in time; half blocks work nearly"
                " everywhere."
            ),
        )
    if answers.kitty and least and version >= least:
        return Images.KITTY, f"{name} draws kitty images."
    if brand.startswith(_INLINE):
        return Images.ITERM, f"{name} draws iTerm2's inline images."
    if answers.sixel:
        return Images.SIXEL, f"{name} draws sixel images."
    if answers.kitty and least:
        return (
            blocks,
            (
                f"{name} is too old to place images in text;"
                f" {'.'.join(map(str, least))} can."
            ),
        )
    return blocks, f"{name} draws no images that this program knows how to send."


def _ask(fd: int, query: str, deadline: float) -> bytes:
    """What the terminal says up to its answer to the last question, or until the
    deadline.
    """
    heard = b""
    before = termios.tcgetattr(fd)
    try:
        # Never TCSADRAIN: it waits for ever on a stopped terminal
        tty.setcbreak(fd, termios.TCSANOW)
        os.write(fd, query.encode())
        while not _DA1.search(heard) and len(heard) < _MOST_BYTES:
            if not select.select([fd], [], [], max(0.0, deadline - time.monotonic()))[
                0
            ]:
                break
            if not (chunk := os.read(fd, 4096)):
                break
            heard += chunk
    finally:
        if not _DA1.search(heard):
            termios.tcflush(fd, termios.TCIFLUSH)
        termios.tcsetattr(fd, termios.TCSANOW, before)
    return heard


def _shared(fd: int, cache: Path, deadline: float) -> Path | None:
    """The folder for images that the terminal reads by itself; None if it can't, as in
    a sandbox.
    """
    folder = cache / "shown"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sweep(folder)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=f"{os.getpid()}-") as file:
            file.write(bytes(3))
            file.flush()
            # A file that isn't there, too: some say OK to everything.
            names = ((32, file.name), (33, f"{file.name}-not"))
            paths = (
                (number, b64encode(os.fsencode(name)).decode())
                for number, name in names
            )
            query = "".join(
                f"\x1b_Gi={number},s=1,v=1,a=q,t=f,f=24;{path}\x1b\\"
                for number, path in paths
            )
            heard = _ask(fd, f"{query}\x1b[c", deadline)
    except OSError:
        return None
    return folder if _READ.search(heard) and _MISSED.search(heard) else None


def _sweep(folder: Path) -> None:
    """Removes what processes left behind that are no more; a file's name begins with
    its process.
    """
    for path in folder.iterdir():
        try:
            os.kill(int(path.name.partition("-")[0]), 0)
        except ProcessLookupError:
            path.unlink(missing_ok=True)
        except (ValueError, OverflowError, PermissionError):
            pass  # not ours


def _ask_tmux(env: Mapping[str, str], deadline: float) -> tuple[str, str]:
    """Features of the terminal around tmux and its `allow-passthrough`; empty where
    tmux does not tell.
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
            env=env,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return "", ""
    features, _, passthrough = done.stdout.strip().partition("|")
    return features, passthrough


def through_tmux(sequence: str) -> str:
    """`sequence` wrapped so that tmux hands it to the terminal around it."""
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"


def cell_now() -> Cell | None:
    """The size of a character in pixels at this moment (it changes with the font), if
    the kernel knows it.
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
    return _plausible(width // columns, height // rows) if columns and rows else None


def _plausible(width: int, height: int) -> Cell | None:
    return (width, height) if 2 <= width <= 200 and 2 <= height <= 400 else None
