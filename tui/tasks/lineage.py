"""Which pictures a task was made from, and which were made from its own."""

import os
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

from tui.tasks.task import Task

MOST_NAMES = 100
"""Names of pictures that are looked for at once."""
_LONGEST_NAME = 255
_DEPTH = 5
"""Generations that are followed, up and down."""
_MOST = 60
"""Tasks of a family, at most."""

Find = Callable[[list[str]], Awaitable[list[Task]]]
"""Returns the tasks that made or used files of these names."""


class Relative(NamedTuple):
    """A task or a missing source, and how far it is from the one that was asked about."""

    generation: int
    """Below 0 for what it was made from, above 0 for what was made from it."""
    name: str
    """The file or address of a source; empty for what was made from others."""
    task: Task | None
    """The task that made it; None where that isn't known."""


def sources(task: Task) -> list[str]:
    """Returns the paths and addresses of the pictures that a task works from."""
    found: dict[str, None] = {}
    for name, value in task.values.items():
        if name.endswith(("_url", "_urls")):
            items = value if isinstance(value, list) else [value]
            found.update((item, None) for item in items if isinstance(item, str))
    return [text for text in found if text]


def name_of(source: str) -> str:
    """Returns the last part of a path or address as text, which it need not be."""
    name = os.path.basename(source.partition("?")[0])
    name = " ".join(name.split())[:_LONGEST_NAME]
    return name.encode(errors="replace").decode()


def picture_names(task: Task) -> str:
    """Returns the names of a task's own files and sources, each on its own line."""
    names = dict.fromkeys(map(name_of, (*task.files, *sources(task))))
    return "".join(f"\n{name}\n" for name in list(names)[:MOST_NAMES] if name)


async def family(task: Task, find: Find) -> list[Relative]:
    """Returns what a task was made from and what was made from it, the oldest first."""
    seen = {task.id}
    older = await _older(task, find, seen)
    younger = await _younger(task, find, seen)
    return [*reversed(older), Relative(0, "", task), *younger]


async def _older(task: Task, find: Find, seen: set[str]) -> list[Relative]:
    found: list[Relative] = []
    generation = [task]
    for depth in range(1, _DEPTH + 1):
        wanted = [source for known in generation for source in sources(known)]
        makers = _by_file(await find([name_of(source) for source in wanted]))
        generation = []
        for source in dict.fromkeys(wanted):
            maker = makers.get(source)
            if maker and maker.id in seen:
                continue
            found.append(Relative(-depth, source, maker))
            if maker:
                seen.add(maker.id)
                generation.append(maker)
        if not generation or len(found) >= _MOST:
            break
    return found[:_MOST]


async def _younger(task: Task, find: Find, seen: set[str]) -> list[Relative]:
    found: list[Relative] = []
    generation = [task]
    for depth in range(1, _DEPTH + 1):
        files = {file for known in generation for file in known.files}
        near = await find([name_of(file) for file in files])
        generation = [
            child
            for child in near
            if child.id not in seen and files.intersection(sources(child))
        ]
        seen.update(child.id for child in generation)
        found += [Relative(depth, "", child) for child in generation]
        if not generation or len(found) >= _MOST:
            break
    return found[:_MOST]


def _by_file(tasks: Iterable[Task]) -> dict[str, Task]:
    return {file: task for task in tasks for file in task.files}
