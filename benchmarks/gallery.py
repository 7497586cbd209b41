"""The figures for images: `python benchmarks/gallery.py [kitty] [sixel] [half]`.
Reported in docs/figures.md.

The app's grid, and textual-image's widgets in a scrolling grid, on a pseudo-terminal of
160 x 63 that shows 12 of 100 images of 2048². A stall is how late a heartbeat of 1 ms
comes at the most: so long a key waits. "Own work" is the longest time for which the
event loop itself used a processor without a pause: a busy machine adds nothing to that.
A step is a row of pictures, or a line where a page scrolls by lines.
"""

import asyncio
import contextlib
import gc
import json
import os
import re
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.figures import Terminal  # noqa: E402

COLUMNS, LINES = 160, 63
MARK = b"\x1b]777;mark\x07"
PHASES = (
    "open",
    "page down",
    "8 steps",
    "open again",
    "100 land",
    "all visited",
    "60 swaps",
)
_UPLOAD = re.compile(rb"\x1b_Ga=T[^;]*i=(\d+)")
_FREE = re.compile(rb"\x1b_Ga=d,d=I,i=(\d+)")


def paint(folder: Path, count: int) -> None:
    """Images as large and as hard to compress as real ones."""
    from PIL import Image, ImageChops

    noise = Image.effect_noise((64, 64), 120).resize(
        (2048, 2048), Image.Resampling.BICUBIC
    )
    grain = Image.effect_noise((2048, 2048), 5)
    for number in range(count):
        tones = [ImageChops.offset(noise, 90 * number, 200 * tone) for tone in range(3)]
        image = ImageChops.add(
            Image.merge("RGB", tones), Image.merge("RGB", [grain] * 3), 2
        )
        image.save(folder / f"{number:03}.png", compress_level=1)


def ours(kind: str, paths: list[Path]) -> tuple[Any, dict[str, Callable[..., Any]]]:
    """The app's grid, and what is done with it."""
    from textual.app import App
    from textual.signal import Signal

    from tests.app import past
    from tui.graphics.probe import Images
    from tui.graphics.probe import Terminal as Drawn
    from tui.images.thumbnails import ThumbnailCache
    from tui.paths import styles_dir
    from tui.screens.grid import GridScreen
    from tui.tasks.task import Result, Status
    from tui.widgets.view_context import ViewContext

    done = [
        past(path.name, results=(Result(url="", path=str(path)),)) for path in paths
    ]
    live = [past(path.name, Status.PENDING) for path in paths]
    drawn = Drawn(
        Images(kind),
        "",
        cell=(10, 20),
        blocks=Images.SEXTANT if kind == "kitty" else Images.QUADRANT,
    )
    thumbs = ThumbnailCache(paths[0].parent / "thumbs")

    class Gallery(App[None]):
        CSS_PATH = [styles_dir() / "app.tcss", styles_dir() / "grid.tcss"]

        def on_mount(self) -> None:
            self.changes = Signal(self, "changes")  # type: ignore[var-annotated]
            self.open(done)

        def open(self, tasks: list[Any]) -> None:
            self.push_screen(
                GridScreen(
                    ViewContext(
                        drawn, self.changes, lambda task: task.model, thumbs.shrink
                    ),
                    tasks[::-1],
                    tasks[-1],
                )
            )

        async def land(self) -> None:
            for task, path in zip(live, paths, strict=True):
                result = (Result(url="", path=str(path)),)
                self.changes.publish(
                    task.change(Status.FETCHING).change(
                        Status.COMPLETED, results=result
                    )
                )
                await asyncio.sleep(0.02)

    app = Gallery()
    do = {
        "page": lambda step: app.screen.action_page(step),  # type: ignore[attr-defined]
        "step": lambda: app.screen._roll(1),  # type: ignore[attr-defined]
        "wait": lambda: app.open(live),
        "land": app.land,
        "back": app.pop_screen,
    }
    return app, do


def theirs(kind: str, paths: list[Path]) -> tuple[Any, dict[str, Callable[..., Any]]]:
    import textual_image.widget
    from textual.app import App
    from textual.containers import ItemGrid, Vertical, VerticalScroll
    from textual.widgets import Label

    name = {"kitty": "TGPImage", "sixel": "SixelImage"}.get(kind, "HalfcellImage")
    make = getattr(textual_image.widget, name)

    class Gallery(App[None]):
        CSS = "ItemGrid { grid-size: 4; grid-rows: 21; height: auto } .image { width: 40; height: 20 }"

        def compose(self) -> Any:
            with VerticalScroll(), ItemGrid():
                for path in paths:
                    with Vertical():
                        yield make(path, classes="image")
                        yield Label(path.name)

    app = Gallery()

    def scroll(lines: int) -> None:
        app.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    return app, {"page": lambda step: scroll(step * LINES), "step": lambda: scroll(1)}


def child(whose: str, kind: str, folder: Path) -> None:
    """One program, in the pseudo-terminal."""
    app, do = (ours if whose == "ours" else theirs)(kind, sorted(folder.glob("*.png")))
    figures: list[tuple[float, float, float, float, int]] = []
    worst = total = busy = work = 0.0

    def memory(process: str = "self") -> int:
        return (
            int(Path(f"/proc/{process}/statm").read_text().split()[1])
            * resource.getpagesize()
        )

    def beside() -> int:
        """What the process that encodes takes."""
        threads = Path("/proc/self/task").glob("*/children")
        return sum(
            memory(process)
            for thread in threads
            for process in thread.read_text().split()
        )

    async def beat() -> None:
        nonlocal worst, total, busy, work
        while True:
            begin, cpu = time.perf_counter(), time.thread_time()
            await asyncio.sleep(0.001)
            late = time.perf_counter() - begin - 0.001
            own = time.thread_time() - cpu
            busy, work = max(busy, own), work + (own if own > 0.005 else 0)
            worst, total = max(worst, late), total + (late if late > 0.005 else 0)

    async def phase(rest: float) -> None:
        nonlocal worst, total, busy, work
        await asyncio.sleep(rest)
        figures.append((worst, total, busy, work, memory()))
        app._driver.write(MARK.decode())
        worst = total = busy = work = 0.0

    async def play() -> None:
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)  # as the app does; it spares both
        sys.setswitchinterval(0.0005)
        app.run_worker(beat())
        await phase(8)
        do["page"](1)
        await phase(5)
        for _ in range(8):
            do["step"]()
            await asyncio.sleep(0.1)
        await phase(4)
        if "land" in do:
            do["wait"]()
            await phase(2)
            await do["land"]()
            await phase(8)
            await do["back"]()
            await asyncio.sleep(1)
        else:
            await phase(0)
            await phase(0)
        for _ in range(9):
            do["page"](1)
            await asyncio.sleep(3)
        await phase(1)
        for turn in range(5):
            do["page"](-1 if turn % 2 == 0 else 1)
            await asyncio.sleep(2)
        await phase(1)
        report["beside"] = beside()
        app.exit()

    app.call_later(app.run_worker, play())
    report: dict[str, Any] = {"figures": figures, "base": memory()}
    app.run()
    (folder / "report").write_text(json.dumps(report))


def run(whose: str, kind: str, folder: Path) -> None:
    code = (
        f"import fcntl, os, struct, termios; os.environ.update(COLUMNS='{COLUMNS}', LINES='{LINES}')\n"
        f"size = struct.pack('4H', {LINES}, {COLUMNS}, {COLUMNS * 10}, {LINES * 20})\n"
        f"fcntl.ioctl(0, termios.TIOCSWINSZ, size)\n"
        f"from pathlib import Path; from benchmarks.gallery import child\n"
        f"child({whose!r}, {kind!r}, Path({str(folder)!r}))"
    )
    terminal, heard = Terminal(code), bytearray()
    # The end of the program is the end of its terminal
    with contextlib.suppress(OSError):
        while True:
            heard += terminal.read(0.5)
    terminal.close()
    report = json.loads((folder / "report").read_text())
    (folder / "report").unlink()
    print(f"{whose} {kind}")
    images: set[bytes] = set()
    for name, (worst, total, busy, work, rss), part in zip(
        PHASES, report["figures"], bytes(heard).split(MARK), strict=False
    ):
        sent, freed = _UPLOAD.findall(part), _FREE.findall(part)
        images = (images | set(sent)) - set(freed)
        print(
            f"  {name:12} longest stall {worst * 1000:5.0f} ms (own work {busy * 1000:4.0f} ms),"
            f" together {total * 1000:6.0f} ms (own work {work * 1000:4.0f} ms),"
            f" {len(part) / 1e6:5.1f} MB, {len(sent)} uploads, {len(images)} images left,"
            f" memory {rss / 1e6:.0f} MB, +{(rss - report['base']) / 1e6:.0f} MB"
        )
    print(f"  the process beside it: {report['beside'] / 1e6:.0f} MB")
    left = set(_UPLOAD.findall(heard)) - set(_FREE.findall(heard))
    print(f"  load of the machine {os.getloadavg()[0]:.1f}")
    print(f"  left in the terminal after the end: {len(left)}", flush=True)


if __name__ == "__main__":
    kinds = sys.argv[1:] or ["kitty", "sixel", "half"]
    with tempfile.TemporaryDirectory() as home:
        os.environ["HOME"] = home
        pics = Path(os.environ.get("PICS", home))
        if not list(pics.glob("*.png")):
            paint(pics, 100)
        for kind in kinds:
            for whose in os.environ.get("WHOSE", "ours theirs").split():
                run(whose, kind, pics)
