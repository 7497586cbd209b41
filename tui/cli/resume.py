"""`resume`: follows unfinished tasks to their end, and lets a paused queue continue."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tui.cli.chains import open_sources, sources_first, waiting_in_vain
from tui.cli.exit_codes import UsageError
from tui.cli.follow import Work, follow
from tui.cli.requests import check_ceilings, expected_cost
from tui.session import Session
from tui.spending import ceilings
from tui.system import shell
from tui.system.streams import print_message
from tui.tasks.ceilings import describe_total
from tui.text import by_count, one_line

if TYPE_CHECKING:
    from tui.tasks.engine import Engine
    from tui.tasks.task import Task

MOST_REASONS = 3
"""How many refused tasks are named with their reasons; of others, the ids."""


def resume(
    session: Session,
    ids: tuple[str, ...] = (),
    *,
    as_json: bool,
    over_budget: bool = False,
) -> int:
    """Follow all unfinished tasks to their end, or those of `ids`.

    A paused queue continues. Tasks that were set aside are sent, imported ones as new
    tasks; how many and for how much is said first. Without `ids`, tasks that the user
    or a ceiling stopped, that were imported, or that were sent more than a day ago with
    an unknown outcome stay as they are.

    Returns the exit code. Raises UsageError where sending what was set aside would pass
    a ceiling, unless `over_budget`.
    """

    async def begin(engine: "Engine", work: Work) -> None:
        unfinished = await engine.queue.unfinished()
        elsewhere = {task.id for task, is_elsewhere in unfinished if is_elsewhere}
        if ids:
            tasks = await find_tasks(engine, ids)
        else:
            tasks = [
                task
                for task, _ in unfinished
                if engine.belongs_here(task) and (task.live or _is_resumable(task))
            ]
        imported = [task for task in tasks if _is_sent_as_new(task)]
        named = {task.id for task in tasks}
        sources = await open_sources(engine, [task.awaited for task in tasks])
        sources = [task for task in sources if task.id not in named]
        # Without ids, only tasks of this service and profile are continued.
        refused = await _refusals(engine, tasks) if ids else {}
        refused |= {
            task_id: f"It waits for the picture of {source}, which is set aside: name"
            " that, too."
            for task_id, source in waiting_in_vain(tasks, sources).items()
            if ids
        }
        if refused:
            rest = [task.id for task in tasks if task.id not in refused]
            raise UsageError(_refusal(session, refused, rest, over_budget))
        tasks = [task for task in tasks if not _is_sent_as_new(task)]
        aside = [task for task in tasks if not task.live]
        followed = [task for task in tasks if task.live and task.id in elsewhere]
        to_send = [task for task in aside if task.status == "held"] + imported
        unsent = await expected_cost(
            engine, ceilings.wanted_again(session.catalog, to_send)
        )
        if over_budget:
            engine.lift_ceilings()
        open_ones = [task for task in to_send if not task.over_ceiling]
        wanted = ceilings.wanted_again(session.catalog, open_ones)
        await check_ceilings(engine, wanted)
        await engine.pause(False)
        if unsent.tasks:
            _print_sending(unsent.tasks, describe_total(unsent))
        if followed:
            _print_following(len(followed))
        _warn_of_billed(imported)
        for task in imported:
            work.add([await _send_as_new(engine, task)])
        work.add_sources(
            [task for task in sources if task.live and engine.belongs_here(task)]
        )
        tasks.sort(key=lambda task: (task.status == "held", task.turn))
        work.add([task.id for task in sources_first(tasks)])
        work.set_aside = frozenset(task.id for task in aside)
        work.elsewhere = frozenset(task.id for task in followed)

    return follow(
        session, begin, as_json=as_json, nothing="Nothing to resume.", finish=True
    )


def _is_sent_as_new(task: "Task") -> bool:
    """Return whether a task was imported unsent: its own word sends nothing."""
    return task.imported and task.status == "held"


async def _refusals(engine: "Engine", tasks: Iterable["Task"]) -> dict[str, str]:
    """Return by id why tasks can't be continued here; nothing is planned."""
    from tui.tasks.task import RetriedError

    refused: dict[str, str] = {}
    for task in tasks:
        try:
            engine.check_belongs_here(task)
            if _is_sent_as_new(task):
                await engine.check_retry(task)
        except (ValueError, LookupError, RetriedError) as error:
            refused[task.id] = str(error)
    return refused


def _refusal(
    session: Session, refused: dict[str, str], rest: list[str], over_budget: bool
) -> str:
    """Return which tasks are refused and why, and the command for the others."""
    lines = [f"{task_id}: {why}" for task_id, why in refused.items()]
    more = lines[MOST_REASONS:]
    lines = lines[:MOST_REASONS]
    if more:
        ids = ", ".join(list(refused)[MOST_REASONS:])
        lines.append(f"Refused too: {ids}.")
    lines.append("Nothing was sent or planned.")
    if rest:
        option = ["--over-budget"] if over_budget else []
        words = shell.command(["resume", *option, *rest])
        command = session.command(words)
        others = by_count(
            len(rest),
            "`{command}` continues the other one.",
            "`{command}` continues the {count} others.",
            command=command,
        )
        lines[-1] = f"{lines[-1]} {others}"
    return "\n".join(lines)


async def _send_as_new(engine: "Engine", task: "Task") -> str:
    """Plan an imported task anew; return the id of the new one. Raises UsageError."""
    from tui.tasks.ceilings import CeilingError
    from tui.tasks.draft import InvalidRequestError
    from tui.tasks.store_errors import LeasedError
    from tui.tasks.task import RetriedError

    refusals = (InvalidRequestError, LookupError, LeasedError, RetriedError)
    try:
        return (await engine.retry(task, start=False)).id
    except (CeilingError, *refusals) as error:
        raise UsageError(f"{task.id}: {error}") from error


def _warn_of_billed(tasks: list["Task"]) -> None:
    from tui.tasks.imported import may_be_billed

    count = len([task for task in tasks if may_be_billed(task)])
    if count:
        sentence = by_count(
            count,
            "1 imported task may already have been made and billed: this is a new one.",
            "{count} imported tasks may already have been made and billed: these are new"
            " ones.",
        )
        print_message(sentence)


async def find_tasks(engine: "Engine", ids: Iterable[str]) -> list["Task"]:
    """Return the tasks of these ids, and all tasks of these jobs.

    Raises UsageError for an id that is neither.
    """
    from tui.tasks.store import Store

    found: dict[str, Task] = {}
    for wanted in ids:
        task = await engine.queue.run(Store.get, wanted)
        tasks = [task] if task else await engine.queue.run(Store.of_job, wanted)
        if not tasks:
            raise UsageError(f"There is no task {one_line(wanted, 80)} in the queue.")
        found |= {task.id: task for task in tasks}
    return list(found.values())


def _is_resumable(task: "Task") -> bool:
    """Return whether `resume` without ids may continue a task that was set aside."""
    from tui.tasks.submit import may_be_resent
    from tui.tasks.task import SetAside

    if task.set_aside in (SetAside.INTERRUPTED, SetAside.WAITED):
        return not task.error
    return task.set_aside is SetAside.UNSURE and may_be_resent(task)


def _print_sending(count: int, cost: str) -> None:
    sentence = by_count(
        count,
        "Sending 1 task set aside unsent, {cost}.",
        "Sending {count} tasks set aside unsent, {cost}.",
        cost=cost,
    )
    print_message(sentence)


def _print_following(count: int) -> None:
    sentence = by_count(
        count,
        "Following 1 task of another window or command to the end.",
        "Following {count} tasks of another window or command to the end.",
    )
    print_message(sentence)
