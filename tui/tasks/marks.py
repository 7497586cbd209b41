"""What the user thinks of tasks and their pictures: ratings, tags, favourites."""

from collections.abc import Collection, Iterable
from typing import Any

from msgspec.structs import replace

from tui.tasks.task import LONGEST_TAG, MOST_TAGS, REJECTED, Result, Task
from tui.text import one_line

_LONGEST_NAME = 60


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


def name_of(task: Task, index: int | None = None) -> str:
    """Returns how a message names a task, or one of its pictures."""
    name = one_line(task.caption, _LONGEST_NAME)
    if index is None or len(task.results) < 2:
        return name
    return f"{name} ({index + 1} of {len(task.results)})"


def rating_word(rating: int) -> str:
    """Returns a rating as a message says it; "" for none."""
    if rating == REJECTED:
        return "rejected"
    return f"{rating} ★" if rating else ""


def undone_mark(now: Task, before: Task) -> str:
    """Returns which mark of which picture is gone once `before` is back, or ""."""
    for index, (result, former) in enumerate(
        zip(now.results, before.results, strict=False)
    ):
        if result.rating != former.rating:
            mark = rating_word(result.rating) or "no rating"
            return f"{mark}, {name_of(now, index)}"
    if now.favourite != before.favourite:
        mark = "favourite" if now.favourite else "no favourite"
        return f"{mark}, {name_of(now)}"
    if now.tags != before.tags:
        mark = one_line(", ".join(now.tags), _LONGEST_NAME) or "no tags"
        return f"{mark}, {name_of(now)}"
    return ""


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
