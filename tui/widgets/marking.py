"""What the user has marked in a list, to act on all of it at once."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Marking(Generic[K]):
    """Marks in the order in which they were set."""

    def __init__(self) -> None:
        self._marks: dict[K, None] = {}
        self._last: K | None = None

    def __contains__(self, key: object) -> bool:
        return key in self._marks

    def __len__(self) -> int:
        return len(self._marks)

    @property
    def keys(self) -> list[K]:
        """What is marked, the first mark first."""
        return list(self._marks)

    def toggle(self, keys: Sequence[K]) -> None:
        """Marks all of these; unmarks them if they all are marked already."""
        if not keys:
            return
        if all(key in self._marks for key in keys):
            for key in keys:
                del self._marks[key]
            self._last = None
        else:
            self._marks.update(dict.fromkeys(keys))
            self._last = keys[-1]

    def extend(self, to: K, listed: Sequence[K]) -> None:
        """Marks all from the last mark to this one, in the order of the list."""
        if self._last not in listed or to not in listed:
            self._marks[to] = None
        else:
            start, end = sorted((listed.index(self._last), listed.index(to)))
            self._marks.update(dict.fromkeys(listed[start : end + 1]))
        self._last = to

    def clear(self) -> None:
        self._marks.clear()
        self._last = None

    def keep(self, listed: Iterable[K]) -> None:
        """Forgets the marks of what is no longer listed."""
        if not self._marks:
            return
        known = set(listed)
        for key in [key for key in self._marks if key not in known]:
            del self._marks[key]
