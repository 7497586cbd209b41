"""Random schedules of what people, networks, disks and power cuts do: no task is lost,
none is paid twice.
"""

import asyncio
import json
import os
import random
import shutil
import sqlite3
import tempfile
import traceback
import uuid
from collections import Counter
from collections.abc import Callable, Coroutine
from contextvars import Context
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace
from PIL import Image

from tests.tasks.conftest import requests
from tests.tasks.faults import (
    FAULTS,
    Ledger,
    Network,
    Process,
    VirtualLoop,
    WallClock,
    Wire,
    booked,
    picture,
    pictures_without_threads,
)
from tui.catalog.load import Catalog, bundled
from tui.catalog.spec import Values
from tui.demo import DEMO_KEY
from tui.service.client import Client
from tui.tasks import (
    answer,
    cache,
    ceilings,
    claims,
    connection,
    draft,
    drain,
    engine,
    learnt,
    lease,
    retry,
    store,
    submit,
    task,
    trash,
    undo,
    worker,
)
from tui.tasks.engine import Engine
from tui.tasks.lease import LEASE
from tui.tasks.options import EngineListener, EngineOptions
from tui.tasks.schema import decode
from tui.tasks.store import Store
from tui.tasks.store_errors import LeasedError, StoreError
from tui.tasks.task import (
    LIVE,
    NEXT,
    SENT,
    URL_LIVES,
    RetriedError,
    SetAside,
    Status,
    Task,
)

URL = "http://faulty.localhost"
Z_IMAGE = bundled().find("z-image")
SEEDREAM = bundled().find("seedream-v4-text-to-image")
REMIX = bundled().find("flux-2-pro-remix-image")
CATALOG = Catalog(
    tuple(
        family
        for family in bundled().families
        if any(model in family.models for model in (Z_IMAGE, SEEDREAM, REMIX))
    )
)

PLACES = st.sampled_from((0, 1))
WAITS = st.sampled_from((0.0, 0.003, 0.03, 0.3, 3.0))
PICKS = st.integers(0, 9)
HOURS = st.sampled_from((-25.0, -1.0, -1 / 60, 1 / 60, 1.0, 25.0))
LATE_PICTURES = ("late", "json", "notyet", "forbidden", "html", "missing", "conflict")
"""Words of `tui.demo.trouble`: made and paid, but the pictures are to be had only after
a while.
"""
WORDS = ("",) * 7 + tuple(f" demo:{word}" for word in LATE_PICTURES)
SHORT_WORDS = tuple(word for word in WORDS if "missing" not in word)
"""For jobs: a minute and a half for each of many tasks takes too long."""


def _reachable() -> dict[Status, set[Status]]:
    """Where a task can get to from each status, in any number of steps."""
    found = {status: {status, *NEXT[status]} for status in Status}
    for _ in Status:
        for status, after in found.items():
            found[status] = after.union(*(found[step] for step in after))
    return found


REACHABLE = _reachable()


class Window:
    """One process with an engine, and what it has shown."""

    def __init__(self, process: Process, opened: Engine, headless: bool) -> None:
        self.process = process
        self.headless = headless
        self.engine = opened
        self.shown: dict[str, Task] = {}
        self.gestures: set[asyncio.Task[Any]] = set()
        self.job: list[str] = []
        """Ids of tasks that a headless command follows to their end."""


class Queue(RuleBasedStateMachine):
    """Up to two processes on one queue file, before a service that is reached over a
    faulty network.
    """

    @initialize(
        seed=st.integers(0, 2**32),
        routes=st.sampled_from(("both", "both", "service", "unified")),
        delay=st.sampled_from((0.0, 3.0, 30.0)),
        slowness=st.sampled_from((1.0, 1.0, 12.0)),
        apart=st.booleans(),
    )
    def begin(
        self, seed: int, routes: str, delay: float, slowness: float, apart: bool = True
    ) -> None:
        """Processes that run `apart`, on two machines, don't see each other's end."""
        self.routes = routes
        self.patch = pytest.MonkeyPatch()
        self.loop = VirtualLoop(random.Random(seed), slowness)
        clock = WallClock(self.loop)
        for module in (
            answer,
            cache,
            ceilings,
            claims,
            connection,
            draft,
            drain,
            engine,
            learnt,
            store,
            submit,
            task,
            trash,
            undo,
            worker,
        ):
            if hasattr(module, "time"):
                self.patch.setattr(module, "time", clock)
        self.patch.setattr(task, "_moment", 0)
        self.patch.setattr(retry, "random", self.loop.chance)
        drawn = SimpleNamespace(
            uuid4=lambda: uuid.UUID(int=self.loop.chance.getrandbits(128), version=4)
        )
        for module in (draft, lease):
            self.patch.setattr(module, "uuid", drawn)
        self.patch.setattr("tui.demo.tasks.uuid4", drawn.uuid4)
        random_bytes = SimpleNamespace(urandom=self.loop.chance.randbytes)
        self.patch.setattr(task, "os", random_bytes)
        self.ended: set[str] = set()
        """Owners whose process has ended, as far as the others can see that."""
        self.apart = apart
        self.patch.setattr(lease, "is_gone", self.ended.__contains__)
        pictures_without_threads(self.patch)

        self.folder = Path(tempfile.mkdtemp())
        self.path, self.images = self.folder / "queue.db", self.folder / "images"
        self.source = self.folder / "source.png"
        Image.new("RGB", (64, 64), "red").save(self.source)
        app, self.book = booked(
            CATALOG,
            delay=delay,
            routes=routes,
            clock=self.loop.time,
            balance_cents=1_000_000,
        )
        self.ledger = Ledger(app)
        self.network = Network(self.loop, self.ledger, self.leaves)
        Store(self.path).close()
        self.disk = sqlite3.connect(self.path, isolation_level=None)

        self.windows: list[Window | None] = [None, None]
        self.gone: list[Window] = []
        self.asked: dict[str, int] = {}
        """Tasks that were asked for, by prompt."""
        self.jobs: dict[str, int] = {}
        self.confirmed: set[str] = set()
        """Ids of tasks that were said to be in the queue."""
        self.dropped: set[str] = set()
        """Ids of tasks that were said to be dropped."""
        self.set_aside: set[str] = set()
        """Ids of tasks that were said to be set aside unsent."""
        self.taken_up: set[str] = set()
        """Ids of tasks that somebody wished to go on with."""
        self.retries: dict[str, Retries] = {}
        """What became of each task that somebody wished to send once more."""
        self.favoured: dict[str, dict[bool, int]] = {}
        """How often tasks were marked as favourites or not: hundreds for what
        succeeded.
        """
        self.untidy = False
        """True once files may have been left over: a process ended or was overtaken
        while it saved one.
        """
        self.slept = False
        """True once a process was stopped for a while, or the clock was set."""
        self.was_set = False
        self.hidden = False
        """True once the network has kept a picture back, beside what the service itself
        does to it.
        """
        self.problems: list[str] = []

    # ---- the machinery

    def open(self, place: int, *, headless: bool = False) -> Window:
        """The window there; a new one, if none is open."""
        window = self.windows[place]
        if window:
            return window
        process = Process()
        task._moment = 0  # a new process only knows what the clock says

        def opened() -> Engine:
            return Engine(
                Store(self.path),
                Client(URL, DEMO_KEY, Wire(self.network, self.loop, process)),
                bundled(),
                EngineOptions(
                    out_dir=self.images,
                    concurrency=2,
                    pause=lambda age: 0.7 if age < 20 else 4.0,
                    quiet_after=30.0,
                    tries=3 if headless else None,
                ),
                EngineListener(lambda told: self.hear(made, told)),
            )

        made = self.windows[place] = Window(
            process, process.context.run(opened), headless
        )
        self.spawn(
            made, made.engine.start(adopt=not headless, history=0 if headless else 500)
        )
        self.run(lambda: not made.gestures, 60)
        return made

    def spawn(
        self, window: Window, gesture: Coroutine[Any, Any, Any]
    ) -> "asyncio.Task[Any]":
        """Begin what a person does; an error that no person should see is a problem."""

        async def watched() -> Any:
            try:
                return await gesture
            except LeasedError as error:
                if not self.gone and None in self.windows:
                    self.problems.append(f"one window alone: {error}")
                return error
            except StoreError as error:
                if not window.process.was_full:
                    self.problems.append(f"a disk that is well: {error}")
            except Exception:
                self.problems.append(traceback.format_exc())
            return None

        begun: asyncio.Task[Any] = in_context(
            self.loop, watched(), window.process.context
        )
        window.gestures.add(begun)
        begun.add_done_callback(window.gestures.discard)
        return begun

    def do(
        self,
        place: int,
        wait: float,
        gesture: Callable[[Engine], Coroutine[Any, Any, Any]],
    ) -> None:
        window = self.open(place)
        self.spawn(window, gesture(window.engine))
        self.sleep(wait)

    def sleep(self, seconds: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))

    def run(self, until: Callable[[], bool], most: float, look: float = 0.5) -> bool:
        """Let time pass until something holds, which is looked at every `look` seconds;
        False if it doesn't for `most` seconds.
        """
        end = self.loop.now + most
        while not until() and self.loop.now < end:
            self.sleep(look)
        return until()

    def stored(self) -> dict[str, Task]:
        return {
            task_id: decode(data)
            for task_id, data in self.disk.execute("select id, data from tasks")
        }

    def some(self, place: int, pick: int, wanted: Callable[[Task], bool]) -> list[Task]:
        """One of the tasks that a window shows."""
        known = [
            shown
            for _, shown in sorted(self.open(place).engine.tasks.items())
            if wanted(shown)
        ]
        return [known[pick % len(known)]] if known else []

    def knows(self, wanted: Callable[[Task], bool]) -> bool:
        """Whether a window shows such a task."""
        shown = (
            task
            for window in self.windows
            if window
            for task in window.engine.tasks.values()
        )
        return any(map(wanted, shown))

    def hear(self, window: Window, told: Task) -> None:
        """What is shown follows from what was shown, and is on disk."""
        if window.process.killed:
            return
        before = window.shown.get(told.id, told)
        window.shown[told.id] = told
        if told.status not in REACHABLE[before.status]:
            self.problems.append(
                f"{told.id} went from {before.status} to {told.status}"
            )
        if told.revision < before.revision:
            self.problems.append(f"{told.id} was shown as it had been before")
        if told.lacks_picture and is_late(told) and not (self.hidden or self.misled()):
            self.problems.append(f"{told.id} was given up: {told.error}")
        row = self.disk.execute(
            "select data from tasks where id = ?", (told.id,)
        ).fetchone()
        full = window.process.was_full  # which is told by a note on the task
        if not full and (row is None or decode(row[0]).revision < told.revision):
            self.problems.append(
                f"{told.id} was shown as {told.status} before it was on disk"
            )

    def misled(self) -> bool:
        """Whether a process may take a picture for gone by a clock that was set: it has
        not seen itself when the picture was made, or the address ended by that clock.
        """
        opened = len(self.gone) + sum(window is not None for window in self.windows)
        return self.was_set and (opened > 1 or abs(self.loop.leapt) > URL_LIVES / 2)

    def leaves(self, request: httpx.Request) -> None:
        """A paid request sets out: exactly that stands on disk."""
        key = request.headers["idempotency-key"]
        found = [kept for kept in self.stored().values() if kept.key == key]
        if len(found) != 1:
            self.problems.append(f"{len(found)} tasks have the key of a request")
        elif found[0].body != request.content:
            self.problems.append(f"{found[0].id} is sent otherwise than it is on disk")
        elif found[0].status in (Status.HELD, Status.DROPPED, Status.REJECTED):
            self.problems.append(
                f"{found[0].id} is sent while it is {found[0].status} on disk"
            )
        elif found[0].id in self.set_aside - self.taken_up:
            self.problems.append(
                f"{found[0].id} is sent after it was said to be set aside"
            )

    # ---- what people do

    @rule(place=PLACES, wait=WAITS, pick=PICKS, words=st.sampled_from(WORDS))
    def submit(self, place: int, wait: float, pick: int, words: str = "") -> None:
        words += {5: " demo:fail", 6: " demo:empty"}.get(pick, "")
        prompt = f"task {len(self.asked)}{words}"
        self.asked[prompt] = 1
        model, values = Z_IMAGE, Values(prompt=prompt)
        if pick in (6, 7):
            model, values = SEEDREAM, Values(prompt=prompt, output_count=3)
        elif pick in (8, 9):
            model, values = (
                REMIX,
                Values(prompt=prompt, source_image_urls=[str(self.source)]),
            )

        async def submitted(at: Engine) -> None:
            self.confirmed.add((await at.submit(model, values, start=pick != 1)).id)

        self.do(place, wait, submitted)

    @rule(place=PLACES, wait=WAITS, count=st.integers(2, 4))
    def submit_job(self, place: int, wait: float, count: int) -> None:
        prompt = f"job {len(self.asked)}"
        self.asked[prompt] = self.jobs[prompt] = count

        async def submitted(at: Engine) -> None:
            cells = [Values(prompt=prompt) for _ in range(count)]
            self.confirmed.update(
                made.id for made in await at.submit_job(requests(Z_IMAGE, cells))
            )

        self.do(place, wait, submitted)

    @rule(
        place=PLACES,
        wait=WAITS,
        count=st.integers(2, 6),
        words=st.sampled_from(SHORT_WORDS),
    )
    def generate(self, place: int, wait: float, count: int, words: str = "") -> None:
        """A headless command puts a job into the queue and follows it to its end."""
        window = self.open(place, headless=True)
        if not window.headless or window.process.disk_full:
            return
        prompt = f"job {len(self.asked)}{words}"
        self.asked[prompt] = self.jobs[prompt] = count

        async def generated(at: Engine) -> None:
            job = task.new_id()
            drafts = [
                replace(
                    draft.draft(
                        Z_IMAGE,
                        Values(prompt=prompt),
                        base_url=URL,
                        out_dir=self.images,
                        learnt=at.state.route,
                    ),
                    job=job,
                )
                for _ in range(count)
            ]
            ids = [drafted.id for drafted in drafts]
            queue = Store(self.path)
            queue.add_missing(((drafted, []) for drafted in drafts), at.queue.owner)
            queue.close()
            window.job += ids
            self.confirmed.update(ids)
            at.queue.spooled_tasks = lambda: drafts
            async for _ in drain.to_the_end(at, ids):
                pass

        self.do(place, wait, generated)

    @precondition(
        lambda self: any(window and window.headless for window in self.windows)
    )
    @rule(place=PLACES, wait=WAITS, killed=st.booleans())
    def interrupt(self, place: int, wait: float, killed: bool) -> None:
        """ctrl+c ends a headless command: what it has not sent is set aside, if there
        is time for that.
        """
        window = self.windows[place]
        if not window or not window.headless:
            return
        for gesture in window.gestures:
            gesture.cancel()

        async def interrupted(at: Engine) -> None:
            self.set_aside.update(aside.id for aside in await at.set_aside(window.job))

        self.do(place, wait, interrupted)
        if killed:
            self.kill(place)
        else:
            self.close(place, patient=True)

    @precondition(
        lambda self: not all(window and not window.headless for window in self.windows)
    )
    @rule(
        place=PLACES,
        count=st.integers(3, 6),
        wait=WAITS,
        until=WAITS,
        killed=st.booleans(),
    )
    def interrupted_job(
        self, place: int, count: int, wait: float, until: float, killed: bool
    ) -> None:
        window = self.windows[place]
        if window and not window.headless:
            place = 1 - place
        self.generate(place, wait, count)
        self.interrupt(place, until, killed)

    @precondition(lambda self: self.knows(has_ended))
    @rule(place=PLACES, wait=WAITS, pick=PICKS)
    def retry(self, place: int, wait: float, pick: int) -> None:
        for found in self.some(place, pick, has_ended):
            self.press_retry(place, found, again=False)
            self.sleep(wait)

    @precondition(lambda self: self.knows(has_ended))
    @rule(
        place=PLACES,
        wait=WAITS,
        pick=PICKS,
        presses=st.integers(2, 6),
        both=st.booleans(),
        again=st.integers(0, 2),
    )
    def retry_storm(
        self, place: int, wait: float, pick: int, presses: int, both: bool, again: int
    ) -> None:
        """The key is held down, in one window or in both; the last presses, `again`,
        say to pay once more.
        """
        for found in self.some(place, pick, has_ended):
            for press in range(presses):
                where = (place + press) % 2 if both else place
                self.press_retry(where, found, again=press >= presses - again)
            self.sleep(wait)

    def press_retry(self, place: int, found: Task, *, again: bool) -> None:
        retries = self.retries.setdefault(found.id, Retries())
        if again or not retries.wished:
            self.asked[found.prompt] += 1
            retries.most += 1
        if not again:
            retries.wished = True
        retries.unsettled += 1

        async def retried(at: Engine) -> None:
            try:
                new = await at.retry(found, again=again)
            except RetriedError:
                pass
            else:
                self.confirmed.add(new.id)
                retries.made.add(new.id)
            if not self.stored()[found.id].retried_by:
                self.problems.append(
                    f"{found.id} was retried, and its row doesn't say so"
                )
            retries.unsettled -= 1

        window = self.open(place)
        self.spawn(window, retried(window.engine))

    @precondition(lambda self: self.knows(may_be_dropped))
    @rule(place=PLACES, wait=WAITS, pick=PICKS)
    def drop(self, place: int, wait: float, pick: int) -> None:
        for found in self.some(place, pick, may_be_dropped):

            async def dropped(at: Engine, found: Task = found) -> None:
                self.dropped.update(gone.id for gone in await at.drop([found.id]))

            self.do(place, wait, dropped)

    @precondition(lambda self: self.knows(may_be_dropped))
    @rule(place=PLACES, wait=WAITS)
    def drop_all(self, place: int, wait: float) -> None:
        async def dropped(at: Engine) -> None:
            self.dropped.update(gone.id for gone in await at.drop(list(at.tasks)))

        self.do(place, wait, dropped)

    @precondition(lambda self: self.knows(lambda shown: shown.status in SENT))
    @rule(place=PLACES, wait=WAITS, pick=PICKS)
    def stop(self, place: int, wait: float, pick: int) -> None:
        for found in self.some(place, pick, lambda shown: shown.status in SENT):
            self.do(place, wait, lambda at, found=found: at.stop(found.id))  # type: ignore[misc]

    @precondition(lambda self: self.knows(can_be_watched))
    @rule(place=PLACES, wait=WAITS, pick=PICKS)
    def watch(self, place: int, wait: float, pick: int) -> None:
        for found in self.some(place, pick, can_be_watched):
            self.taken_up.add(found.id)
            self.do(place, wait, lambda at, found=found: at.watch(found.id))  # type: ignore[misc]

    @precondition(lambda self: self.knows(lambda shown: shown.status is Status.HELD))
    @rule(place=PLACES, wait=WAITS, pick=PICKS, step=st.sampled_from((-1, 0, 1)))
    def move(self, place: int, wait: float, pick: int, step: int) -> None:
        for found in self.some(place, pick, lambda shown: shown.status is Status.HELD):
            self.do(place, wait, lambda at, found=found: at.move(found, step))  # type: ignore[misc]

    @precondition(lambda self: self.knows(lambda shown: True))
    @rule(place=PLACES, wait=WAITS, pick=PICKS, favourite=st.booleans())
    def favour(self, place: int, wait: float, pick: int, favourite: bool) -> None:
        for found in self.some(place, pick, lambda shown: True):
            self.favoured.setdefault(found.id, {True: 0, False: 0})[favourite] += 1

            async def favoured(at: Engine, found: Task = found) -> None:
                if not await at.marker.mark(
                    [found.id], lambda _: {"favourite": favourite}
                ):
                    raise LeasedError
                self.favoured[found.id][favourite] += 100

            self.do(place, wait, favoured)

    @rule(place=PLACES, wait=WAITS, paused=st.booleans())
    def pause(self, place: int, wait: float, paused: bool) -> None:
        self.do(place, wait, lambda at: at.pause(paused))

    @rule(place=PLACES, count=st.integers(1, 4))
    def limit(self, place: int, count: int) -> None:
        window = self.open(place)
        window.process.context.run(window.engine.set_limit, count)

    @precondition(lambda self: self.knows(has_ended))
    @rule(
        place=PLACES,
        wait=WAITS,
        pick=PICKS,
        delete=st.booleans(),
        count=st.integers(1, 3),
    )
    def put_away(
        self, place: int, wait: float, pick: int, delete: bool, count: int
    ) -> None:
        found = [
            *self.some(place, pick, lambda shown: not (shown.cleared or shown.deleted)),
            *self.some(place, pick + count, has_ended),
        ]
        self.do(
            place,
            wait,
            lambda at: at.marker.delete(found) if delete else at.marker.clear(found),
        )

    @precondition(lambda self: self.knows(lambda shown: shown.cleared or shown.deleted))
    @rule(place=PLACES, wait=WAITS)
    def undo(self, place: int, wait: float) -> None:
        for wishes in self.favoured.values():  # either may be what was undone
            wishes[True] += 1
            wishes[False] += 1
        self.do(place, wait, lambda at: at.marker.undo())

    @rule(place=PLACES, wait=WAITS)
    def adopt(self, place: int, wait: float) -> None:
        """`resume`, or what the app does by itself."""
        self.do(place, wait, lambda at: at.adopt())

    # ---- what happens to processes

    @rule(place=PLACES, headless=st.booleans())
    def start(self, place: int, headless: bool) -> None:
        self.open(place, headless=headless)

    @precondition(lambda self: any(self.windows))
    @rule(place=PLACES, patient=st.booleans())
    def close(self, place: int, patient: bool) -> None:
        window = self.windows[place]
        if window:
            if patient:
                self.run(lambda: not window.gestures, 60)
            for gesture in list(window.gestures):
                gesture.cancel()
            self.run(lambda: not window.gestures, 60)
            ending = in_context(
                self.loop, window.engine.aclose(), window.process.context
            )
            if not self.run(ending.done, 120):
                self.problems.append("a window doesn't close")
            elif ending.exception():
                self.problems.append(f"a window closes with {ending.exception()!r}")
            elif not window.process.disk_full:
                kept = self.disk.execute(
                    "select count(*) from tasks where owner = ?", (owner(window),)
                ).fetchone()
                if kept[0]:
                    self.problems.append(f"a window has kept {kept[0]} tasks to itself")
            self.forget(place)

    @precondition(lambda self: any(self.windows))
    @rule(place=PLACES)
    def kill(self, place: int) -> None:
        window = self.windows[place]
        if window:
            window.process.killed = self.untidy = True
            self.forget(place)

    @precondition(lambda self: any(self.windows))
    @rule(place=PLACES, seconds=st.sampled_from((3.0, LEASE + 5, 60.0)), wait=WAITS)
    def suspend(self, place: int, seconds: float, wait: float) -> None:
        """A process is stopped for a while (Ctrl+Z, or a disk that hangs)."""
        window = self.windows[place]
        if window:
            window.process.asleep_until = self.loop.now + seconds
            self.untidy = self.slept = True
            self.sleep(wait)

    @precondition(lambda self: all(self.windows))
    @rule(seconds=st.sampled_from((LEASE + 5, 60.0)), hours=HOURS, wait=WAITS)
    def suspend_both(self, seconds: float, hours: float, wait: float) -> None:
        """Both processes are stopped, one after the other, and the clock is set while
        they are.
        """
        self.suspend(0, seconds, wait)
        self.set_the_clock(hours)
        self.suspend(1, seconds, wait)

    @rule(hours=HOURS)
    def set_the_clock(self, hours: float) -> None:
        """The machine wakes from its sleep, or its clock is set. The monotonic clock
        never jumps.
        """
        self.loop.leapt += hours * 3600
        self.was_set = True
        self.untidy = self.slept = True

    @precondition(lambda self: any(self.windows))
    @rule(place=PLACES, full=st.booleans())
    def fill_the_disk(self, place: int, full: bool) -> None:
        window = self.windows[place]
        if window:
            window.process.disk_full = full
            self.untidy = self.untidy or full

    def forget(self, place: int) -> None:
        window = self.windows[place]
        assert window
        self.gone.append(window)
        self.windows[place] = None
        if not self.apart:
            self.ended.add(owner(window))

    # ---- what happens on the way

    @rule(
        trouble=st.sampled_from(
            [(kind, fault) for kind, all_of in FAULTS.items() for fault in all_of]
        )
    )
    def trouble(self, trouble: Any) -> None:
        kind, fault = trouble
        self.network.faults.setdefault(kind, set()).add(fault)
        self.hidden = self.hidden or kind == "file" or fault == "bare"

    @precondition(lambda self: bool(self.network.faults))
    @rule()
    def calm(self) -> None:
        self.network.faults.clear()

    @rule(seconds=st.sampled_from((0.01, 0.1, 1.0, 5.0, 20.0, 90.0)))
    def time_passes(self, seconds: float) -> None:
        self.sleep(seconds)

    # ---- what must hold

    @invariant()
    def no_problem(self) -> None:
        if hasattr(self, "problems"):
            assert self.problems == []
            made = Counter(paid.origin.key for paid in self.book.made)
            assert [key for key, times in made.items() if times > 1] == []
            assert self.ledger.muddled() == []
            if resting := self.set_aside - self.taken_up:
                queue = self.stored()
                assert [
                    queue[task_id].id
                    for task_id in resting
                    if queue[task_id].status not in UNSENT
                ] == []
                assert [
                    queue[task_id].id
                    for task_id in resting
                    if queue[task_id].key in made
                ] == []

    def teardown(self) -> None:
        if not hasattr(self, "loop"):
            return
        try:
            if not self.problems:
                self.finish()
        finally:
            self.patch.undo()
            self.end()

    def finish(self) -> None:
        """All is well again: what was not dropped comes to its end, and the books
        agree.
        """
        self.calm()
        for window in filter(None, self.windows):
            window.process.disk_full = False
            self.sleep(max(0.0, window.process.asleep_until - self.loop.now))
        self.run(
            lambda: not any(window.gestures for window in self.windows if window), 300
        )
        last = self.open(0)
        if self.windows[1]:
            self.close(1, patient=True)
        if last.headless:  # the person opens the app
            self.close(0, patient=True)
            last = self.open(0)
        self.sleep(10)  # to see what the other one has wished last
        self.spawn(last, last.engine.pause(False))
        last.process.context.run(last.engine.set_limit, 3)
        for _ in range(12):
            if self.run(
                lambda: not any(kept.live for kept in self.stored().values()), 1200, 5
            ):
                left = [kept for kept in self.stored().values() if self.can_go_on(kept)]
                for kept in left:
                    self.taken_up.add(kept.id)
                    self.spawn(last, last.engine.watch(kept.id))
                self.sleep(5)
                if not left:
                    break
        self.sleep(2 * LEASE)
        self.no_problem()
        self.agree(last)

    def agree(self, last: Window) -> None:
        """Queue, service and folder tell the same story."""
        queue = self.stored()
        open_still = [
            f"{kept.id} is {kept.status}: {kept.note or kept.error}"
            for kept in queue.values()
            if kept.live or self.can_go_on(kept)
        ]
        assert open_still == []
        # What reaches the disk long after it was made may be seen at the next start
        # only
        if not self.slept:
            shown = last.engine.tasks
            assert shown == {
                task_id: kept for task_id, kept in queue.items() if task_id in shown
            }

        # What was said holds.
        assert self.confirmed - set(queue) == set()
        assert [
            queue[task_id].status
            for task_id in self.dropped
            if queue[task_id].status != "dropped"
        ] == []
        for task_id, wishes in self.favoured.items():
            for wish in (True, False):
                if wishes[wish] >= 100 and not wishes[not wish]:
                    assert queue[task_id].favourite is wish
        for task_id, retries in self.retries.items():
            made = {kept.id for kept in queue.values() if kept.retry_of == task_id}
            assert retries.made <= made
            assert len(made) <= retries.most
            if not retries.unsettled:
                assert retries.made == made
                assert queue[task_id].retried_by in made
        for prompt, count in Counter(kept.prompt for kept in queue.values()).items():
            assert count <= self.asked[prompt]
        jobs = Counter(
            kept.prompt for kept in queue.values() if kept.job and not kept.retry_of
        )
        # All of a job, or nothing
        assert {prompt: self.jobs[prompt] for prompt in jobs} == jobs

        # Every task at the service is one of the queue, and the other way round; so is
        # the money.
        paid = {made.origin.key: made for made in self.book.made}
        sent = {
            kept.key: kept
            for kept in queue.values()
            if kept.status not in UNPAID and not self.lost(kept)
        }
        assert set(paid) == set(sent)
        assert {key: made.id for key, made in paid.items()} == {
            key: kept.remote_id for key, kept in sent.items()
        }
        assert sum(kept.cost_micro or 0 for kept in queue.values()) == self.book.spent

        # Every image is a whole file, and no file is anything else.
        files = [
            Path(file)
            for kept in queue.values()
            if not kept.deleted
            for file in kept.files
        ]
        assert len(set(files)) == len(files)
        for kept in sent.values():
            if kept.status is Status.COMPLETED and not (
                kept.deleted and kept.lacks_picture
            ):
                wanted = (
                    0
                    if "demo:empty" in kept.prompt
                    else json.loads(kept.body).get("output_count", 1)
                )
                assert len(kept.files) == wanted
        for kept in queue.values():
            for result in kept.results:
                if result.path and not kept.deleted:
                    assert Path(result.path).read_bytes() == picture(
                        urlsplit(result.url).path
                    )
        lying = (
            {file for file in self.images.glob("*") if file.is_file()}
            if self.images.exists()
            else set()
        )
        assert set(files) <= lying
        if not self.untidy:
            assert lying == set(files)
            assert list(self.images.glob(".*.part")) == []

    def lost(self, kept: Task) -> bool:
        """An unsure request to a route that isn't there: never moved to the other one,
        so only the user can say.
        """
        return (
            kept.unsure
            and kept.route not in (self.routes, "both")
            and self.routes != "both"
        )

    def can_go_on(self, kept: Task) -> bool:
        """Whether `resume` or the user's key brings it further."""
        finished = kept.status is Status.COMPLETED and "demo:empty" in kept.prompt
        return can_be_watched(kept) and not finished and not self.lost(kept)

    def end(self) -> None:
        for window in [*self.gone, *filter(None, self.windows)]:
            window.process.killed = False
            window.process.disk_full = True
        self.loop.set_exception_handler(lambda loop, context: None)
        for _ in range(5):
            for left in asyncio.all_tasks(self.loop):
                left.cancel()
            self.sleep(1)
        self.disk.close()
        for window in [*self.gone, *filter(None, self.windows)]:
            window.engine.queue._store.close()
        self.loop.close()
        shutil.rmtree(self.folder)


class Retries:
    """What was wished and has come of sending a task once more."""

    def __init__(self) -> None:
        self.wished = False
        """True once that was wished without a word that it may be paid again."""
        self.most = 0
        """So many new tasks were meant."""
        self.made: set[str] = set()
        """Ids of new tasks that were said to be in the queue."""
        self.unsettled = 0
        """So many presses had no end that could be seen: killed, refused by the disk,
        carried elsewhere.
        """


UNPAID = (Status.HELD, Status.DROPPED, Status.REJECTED)
UNSENT = (Status.HELD, Status.DROPPED)


def has_ended(shown: Task) -> bool:
    return shown.status not in LIVE


def is_late(shown: Task) -> bool:
    """Whether its pictures are to be had, only later."""
    words = shown.prompt.split()
    return "demo:empty" not in words and any(
        f"demo:{word}" in words for word in LATE_PICTURES
    )


def may_be_dropped(shown: Task) -> bool:
    return shown.status in (Status.HELD, Status.SUBMITTING)


def can_be_watched(shown: Task) -> bool:
    """Not carried, but it can be."""
    if shown.deleted:
        return False
    if shown.status in SENT or shown.set_aside is SetAside.INTERRUPTED:
        return not shown.watched and shown.status in LIVE
    return shown.status is Status.EXPIRED or shown.lacks_picture


def owner(window: Window) -> str:
    return window.engine.queue.owner


def in_context(
    loop: VirtualLoop, coroutine: Coroutine[Any, Any, Any], context: Context
) -> "asyncio.Task[Any]":
    return loop.create_task(coroutine, context=context)


Steps = list[tuple[Callable[..., Any], dict[str, Any]]]
NOW = {"place": 0, "wait": 0.0}
THERE = {"place": 1, "wait": 0.0}
SCHEDULES: dict[str, Steps] = {
    "an answer that is told again says completed, and no more": [
        (Queue.trouble, {"trouble": ("create", "cut after")}),
        (Queue.submit, {"place": 0, "wait": 3.0, "pick": 0}),
    ],
    "another window drops what waits, while the machine sleeps": [
        (Queue.submit_job, {**NOW, "count": 4}),
        (Queue.start, {"place": 1, "headless": False}),
        (Queue.set_the_clock, {"hours": 1.0}),
        (Queue.drop_all, {"place": 1, "wait": 3.0}),
    ],
    "a window sleeps and wakes when another one has finished its task": [
        (Queue.submit, {**NOW, "pick": 0}),
        (Queue.start, {"place": 1, "headless": False}),
        (Queue.suspend, {**NOW, "seconds": 15.0}),
        (Queue.drop_all, NOW),
    ],
    "a task is dropped while it moves to the other route": [
        (Queue.submit, {"place": 0, "wait": 3.0, "pick": 8}),
        (Queue.drop_all, NOW),
        (Queue.favour, {"place": 0, "wait": 3.0, "pick": 0, "favourite": True}),
    ],
    "a task is marked while it is polled": [
        (Queue.submit, {"place": 0, "wait": 0.3, "pick": 0}),
        (Queue.favour, {**NOW, "pick": 0, "favourite": True}),
    ],
    "a task is marked after its end": [
        (Queue.submit, {"place": 0, "wait": 3.0, "pick": 0}),
        (Queue.favour, {**NOW, "pick": 0, "favourite": True}),
    ],
    "two gestures put a task away": [
        (Queue.submit, {"place": 0, "wait": 3.0, "pick": 0}),
        (Queue.put_away, {**NOW, "pick": 0, "count": 1, "delete": True}),
        (Queue.put_away, {**NOW, "pick": 0, "count": 1, "delete": False}),
    ],
    "a process is killed while it throws files away": [
        (Queue.submit, {"place": 0, "wait": 6.0, "pick": 7}),
        (
            Queue.put_away,
            {"place": 0, "wait": 0.1, "pick": 0, "count": 1, "delete": True},
        ),
        (Queue.kill, {"place": 0}),
    ],
    "a task goes on after it was put away, then that is undone": [
        (Queue.trouble, {"trouble": ("file", "404")}),
        (Queue.submit, {"place": 0, "wait": 3.0, "pick": 0}),
        (Queue.time_passes, {"seconds": 5.0}),
        (
            Queue.put_away,
            {"place": 0, "wait": 0.3, "pick": 0, "count": 1, "delete": False},
        ),
        (Queue.calm, {}),
        (Queue.watch, {"place": 0, "wait": 3.0, "pick": 0}),
        (Queue.undo, {"place": 0, "wait": 3.0}),
    ],
    "two windows pause": [
        (Queue.pause, {**THERE, "paused": True}),
        (Queue.pause, {"place": 0, "wait": 0.3, "paused": True}),
        (Queue.submit, {**THERE, "pick": 0}),
        (Queue.pause, {**NOW, "paused": False}),
    ],
    "a job is interrupted, the clock is set back, and the app is opened": [
        (Queue.generate, {"place": 0, "wait": 0.3, "count": 6}),
        (Queue.interrupt, {"place": 0, "wait": 0.3, "killed": False}),
        (Queue.set_the_clock, {"hours": -25.0}),
        (Queue.start, {"place": 1, "headless": False}),
        (Queue.time_passes, {"seconds": 20.0}),
    ],
    "a job is interrupted and killed while an app looks on": [
        (Queue.start, {"place": 1, "headless": False}),
        (Queue.generate, {"place": 0, "wait": 0.03, "count": 6}),
        (Queue.interrupt, {"place": 0, "wait": 0.003, "killed": True}),
        (Queue.set_the_clock, {"hours": 1.0}),
        (Queue.time_passes, {"seconds": 20.0}),
    ],
    "what an app has taken of a job is set aside, while the app is stopped": [
        (Queue.generate, {**NOW, "count": 6}),
        (Queue.start, {"place": 1, "headless": False}),
        (Queue.set_the_clock, {"hours": 1.0}),
        (Queue.adopt, {"place": 1, "wait": 0.003}),
        (Queue.suspend, {**THERE, "seconds": 15.0}),
        (Queue.interrupt, {"place": 0, "wait": 0.3, "killed": False}),
        (Queue.time_passes, {"seconds": 20.0}),
    ],
    "what was set aside is dropped": [
        (Queue.interrupted_job, {**NOW, "count": 5, "until": 0.3, "killed": False}),
        (Queue.start, {"place": 0, "headless": False}),
        (Queue.drop_all, {"place": 0, "wait": 3.0}),
    ],
    "both processes are stopped, and the clock is set back in between": [
        (Queue.submit_job, {**NOW, "count": 4}),
        (Queue.start, {"place": 1, "headless": False}),
        (Queue.submit, {**THERE, "pick": 0}),
        (Queue.suspend_both, {"seconds": 15.0, "hours": -1.0, "wait": 0.3}),
        (Queue.drop_all, THERE),
        (Queue.time_passes, {"seconds": 20.0}),
    ],
    "pictures come late, one way or another": [
        (Queue.submit, {**NOW, "pick": 0, "words": " demo:late demo:notyet"}),
        (Queue.submit, {**NOW, "pick": 0, "words": " demo:json demo:forbidden"}),
        (Queue.submit, {**NOW, "pick": 0, "words": " demo:missing"}),
        (
            Queue.submit,
            {**NOW, "pick": 7, "words": " demo:conflict demo:late demo:html"},
        ),
        (Queue.trouble, {"trouble": ("poll", "wrapped")}),
        (Queue.time_passes, {"seconds": 20.0}),
    ],
    "the clock is set back while a picture is not there yet": [
        (Queue.submit, {"place": 0, "wait": 0.3, "pick": 7, "words": " demo:notyet"}),
        (Queue.time_passes, {"seconds": 1.0}),
        (Queue.set_the_clock, {"hours": -25.0}),
        (Queue.time_passes, {"seconds": 90.0}),
    ],
    "the clock is set ahead while a picture is not there yet": [
        (
            Queue.submit,
            {"place": 0, "wait": 0.3, "pick": 7, "words": " demo:forbidden"},
        ),
        (Queue.time_passes, {"seconds": 1.0}),
        (Queue.set_the_clock, {"hours": 25.0}),
        (Queue.time_passes, {"seconds": 90.0}),
    ],
    "the clock is set back, and another process fetches what is not there yet": [
        (Queue.submit, {**THERE, "pick": 7, "words": " demo:forbidden"}),
        (Queue.pause, {**NOW, "paused": False}),
        (Queue.kill, {"place": 0}),
        (Queue.generate, {**NOW, "count": 2}),
        (Queue.kill, {"place": 0}),
        (Queue.set_the_clock, {"hours": -25.0}),
    ],
    "what may have been sent is sent again by hand, after the clock was set back": [
        (Queue.trouble, {"trouble": ("create", "html before")}),
        (Queue.submit, {"place": 0, "wait": 3.0, "pick": 0}),
        (Queue.kill, {"place": 0}),
        (Queue.set_the_clock, {"hours": -1.0}),
    ],
    "two windows retry, and one of them is stopped while it does": [
        (Queue.submit, {"place": 0, "wait": 3.0, "pick": 0}),
        (Queue.start, {"place": 1, "headless": False}),
        (Queue.time_passes, {"seconds": 20.0}),
        (Queue.retry, {"place": 0, "wait": 0.003, "pick": 0}),
        (Queue.suspend, {**NOW, "seconds": 15.0}),
        (Queue.set_the_clock, {"hours": 1.0}),
        (Queue.retry, {"place": 1, "wait": 3.0, "pick": 0}),
        (Queue.time_passes, {"seconds": 20.0}),
    ],
    "a deletion is undone while it is under way": [
        (Queue.submit, {"place": 0, "wait": 3.0, "pick": 7}),
        (Queue.time_passes, {"seconds": 5.0}),
        (
            Queue.put_away,
            {"place": 0, "wait": 0.03, "pick": 0, "count": 1, "delete": True},
        ),
        (Queue.undo, {"place": 0, "wait": 3.0}),
    ],
    "a deletion is undone in another window while it is under way": [
        (Queue.submit, {"place": 0, "wait": 3.0, "pick": 7}),
        (Queue.start, {"place": 1, "headless": False}),
        (Queue.time_passes, {"seconds": 5.0}),
        (
            Queue.put_away,
            {"place": 0, "wait": 0.03, "pick": 0, "count": 1, "delete": True},
        ),
        (Queue.undo, {**THERE}),
        (Queue.time_passes, {"seconds": 5.0}),
    ],
    "the retry key is held down in two windows": [
        (Queue.submit, {"place": 0, "wait": 3.0, "pick": 5}),
        (Queue.start, {"place": 1, "headless": False}),
        (Queue.time_passes, {"seconds": 5.0}),
        (Queue.retry_storm, {**NOW, "pick": 0, "presses": 6, "both": True, "again": 0}),
        (
            Queue.retry_storm,
            {**THERE, "pick": 0, "presses": 6, "both": True, "again": 2},
        ),
    ],
    "a task is retried and fetched once more in the same moment": [
        (Queue.trouble, {"trouble": ("file", "410")}),
        (Queue.submit, {"place": 0, "wait": 3.0, "pick": 0}),
        (Queue.time_passes, {"seconds": 20.0}),
        (Queue.calm, {}),
        (Queue.watch, {**NOW, "pick": 0}),
        (
            Queue.retry_storm,
            {**NOW, "pick": 0, "presses": 3, "both": False, "again": 0},
        ),
    ],
    "a window is closed while it saves": [
        (Queue.trouble, {"trouble": ("file", "slow")}),
        (Queue.submit_job, {"place": 0, "wait": 3.0, "count": 4}),
        (Queue.close, {"place": 0, "patient": True}),
    ],
}


EXAMPLES = int(os.environ.get("STATEFUL_EXAMPLES", "40"))
"""More than a hundred hunt: longer schedules, other ones each time, and what fails is
made short.
"""
HUNT = EXAMPLES > 100


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("slowness", [1.0, 12.0])
@pytest.mark.parametrize("routes", ["both", "service"])
def test_what_once_went_wrong(name: str, slowness: float, routes: str) -> None:
    seeds = range(20) if HUNT else [0 if routes == "both" else 1]
    for seed in seeds:
        queue = Queue()
        apart = seed % 2 == 0
        queue.begin(seed=seed, routes=routes, delay=0.0, slowness=slowness, apart=apart)
        try:
            for step, facts in SCHEDULES[name]:
                step(queue, **facts)
                queue.no_problem()
        finally:
            queue.teardown()


def test_no_schedule_loses_a_task_or_pays_one_twice() -> None:
    run_state_machine_as_test(
        Queue,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=40 if HUNT else 20,
            deadline=None,
            derandomize=not HUNT,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink) if HUNT else (Phase.generate,),
            print_blob=True,
        ),
    )
