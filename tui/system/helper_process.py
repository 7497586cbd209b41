"""Runs work in helper processes: beside the event loop, and where it can be ended.

Pure Python work would block the event loop from a thread: see `run_in_helper`. Work on
files of strangers may take any time and memory: see `HelperPool`.
"""

import atexit
import contextlib
import importlib
import os
import pickle
import selectors
import subprocess
import sys
from collections.abc import Callable, Iterator
from threading import Condition, Lock
from typing import Any, NamedTuple, ParamSpec, TypeVar

from tui.system.environment import child_environment

P = ParamSpec("P")
T = TypeVar("T")

_IDLE = 60.0
"""Seconds without work after which the process ends and gives its memory back."""
_NICER_BY = 5
"""How much nicer than this process the helper is."""
_START = 60.0
"""Seconds that a process may take to start on a busy machine."""
_NO_ANSWER = (EOFError, OSError, pickle.UnpicklingError)
"""What is raised where the other process ends, or doesn't answer in time."""
_lock = Lock()
_helper: "_Helper | None" = None
_is_helper = False


class EndedError(Exception):
    """A helper process ended before its work did: it took too long, or too much."""


class InterruptedWorkError(Exception):
    """Nobody waits for the work any more; see `HelperPool.interrupt`."""


class Limits(NamedTuple):
    """What a piece of work may take; 0 for any amount."""

    cpu: int = 0
    """Seconds of computing."""
    seconds: float | None = None
    """Seconds of waiting."""
    memory: int = 0
    """Bytes of addresses that the process may have."""


_UNLIMITED = Limits()


def run_in_helper(function: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """Returns what the function returns, or raises what it raises. For threads.

    The function, its arguments and its result have to be such as can be pickled. The
    first work is done in this process, while the helper starts, and so is whatever
    fails there.
    """
    global _helper
    with _lock:
        try:
            _helper = _helper or _Helper(function.__module__)
            if _helper.ready():
                is_fine, answer = _helper.ask(function, args, options)
                if not is_fine:
                    raise answer
                done: T = answer
                return done
        except (
            Exception
        ):  # it has ended, or can't do this: the next call starts another
            if _helper:
                _helper.end()
            _helper = None
    return function(*args, **options)


class HelperPool:
    """A few helper processes for work that may have to be killed. For threads."""

    def __init__(self, module: str, limits: Limits, most: int = 2) -> None:
        """Starts nothing yet.

        `module` is what the work needs, and `most` the number of processes.
        """
        self._module = module
        self._limits = limits
        self._most = most
        self._changed = Condition()
        self._works: list[_Work] = []
        self._running = 0
        self._idle: list[_Helper] = []
        atexit.register(self.close)

    def run(self, function: Callable[..., T], about: object, *args: object) -> T:
        """Returns `function(about, *args)`, or raises what it raises.

        All of that has to be such as can be pickled. Raises EndedError where the work
        passes its limits, and InterruptedWorkError. Where no process can be started, or
        this one is a helper itself, the work is done here.
        """
        if _is_helper:
            return function(about, *args)
        work = _Work(about)
        with self._turn(work):
            while True:
                work.helper = self._helper_for(work)
                _check(work)  # an idle process was not yet known to `interrupt`
                if work.helper is None:
                    return function(about, *args)
                is_fine, answer = self._answer_of(work, function, (about, *args))
                if is_fine is None:
                    continue
                if not is_fine:
                    raise answer
                done: T = answer
                return done

    def interrupt(self, about: object) -> None:
        """Ends the work that is about this, if there is any."""
        with self._changed:
            for work in self._works:
                if work.about == about:
                    work.is_interrupted = True
                    if work.helper:
                        work.helper.kill()
            self._changed.notify_all()

    def close(self) -> None:
        """Kills all processes. Later work starts others."""
        with self._changed:
            for work in self._works:
                if work.helper:
                    work.helper.kill()
            while self._idle:
                self._idle.pop().end()

    @contextlib.contextmanager
    def _turn(self, work: "_Work") -> Iterator[None]:
        """Waits until there are few enough others. Raises InterruptedWorkError."""
        with self._changed:
            self._works.append(work)
            self._changed.wait_for(
                lambda: work.is_interrupted or self._running < self._most
            )
            self._running += 1
        try:
            _check(work)
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._works.remove(work)
                self._changed.notify_all()

    def _helper_for(self, work: "_Work") -> "_Helper | None":
        """Returns a process that is ready; None where none can be started.

        Raises InterruptedWorkError.
        """
        with self._changed:
            while self._idle:
                helper = self._idle.pop()
                if helper.is_waiting():
                    return helper
                helper.end()
        try:
            work.helper = _Helper(self._module, self._limits)
        except OSError:
            return None
        _check(work)
        with contextlib.suppress(*_NO_ANSWER):
            if work.helper.ready(_START):
                return work.helper
        work.helper.end()
        _check(work)
        return None

    def _answer_of(
        self, work: "_Work", function: Callable[..., Any], args: tuple[object, ...]
    ) -> tuple[bool | None, Any]:
        """Returns whether a function gave a result, and that or its error.

        None stands for a process that has ended meanwhile, because it had no work.
        """
        helper = work.helper
        assert helper
        try:
            answer = helper.ask(function, args, {}, self._limits.seconds)
        except BaseException as error:
            helper.end()
            _check(work)
            if helper.has_ended_idle:
                return None, None
            if isinstance(error, _NO_ANSWER):
                raise EndedError from error
            raise
        with self._changed:
            work.helper = None
            self._idle.append(helper)
        return answer


class _Work:
    """Work that waits for a process, or is done by one."""

    def __init__(self, about: object) -> None:
        self.about = about
        self.helper: _Helper | None = None
        self.is_interrupted = False


def _check(work: _Work) -> None:
    """Raises InterruptedWorkError for work that nobody waits for."""
    if work.is_interrupted:
        if work.helper:
            work.helper.end()
        raise InterruptedWorkError


class _Helper:
    """The other process, as seen from this one."""

    def __init__(self, module: str, limits: Limits = _UNLIMITED) -> None:
        work = f"serve({_IDLE}, {module!r}, {limits.cpu}, {limits.memory})"
        start = f"from {__name__} import serve; {work}"
        code = f"import sys; sys.path[:] = {sys.path!r}; {start}"
        self._process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # keys that interrupt or suspend are not for it
            env=child_environment(),
        )
        self._in: Any = self._process.stdin
        self._out: Any = self._process.stdout
        self._ready = False

    @property
    def has_ended_idle(self) -> bool:
        """Returns whether it ended by itself, because it had no work."""
        return self._process.returncode == 0

    def is_waiting(self) -> bool:
        """Returns whether it still waits for work: it ends when it has none."""
        return self._process.poll() is None and not _is_readable(self._out, 0)

    def ready(self, seconds: float = 0) -> bool:
        """Returns whether it has started. Raises an error if it couldn't."""
        if not self._ready and _is_readable(self._out, seconds):
            self._ready = pickle.load(self._out)  # nosec B301
        return self._ready

    def ask(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        options: dict[str, Any],
        seconds: float | None = None,
    ) -> tuple[bool, Any]:
        """Returns whether a function gave a result, and that or its error.

        Raises one of `_NO_ANSWER` where there is no answer.
        """
        pickle.dump((function, args, options), self._in)
        self._in.flush()
        if not _is_readable(self._out, seconds):
            raise TimeoutError
        answer: tuple[bool, Any] = pickle.load(self._out)  # nosec B301
        return answer

    def kill(self) -> None:
        """Kills the process, whose end another thread may wait for."""
        self._process.kill()

    def end(self) -> None:
        """Kills the process and waits for its end."""
        self._process.kill()
        with contextlib.suppress(OSError, ValueError):
            self._in.close()
        self._out.close()
        self._process.wait()


def _is_readable(stream: Any, seconds: float | None) -> bool:
    """Returns whether a stream has something to read, or its end, within that time."""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        return bool(selector.select(seconds))


def serve(idle: float, module: str, cpu: int = 0, memory: int = 0) -> None:
    """Does the helper's work until its input ends, or for `idle` seconds none comes.

    A piece of work ends the process when it takes more than `cpu` seconds of computing;
    more than `memory` bytes are refused.
    """
    global _is_helper
    _is_helper = True
    os.nice(_NICER_BY)
    importlib.import_module(module)  # nearly all that will be needed
    if memory:
        _set_limit("RLIMIT_AS", memory)
    _answer(True)
    while _is_readable(sys.stdin, idle):
        try:
            function, args, options = pickle.load(sys.stdin.buffer)  # nosec B301
        except EOFError:
            return
        if cpu:
            _set_limit("RLIMIT_CPU", int(sum(os.times()[:2])) + cpu + 1)
        try:
            answer = (True, function(*args, **options))
        except Exception as error:
            answer = (False, error)
        _answer(answer)


def _set_limit(name: str, amount: int) -> None:
    """Sets a limit of the system for this process, where the system has it."""
    import resource

    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError, ValueError):
        kind = getattr(resource, name)
        _, most = resource.getrlimit(kind)
        if most != resource.RLIM_INFINITY:
            amount = min(amount, most)
        resource.setrlimit(kind, (amount, most))


def _answer(result: Any) -> None:
    """Writes a result for the process that waits for it."""
    pickle.dump(result, sys.stdout.buffer)
    sys.stdout.flush()
