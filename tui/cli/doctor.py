"""What this installation found: the first thing to look at when something is odd."""

import platform
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui import __version__
from tui.graphics.probe import PIXELS, Images, Terminal, probe
from tui.session import Session
from tui.settings import credentials
from tui.settings.keyfiles.found import FoundKey
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
_SEEN = {
    Images.KITTY: _SHARP,
    Images.SIXEL: _SHARP,
    Images.ITERM: _SHARP,
    Images.SEXTANT: "the same, coarse; empty boxes mean that sextants are missing",
    Images.QUADRANT: "the same, coarse; thin lines come from the font",
    Images.HALF: "the same, coarser still",
    Images.ASCII: "grey characters in the rough shape of it",
}


def findings(session: Session) -> dict[str, Any]:
    """Facts by name, ready to be shown; the key masked."""
    credential = session.credential
    keys, notes = credentials.everything()
    terminal = probe(
        session.config.images,
        budget=session.config.image_bytes,
        cache=session.folders.cache,
    )
    return {
        "version": __version__,
        "profile": session.profile or NO_PROFILE,
        "key": f"{mask(credential.api_key)} from {credential.key_from}"
        if credential.api_key
        else "none found",
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
        "libraries": ", ".join(
            [
                *(f"{name} {_version(name)}" for name in _LIBRARIES),
                f"sqlite {sqlite3.sqlite_version}",
            ]
        ),
        "notes": [*notes, *session.problems],
    }


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The same for people, a fact a line."""
    for name, value in found.items():
        if name == "keys":
            for key in value:
                place = f" ({key['base_url']})" if key["base_url"] else ""
                yield f"{'':<14} {key['key']} from {key['source']}{place}: {key['state']}"
        else:
            first, *more = value if isinstance(value, list) and value else [value or ""]
            yield f"{name:<14} {first}"
            yield from (f"{'':<14} {line}" for line in more)


def _key(found: FoundKey, session: Session) -> dict[str, Any]:
    """One of the keys that could be used, and whether it is."""
    chosen = session.credential.key_from
    in_force = found.source == chosen
    why_not = "the demo needs none" if session.demo else f"{chosen} comes first"
    return {
        "source": one_line(found.source),
        "kind": found.kind,
        "key": mask(found.api_key),
        "base_url": one_line(found.base_url),
        "in_force": in_force,
        "state": "in force" if in_force else f"not used: {why_not}",
    }


def _budget(terminal: Terminal) -> str:
    if terminal.images in PIXELS and terminal.shared:
        return " It reads them from files."
    return f" At most {file_size(terminal.budget)} an image." if terminal.budget else ""


def card(terminal: Terminal) -> str:
    """A test card, drawn in the chosen way and in every one below it, with a line each
    of what one should see.
    """
    ways = [
        images for images in _SEEN if images is terminal.images or images not in PIXELS
    ]
    return "\n".join(f"{_shown(images, terminal)}\n" for images in ways)


def _shown(images: Images, terminal: Terminal) -> str:
    from textual.geometry import Size

    from tui.graphics.drawing import draw

    width, height = _CARD_CELLS
    # A row more for those that leave the last one free; no file, for it would be gone
    # before the card is read.
    space = Size(width, height + (images in (Images.SIXEL, Images.ITERM)))
    drawing = draw(_card, space, replace(terminal, images=images, shared=None))
    if images is Images.KITTY:
        picture = drawing.upload + "\n".join(f"{row}\x1b[0m" for row in drawing.overlay)
    elif drawing.overlay:
        # Room first, for at the foot of the screen it would scroll; one row more for
        # those that go below it.
        rows = drawing.size.height
        picture = (
            "\n" * (rows + 1)
            + f"\x1b[{rows + 1}A\x1b7{drawing.overlay[0]}\x1b8\x1b[{rows - 1}B"
        )
    else:
        picture = "\n".join(_written(row, terminal.truecolor) for row in drawing.rows)
    chosen = (
        " (chosen)"
        if images is terminal.images
        else " (under menus)"
        if images is terminal.blocks
        else ""
    )
    return f"{images}{chosen}, {file_size(len(picture.encode()))}: {_SEEN[images]}.\n{picture}"


def _written(row: "Strip", truecolor: bool) -> str:
    from rich.color import ColorSystem
    from rich.style import Style

    colours = ColorSystem.TRUECOLOR if truecolor else ColorSystem.EIGHT_BIT
    return "".join(
        (segment.style or Style.null()).render(segment.text, color_system=colours)
        for segment in row
    )


def _card(box: tuple[int, int]) -> "Image":
    """Gradients, a ring, stripes and coloured corners: what goes wrong with images
    shows in one of them.
    """
    from PIL import Image, ImageDraw

    width, height = box
    across = Image.linear_gradient("L").rotate(90).resize(box)
    down = Image.linear_gradient("L").resize(box)
    image = Image.merge("RGB", (across, down, Image.new("L", box, 128)))
    pen = ImageDraw.Draw(image)
    side = height // 5
    for number, colour in enumerate(_CORNERS):
        x, y = number % 2 * (width - side), number // 2 * (height - side)
        pen.rectangle((x, y, x + side - 1, y + side - 1), colour)
    middle, radius = (width // 3, height // 2), height // 3
    pen.ellipse(
        (
            middle[0] - radius,
            middle[1] - radius,
            middle[0] + radius,
            middle[1] + radius,
        ),
        None,
        "white",
        4,
    )
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
    return f"{learnt}, as learnt" if learnt else "not known yet"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"
