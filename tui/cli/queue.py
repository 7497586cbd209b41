"""`drop`, `pause`, `stop`, `retry`, `delete`: the app's keys for the queue, as commands."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tui.cli.exit_codes import UsageError
from tui.cli.follow import Work, follow
from tui.cli.output import task_json, task_line
from tui.cli.requests import check_ceilings, expected_cost
from tui.cli.resume import find_tasks
from tui.cli.unfinished import sentences
from tui.session import Session, open_engine
from tui.spending import ceilings
from tui.system import heartbeat
from tui.system.streams import print_message, print_result
from tui.tasks import marks
from tui.tasks.actions import kept_files
from tui.tasks.ceilings import CeilingError, describe_total
from tui.tasks.draft import InvalidRequestError
from tui.tasks.store_errors import LeasedError
from tui.tasks.task import LIVE, SENT, RetriedError, Status, Task
from tui.text import by_count, one_line

if TYPE_CHECKING:
    from tui.tasks.engine import Engine


class Selection:
    """The tasks that a command is for: by ids of tasks or jobs, by a search, or all."""

    def __init__(
        self, ids: Iterable[str] = (), search: str = "", *, everything: bool = False
    ) -> None:
        """Raise UsageError where nothing is named.

        A forgotten word must never mean all of the queue.
        """
        self.ids = tuple(ids)
        self.search = search
        self.everything = everything
        if not (self.ids or search or everything):
            raise UsageError("Name tasks or jobs by id, or give --search or --all.")
        if everything and (self.ids or search):
            raise UsageError("--all can't be combined with ids or --search.")

    async def tasks(self, engine: "Engine", only: str) -> list[Task]:
        """Return the tasks, oldest first.

        `only` are search words that limit a search or `--all`, but not named tasks.
        Raises UsageError for an id that is not in the queue.
        """
        if self.ids:
            found = await find_tasks(engine, self.ids)
        else:
            found = await engine.queue.search_all(f"{self.search} {only}")
        return sorted(found, key=lambda task: task.id)


def drop(session: Session, selection: Selection, *, as_json: bool) -> int:
    """Take back unsent tasks, free of charge, whichever window or command has them.

    Returns the exit code.
    """

    async def work(engine: "Engine") -> int:
        tasks = await selection.tasks(engine, "status:live")
        waiting = [task.id for task in tasks if task.status is Status.HELD]
        # Set aside first: another process may be about to send one of them.
        await engine.set_aside(waiting)
        dropped = await engine.drop(waiting)
        _print_tasks(dropped, as_json=as_json)
        now = await engine.queue.named([task.id for task in tasks])
        sent = [task for task in now if task.status in SENT]
        if dropped:
            _print_count(
                len(dropped),
                "1 task taken back, free of charge.",
                "{count} tasks taken back, free of charge.",
            )
        if sent:
            _print_count(
                len(sent),
                "1 task at the service can't be taken back, and is billed."
                " `{resume}` saves its images.",
                "{count} tasks at the service can't be taken back, and are billed."
                " `{resume}` saves their images.",
                resume=session.command("resume"),
            )
        if not dropped and not sent:
            print_message(
                "Nothing to take back: none of these tasks is waiting to be sent."
            )
        return 0 if dropped and not sent else 1

    return _with_engine(session, work)


def pause(session: Session) -> int:
    """Send nothing more, in any window or command; sent tasks are still followed.

    Returns the exit code.
    """

    async def work(engine: "Engine") -> int:
        await engine.pause(True)
        resume = session.command("resume")
        print_message(
            f"Paused: nothing more is sent until `{resume}`, or p in the app."
        )
        for sentence in sentences(session, await engine.queue.unfinished()):
            print_message(sentence)
        return 0

    return _with_engine(session, work)


def stop(session: Session, selection: Selection, *, as_json: bool) -> int:
    """Stop watching sent tasks: they continue at the service, and are billed.

    Returns the exit code.
    """

    async def work(engine: "Engine") -> int:
        found = await selection.tasks(engine, "status:sent")
        tasks = [task for task in found if task.status in SENT and task.watched]
        stopped = []
        for task in tasks:
            try:
                stopped.append(await engine.stop(task.id))
            except LeasedError as error:
                print_message(f"{task.id}: {error}")
        _print_tasks(stopped, as_json=as_json)
        _print_count(
            len(stopped),
            "1 task no longer watched, still billed.",
            "{count} tasks no longer watched, still billed.",
        )
        if stopped:
            print_message(f"`{session.command('resume ID')}` follows one again.")
        return 0 if stopped and len(stopped) == len(tasks) else 1

    return _with_engine(session, work)


def delete(session: Session, selection: Selection, *, as_json: bool) -> int:
    """Delete ended tasks and move their files to the trash; z in the app undoes it.

    Returns the exit code.
    """

    async def work(engine: "Engine") -> int:
        tasks = await selection.tasks(engine, "status:ended")
        deleted, moved, kept = await engine.marker.delete(
            task for task in tasks if task.status not in LIVE
        )
        _print_tasks(deleted, as_json=as_json)
        _print_count(len(deleted), "1 task deleted.", "{count} tasks deleted.")
        if moved:
            _print_count(
                moved,
                "1 file is in .trash beside the images for a week.",
                "{count} files are in .trash beside the images for a week.",
            )
        if kept:
            print_message(kept_files(kept))
        remaining = len(tasks) - len(deleted)
        if remaining:
            _print_count(
                remaining,
                "1 task kept: it has not ended, or another window uses it.",
                "{count} tasks kept: they have not ended, or another window uses them.",
            )
        return 0 if deleted and not remaining else 1

    return _with_engine(session, work)


def open_picture(session: Session, task: Task, index: int, *, folder: bool) -> int:
    """Open a saved image, or its folder; print its path where no app can.

    Returns the exit code. Raises UsageError without such an image.
    """
    from tui.exchange import open_external

    found = open_external.ways(task, index, session.config.viewer)
    if not found.path:
        raise UsageError(f"Task {task.id} has no image {index + 1} that is saved.")
    shown = os.path.dirname(found.path) if folder else found.path
    command = open_external.folder_viewer() if folder else found.viewer
    if command:
        try:
            open_external.show(command, shown)
        except open_external.OpenError as error:
            print_message(str(error))
        else:
            print_message(f"Opened with {one_line(command[0], 80)}.")
            return 0
    print_result(shown)
    return 1


@dataclass(frozen=True)
class Marks:
    """What the user thinks of tasks; None stands for what stays as it is."""

    rating: int | None = None
    picture: int = 0
    """Which of the pictures is rated, counted from 1; 0 for all of them."""
    tags: tuple[str, ...] | None = None
    favourite: bool | None = None

    def fields(self, task: Task) -> dict[str, Any]:
        """Return the fields of a task that change."""
        fields: dict[str, Any] = {}
        if self.rating is not None:
            pictures = [self.picture - 1] if self.picture else task.saved
            fields |= marks.rated(task, pictures, self.rating)
        if self.tags is not None:
            fields |= marks.tagged(task, self.tags)
        if self.favourite is not None and self.favourite != task.favourite:
            fields["favourite"] = self.favourite
        return fields


def rate(
    session: Session, selection: Selection, wanted: Marks, *, as_json: bool
) -> int:
    """Rate and tag tasks; z in the app undoes it. Returns the exit code."""

    async def work(engine: "Engine") -> int:
        tasks = await selection.tasks(engine, "")
        changing = [task.id for task in tasks if wanted.fields(task)]
        changed = await engine.marker.mark(changing, wanted.fields)
        _print_tasks(changed, as_json=as_json)
        _print_count(len(changed), "1 task changed.", "{count} tasks changed.")
        remaining = len(changing) - len(changed)
        if remaining:
            _print_count(
                remaining,
                "1 task is unchanged: another window uses it.",
                "{count} tasks are unchanged: another window uses them.",
            )
        return 1 if remaining else 0

    return _with_engine(session, work)


def retry(
    session: Session,
    selection: Selection,
    *,
    as_json: bool,
    again: bool = False,
    over_budget: bool = False,
) -> int:
    """Fetch unsaved images again for free, and send failed tasks as new paid ones.

    A task that was retried before is left alone unless `again`. Returns the exit code.
    Raises UsageError where the new tasks would pass a ceiling, unless `over_budget`.
    """
    problems: list[str] = []

    def report(problem: str) -> None:
        problems.append(problem)
        print_message(problem)

    async def begin(engine: "Engine", work: Work) -> None:
        tasks = await _retriable(engine, selection)
        free = [task for task in tasks if task.lacks_picture]
        paid = [
            task
            for task in tasks
            if not task.lacks_picture and (again or not task.retried_by)
        ]
        retried = len(tasks) - len(free) - len(paid)
        if retried:
            report(_retried_before(retried))
        refused = await _refused(engine, paid, again=again)
        for task_id, why in refused.items():
            report(f"{task_id}: {why}")
        paid = [task for task in paid if task.id not in refused]
        if paid:
            wanted = ceilings.wanted_again(session.catalog, paid)
            total = await expected_cost(engine, wanted)
            if over_budget:
                engine.lift_ceilings()
            await check_ceilings(engine, wanted)
            _print_count(
                len(paid),
                "Sending 1 task again, {cost}.",
                "Sending {count} tasks again, {cost}.",
                cost=describe_total(total),
            )
        work.add([task.id for task in free])
        work.set_aside = frozenset(task.id for task in free)
        for task in paid:
            try:
                sent = await engine.retry(task, again=again, start=False)
            except (
                CeilingError,
                LeasedError,
                RetriedError,
                InvalidRequestError,
                LookupError,
            ) as error:
                report(f"{task.id}: {error}")
            else:
                work.add([sent.id])

    code = follow(session, begin, as_json=as_json)
    return code or (1 if problems else 0)


async def _refused(
    engine: "Engine", tasks: Iterable[Task], *, again: bool
) -> dict[str, str]:
    """Return by id why imported tasks can't be sent again; it costs nothing to know."""
    refused: dict[str, str] = {}
    for task in tasks:
        if task.imported:
            try:
                await engine.check_retry(task, again=again)
            except (ValueError, LookupError, RetriedError) as error:
                refused[task.id] = str(error)
    return refused


async def _retriable(engine: "Engine", selection: Selection) -> list[Task]:
    found = await selection.tasks(engine, "status:ended")
    tasks = [
        task for task in found if _may_be_retried(task) and engine.belongs_here(task)
    ]
    if not tasks:
        raise UsageError("None of these tasks has failed.")
    return tasks


def _may_be_retried(task: Task) -> bool:
    return task.lacks_picture or task.status in (Status.FAILED, Status.REJECTED)


def _retried_before(count: int) -> str:
    return by_count(
        count,
        "1 task retried before: left alone. --again pays for it once more.",
        "{count} tasks retried before: left alone. --again pays for them once more.",
    )


def _with_engine(session: Session, work: Callable[["Engine"], Awaitable[int]]) -> int:
    """Run work that needs the queue, but doesn't wait for the service."""

    async def run() -> int:
        engine = await asyncio.to_thread(open_engine, session)
        try:
            await engine.start(adopt=False, history=0)
            for notice in engine.notices:
                print_message(notice)
            return await work(engine)
        finally:
            await engine.aclose()

    return heartbeat.run(run())


def _print_tasks(tasks: Iterable[Task], *, as_json: bool) -> None:
    for task in tasks:
        print_result(task_json(task) if as_json else task_line(task))


def _print_count(count: int, one: str, many: str, **values: str) -> None:
    print_message(by_count(count, one, many, **values))
