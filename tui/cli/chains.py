"""Tasks that wait for the picture of another one, and those whose pictures they need."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.tasks.engine import Engine
    from tui.tasks.task import Task


def sources_first(tasks: Iterable["Task"]) -> list["Task"]:
    """Return tasks in their order, but each after the one whose picture it waits for."""
    known = {task.id: task for task in tasks}
    ordered: dict[str, Task] = {}
    for task in known.values():
        line = [task]
        while (source := known.get(line[-1].awaited)) and source not in line:
            line.append(source)
        ordered |= {each.id: each for each in reversed(line) if each.id not in ordered}
    return list(ordered.values())


async def open_sources(engine: "Engine", ids: Iterable[str]) -> list["Task"]:
    """Return those of the tasks that aren't done yet, and what they wait for in turn.

    Whatever they need comes first. Raises StoreError.
    """
    from tui.tasks.task import LIVE

    found: dict[str, Task] = {}
    wanted = [task_id for task_id in ids if task_id]
    while wanted:
        tasks = await engine.queue.named(wanted)
        new = [each for each in tasks if each.id not in found and each.status in LIVE]
        found |= {task.id: task for task in new}
        wanted = [task.awaited for task in new if task.awaited]
    return sources_first(found.values())


def waiting_in_vain(
    tasks: Iterable["Task"], sources: Iterable["Task"]
) -> dict[str, str]:
    """Return the ids of tasks that wait for one that is set aside, each with its id.

    `sources` are what `open_sources` has found for them.
    """
    known = {task.id: task for task in sources}
    found: dict[str, str] = {}
    for task in tasks:
        above = known.get(task.awaited)
        seen: set[str] = set()
        while above and above.live and above.id not in seen:
            seen.add(above.id)
            above = known.get(above.awaited)
        if above and not above.live:
            found[task.id] = above.id
    return found
