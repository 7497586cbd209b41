"""The figures for a long history: `python benchmarks/history.py [tasks]`. Reported in
docs/figures.md.

Opening is measured in a pseudo-terminal, from the start of the process until the queue
has been read and the balance stands on the screen, with an empty queue and with a full
one in turns. A keystroke is measured in the app, from the changed search line to the
painted result.
"""

import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.figures import OURS, Terminal

ENDS = ("completed", "completed", "completed", "failed", "expired")


def fill(queue: Path, count: int) -> None:
    """A queue file with so many ended tasks, over about two years."""
    from msgspec.structs import replace

    from tui.catalog.load import bundled
    from tui.tasks import schema
    from tui.tasks.draft import draft
    from tui.tasks.store import Store
    from tui.tasks.task import Result, Status, new_id

    store = Store(queue)
    chance = random.Random(7)
    words = [
        "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(3, 9)))
        for _ in range(5000)
    ]
    models = [
        bundled().find(slug)
        for slug in ("z-image", "flux-2-pro-text-to-image", "imagen-4", "gpt-4o-image")
    ]
    now = time.time()
    with store._db:
        store._db.execute("begin immediate")
        for number in range(count):
            model = models[number % len(models)]
            task = draft(
                model,
                {"prompt": "a fox"},
                base_url="https://runapi.ai",
                out_dir=queue.parent,
            )
            made = now - (count - number) * 600
            prompt = " ".join(chance.choices(words, k=20))
            done = replace(
                task,
                id=new_id(),
                values={"prompt": prompt},
                status=Status(chance.choice(ENDS)),
                created_at=made,
                updated_at=made,
                finished_at=made + 9,
                cost_micro=50_000,
                remote_id=f"tsk_{number:032x}",
                results=(
                    Result(
                        url=f"https://files.test/{number}.png",
                        path=f"/nowhere/{number}.png",
                    ),
                ),
            )
            marks = ", ".join("?" * schema.COLUMNS)
            store._db.execute(f"insert into tasks values ({marks})", schema.row(done))
    store.close()


def opening(empty: Path, full: Path, rounds: int = 7) -> None:
    times: dict[Path, list[float]] = {empty: [], full: []}
    for _ in range(rounds):
        for state in (empty, full):
            os.environ["XDG_STATE_HOME"] = str(state)
            terminal = Terminal(OURS)
            times[state].append(terminal.until(b"balance $"))
            terminal.close()
    none, many = (statistics.median(times[state]) for state in (empty, full))
    print(
        f"opened: {many * 1000:.0f} ms with a full history, {none * 1000:.0f} ms with none: {many / none:.2f}"
    )


async def filtering(state: Path) -> None:
    from tui.app import RunApp
    from tui.graphics.probe import Images
    from tui.graphics.probe import Terminal as Drawn
    from tui.screens.history import HistoryScreen
    from tui.session import prepare
    from tui.tasks.task import Task

    os.environ["XDG_STATE_HOME"] = str(state)
    app = RunApp(prepare(demo=True), Drawn(Images.HALF, "", cell=(10, 20)))
    times = []
    async with app.run_test(size=(150, 45)) as pilot:
        await app.opened.wait()
        await app.run_action("history")
        await pilot.pause()
        history = app.screen
        assert isinstance(history, HistoryScreen)
        painted = asyncio.Event()
        show = history.table.show

        def shown(tasks: list[Task], *, keep_order: bool = False) -> None:
            show(tasks, keep_order=keep_order)
            history.call_after_refresh(painted.set)

        history.table.show = shown  # type: ignore[method-assign]
        # Found at once, found rarely, found never: the last two look at everything, and
        # so does what is sorted by something else than the date.
        for line in (
            "a",
            "ab",
            "abc",
            "qzqzq",
            "zzzzzzzz",
            "model:flux x",
            "status:failed qz",
            "cost>1",
            "sort:cost",
            "model:flux sort:rating",
        ):
            painted.clear()
            start = time.perf_counter()
            history._filter.value = line
            await asyncio.wait_for(painted.wait(), 30)
            times.append((time.perf_counter() - start, line, len(history.table.tasks)))
            await pilot.pause()
    for seconds, line, found in times:
        print(f"  {line!r}: {seconds * 1000:.0f} ms, {found} rows")
    typed = [(seconds, line) for seconds, line, _ in times if "sort:" not in line]
    worst, line = max(typed)
    middle = statistics.median(seconds for seconds, _ in typed)
    print(
        f"one keystroke of filtering: median {middle * 1000:.0f} ms, worst {worst * 1000:.0f} ms ({line!r})"
    )


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as home:
        for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
            os.environ[name] = home
        full = Path(home) / "full"
        fill(full / "runapi-tui" / "demo" / "queue.db", count)
        size = (full / "runapi-tui" / "demo" / "queue.db").stat().st_size
        print(f"{count:,} tasks, {size / 1e6:.0f} MB")
        opening(Path(home) / "empty", full)
        asyncio.run(filtering(full))
