"""Runs pure Python work in a helper process: a thread would block the event loop.

The first work is done in this process, while the helper starts, and so is whatever
fails there.
"""

import importlib
import os
import pickle
import select
import subprocess
import sys
from collections.abc import Callable
from threading import Lock
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_IDLE = 60.0
"""Seconds without work after which the process ends and gives its memory back."""
_NICER_BY = 5
"""How much nicer than this process the helper is."""
_lock = Lock()
_helper: "_Helper | None" = None


def run_in_helper(function: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """Returns what the function returns, or raises what it raises. For threads.

    The function, its arguments and its result have to be such as can be pickled.
    """
    global _helper
    with _lock:
        try:
            _helper = _helper or _Helper(function.__module__)
            if _helper.ready():
                done: T = _helper.ask(function, args, options)
                return done
        except (
            Exception
        ):  # it has ended, or can't do this: the next call starts another
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
        """Returns whether it has started. Raises an error if it couldn't."""
        if self._ready:
            return True
        readable, _, _ = select.select([self._out], [], [], 0)
        if readable:
            self._ready = pickle.load(self._out)
        return self._ready

    def ask(self, *request: Any) -> Any:
        """Returns the result of a function with arguments and options."""
        pickle.dump(request, self._in)
        self._in.flush()
        return pickle.load(self._out)

    def end(self) -> None:
        """Kills the process and waits for its end."""
        self._process.kill()
        self._process.communicate()


def serve(idle: float, module: str) -> None:
    """Does the helper's work until its input ends, or for `idle` seconds none comes.

    Any error ends it too.
    """
    os.nice(_NICER_BY)
    importlib.import_module(module)  # nearly all that will be needed
    _answer(True)
    while True:
        readable, _, _ = select.select([sys.stdin], [], [], idle)
        if not readable:
            return
        try:
            function, args, options = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        _answer(function(*args, **options))


def _answer(result: Any) -> None:
    """Writes a result for the process that waits for it."""
    pickle.dump(result, sys.stdout.buffer)
    sys.stdout.flush()
