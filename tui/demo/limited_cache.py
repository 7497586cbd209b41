"""A dict of limited weight."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class LimitedCache(Generic[K, V]):
    """Holds values up to `limit`; what was used longest ago makes room. Safe between
    threads.
    """

    def __init__(self, limit: int, weigh: Callable[[V], int] = lambda value: 1) -> None:
        self._limit = limit
        self._weigh = weigh
        self._weight = 0
        self._values: OrderedDict[K, V] = OrderedDict()
        self._lock = Lock()

    def put(self, key: K, value: V) -> None:
        with self._lock:
            self._remove(key)
            self._values[key] = value
            self._weight += self._weigh(value)
            while self._weight > self._limit and len(self._values) > 1:
                self._remove(next(iter(self._values)))

    def get(self, key: K) -> V | None:
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def pop(self, key: K) -> V | None:
        with self._lock:
            return self._remove(key)

    def _remove(self, key: K) -> V | None:
        value = self._values.pop(key, None)
        if value is not None:
            self._weight -= self._weigh(value)
        return value
