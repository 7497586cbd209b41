"""Follows the tasks of a command until they end. Results go to stdout, the rest to stderr."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from itertools import chain, takewhile
from typing import TYPE_CHECKING

from tui.cli.exit_codes import INTERRUPTED, Stopped, code_of
from tui.cli.output import task_json, task_line
from tui.cli.progress import PauseMessages, ProgressLine
from tui.cli.signals import Signals
from tui.cli.unfinished import interrupted, keeps_open, sentences, unsent
from tui.session import Session, open_engine
from tui.system import heartbeat, streams
from tui.system.streams import print_message, print_result
from tui.text import by_count

if TYPE_CHECKING:
    from tui.tasks.engine import Engine
    from tui.tasks.task import Problem, Task

HOPELESS = ("authentication", "credits", "network", "rate_limit")
"""Problems that the next task would have, too: the rest isn't tried, and stays in the
queue.
"""
TRIES = 4
"""How often a failing request is repeated before a headless command gives up; the task
can be resumed.
"""


class Work:
    """The tasks that a command follows, in order; filled when the command begins."""

    def __init__(self) -> None:
        self.count = 0
        self.set_aside: frozenset[str] = frozenset()
        """Ids of those that are set aside and have to be resumed first."""
        self.elsewhere: frozenset[str] = frozenset()
        """Ids of those that another process works on: they are only followed."""
        self.sources: frozenset[str] = frozenset()
        """Ids of those that are followed for their pictures alone: they aren't told."""
        self._parts: list[Iterable[str]] = []

    def add(self, ids: Collection[str]) -> None:
        """Add tasks; `ids` can be read any number of times."""
        self.count += len(ids)
        self._parts.append(ids)

    def add_sources(self, tasks: Iterable["Task"]) -> None:
        """Add tasks whose pictures others wait for. They go on after an interruption."""
        ids = [task.id for task in tasks]
        self.sources = frozenset(ids)
        self.add(ids)

    def ids(self) -> Iterator[str]:
        """Return all ids."""
        return chain.from_iterable(self._parts)

    def own_ids(self) -> Iterator[str]:
        """Return the ids of the tasks that this command may set aside."""
        others = self.elsewhere | self.sources
        return (task_id for task_id in self.ids() if task_id not in others)


Begin = Callable[["Engine", Work], Awaitable[None]]
"""Adds the tasks of a command to its work."""


def follow(
    session: Session,
    begin: Begin,
    *,
    as_json: bool,
    nothing: str = "",
    finish: bool = False,
) -> int:
    """Follow the tasks that `begin` adds until they end, and print each as it ends.

    `nothing` is printed where there is nothing to do and nothing is left. With
    `finish`, all that is unfinished at the end, of any service and profile, is listed,
    and the code is not 0 then.

    Returns the exit code. Raises Stopped when interrupted.
    """
    from tui.tasks.store import unfinished_in
    from tui.tasks.store_errors import StoreError

    try:
        return heartbeat.run(_Follower(session, as_json).run(begin, nothing, finish))
    except BrokenPipeError:  # nobody reads the results any more
        streams.give_up_stdout()
        return INTERRUPTED
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise Stopped(
            "Interrupted before anything was sent. What is in the queue stays there."
        ) from None
    except StoreError as error:
        print_message(error)
        # As far as the queue can still be read
        tasks = unfinished_in(session.folders.queue)
        _print_all(sentences(session, ((task, False) for task in tasks)))
        return 1


class _Follower:
    """One run of a command that follows tasks."""

    def __init__(self, session: Session, as_json: bool) -> None:
        self._session = session
        self._as_json = as_json
        self._work = Work()
        self._signals = Signals(session)
        self._past_ceiling: list[Task] = []
        """Tasks that were set aside instead of passing a ceiling."""

    async def run(self, begin: Begin, nothing: str, finish: bool) -> int:
        """Follow the tasks that `begin` adds. Returns the exit code."""
        from tui.tasks.options import EngineListener

        self._signals.listen()
        self._progress = ProgressLine()
        self._engine = await asyncio.to_thread(
            open_engine,
            self._session,
            EngineListener(self._progress.update, PauseMessages(self._session).update),
            tries=TRIES,
        )
        try:
            await self._engine.start(adopt=False, history=0)
            _print_all(self._engine.notices)
            self._engine.queue.on_notice = print_message
            await begin(self._engine, self._work)
            code = await self._follow()
            if finish:
                is_open = await self._print_unfinished(nothing)
                return code or (1 if is_open else 0)
            if self._past_ceiling:
                aside = ((task, False) for task in self._past_ceiling)
                _print_all(sentences(self._session, aside))
            return code
        except asyncio.CancelledError:
            if not self._work.count:
                raise
            raise Stopped(await self._interrupt()) from None
        except Exception as error:
            await self._set_aside_after(error)
            raise
        finally:
            self._signals.settled = True
            self._progress.clear()
            await self._engine.aclose()

    async def _follow(self) -> int:
        """Print each task as it ends.

        Returns the code of the first task, in the order of submission, whose code isn't
        0. Sets aside what can't be sent now.
        """
        from tui.tasks.drain import to_the_end

        engine = self._engine
        work = self._work
        codes: dict[str, int] = {}
        seen: set[str] = set()
        hopeless = False
        ids = takewhile(lambda _: not hopeless, work.ids())
        self._progress.follow(engine.tasks, work.count)
        async for task in to_the_end(engine, ids, work.set_aside):
            problem, was_given_up = self._problem(task)
            engine.forget(task.id)
            seen.add(task.id)
            self._progress.clear()
            if task.id in work.sources:
                continue  # what waits for it tells how that went
            if not self._is_told(task):
                print_result(self._result(task, problem, was_given_up), flush=True)
            if problem and problem.kind in HOPELESS:
                hopeless = True
            code = _exit_code(task, problem)
            if code:
                codes[task.id] = code
        # Ids sort in the order of submission
        first = codes[min(codes)] if codes else 0
        if hopeless or len(seen) < work.count:
            return await self._leave(seen) or first
        return first

    def _is_told(self, task: "Task") -> bool:
        """Return whether another task has told why all of its job is set aside."""
        from tui.tasks.task import SetAside

        if task.set_aside is not SetAside.CEILING or self._as_json:
            return False
        self._past_ceiling.append(task)
        first = self._past_ceiling[0]
        return bool(task.job) and task is not first and task.job == first.job

    def _problem(self, task: "Task") -> "tuple[Problem | None, bool]":
        """Return why a task has not succeeded, and whether it was given up for now."""
        from tui.tasks.task import Problem, SetAside

        if task.set_aside is SetAside.CEILING:
            return Problem("ceiling", task.note), False
        given_up = self._engine.gave_up.get(task.id)
        if task.error or not given_up:
            return task.error, bool(given_up)
        return Problem(given_up.kind, str(given_up)), True

    def _result(
        self, task: "Task", problem: "Problem | None", was_given_up: bool
    ) -> str:
        if self._as_json:
            return task_json(task, problem)
        if problem and was_given_up:
            resume = self._session.command("resume")
            return task_line(task, f"{problem.message} Kept: `{resume}` continues.")
        return task_line(task)

    async def _leave(self, seen: set[str]) -> int:
        """Set aside what was not sent, and print what is left of the work.

        Returns 1 if a task can't be found any more.
        """
        unsent_tasks = await self._engine.set_aside(self._work.own_ids())
        rest = [task_id for task_id in self._work.ids() if task_id not in seen]
        there = await self._engine.queue.named(rest)
        held = {task.id: task for task in there if task.status == "held"}
        held |= {task.id: task for task in unsent_tasks}
        if held:
            print_message(unsent(self._session, list(held.values())))
        sent = [task for task in there if task.live and task.id not in held]
        if sent:
            self._print_count(
                len(sent),
                "1 task at the service, paid: `{resume}` follows it.",
                "{count} tasks at the service, paid: `{resume}` follows them.",
            )
        lost = len(rest) - len(there)
        if lost:
            self._print_count(
                lost,
                "1 task of this command can't be found in the queue any more.",
                "{count} tasks of this command can't be found in the queue any more.",
            )
        return 1 if lost else 0

    async def _print_unfinished(self, nothing: str) -> bool:
        """Print what is unfinished in the queue, or `nothing`.

        Returns whether the command must not claim that all is done.
        """
        unfinished = await self._engine.queue.unfinished()
        _print_all(sentences(self._session, unfinished))
        is_open = any(keeps_open(self._engine, task) for task, _ in unfinished)
        if nothing and not (self._work.count or is_open):
            print_message(nothing)
        return is_open

    async def _interrupt(self) -> str:
        """Set aside what was not sent, and return what to say about the interruption."""
        from tui.tasks.store_errors import StoreError

        work = self._work
        self._signals.settled = all(map(self._is_sent, work.own_ids()))
        try:
            unsent_tasks = await self._engine.set_aside(work.own_ids())
            return interrupted(self._session, unsent_tasks, await self._count_sent())
        except StoreError as error:
            return f"Interrupted; what was not sent could not be set aside. {error}"

    async def _set_aside_after(self, error: Exception) -> None:
        """Set aside what was not sent, and print what that comes to."""
        from tui.tasks.store_errors import StoreError

        try:
            unsent_tasks = await self._engine.set_aside(self._work.own_ids())
        except StoreError:
            resume = self._session.command("resume")
            print_message(
                "What was not sent could not be set aside: an open app or"
                f" `{resume}` sends it."
            )
            return
        if unsent_tasks and not isinstance(error, BrokenPipeError):
            print_message(unsent(self._session, unsent_tasks))

    def _is_sent(self, task_id: str) -> bool:
        """Return whether a task is loaded, and not waiting to be sent."""
        task = self._engine.tasks.get(task_id)
        return task is not None and task.status != "held"

    async def _count_sent(self) -> int:
        """Return how many tasks of the work are at the service."""
        from tui.tasks.task import SENT

        ids = set(self._work.ids())
        unfinished = await self._engine.queue.unfinished()
        sent = [task for task, _ in unfinished if task.status in SENT]
        return sum(task.id in ids for task in sent)

    def _print_count(self, count: int, one: str, many: str) -> None:
        resume = self._session.command("resume")
        print_message(by_count(count, one, many, resume=resume))


def _exit_code(task: "Task", problem: "Problem | None") -> int:
    if problem:
        return code_of(problem.kind)
    return 0 if task.status == "completed" else 1


def _print_all(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        print_message(sentence)
