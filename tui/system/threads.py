"""Threads for which the end of the program waits a moment at most."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

GRACE = 1.0
"""Seconds for which the end waits, so that quick work is done whole."""


class AbandonedPool(ThreadPoolExecutor):
    """Runs work in a few threads, as its base does; slow work is abandoned at the end.

    Python's own pool is waited for when a loop is closed and when the program ends,
    however long its work takes. What must be done is awaited by whoever asks for it.
    """

    def __init__(self, most: int, name: str) -> None:
        super().__init__(most, name)
        self._most = most
        self._name = name
        self._waiting: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._unfinished: set[Future[Any]] = set()
        self._idle = threading.Semaphore(0)
        self._started = 0
        self._has_ended = False
        self._starting = threading.Lock()

    def submit(
        self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        """Returns the future result of a function. Raises RuntimeError after the end."""
        if self._has_ended:
            raise RuntimeError("The pool of threads has ended.")
        future: Future[T] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        self._unfinished.add(future)
        future.add_done_callback(self._unfinished.discard)
        self._waiting.put(work)
        self._start_thread()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Lets the threads end when their work does; waits for `GRACE` at most."""
        with self._starting:
            self._has_ended = True
            for _ in range(self._started):
                self._waiting.put(None)
        if wait:
            wait_for(self._unfinished.copy(), GRACE)

    def _start_thread(self) -> None:
        """Starts a thread unless one is idle, or there are enough."""
        with self._starting:
            if self._idle.acquire(blocking=False) or self._started == self._most:
                return
            self._started += 1
            name = f"{self._name}_{self._started}"
            threading.Thread(target=self._serve, name=name, daemon=True).start()

    def _serve(self) -> None:
        """Does work until the pool ends."""
        while (work := self._waiting.get()) is not None:
            work()
            del work  # what it holds may be large
            self._idle.release()
