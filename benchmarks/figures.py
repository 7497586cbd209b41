"""The figures that docs/figures.md reports. Run from a checkout: `python
benchmarks/figures.py`.

Start-up is measured in a pseudo-terminal that answers queries at once, against a bare
Textual app with a header, a label and a footer, in turns in the same run. Nothing here
is a test: machines differ.
"""

import asyncio
import json
import os
import pty
import select
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

BARE = """
from textual.app import App
from textual.widgets import Footer, Header, Label
class Bare(App):
    BINDINGS = [("q", "quit", "Quit")]
    def compose(self):
        yield Header()
        yield Label("Describe the picture")
        yield Footer()
Bare().run()
"""
OURS = "import sys; sys.argv = ['runapi-tui', '--demo', '--images', 'half']; from tui.cli.main import main; main()"


class Terminal:
    """A program in a pseudo-terminal that answers what terminals are asked."""

    def __init__(self, code: str) -> None:
        self.started = time.perf_counter()
        self.child, self.fd = pty.fork()
        if self.child == 0:
            os.chdir(ROOT)
            os.environ.update(
                TERM="xterm-256color", COLORTERM="truecolor", COLUMNS="120", LINES="40"
            )
            os.execv(sys.executable, [sys.executable, "-c", code])

    def read(self, seconds: float) -> bytes:
        if not select.select([self.fd], [], [], seconds)[0]:
            return b""
        data = os.read(self.fd, 1 << 16)
        if b"\x1b[c" in data:
            os.write(self.fd, b"\x1b[?62c")
        return data

    def until(self, text: bytes) -> float:
        """Seconds from the start of the process until `text` stood on the screen."""
        seen = b""
        while text not in seen:
            seen += self.read(20)
        return time.perf_counter() - self.started

    def close(self) -> None:
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)
        os.close(self.fd)


def startup(rounds: int = 9) -> None:
    """First usable screen: the prompt has been drawn and takes keys."""
    times: dict[str, list[float]] = {"bare": [], "ours": []}
    for _ in range(rounds):
        for name, code in (("bare", BARE), ("ours", OURS)):
            terminal = Terminal(code)
            times[name].append(terminal.until(b"escribe the picture"))
            terminal.close()
    bare, ours = (statistics.median(times[name]) for name in ("bare", "ours"))
    print(
        f"first usable screen: {ours * 1000:.0f} ms, bare app {bare * 1000:.0f} ms, ratio {ours / bare:.2f}"
    )


def idle(seconds: float = 5.0) -> None:
    terminal = Terminal(OURS)
    terminal.until(b"balance")
    while terminal.read(1.0):
        pass
    count, end = 0, time.perf_counter() + seconds
    while (left := end - time.perf_counter()) > 0:
        count += len(terminal.read(left))
    terminal.close()
    print(f"bytes written in {seconds:.0f} idle seconds: {count}")


class Clock:
    """Notes when the embedded service says that a task is completed, and counts
    requests.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self.completed_at = 0.0
        self.asked: Counter[str] = Counter()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked[scope["method"] + " " + scope["path"].rpartition("/")[0]] += 1

        async def noting(message: Any) -> None:
            if message[
                "type"
            ] == "http.response.body" and b'"completed"' in message.get("body", b""):
                self.completed_at = time.perf_counter()
            await send(message)

        await self._app(scope, receive, noting)


async def to_screen(rounds: int = 7) -> None:
    """From the server's `completed` to the row, and to the image on the screen (half
    blocks, 1024² PNG).
    """
    import httpx

    from tui.app import RunApp
    from tui.demo import service, transport
    from tui.graphics.probe import Images
    from tui.graphics.probe import Terminal as Drawn
    from tui.session import prepare
    from tui.tasks.task import Status, Task
    from tui.widgets.picture import Picture

    rows: list[float] = []
    images: list[float] = []
    clock: Clock

    class Measured(RunApp):
        def task_changed(self, task: Task) -> None:
            super().task_changed(task)
            if task.status is Status.FETCHING and not task.files:
                rows.append(time.perf_counter() - clock.completed_at)

        def on_picture_shown(self, event: Picture.Shown) -> None:
            images.append(time.perf_counter() - clock.completed_at)
            shown.set()

    for number in range(rounds):
        # A queue of its own
        os.environ["XDG_STATE_HOME"] = os.environ["HOME"] + f"/{number}"
        shown = asyncio.Event()

        def watched(
            catalog: Any, delay: float, file: Any = None
        ) -> httpx.AsyncBaseTransport:
            nonlocal clock
            clock = Clock(service.create_app(catalog, delay=delay, file=file))
            return httpx.ASGITransport(clock)

        transport.in_process = watched
        app = Measured(
            replace(prepare(demo=True), demo_delay=3.0),
            Drawn(Images.HALF, "", cell=(10, 20)),
        )
        async with app.run_test(size=(150, 45)) as pilot:
            await pilot.press(*"fox", "ctrl+j")
            await asyncio.wait_for(shown.wait(), 30)
    submits = sum(
        count for path, count in clock.asked.items() if path.startswith("POST")
    )
    polls = sum(
        count for path, count in clock.asked.items() if path == "GET /v1/text_to_image"
    )
    print(
        f"completed to row: {statistics.median(rows) * 1000:.0f} ms, worst {max(rows) * 1000:.0f} ms"
    )
    middle, worst = statistics.median(images) * 1000, max(images) * 1000
    print(f"completed to image on screen: {middle:.0f} ms, worst {worst:.0f} ms")
    print(
        f"requests of a 3 s task: {submits} submit, {polls} polls, 1 download; all: {json.dumps(clock.asked)}"
    )


async def switching() -> None:
    """From selecting a model to a form that takes keys, over all models."""
    from tui.app import RunApp
    from tui.graphics.probe import Images
    from tui.graphics.probe import Terminal as Drawn
    from tui.session import prepare

    app = RunApp(
        prepare(demo=True, api="service"), Drawn(Images.HALF, "", cell=(10, 20))
    )
    times: list[tuple[float, str]] = []
    async with app.run_test(size=(120, 40)) as pilot:
        await app.opened.wait()
        await pilot.pause()
        assert app.main
        for model in app.session.catalog.models:
            start = time.perf_counter()
            await app.main.show_model(model, {})
            app.main.form.focus_first()
            painted = asyncio.Event()
            app.main.call_after_refresh(painted.set)
            await painted.wait()
            times.append((time.perf_counter() - start, model.slug))
            await pilot.pause()
    middle, (worst, slug) = (
        statistics.median(seconds for seconds, _ in times) * 1000,
        max(times),
    )
    told = (
        f"median {middle:.0f} ms, worst {worst * 1000:.0f} ms ({slug}), of {len(times)}"
    )
    print(f"switch to another model: {told}")


def switch_bytes() -> None:
    """What one switch writes to a terminal of 120 x 40: from enter in the model list
    until all is still.
    """
    terminal = Terminal(OURS)
    terminal.until(b"balance")
    counts = []
    for keys in (b"\x0f", b"imagen 4 ultra", b"\r"):
        while terminal.read(0.5):
            pass
        os.write(terminal.fd, keys)
        count = 0
        while data := terminal.read(0.5):
            count += len(data)
        counts.append(count)
    terminal.close()
    print(f"bytes written for one switch of model: {counts[-1]}")


if __name__ == "__main__":
    wanted = set(sys.argv[1:])
    with tempfile.TemporaryDirectory() as home:
        for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
            os.environ[name] = home
        if wanted <= {"startup"}:
            startup()
        if wanted <= {"idle"}:
            idle()
        if wanted <= {"screen"}:
            asyncio.run(to_screen())
        if wanted <= {"switch"}:
            asyncio.run(switching())
            switch_bytes()
