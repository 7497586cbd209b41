"""Who watches a task, and whether that process still does.

A lease is a name and a moment. The name tells on which machine, since which start of
it, and in which process it was given, so that on the same machine a process that has
ended is noticed at once. Everywhere else the moment decides: the owner renews it while
it runs.
"""

import os
import socket
import time
import uuid
from functools import cache
from pathlib import Path
from typing import NamedTuple

LEASE = 10.0
"""Seconds after which a task whose watcher has gone silent may be taken over."""
MARGIN = 5.0
"""Seconds by which the clocks of two machines on one queue file may differ."""

_VERSION = "1"
_PROC = Path("/proc")
_TRUSTED_FOR = 0.2
"""Seconds for which a process that was found alive isn't looked for again."""
_alive_until: dict[str, float] = {}
_ended: set[str] = set()


class _Name(NamedTuple):
    """The parts of an owner's name. `boot` is empty where nothing is known but the
    host.
    """

    version: str
    host: str
    boot: str
    namespace: str
    process: str
    start: str
    chance: str


def owner_name() -> str:
    """A new name for a watcher in this process; no two are alike."""
    process = os.getpid()
    parts = _Name(
        _VERSION,
        socket.gethostname().replace(":", "-"),
        _boot(),
        _namespace(),
        str(process),
        _start_time(process),
        uuid.uuid4().hex,
    )
    return ":".join(parts)


def is_held(owner: str, lease_until: float, now: float) -> bool:
    """Whether a task with this lease is watched by a process that may still be there.

    A lease that ends later than one that is given now was written while a clock was
    ahead: it is none.
    """
    return bool(owner) and now <= lease_until <= latest_end(now) and not is_gone(owner)


def latest_end(now: float) -> float:
    """No lease that was given by now ends later."""
    return now + LEASE + MARGIN


def is_gone(owner: str) -> bool:
    """Whether the process of this name surely has ended. False wherever that can't be
    known.
    """
    if owner in _ended:
        return True
    now = time.monotonic()
    if _alive_until.get(owner, 0) > now:
        return False
    if _has_ended(owner):
        _ended.add(owner)
        return True
    if len(_alive_until) > 1000:
        _alive_until.clear()
    _alive_until[owner] = now + _TRUSTED_FOR
    return False


def _has_ended(owner: str) -> bool:
    parts = owner.split(":")
    if len(parts) != len(_Name._fields):
        return False
    name = _Name(*parts)
    if (
        name.version != _VERSION
        or not name.boot
        or not name.namespace
        or not name.start
    ):
        return False
    if (name.host, name.boot, name.namespace) != (
        socket.gethostname().replace(":", "-"),
        _boot(),
        _namespace(),
    ):
        return False
    if not (
        name.process.isdecimal()
        and name.process.isascii()
        and 0 < int(name.process) < 2**31
    ):
        return False
    process = int(name.process)
    try:
        os.kill(process, 0)  # not /proc alone: it may hide the processes of other users
    except ProcessLookupError:
        return True
    except OSError:
        return False  # another user's: it is there, and no more can be said
    start = _start_time(process)
    return start != "" and start != name.start


@cache
def _boot() -> str:
    return _read(_PROC / "sys" / "kernel" / "random" / "boot_id").replace(":", "-")


@cache
def _namespace() -> str:
    """In which numbers of processes and in whose time this process lives; empty where
    the system can't say.
    """
    try:
        processes = os.readlink(_PROC / "self" / "ns" / "pid")
    except OSError:
        return ""
    try:
        # The time of a start is told in it
        clock = os.readlink(_PROC / "self" / "ns" / "time")
    except OSError:  # a kernel before 5.6
        clock = ""
    return f"{processes}{clock}".replace(":", "-")


def _start_time(process: int) -> str:
    """When a process was started, in ticks since the machine was; empty where that
    can't be read.
    """
    stat = _read(_PROC / str(process) / "stat")
    # The name itself may have spaces and brackets
    after_name = stat.rpartition(")")[2].split()
    return after_name[19] if len(after_name) > 19 else ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
