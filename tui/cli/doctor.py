"""`doctor`: what this installation found, and what is wrong with it."""

import platform
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import structs

from tui import __version__
from tui.cli.checks.settings import key_problems
from tui.graphics.probe import PIXELS, Images, Terminal, probe
from tui.service import network_settings
from tui.session import Session
from tui.settings import credentials
from tui.settings.keyfiles.found import FoundKey
from tui.system.finding import Finding, Level, worst
from tui.tasks import naming
from tui.tasks.store import Store
from tui.tasks.store_errors import StoreError
from tui.tasks.task import NO_PROFILE
from tui.text import file_size, mask, one_line

if TYPE_CHECKING:
    from PIL.Image import Image
    from textual.strip import Strip

_LIBRARIES = ("textual", "textual-image", "httpx", "pillow")

_CARD_CELLS = (32, 8)
_CORNERS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0))
_SHARP = "a round ring, eight thin stripes, corners in red, green, blue and yellow"
_EXPECTED = {
    Images.KITTY: _SHARP,
    Images.SIXEL: _SHARP,
    Images.ITERM: _SHARP,
    Images.SEXTANT: "the same, coarse; empty boxes mean that the font lacks sextants",
    Images.QUADRANT: "the same, coarse; thin lines come from the font",
    Images.HALF: "the same, even coarser",
    Images.ASCII: "grey characters in roughly the same shape",
}


SCHEMA = 1
"""The version of the JSON; it grows where a field goes or means something else."""
_EXIT_CODES = {Level.OK: 0, Level.WARNING: 8, Level.ERROR: 1}


def exit_code(findings: list[Finding]) -> int:
    """Return the exit code by the worst finding."""
    return _EXIT_CODES[worst(findings)]


def as_json(facts: dict[str, Any], findings: list[Finding]) -> dict[str, Any]:
    """Return all that is known as one object, as docs/headless.md describes it."""
    return {
        "schema": SCHEMA,
        "level": worst(findings),
        "findings": [structs.asdict(finding) for finding in findings],
        **facts,
    }


def finding_lines(findings: list[Finding]) -> Iterator[str]:
    """Yield the findings for people, the worst at the end."""
    order = list(Level)
    for finding in sorted(findings, key=lambda finding: order.index(finding.level)):
        yield f"{finding.level:<8} {finding.topic}: {finding.text}"
        if finding.next_step:
            yield f"{'':<8} -> {finding.next_step}"


def facts(session: Session) -> dict[str, Any]:
    """Return facts by name, ready to be shown; keys are masked."""
    credential = session.credential
    keys, notes = credentials.find_all()
    terminal = probe(
        session.config.images,
        budget=session.config.image_bytes,
        cache=session.folders.cache,
    )
    key = "none found"
    if credential.api_key:
        key = f"{mask(credential.api_key)} from {credential.key_from}"
    libraries = [f"{name} {_version(name)}" for name in _LIBRARIES]
    libraries.append(f"sqlite {sqlite3.sqlite_version}")
    return {
        "version": __version__,
        "profile": session.profile or NO_PROFILE,
        "key": key,
        "keys": [_key(found, session) for found in keys],
        "base_url": f"{credential.base_url} from {credential.url_from}",
        "route": _route(session),
        "config": str(session.folders.config_file),
        "queue": str(session.folders.queue),
        "images": str(session.folders.output),
        "names": naming.example(session.config.name),
        "cache": str(session.folders.cache),
        "terminal": terminal.name or "unknown",
        "drawn_as": f"{terminal.images}: {terminal.why}{_budget(terminal)}",
        "python": f"{platform.python_version()} ({Path(sys.executable)})",
        "libraries": ", ".join(libraries),
        "network": _network(session),
        "notes": [*notes, *session.problems, *key_problems(session)],
    }


def _network(session: Session) -> list[str]:
    """Return the proxies and certificates of the environment."""
    if session.demo:
        return []  # it reads none of them
    return [
        str(found) for found in network_settings.settings(session.credential.base_url)
    ]


def lines(found: dict[str, Any]) -> Iterator[str]:
    """Yield the facts for people, one per line, but for those that findings repeat."""
    for name, value in found.items():
        if name in ("notes", "network"):
            continue
        if name == "keys":
            for key in value:
                place = f" ({key['base_url']})" if key["base_url"] else ""
                yield f"{'':<14} {key['key']} from {key['source']}{place}: {key['state']}"
            continue
        first, *more = value if isinstance(value, list) and value else [value or ""]
        yield f"{name:<14} {first}"
        for line in more:
            yield f"{'':<14} {line}"


def _key(found: FoundKey, session: Session) -> dict[str, Any]:
    """Return a key that could be used, and whether it is."""
    chosen = session.credential.key_from
    is_used = found.source == chosen
    if is_used:
        state = "in force"
    elif session.demo:
        state = "not used: the demo needs none"
    elif found.asks_first:
        state = "not used: its base URL is not RunAPI, and is not confirmed in the app"
    elif chosen:
        state = f"not used: {chosen} comes first"
    else:
        state = "not used"
    return {
        "source": one_line(found.source),
        "kind": found.kind,
        "key": mask(found.api_key),
        "base_url": one_line(found.base_url),
        "in_force": is_used,
        "state": state,
    }


def _budget(terminal: Terminal) -> str:
    if terminal.images in PIXELS and terminal.shared:
        return " It reads them from files."
    if terminal.budget:
        return f" At most {file_size(terminal.budget)} per image."
    return ""


def card(terminal: Terminal) -> str:
    """Return a test card in the chosen way of drawing and in every simpler one.

    Each comes with a line on what should be visible.
    """
    ways = [
        images
        for images in _EXPECTED
        if images is terminal.images or images not in PIXELS
    ]
    return "\n".join(f"{_sample(images, terminal)}\n" for images in ways)


def _sample(images: Images, terminal: Terminal) -> str:
    from textual.geometry import Size

    from tui.graphics.drawing import draw

    width, height = _CARD_CELLS
    # One more row for those that leave the last one free. No file: it would be deleted
    # before the terminal reads it.
    space = Size(width, height + (images in (Images.SIXEL, Images.ITERM)))
    drawing = draw(_card, space, replace(terminal, images=images, shared=None))
    if images is Images.KITTY:
        picture = drawing.upload + "\n".join(f"{row}\x1b[0m" for row in drawing.overlay)
    elif drawing.overlay:
        # Empty lines first: at the bottom of the screen the image would scroll. One
        # more row for terminals that leave the cursor below it.
        rows = drawing.size.height
        up = f"\x1b[{rows + 1}A"
        down = f"\x1b[{rows - 1}B"
        room = "\n" * (rows + 1)
        picture = f"{room}{up}\x1b7{drawing.overlay[0]}\x1b8{down}"
    else:
        picture = "\n".join(_ansi(row, terminal.truecolor) for row in drawing.rows)
    name = str(images)
    if images is terminal.images:
        name = f"{images} (chosen)"
    elif images is terminal.blocks:
        name = f"{images} (under menus)"
    size = file_size(len(picture.encode()))
    return f"{name}, {size}: {_EXPECTED[images]}.\n{picture}"


def _ansi(row: "Strip", truecolor: bool) -> str:
    from rich.color import ColorSystem
    from rich.style import Style

    colours = ColorSystem.TRUECOLOR if truecolor else ColorSystem.EIGHT_BIT
    return "".join(
        (segment.style or Style.null()).render(segment.text, color_system=colours)
        for segment in row
    )


def _card(box: tuple[int, int]) -> "Image":
    """Draw gradients, a ring, stripes and coloured corners: each shows other faults."""
    from PIL import Image, ImageDraw

    width, height = box
    gradient = Image.linear_gradient("L")
    across = gradient.rotate(90).resize(box)
    down = gradient.resize(box)
    image = Image.merge("RGB", (across, down, Image.new("L", box, 128)))
    pen = ImageDraw.Draw(image)
    side = height // 5
    for number, colour in enumerate(_CORNERS):
        x = number % 2 * (width - side)
        y = number // 2 * (height - side)
        pen.rectangle((x, y, x + side - 1, y + side - 1), colour)
    pen.circle((width // 3, height // 2), height // 3, None, "white", 4)
    for x in range(8):
        left = width * 3 // 5 + 4 * x
        pen.rectangle((left, height // 4, left + 1, height * 3 // 4), "white")
        pen.rectangle((left + 2, height // 4, left + 3, height * 3 // 4), "black")
    return image


def _route(session: Session) -> str:
    if session.config.api != "auto":
        return f"{session.config.api}, as set"
    if not session.folders.queue.exists():
        return "not known yet"
    try:
        store = Store(session.folders.queue)
        learnt = store.learnt(session.credential.base_url).get("route")
        store.close()
    except StoreError as error:
        return str(error)
    return f"{learnt}, as found" if learnt else "not known yet"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"
