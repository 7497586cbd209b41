"""What the user thinks of tasks and their pictures: ratings, tags, favourites."""

from collections.abc import Collection, Iterable
from typing import Any

from msgspec.structs import replace

from tui.tasks.task import LONGEST_TAG, MOST_TAGS, Result, Task
from tui.text import one_line


def is_put_away(task: Task) -> bool:
    """Returns whether a task was cleared or deleted."""
    return task.cleared or task.deleted


def rated(task: Task, indices: Collection[int], rating: int) -> dict[str, Any]:
    """Returns the fields of a task that change if some of its pictures are rated."""
    results = tuple(
        replace(result, rating=rating) if index in indices else result
        for index, result in enumerate(task.results)
    )
    return {"results": results} if results != task.results else {}


def tagged(task: Task, tags: tuple[str, ...]) -> dict[str, Any]:
    """Returns the fields of a task that change if it gets those tags."""
    return {"tags": tags} if tags != task.tags else {}


def read_tags(text: str) -> tuple[str, ...]:
    """Returns the tags of a line, divided by commas: each once, in lower case."""
    words = (one_line(word).strip().casefold() for word in text.split(","))
    tags = dict.fromkeys(word[:LONGEST_TAG] for word in words if word)
    return tuple(tags)[:MOST_TAGS]


def undone_fields(now: Task, before: Task) -> dict[str, Any]:
    """Returns the fields that make a task what it was before it was marked."""
    return {
        "cleared": before.cleared,
        "deleted": before.deleted,
        "favourite": before.favourite,
        "tags": before.tags,
        "results": with_ratings(now.results, before.results),
    }


def with_ratings(
    now: tuple[Result, ...], before: Iterable[Result]
) -> tuple[Result, ...]:
    """Returns results with the ratings that they had; later ones stay as they are."""
    ratings = [result.rating for result in before]
    return tuple(
        replace(result, rating=ratings[index]) if index < len(ratings) else result
        for index, result in enumerate(now)
    )
