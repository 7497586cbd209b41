"""Draws docs/rooms.svg, the rooms of the code by layer: `python docs/make_rooms.py`.

Layers are those of the import contract in pyproject.toml, arrows come from the imports
themselves: one for each import that no way through other rooms implies.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "rooms.svg"
WIDTH, LEFT, RIGHT = 830, 8, 700
HIGH, STEP = 40, 58
"""Height of a box, and from a layer to the next."""
LANE = 14
"""Between the arrows that pass layers by, at the right."""
STYLE = """
text { font: 11.5px sans-serif; fill: #24292f; text-anchor: middle }
.name { font-size: 13px; font-weight: bold }
rect { fill: #eef3fb; stroke: #57606a }
path { fill: none; stroke: #57606a; marker-end: url(#end) }
marker path { fill: #57606a; stroke: none; marker-end: none }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  rect { fill: #1c2533; stroke: #8b949e }
  path { stroke: #8b949e }
  marker path { fill: #8b949e }
}
"""


class Box(NamedTuple):
    """Where a room is drawn, in pixels."""

    left: float
    top: float
    wide: float


def layers() -> list[list[str]]:
    """The rooms of each layer, the highest layer first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (lines,) = [
        contract["layers"] for contract in contracts if contract["id"] == "rooms"
    ]
    return [line.split(" | ") for line in lines if line != "__main__"]


def sources(room: str) -> list[Path]:
    folder = ROOT / "tui" / room
    return (
        sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]
    )


def purpose(room: str, width: float) -> str:
    """The first sentence of a room's docstring, or as much of it as fits."""
    folder = ROOT / "tui" / room
    file = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    text = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
    sentence = re.split(r"[.;](?:\s|$)", " ".join(text.split()))[0]
    return sentence if len(sentence) * 6 < width else sentence.partition(": ")[0]


def imported(room: str) -> Iterator[str]:
    """The rooms that a room imports from, here or there in its modules."""
    for path in sources(room):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            for name in names:
                package, _, rest = name.partition(".")
                if package == "tui" and rest:
                    yield rest.partition(".")[0]


def arrows(rooms: list[str]) -> list[tuple[str, str]]:
    """The imports that say something new: from a room to one that nothing between
    imports, too.
    """
    direct = {room: set(imported(room)) & set(rooms) - {room} for room in rooms}
    reached: dict[str, set[str]] = {}
    for room in reversed(rooms):  # a room imports from later ones alone
        reached[room] = direct[room].union(*(reached[other] for other in direct[room]))
    return [
        (room, other)
        for room in rooms
        for other in rooms
        if other in direct[room]
        and not any(other in reached[third] for third in direct[room])
    ]


def framed(room: str, box: Box) -> str:
    middle = box.left + box.wide / 2
    return (
        f'<rect x="{box.left:g}" y="{box.top:g}" width="{box.wide:g}" height="{HIGH}"'
        ' rx="5"/>\n'
        f'<text class="name" x="{middle:g}" y="{box.top + 17:g}">{escape(room)}</text>\n'
        f'<text x="{middle:g}" y="{box.top + 33:g}">{escape(purpose(room, box.wide))}</text>'
    )


def straight(start: Box, end: Box) -> str:
    """An arrow to the next layer, upright where one box stands over the other."""
    left = max(start.left, end.left)
    right = min(start.left + start.wide, end.left + end.wide)
    if left < right:
        top = bottom = (left + right) / 2
    else:
        top, bottom = start.left + start.wide / 2, end.left + end.wide / 2
    return f'<path d="M{top:g} {start.top + HIGH:g} L{bottom:g} {end.top:g}"/>'


def around(start: Box, end: Box, lane: int) -> str:
    """An arrow past other layers: out below its room, down a lane, in above the other."""
    shift = 5 + 8 * lane
    out, into = start.left + start.wide - shift, end.left + end.wide - shift - 4
    below, above = start.top + HIGH + 4 + lane % 3, end.top - 7 - lane % 3
    x = RIGHT + 10 + LANE * lane
    return (
        f'<path d="M{out:g} {start.top + HIGH:g} V{below:g} H{x:g} V{above:g}'
        f' H{into:g} V{end.top:g}"/>'
    )


def draw() -> str:
    """The picture, as SVG."""
    rows = layers()
    rooms = [room for row in rows for room in row]
    boxes: dict[str, Box] = {}
    drawn: list[str] = []
    for number, row in enumerate(rows):
        wide = (RIGHT - LEFT - 12 * (len(row) - 1)) / len(row)
        for place, room in enumerate(row):
            left, top = LEFT + place * (wide + 12), 8 + number * STEP
            boxes[room] = Box(left, top, wide)
            drawn.append(framed(room, boxes[room]))
    level = {room: number for number, row in enumerate(rows) for room in row}
    lanes: list[int] = []
    """The level down to which each lane is taken."""
    for start, end in sorted(arrows(rooms), key=lambda arrow: level[arrow[0]]):
        if level[end] - level[start] == 1:
            drawn.append(straight(boxes[start], boxes[end]))
            continue
        free = [lane for lane, taken in enumerate(lanes) if taken < level[start]]
        lane = free[0] if free else len(lanes)
        lanes[lane : lane + 1] = [level[end]]
        drawn.append(around(boxes[start], boxes[end], lane))
    height = 8 + len(rows) * STEP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"'
        f' viewBox="0 0 {WIDTH} {height}" role="img">\n'
        "<title>Rooms of the code; an arrow leads to a room that is imported</title>\n"
        f"<style>{STYLE}</style>\n"
        '<defs><marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8"'
        ' markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>\n'
        + "\n".join(drawn)
        + "\n</svg>\n"
    )


if __name__ == "__main__":
    PICTURE.write_text(draw(), "utf-8")
