"""Work that lasts until a test lets it end, or that ends its process."""

import os
import signal
from pathlib import Path


def read(pipe: Path, *_: object) -> bytes:
    """What comes through the pipe, once its other side is open."""
    return pipe.read_bytes()


def read_beside(path: Path) -> bytes:
    """The same for the pipe beside a file."""
    return read(path.parent / "pipe")


def until_read(pipe: Path) -> int:
    """The other side of a pipe that somebody reads by now: it waits for that."""
    return os.open(pipe, os.O_WRONLY)


def be_killed(*_: object) -> None:
    """What a system does to work that takes too much."""
    os.kill(os.getpid(), signal.SIGKILL)
