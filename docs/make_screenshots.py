"""Makes docs/screen-*.png and docs/results.png from the real app in a real xterm with Sixel.

`python docs/make_screenshots.py` needs Xvfb, xterm, xdotool, tmux and Pillow; names of sheets
limit it to these. Each picture is a sheet: the states of the app at 120x36, one state at all sizes,
or a way from one result to the next.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageGrab

ROOT = Path(__file__).parent.parent
DISPLAY = ":97"
START = 4.0
"""Seconds until the app is complete."""
MADE = 12.0
"""Seconds in which the demo makes four pictures."""
GAP = 8
COLOURS = 256


CALM = 1.2
"""Seconds without a change after which a page is complete."""
LONGEST = 30.0


class Shot(NamedTuple):
    """A state of the app: the keys that lead there, what is typed then, and sent."""

    name: str
    before: str = ""
    text: str = ""
    keys: str = ""
    seconds: float = 1.0
    """The least time that it takes."""
    moves: bool = False
    """Whether it never comes to rest."""
    kept: bool = True
    """Whether it is on the sheet, or only leads on."""


PROMPT = "a lighthouse at dusk, heavy waves"
VARIED = " in {red|blue|green|gold}"
STATES = (
    Shot("first start"),
    Shot("typing", text=PROMPT),
    Shot("running", keys="ctrl+j", seconds=2.5, moves=True),
    Shot("done", seconds=6.0),
    Shot("a job of four", text=VARIED, keys="ctrl+j", seconds=MADE),
    Shot("grid", keys="ctrl+t v"),
    Shot("viewer", keys="Return i"),
    Shot("history", keys="Escape Escape F9"),
    Shot("money", keys="Escape Escape ctrl+t dollar"),
    Shot("help", keys="Escape F1"),
    Shot("failed", "Escape Escape ctrl+n", "a kite demo:fail", "ctrl+j", 8.0),
    Shot("palette", keys="ctrl+p"),
)
DONE = (
    Shot("done", text=PROMPT, keys="ctrl+j", seconds=9.0),
    Shot("a job of four", text=VARIED, keys="ctrl+j", seconds=MADE),
)
RATIOS = "aspect_ratio = 1:1 | 16:9 | 9:16 | 4:3 | 3:4 | 21:9"
RESULTS = (
    Shot("a job", text=PROMPT, keys="ctrl+b", kept=False),
    Shot("another model", keys="ctrl+o Down Down Down space Return", kept=False),
    Shot("matrix", before="Tab Tab", text=RATIOS),
    Shot("made", keys="ctrl+j", seconds=25.0, kept=False),
    Shot("table", keys="ctrl+t Home M", seconds=3.0),
    Shot("culled", keys="Escape v 4 X 5 X X X 3 X X X", seconds=2.0),
    Shot("three", keys="Home space Right Right space Right Right Right Right space"),
    Shot("compare", keys="b", seconds=2.0, kept=False),
    Shot("side by side", keys="s", seconds=3.0),
    Shot("use as a source", keys="Escape Escape Home e"),
    Shot("remix", "Return", "at night demo:slow", "ctrl+j", 3.0, kept=False),
    Shot("after it", keys="ctrl+t Home t", seconds=1.5, kept=False),
    Shot("upscale after it", text="topaz", keys="Return"),
    Shot("waiting", keys="ctrl+j", seconds=1.0, moves=True),
    Shot("lineage", keys="Home L", seconds=MADE),
)
"""From a matrix to the best of it, and on from there."""
SIZES = ((80, 24), (120, 36), (170, 48), (200, 55))


APP = (sys.executable, "-m", "tui")
DEMO = (*APP, "--demo")
IN_TMUX = ("tmux", "-L", "screenshots", "new-session", *DEMO)


class Xterm:
    """The app on its embedded service, in a terminal that nobody sees."""

    def __init__(
        self, home: str, theme: str, size: tuple[int, int], app: Sequence[str]
    ) -> None:
        columns, rows = size
        self._env = os.environ | {
            "DISPLAY": DISPLAY,
            "HOME": home,
            "XDG_CONFIG_HOME": f"{home}/.config",
            "XDG_STATE_HOME": f"{home}/state",
            "XDG_CACHE_HOME": f"{home}/cache",
            "RUNAPI_TUI_OUTPUT": f"{home}/images",
            "RUNAPI_TUI_THEME": theme,
            "PYTHONPATH": str(ROOT),
            "LANG": "C.UTF-8",
        }
        self._env.pop("TMUX", None)
        settings = ("numColorRegisters: 1024", "maxGraphicSize: 3000x3000")
        options = [part for line in settings for part in ("-xrm", f"xterm*{line}")]
        font = "7" if columns > 130 else "9"
        look = ["-ti", "vt340", *options, "-fa", "DejaVu Sans Mono", "-fs", font]
        place = ["-geometry", f"{columns}x{rows}+0+0"]
        self._process = subprocess.Popen(
            ["xterm", *look, *place, "-e", *app],
            env=self._env,
            cwd=ROOT,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(START)
        self._window = self._run("search", "--class", "xterm").split()[-1]
        self._run("windowfocus", self._window)

    def take(self, shot: Shot) -> Image.Image:
        """Types and presses what a shot needs, waits, and returns the picture."""
        self._press(shot.before)
        self._type(shot.text)
        self._press(shot.keys)
        time.sleep(shot.seconds)
        picture = self._grab()
        end = time.monotonic() + LONGEST
        while not shot.moves and time.monotonic() < end:
            time.sleep(CALM)
            before, picture = picture, self._grab()
            if picture.tobytes() == before.tobytes():
                break
        return picture

    def _grab(self) -> Image.Image:
        lines = self._run("getwindowgeometry", "--shell", self._window).split()
        size = dict(line.split("=") for line in lines if "=" in line)
        screen = ImageGrab.grab(xdisplay=DISPLAY)
        return screen.crop((0, 0, int(size["WIDTH"]), int(size["HEIGHT"])))

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()

    def _type(self, text: str) -> None:
        if text:
            self._run("type", "--delay", "15", text)
            time.sleep(1.0)  # what comes in one burst counts as a paste

    def _press(self, keys: str) -> None:
        for key in keys.split():
            self._run("key", key)
            time.sleep(0.4)

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            ["xdotool", *words], env=self._env, capture_output=True, text=True
        )
        return done.stdout


@contextmanager
def terminal(
    theme: str, size: tuple[int, int], app: Sequence[str] = DEMO
) -> Iterator[Xterm]:
    with tempfile.TemporaryDirectory() as home:
        xterm = Xterm(home, theme, size, app)
        try:
            yield xterm
        finally:
            xterm.close()


def sheet(pictures: list[Image.Image], columns: int, name: str) -> None:
    """Saves pictures beside and below each other."""
    width = max(picture.width for picture in pictures) + GAP
    height = max(picture.height for picture in pictures) + GAP
    rows = -(-len(pictures) // columns)
    whole = Image.new("RGB", (columns * width - GAP, rows * height - GAP), "#808080")
    for index, picture in enumerate(pictures):
        row, column = divmod(index, columns)
        whole.paste(picture, (column * width, row * height))
    reduced = whole.quantize(COLOURS, dither=Image.Dither.NONE)
    reduced.save(ROOT / "docs" / f"{name}.png", optimize=True)


def states(theme: str) -> None:
    with terminal(f"runapi-{theme}", (120, 36)) as xterm:
        sheet([xterm.take(shot) for shot in STATES], 3, f"screen-{theme}")


def results() -> None:
    with terminal("runapi-dark", (120, 36)) as xterm:
        taken = [(shot.kept, xterm.take(shot)) for shot in RESULTS]
        sheet([picture for kept, picture in taken if kept], 3, "results")


def others() -> None:
    pictures = []
    for app, shots in ((APP, (Shot("setup"),)), (IN_TMUX, DONE)):
        with terminal("runapi-dark", (120, 36), app) as xterm:
            pictures.append([xterm.take(shot) for shot in shots][-1])
    sheet(pictures, 2, "screen-others")


def sizes() -> None:
    pictures = []
    for size in SIZES:
        with terminal("runapi-dark", size) as xterm:
            pictures.append([xterm.take(shot) for shot in DONE][-1])
    sheet(pictures, 2, "screen-sizes")


SHEETS: dict[str, Callable[[], None]] = {
    "screen-dark": lambda: states("dark"),
    "screen-light": lambda: states("light"),
    "screen-others": others,
    "screen-sizes": sizes,
    "results": results,
}


def main() -> None:
    needed = ("Xvfb", "xterm", "xdotool", "tmux")
    missing = [name for name in needed if not shutil.which(name)]
    if missing:
        sys.exit(f"Not found: {', '.join(missing)}.")
    server = subprocess.Popen(
        ["Xvfb", DISPLAY, "-screen", "0", "1700x1200x24"], stderr=subprocess.DEVNULL
    )
    time.sleep(1.5)
    try:
        for name in sys.argv[1:] or SHEETS:
            SHEETS[name]()
    finally:
        server.terminate()
        server.wait()
        subprocess.run([*IN_TMUX[:3], "kill-server"], check=False)


if __name__ == "__main__":
    main()
