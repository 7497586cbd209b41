"""Processes that end at each step of saving a picture, one after the other; run by
`test_saving`.

`python -m tests.tasks.rounds URL FOLDER FILE_SYSTEM NAME` ends a process right before
each call that changes the disk, from the moment when the first file was fetched: what
comes after one call is what comes before the next. Another process then goes on. A line
of JSON a round tells what there is at its end; the last round is the first one that
nobody ended.
"""

import asyncio
import errno
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tui.catalog.load import bundled
from tui.demo import DEMO_KEY
from tui.service.client import Client
from tui.system import atomic_file
from tui.tasks import saving
from tui.tasks.engine import Engine
from tui.tasks.options import EngineOptions
from tui.tasks.store import Store

KILLED = 9
TASKS = 2
MOST_ROUNDS = 150


class Steps:
    """Counts the calls that change the disk, and ends this process at one of them."""

    def __init__(self, end_at: int) -> None:
        self.end_at = end_at
        self.count = 0
        self.saving = False

    def watch(self, where: Any, name: str) -> None:
        real: Callable[..., Any] = getattr(where, name)

        def counted(*words: Any, **options: Any) -> Any:
            self._step()
            return real(*words, **options)

        setattr(where, name, counted)

    def start(self, where: Any, name: str) -> None:
        """Count from this call on."""
        real: Callable[..., Any] = getattr(where, name)

        def begun(*words: Any) -> Any:
            self.saving = True
            return real(*words)

        setattr(where, name, begun)

    def _step(self) -> None:
        if self.saving:
            self.count += 1
            if self.count == self.end_at:
                os._exit(KILLED)


def no_links(*_: object) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


async def run_queue(url: str, folder: Path, name: str, prompts: int) -> None:
    """What an app does: adopt what there is, add some of its own, and stay until all
    has ended.
    """
    engine = Engine(
        Store(folder / "queue.db"),
        Client(url, DEMO_KEY),
        bundled(),
        EngineOptions(out_dir=folder / "images", pause=lambda age: 0.01, name=name),
    )
    await engine.start()
    await saving.sweep(engine.queue, {folder / "images"})
    model = bundled().find("imagen-4")
    for _ in range(prompts):
        await engine.submit(model, {"prompt": "a fox", "seed": 7})
    for task_id in list(engine.tasks):
        await engine.wait(task_id)
    await engine.aclose()


def process(work: Callable[[], None]) -> int:
    """Its exit code."""
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def told(folder: Path) -> dict[str, Any]:
    """What the queue and the folder say."""
    store = Store(folder / "queue.db")
    tasks = store.search()
    store.close()
    files = {path.name: path.stat().st_size for path in (folder / "images").iterdir()}
    return {
        "statuses": [task.status for task in tasks],
        "paths": sorted(Path(file).name for task in tasks for file in task.files),
        "reserved": [result.reserved for task in tasks for result in task.results],
        "digests": [
            result.sha256 == saving.digest(Path(result.path))
            for task in tasks
            for result in task.results
        ],
        "remote": sorted(task.remote_id for task in tasks),
        "files": files,
    }


def main(url: str, place: Path, file_system: str, name: str) -> None:
    if file_system != "links":
        vars(os)["link"] = no_links
    if file_system == "no safe rename":
        vars(atomic_file)["_renamed"] = lambda source, target: False
    bundled()  # once, and not in each process
    for number in range(1, MOST_ROUNDS):
        folder = place / str(number)
        folder.mkdir()

        def first(number: int = number, folder: Path = folder) -> None:
            steps = Steps(number)
            steps.start(saving, "verified")
            for step in ("link", "replace", "unlink", "open"):
                steps.watch(os, step)
            steps.watch(atomic_file, "_renamed")
            steps.watch(Store, "save_all")
            asyncio.run(run_queue(url, folder, name, TASKS))

        def second(folder: Path = folder) -> None:
            asyncio.run(run_queue(url, folder, name, 0))

        ended = process(first)
        went_on = process(second)
        print(
            json.dumps({"ended": ended, "went_on": went_on, **told(folder)}), flush=True
        )
        if ended != KILLED:
            return


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
