"""The memory of a long session: `python benchmarks/soak.py [rounds]
[half|kitty|sixel]`.

The app on a pseudo-terminal of 120 x 40, its queue with 1,500 tasks that have 60 images
of 1024². A round opens and leaves the grid (and pages through it), the history, the
viewer, a task's timeline, the money, a job, the past prompts and the keys. What is
compared is the memory after the first rounds, once all code and the caches are loaded,
and after the last ones; the live pages are counted as well.
"""

import asyncio
import gc
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.figures import Terminal  # noqa: E402

TASKS, PICTURES, WARM = 1_500, 60, 3
VISITS = (
    ("v", "pagedown", "pagedown", "end", "escape"),
    ("slash", "enter", "pagedown", "end", "escape", "escape"),
    ("enter", "n", "n", "z", "escape"),
    ("i", "pagedown", "escape"),
    ("dollar_sign", "escape"),
    ("ctrl+b", "escape"),
    ("ctrl+r", "escape"),
    ("f1", "escape"),
)
PAGES = (
    "Grid",
    "History",
    "Viewer",
    "InspectScreen",
    "Money",
    "Batch",
    "Chooser",
    "HelpScreen",
)


def memory() -> int:
    """Bytes that this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def child(kind: str, rounds: int, report: Path) -> None:
    """The app, in the pseudo-terminal."""
    from PIL import Image, ImageChops

    from tests.app import past
    from tui.app import RunApp
    from tui.graphics.probe import Images
    from tui.graphics.probe import Terminal as Drawn
    from tui.session import prepare
    from tui.tasks.store import Store
    from tui.tasks.task import Result

    noise = Image.effect_noise((64, 64), 120).resize(
        (1024, 1024), Image.Resampling.BICUBIC
    )
    paths = [report.parent / f"{number}.png" for number in range(PICTURES)]
    for number, path in enumerate(paths):
        tones = [ImageChops.offset(noise, 90 * number, 200 * tone) for tone in range(3)]
        Image.merge("RGB", tones).save(path, compress_level=1)
    session = prepare(demo=True)
    store = Store(session.folders.queue)
    results = [
        (Result(url="", path=str(path), width=1024, height=1024),) for path in paths
    ]
    tasks = [
        past(f"fox {number}", results=results[number % PICTURES])
        for number in range(TASKS)
    ]
    store.add_missing((task, []) for task in tasks)
    store.close()
    app = RunApp(session, Drawn(Images(kind), "", cell=(10, 20)))
    figures: list[int] = []

    async def until_rest() -> None:
        """Until nothing has been drawn for a moment."""
        await asyncio.sleep(0.4)

    async def play() -> None:
        await app.opened.wait()
        await until_rest()
        app.simulate_key("ctrl+t")
        begin = time.monotonic()
        first = memory()
        for number in range(rounds):
            for keys in VISITS:
                for key in keys:
                    app.simulate_key(key)
                    await until_rest()
                while app.screen is not app.main:
                    app.simulate_key("escape")
                    await until_rest()
            await asyncio.sleep(1.5)  # what the app itself does once a page was left
            figures.append(memory())
            left = dict.fromkeys(PAGES, 0)
            for thing in gc.get_objects():
                if type(thing).__name__ in left:
                    left[type(thing).__name__] += 1
            seconds = time.monotonic() - begin
            told = {
                "first": first,
                "figures": figures,
                "left": left,
                "seconds": seconds,
                "rounds": number + 1,
            }
            report.write_text(json.dumps(told))  # noqa: ASYNC240 - a few bytes
        app.exit()

    gc.disable()  # as the command line does until the first page stands
    app.call_later(app.run_worker, play())
    app.run()


def main(rounds: int, kind: str) -> None:
    with tempfile.TemporaryDirectory() as home:
        os.environ["HOME"] = home
        report = Path(home) / "report.json"
        code = (
            "import fcntl, struct, termios\n"
            "fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('4H', 40, 120, 1200, 800))\n"
            "from pathlib import Path; from benchmarks.soak import child\n"
            f"child({kind!r}, {rounds}, Path({str(report)!r}))"
        )
        terminal = Terminal(code)
        try:
            while True:
                terminal.read(5)
        except OSError:  # the end of the program is the end of its terminal
            terminal.close()
        told = json.loads(report.read_text())
    figures = [figure / 1e6 for figure in told["figures"]]
    start = figures[min(WARM, len(figures)) - 1]
    visits = told["rounds"] * len(VISITS)
    print(
        f"{kind}: {TASKS:,} tasks, {visits} pages opened and left in {told['seconds']:.0f} s"
    )
    print(
        f"  main page {told['first'] / 1e6:.0f} MB; after {WARM} rounds {start:.0f} MB; at the end"
        f" {figures[-1]:.0f} MB, ratio {figures[-1] / start:.2f}; highest {max(figures):.0f} MB"
    )
    left = ", ".join(f"{count} {name}" for name, count in told["left"].items() if count)
    print(f"  pages left: {left or 'none'}")
    print("  " + " ".join(f"{figure:.0f}" for figure in figures))


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 20,
        sys.argv[2] if len(sys.argv) > 2 else "half",
    )
