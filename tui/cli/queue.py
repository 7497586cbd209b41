"""The queue without a screen: `drop`, `pause`, `stop`, `retry`, `delete`, by the rules
of the app's keys.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

from tui.cli import run
from tui.cli.run import UsageError, Work, chosen
from tui.cli.unfinished import sentences
from tui.session import Session, open_engine
from tui.spending import ceilings
from tui.system import heartbeat
from tui.tasks.actions import is_free
from tui.tasks.draft import InvalidRequestError
from tui.tasks.engine import RetriedError
from tui.tasks.store_errors import LeasedError
from tui.tasks.task import LIVE, SENT, Status, Task
from tui.text import counted

if TYPE_CHECKING:
    from tui.tasks.engine import Engine


class Selection:
    """Which tasks a command is for: ids of tasks or jobs, what a search line finds, or
    all.
    """

    def __init__(
        self, ids: Iterable[str] = (), search: str = "", *, everything: bool = False
    ) -> None:
        """Raises UsageError where nothing is named, so that a forgotten word never
        means all of the queue.
        """
        self.ids = tuple(ids)
        self.search = search
        self.everything = everything
        if not (self.ids or search or everything):
            raise UsageError("Name tasks or jobs by id, or give --search or --all.")
        if everything and (self.ids or search):
            raise UsageError("--all goes with neither ids nor --search.")

    async def tasks(self, engine: "Engine", only: str) -> list[Task]:
        """The tasks, oldest first: those named, or those found that the search words
        `only` fit, too.

        Raises UsageError for an id that is not in the queue.
        """
        if self.ids:
            found = await chosen(engine, self.ids)
        else:
            found = await engine.queue.search_all(f"{self.search} {only}")
        return sorted(found, key=lambda task: task.id)


def drop(session: Session, selection: Selection, *, as_json: bool) -> int:
    """Take back what was not sent, free of charge, whichever window or command has it.
    Return the exit code.
    """

    async def work(engine: "Engine") -> int:
        tasks = await selection.tasks(engine, "status:live")
        waiting = [task.id for task in tasks if task.status is Status.HELD]
        # First out of the reach of all processes: one of them may be about to send it.
        await engine.set_aside(waiting)
        dropped = await engine.drop(waiting)
        _print(dropped, as_json=as_json)
        late = [
            task
            for task in await engine.queue.named([task.id for task in tasks])
            if task.status in SENT
        ]
        if dropped:
            _say(f"{counted(len(dropped), 'task')} taken back, free of charge.")
        if late:
            _say(
                f"{counted(len(late), 'task')} at the service can't be taken back, and"
                " are billed:"
            )
            _say(f"`{session.command('resume')}` saves their images.")
        if not dropped and not late:
            _say("Nothing to take back: none of these tasks is waiting to be sent.")
        return 0 if dropped and not late else 1

    return _with_engine(session, work)


def pause(session: Session) -> int:
    """Send nothing more, in any window or command; what was sent is carried on. Return
    the exit code.
    """

    async def work(engine: "Engine") -> int:
        await engine.pause(True)
        _say(
            f"Paused: nothing more is sent until `{session.command('resume')}`, or p in"
            " the app."
        )
        for sentence in sentences(session, await engine.queue.unfinished()):
            _say(sentence)
        return 0

    return _with_engine(session, work)


def stop(session: Session, selection: Selection, *, as_json: bool) -> int:
    """Stop watching sent tasks: they go on at the service, and are billed. Return the
    exit code.
    """

    async def work(engine: "Engine") -> int:
        tasks = [
            task
            for task in await selection.tasks(engine, "status:sent")
            if task.status in SENT and task.watched
        ]
        stopped = []
        for task in tasks:
            try:
                stopped.append(await engine.stop(task.id))
            except LeasedError as error:
                _say(f"{task.id}: {error}")
        _print(stopped, as_json=as_json)
        _say(f"{counted(len(stopped), 'task')} no longer watched, still billed.")
        if stopped:
            _say(f"`{session.command('resume ID')}` follows one again.")
        return 0 if stopped and len(stopped) == len(tasks) else 1

    return _with_engine(session, work)


def delete(session: Session, selection: Selection, *, as_json: bool) -> int:
    """Delete ended tasks, their files into the trash; z in the app undoes it. Return
    the exit code.
    """

    async def work(engine: "Engine") -> int:
        tasks = await selection.tasks(engine, "status:ended")
        deleted = await engine.delete(task for task in tasks if task.status not in LIVE)
        count, left = len(deleted), len(tasks) - len(deleted)
        _print(deleted, as_json=as_json)
        _say(
            f"{counted(count, 'task')} deleted; their files are in .trash beside the"
            " images for a week."
        )
        if left:
            _say(
                f"{counted(left, 'task')} not ended, or in use by another window: left"
                " as they are."
            )
        return 0 if count and not left else 1

    return _with_engine(session, work)


def retry(
    session: Session,
    selection: Selection,
    *,
    as_json: bool,
    again: bool = False,
    over_budget: bool = False,
) -> int:
    """Fetch again what was made and not saved, for nothing, and send what failed once
    more, as new paid tasks.

    A task that was retried before is left alone unless `again`. Without `over_budget`,
    nothing is sent where that would pass a ceiling: UsageError. Return the exit code.
    """

    problems = 0

    async def begin(engine: "Engine", work: Work) -> None:
        nonlocal problems
        found = await selection.tasks(engine, "status:ended")
        tasks = [
            task
            for task in found
            if _may_be_retried(task) and engine.belongs_here(task)
        ]
        free = [task for task in tasks if is_free(task)]
        paid = [task for task in tasks if not is_free(task)]
        done = [task for task in paid if task.retried_by and not again]
        paid = [task for task in paid if task not in done]
        if not tasks:
            raise UsageError("None of these tasks has failed.")
        if done:
            problems += 1
            _say(
                f"{counted(len(done), 'task')} retried before: left alone. --again pays"
                " for them once more."
            )
        wish = ceilings.wanted([task.estimate_micro for task in paid])
        if paid and not over_budget:
            run.check_ceilings(session, wish, await engine.queue.spent())
        if paid:
            _say(f"Sending {counted(len(paid), 'task')} again, {ceilings.costs(wish)}.")
        work.add([task.id for task in free])
        work.set_aside = frozenset(task.id for task in free)
        for task in paid:
            try:
                sent = await engine.retry(task, again=again, carry=False)
            except (
                LeasedError,
                RetriedError,
                InvalidRequestError,
                LookupError,
            ) as error:
                problems += 1
                _say(f"{task.id}: {error}")
            else:
                work.add([sent.id])

    code = run.run(session, begin, as_json=as_json)
    return code or (1 if problems else 0)


def _may_be_retried(task: Task) -> bool:
    return task.lacks_picture or task.status in (Status.FAILED, Status.REJECTED)


def _with_engine(session: Session, work: Callable[["Engine"], Awaitable[int]]) -> int:
    """Do something with the queue that needs no waiting for the service."""

    async def asked() -> int:
        engine = await asyncio.to_thread(open_engine, session)
        try:
            await engine.start(adopt=False, history=0)
            for notice in engine.notices:
                _say(notice)
            return await work(engine)
        finally:
            await engine.aclose()

    return heartbeat.run(asked())


def _print(tasks: Iterable[Task], *, as_json: bool) -> None:
    for task in tasks:
        print(run.task_json(task) if as_json else run.task_line(task))


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)
