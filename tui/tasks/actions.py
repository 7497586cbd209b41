"""Runs the keys and commands for tasks on the engine.

Each function returns a sentence for the user, or "", and raises what the engine raises:
LeasedError if another process has the task, StoreError for a disk that can't be used.
"""

import os
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from tui.tasks import marks
from tui.tasks.store_errors import LeasedError
from tui.tasks.task import REJECTED, SENT, RetriedError, Status, Task, new_id
from tui.text import by_count, duration, one_line

if TYPE_CHECKING:
    from tui.tasks.engine import Engine


class PartlyDoneError(Exception):
    """Reports that only some of the tasks were changed.

    The text has their number, and why the others were not.
    """


async def drop(engine: "Engine", tasks: list[Task]) -> str:
    """Cancels tasks that were not sent. Raises LeasedError where none could be."""
    ids = [task.id for task in tasks]
    dropped = await engine.drop(ids)
    now = [engine.tasks[task_id].status for task_id in ids if task_id in engine.tasks]
    sent = sum(status in SENT for status in now)
    is_unchanged = not now or Status.HELD in now
    retries = sum(bool(task.retry_of) for task in dropped)
    if is_unchanged and not dropped and not sent:
        raise LeasedError
    sentences = []
    if dropped and retries == len(dropped):
        sentences.append(
            by_count(
                retries,
                "Retry dropped, free of charge: the failed task is back in its place.",
                "{count} retries dropped, free of charge: the failed tasks are back in"
                " their places.",
            )
        )
    elif dropped and len(ids) > 1:
        sentences.append(
            by_count(
                len(dropped),
                "1 task dropped, free of charge.",
                "{count} tasks dropped, free of charge.",
            )
        )
    if sent:
        sentences.append(
            by_count(
                sent,
                "1 task was sent already; it can't be cancelled and is billed.",
                "{count} tasks were sent already; they can't be cancelled and are"
                " billed.",
            )
        )
    return " ".join(sentences)


async def stop(engine: "Engine", tasks: list[Task]) -> str:
    """Stops watching tasks at the service; they stay billed."""
    await _each(tasks, lambda task: engine.stop(task.id))
    return ""


async def watch(engine: "Engine", tasks: list[Task]) -> str:
    """Watches tasks at the service again; this costs nothing more."""
    await _each(tasks, lambda task: engine.watch(task.id))
    return ""


async def sendable(engine: "Engine", tasks: list[Task]) -> tuple[list[Task], str]:
    """Returns the tasks that may be sent, and a sentence about the others, or "".

    Those are imported ones that can't become a new task: it comes before any question
    about money. Raises what the first of them raises if no task is left.
    """
    fit: list[Task] = []
    problems: list[Exception] = []
    for task in tasks:
        if not task.imported or task.lacks_picture:
            fit.append(task)
            continue
        try:
            await engine.check_retry(task, again=True)
        except (ValueError, LookupError) as error:
            problems.append(error)
        else:
            fit.append(task)
    if not problems:
        return fit, ""
    if not fit:
        raise problems[0]
    sentence = by_count(
        len(problems),
        "1 imported task is left out: {why}",
        "{count} imported tasks are left out: {why}",
        why=str(problems[0]),
    )
    return fit, sentence


async def send(
    engine: "Engine", tasks: list[Task], *, over_ceiling: bool = False
) -> str:
    """Queues tasks that were set aside: each is sent, and paid.

    Imported ones are planned anew. With `over_ceiling`, the user has agreed that they
    pass the ceilings.
    """

    async def send_one(task: Task) -> None:
        if task.imported:
            await engine.retry(task, over_ceiling=over_ceiling)
        else:
            await engine.watch(task.id, over_ceiling=over_ceiling)

    count = await _each(tasks, send_one)
    return by_count(
        count, "1 task queued to be sent.", "{count} tasks queued to be sent."
    )


async def retry(
    engine: "Engine", tasks: list[Task], *, over_ceiling: bool = False, undo: str = ""
) -> str:
    """Fetches finished images, or sends each failed task again, once.

    A task that was retried since the user saw it is not sent again. With
    `over_ceiling`, the user has agreed that they pass the ceilings. `undo` is the key
    that takes back what isn't sent yet.
    """
    free = [task for task in tasks if task.lacks_picture]
    paid = [task for task in tasks if not task.lacks_picture]
    paid.sort(key=lambda task: task.id)  # a task before those that wait for its picture
    await _each(free, lambda task: engine.watch(task.id))
    press = new_id()
    count = await _each(
        paid,
        lambda task: engine.retry(
            task,
            again=bool(task.retried_by),
            over_ceiling=over_ceiling,
            press=press,
        ),
    )
    if not count:
        return ""
    if engine.undo_send and undo:
        return by_count(
            count,
            "Sent again in {seconds}: {undo} takes it back.",
            "{count} tasks are sent again in {seconds}: {undo} takes them back.",
            seconds=duration(engine.undo_send),
            undo=undo,
        )
    return by_count(count, "1 task sent again.", "{count} tasks sent again.")


async def toggle_favourite(engine: "Engine", tasks: list[Task]) -> str:
    """Marks all tasks as favourites, or unmarks them where the first one is marked."""
    favourite = not tasks[0].favourite
    await _mark(engine, tasks, lambda task: {"favourite": favourite})
    name = marks.name_of(tasks[0])
    if favourite:
        return by_count(
            len(tasks), "Favourite: {name}.", "{count} favourites.", name=name
        )
    return by_count(
        len(tasks),
        "No favourite any more: {name}.",
        "{count} tasks are no favourites any more.",
        name=name,
    )


async def rate(
    engine: "Engine", pictures: Mapping[str, Collection[int]], rating: int
) -> str:
    """Rates pictures, by the ids of their tasks. Some of each must be named."""
    tasks = await engine.queue.named(list(pictures))

    def rate_one(task: Task) -> dict[str, Any]:
        return marks.rated(task, pictures[task.id], rating)

    await _mark(engine, tasks, rate_one)
    count = sum(len(indices) for indices in pictures.values())
    if not tasks or not count:
        return ""
    name = marks.name_of(tasks[0], min(pictures[tasks[0].id]))
    if rating > 0:
        return by_count(
            count,
            "Rated {rating}: {name}.",
            "Rated {rating}: {count} pictures.",
            rating=str(rating),
            name=name,
        )
    if rating == REJECTED:
        return by_count(
            count, "Rejected: {name}.", "Rejected: {count} pictures.", name=name
        )
    return by_count(
        count, "No rating: {name}.", "No rating: {count} pictures.", name=name
    )


async def tag(engine: "Engine", tasks: list[Task], tags: tuple[str, ...]) -> str:
    """Gives tasks these tags and no others."""
    await _mark(engine, tasks, lambda task: marks.tagged(task, tags))
    return ""


async def _mark(
    engine: "Engine", tasks: list[Task], fields_of: Callable[[Task], dict[str, Any]]
) -> None:
    """Marks tasks. Raises LeasedError where something was to change, and nothing did."""
    wanted = [task.id for task in tasks if fields_of(task)]
    if wanted and not await engine.marker.mark(wanted, fields_of):
        raise LeasedError


async def delete(engine: "Engine", tasks: list[Task], undo: str) -> str:
    """Deletes tasks with their files; `undo` is the key that brings them back.

    Raises LeasedError where none could be deleted.
    """
    deletion = await engine.marker.delete(tasks)
    count = len(deletion.tasks)
    if not count:
        raise LeasedError
    if deletion.moved and not deletion.kept:
        return by_count(
            count,
            "1 task and its files deleted. {undo} brings it back.",
            "{count} tasks and their files deleted. {undo} brings them back.",
            undo=undo,
        )
    deleted = by_count(
        count,
        "1 task deleted. {undo} brings it back.",
        "{count} tasks deleted. {undo} brings them back.",
        undo=undo,
    )
    return f"{deleted} {kept_files(deletion.kept)}".strip()


def kept_files(kept: list[str]) -> str:
    """Returns the sentence about files that a deletion leaves where they are, or ""."""
    if not kept:
        return ""
    return by_count(
        len(kept),
        "{name} is kept: changed since it was saved, or not saved by this program.",
        "{count} files are kept: changed since they were saved, or not saved by this"
        " program.",
        name=one_line(os.path.basename(kept[0]), 80),
    )


async def send_sooner(engine: "Engine", tasks: list[Task]) -> str:
    """Moves a waiting task up by one place."""
    moved = await engine.move(tasks[0], -1)
    return "" if moved else "Already the first of those that wait."


async def send_later(engine: "Engine", tasks: list[Task]) -> str:
    """Moves a waiting task down by one place."""
    moved = await engine.move(tasks[0], 1)
    return "" if moved else "Already the last of those that wait."


async def send_next(engine: "Engine", tasks: list[Task]) -> str:
    """Moves waiting tasks before all others, in their own order."""
    moved = [
        await engine.move(task, 0)
        for task in sorted(tasks, key=lambda task: task.turn, reverse=True)
    ]
    return "" if any(moved) else "Already the first of those that wait."


async def toggle_pause(engine: "Engine") -> str:
    """Pauses sending, or resumes it."""
    await engine.pause(not engine.state.paused)
    return ""


async def raise_limit(engine: "Engine") -> str:
    """Lets one more task be at the service at once."""
    engine.set_limit(engine.state.limit + 1)
    return f"{engine.state.limit} at once."


async def lower_limit(engine: "Engine") -> str:
    """Lets one task less be at the service at once."""
    engine.set_limit(engine.state.limit - 1)
    return f"{engine.state.limit} at once."


async def clear(engine: "Engine", undo: str) -> str:
    """Hides all finished tasks, not their files; `undo` is the key that brings them back."""
    ended = await engine.queue.search_all("is:shown status:ended")
    count = len(await engine.marker.clear(ended))
    if not count:
        return "No task has finished yet."
    return by_count(
        count,
        "1 task cleared. The history finds it; {undo} brings it back.",
        "{count} tasks cleared. The history finds them; {undo} brings them back.",
        undo=undo,
    )


async def undo(engine: "Engine") -> str:
    """Takes back what was done last: a job that isn't sent yet, a clear, a deletion, or a
    mark.
    """
    submitted = engine.just_submitted()
    if submitted.tasks and submitted.at >= await engine.marker.last_change():
        return await _take_back(engine, submitted.tasks)
    undone = await engine.marker.undo()
    count = len(undone.tasks)
    if not count:
        return "Nothing to undo."
    if undone.were_away:
        return by_count(count, "Brought back 1 task.", "Brought back {count} tasks.")
    return by_count(
        count,
        "Taken back: {mark}.",
        "Taken back: the marks of {count} tasks.",
        mark=undone.marks[0] if undone.marks else marks.name_of(undone.tasks[0]),
    )


async def _take_back(engine: "Engine", tasks: list[Task]) -> str:
    ids = [task.id for task in tasks]
    dropped = await engine.drop(ids)
    sent = sum(engine.tasks[task_id].status is not Status.DROPPED for task_id in ids)
    if not sent:
        return by_count(
            len(dropped),
            "Taken back: 1 request, nothing was sent.",
            "Taken back: {count} requests, nothing was sent.",
        )
    return by_count(
        len(dropped),
        "Taken back: 1 request; of the others, {sent} were sent and are billed.",
        "Taken back: {count} requests; of the others, {sent} were sent and are billed.",
        sent=f"{sent:,}",
    )


async def _each(tasks: list[Task], do: Callable[[Task], Awaitable[object]]) -> int:
    """Changes each task, even if others fail; returns how many were changed.

    Raises the first error if nothing was changed, and PartlyDoneError if only some
    tasks were.
    """
    done = 0
    problems: list[Exception] = []
    for task in tasks:
        try:
            await do(task)
        except RetriedError:
            continue
        except Exception as error:
            problems.append(error)
        else:
            done += 1
    if problems and not done:
        raise problems[0]
    if problems:
        raise PartlyDoneError(
            f"{done:,} of {done + len(problems):,} tasks done; the others are"
            f" unchanged: {problems[0]}"
        )
    return done
