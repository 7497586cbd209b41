"""Work that is all Python, given to a process beside this one: in a thread it would
hold up the event loop.

The first of it is done here, while the other process starts, and so is whatever goes
wrong there.
"""

import importlib
import os
import pickle
import select
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_IDLE = 60.0
"""Seconds without work after which the process ends and gives its memory back."""
_LESS = 5
"""How much nicer than this process it is."""
_lock = Lock()
_helper: "_Helper | None" = None


def run_in_helper(function: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """What the function gives. It and all that it takes and gives can be pickled; for
    threads.
    """
    global _helper
    with _lock:
        try:
            _helper = _helper or _Helper(function.__module__)
            if _helper.ready():
                done: T = _helper.ask(function, args, options)
                return done
        except Exception:  # it has ended, or can't do this: the next one starts another
            if _helper:
                _helper.end()
            _helper = None
    return function(*args, **options)


class _Helper:
    """The other process, as seen from this one."""

    def __init__(self, module: str) -> None:
        start = f"from {__name__} import serve; serve({_IDLE}, {module!r})"
        code = f"import sys; sys.path[:] = {sys.path!r}; {start}"
        self._process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # keys that interrupt or suspend are not for it
        )
        self._in: Any = self._process.stdin
        self._out: Any = self._process.stdout
        self._ready = False

    def ready(self) -> bool:
        """Whether it has started. Raises if that has failed."""
        if not self._ready and select.select([self._out], [], [], 0)[0]:
            self._ready = pickle.load(self._out)
        return self._ready

    def ask(self, *request: Any) -> Any:
        pickle.dump(request, self._in)
        self._in.flush()
        return pickle.load(self._out)

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


def serve(idle: float, module: str) -> None:
    """The other process: until its input ends, nothing was asked for so many seconds,
    or something fails.
    """
    os.nice(_LESS)
    importlib.import_module(module)  # nearly all that will be needed
    _give(True)
    with suppress(EOFError):
        while select.select([sys.stdin], [], [], idle)[0]:
            function, args, options = pickle.load(sys.stdin.buffer)
            _give(function(*args, **options))


def _give(done: Any) -> None:
    pickle.dump(done, sys.stdout.buffer)
    sys.stdout.flush()
