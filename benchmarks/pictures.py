"""One picture: `python benchmarks/pictures.py [screen]`. Reported in docs/figures.md.

A PNG of 2048² for 40 x 20 and for 80 x 40 cells of 10 x 20 pixels: how long until it
could be sent, and as how many bytes; ours, textual-image's, and those of the programs
chafa and timg where they are installed, with their start: the time for a picture of 64²
stands beside. Medians of three pictures. Kitty's placeholders are counted.

Then (or, with `screen`, only) the way to the screen: from a PNG on disk to its last
byte in a pseudo-terminal, and how long a key would have waited meanwhile at the most.
"""

import asyncio
import contextlib
import fcntl
import io
import json
import os
import pty
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
import tty
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.figures import Terminal  # noqa: E402

SIDE = 2048
PROMPTS = ("a fox in the snow", "a harbour at night", "mountains over a lake at dawn")
SIZES = ((40, 20), (80, 40))
WINDOW = struct.pack("4H", 50, 120, 1200, 1000)  # cells of 10 x 20 pixels
KINDS = ("kitty", "sixel", "half")
MARK = b"\x1b]777;mark\x07"
PROGRAMS = {
    "chafa": {
        "kitty": ["-f", "kitty"],
        "sixel": ["-f", "sixel"],
        "half": ["-f", "symbols", "-c", "full"],
    },
    "timg": {
        "kitty": ["-pk", "-bblack"],
        "sixel": ["-ps", "-bblack"],
        "half": ["-ph", "-bblack"],
    },
}
Way = Callable[[Path, tuple[int, int]], int]
"""Makes a picture ready for so many cells; gives the bytes that are sent."""


def paint(folder: Path) -> list[Path]:
    from tui.demo.paint import paint

    paths = [folder / f"{number}.png" for number in range(len(PROMPTS))]
    for prompt, path in zip(PROMPTS, paths, strict=True):
        paint(model="benchmark", prompt=prompt, seed=1, size=(SIDE, SIDE)).save(path)
    return paths


def ours(kind: str, thumbs: Path, shared: Path | None = None, budget: int = 0) -> Way:
    from textual.geometry import Size

    from tui.graphics.drawing import draw
    from tui.graphics.probe import Images
    from tui.graphics.probe import Terminal as Drawn
    from tui.images.thumbnails import ThumbnailCache

    shrink = ThumbnailCache(thumbs).shrink

    def way(path: Path, size: tuple[int, int]) -> int:
        terminal = Drawn(Images(kind), "", cell=(10, 20), shared=shared, budget=budget)
        drawing = draw(lambda box: shrink(path, box), Size(*size), terminal)
        return len(drawing.upload) + sum(
            len(row.encode()) for row in drawing.overlay or drawing.written
        )

    return way


def theirs(kind: str) -> Way:
    from rich.console import Console

    from tui.graphics.textual_image_adapter import renderable

    module = renderable({"kitty": "tgp", "half": "halfcell"}.get(kind, kind))

    def way(path: Path, size: tuple[int, int]) -> int:
        module.get_cell_size = lambda: namedtuple("Cell", "width height")(10, 20)
        heard, stdout = io.StringIO(), sys.__stdout__
        sys.__stdout__ = heard  # type: ignore[misc]  # where it writes uploads
        try:
            Console(
                file=heard, width=size[0], force_terminal=True, color_system="truecolor"
            ).print(module.Image(path, *size))
        finally:
            sys.__stdout__ = stdout  # type: ignore[misc]
        return len(heard.getvalue().encode())

    return way


def program(name: str, kind: str) -> Way:
    def way(path: Path, size: tuple[int, int]) -> int:
        across = f"{size[0]}x{size[1]}"
        room = ["-s", across] if name == "chafa" else [f"-g{across}"]
        ours, its = pty.openpty()  # where they ask for the size of a cell
        tty.setraw(its)
        fcntl.ioctl(its, termios.TIOCSWINSZ, WINDOW)
        with subprocess.Popen(
            [name, *PROGRAMS[name][kind], *room, path],
            stdin=its,
            stdout=its,
            stderr=its,
        ):
            os.close(its)
            count = 0
            # The end of the program is the end of its terminal
            with contextlib.suppress(OSError):
                while data := os.read(ours, 1 << 16):
                    count += len(data)
            os.close(ours)
        return count

    return way


def one_picture(paths: list[Path], folder: Path) -> None:
    ways: dict[str, Way] = {}
    for kind in KINDS:
        ways[f"{kind}, ours"] = ours(kind, folder / "never" / kind)
        ways[f"{kind}, ours, small picture kept"] = ours(kind, folder / "thumbs")
        if kind == "kitty":
            ways["kitty, ours, a local file"] = ours(
                kind, folder / "thumbs", shared=folder
            )
        ways[f"{kind}, ours, over SSH"] = ours(kind, folder / "thumbs", budget=40_000)
        ways[f"{kind}, textual-image"] = theirs(kind)
        ways |= {
            f"{kind}, {name}": program(name, kind)
            for name in PROGRAMS
            if shutil.which(name)
        }
    (folder / "never").touch()  # no small picture can be kept there
    small = folder / "small.png"
    from PIL import Image

    Image.new("RGB", (64, 64)).save(small)
    for name, way in ways.items():
        way(paths[0], SIZES[0])  # what is loaded once
        told = []
        for size in SIZES:
            times, counts = [], []
            for path in paths:
                start = time.perf_counter()
                counts.append(way(path, size))
                times.append(time.perf_counter() - start)
            told.append(
                f"{statistics.median(times) * 1000:5.0f} ms {statistics.median(counts) / 1000:7.1f} KB"
            )
        start = time.perf_counter()
        way(small, SIZES[0])
        print(
            f"  {name:34}",
            " | ".join(told),
            f"| 64² {(time.perf_counter() - start) * 1000:3.0f} ms",
            flush=True,
        )


def child(whose: str, kind: str, folder: Path) -> None:
    """An app with one picture, in the pseudo-terminal: told of a file, then of the
    next.
    """
    from textual.app import App

    from tui.graphics.probe import Images
    from tui.graphics.probe import Terminal as Drawn
    from tui.images.thumbnails import ThumbnailCache
    from tui.widgets.picture import Picture

    def given() -> Any:
        if whose == "ours":
            return Picture(Drawn(Images(kind), "", cell=(10, 20)), classes="image")
        return getattr(textual_image.widget, theirs)(classes="image")

    theirs = {"kitty": "TGPImage", "sixel": "SixelImage"}.get(kind, "HalfcellImage")
    if whose != "ours":
        # Asks the terminal at once, so before the app reads it
        import textual_image.widget
    worst = 0.0

    async def beat() -> None:
        nonlocal worst
        while True:
            start = time.perf_counter()
            await asyncio.sleep(0.001)
            worst = max(worst, time.perf_counter() - start - 0.001)

    paths = sorted(folder.glob("?.png"))

    class One(App[None]):
        CSS = ".image { width: 40; height: 20 }"

        def on_mount(self) -> None:
            self.run_worker(beat())
            self.run_worker(self.play())

        async def play(self) -> None:
            nonlocal worst
            widget: Any = given()
            await self.mount(widget)
            stalls = []
            for path in paths * 2:  # again: with what was kept
                await asyncio.sleep(2)
                worst = 0.0
                self._driver.write(MARK.decode())  # type: ignore[union-attr]
                if isinstance(widget, Picture):
                    widget.show(
                        path, shrink=ThumbnailCache(folder / "seen" / kind).shrink
                    )
                else:
                    widget.image = str(path)
                await asyncio.sleep(2)
                stalls.append(worst)
            (folder / "report").write_text(json.dumps(stalls))
            self.exit()

    sys.setswitchinterval(0.0005)  # as the app does
    One().run()


def to_the_screen(folder: Path) -> None:
    for kind in KINDS:
        for whose in ("ours", "textual-image"):
            terminal = Terminal(
                "import fcntl, termios; from pathlib import Path; from benchmarks.pictures import WINDOW, child\n"
                "fcntl.ioctl(0, termios.TIOCSWINSZ, WINDOW)\n"
                f"child({whose!r}, {kind!r}, Path({str(folder)!r}))"
            )
            # When each was asked for, and when its last byte came
            told: list[list[float]] = []
            # The end of the program is the end of its terminal
            with contextlib.suppress(OSError):
                while True:
                    data = terminal.read(1)
                    if MARK in data:
                        told.append([time.perf_counter()] * 2)
                    elif data and told and time.perf_counter() < told[-1][0] + 2:
                        told[-1][1] = time.perf_counter()
            terminal.close()
            stalls = json.loads((folder / "report").read_text())
            half = len(told) // 2
            rows = [
                f"{statistics.median(end - start for start, end in told[part]) * 1000:4.0f} ms,"
                f" longest stall {max(stalls[part]) * 1000:4.0f} ms"
                for part in (slice(half), slice(half, None))
            ]
            print(
                f"  {kind:6} {whose:14} to the screen: {rows[0]}; again: {rows[1]}",
                flush=True,
            )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ["HOME"] = home
        paths = paint(Path(home))
        if "screen" not in sys.argv:
            print("ready to be sent, 40 x 20 | 80 x 40 cells")
            one_picture(paths, Path(home))
        print("40 x 20 cells on the screen")
        to_the_screen(Path(home))
