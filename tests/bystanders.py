"""Watches the files that tests make: the program leaves them alone unless it is told to.

A test that hands files to the program, to upload, move, delete or write over, names
them by patterns: `@pytest.mark.hands_over("*.png")`. With any other file that a test
has made, the program does none of that.
"""

import io
import os
import sys
from collections.abc import Collection
from fnmatch import fnmatch
from pathlib import Path
from types import FrameType
from typing import Any

from PIL import Image

from tui.service.client import Client
from tui.service.public_file import PublicFile

_WRITES = os.O_WRONLY | os.O_RDWR
_CHECKOUT = Path(__file__).parent.parent
_PROGRAM = str(_CHECKOUT / "tui") + os.sep
_TESTS = str(_CHECKOUT / "tests") + os.sep
_OWN = ("*.db*", "*.log", "*/.*.part", "*/runapi/config.json", "/dev/*")
"""The queue and its companions, the log, the saved key, files that aren't whole yet,
and devices.
"""
_NO_IMAGE = "uploaded what is no image:"


class Bystanders:
    """Watches this process; other processes have to be watched by their tests."""

    def __init__(self) -> None:
        self._made_by_tests: set[str] = set()
        self._acts: list[tuple[str, str]] = []
        """What was done to which file."""
        sys.addaudithook(self._audit)
        self._watch_uploads()

    def forget(self) -> None:
        """Forgets the files of the test before."""
        self._made_by_tests.clear()
        self._acts.clear()

    def harmed(self, handed_over: Collection[str]) -> list[str]:
        """Returns what was done to files that match none of the patterns."""
        patterns = (*_OWN, *handed_over)
        return [
            f"{act} {path}"
            for act, path in self._acts
            if act is _NO_IMAGE or not _matches(path, patterns)
        ]

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        match event:
            case "open" if args[2] & _WRITES:
                self._note_written("written over", args[0])
            case "os.truncate":
                self._note_written("cut", args[0])
            case "os.remove":
                self._note_gone("deleted", args[0])
            case "os.rename":
                self._note_gone("moved", args[0])
                self._note_written("replaced", args[1])

    def _note_written(self, act: str, file: Any) -> None:
        path = _path(file)
        if not path:
            return
        by = _who()
        if by is _TESTS:
            self._made_by_tests.add(path)
        elif by is _PROGRAM and path in self._made_by_tests and os.path.exists(path):
            self._acts.append((act, path))

    def _note_gone(self, act: str, file: Any) -> None:
        path = _path(file)
        if path not in self._made_by_tests:
            return
        if _who() is _PROGRAM:
            self._acts.append((act, path))
        self._made_by_tests.discard(path)

    def _watch_uploads(self) -> None:
        send = Client.upload

        async def upload(
            client: Client, path: Path, content: bytes, checksum: str
        ) -> PublicFile:
            if _who() is _PROGRAM:
                act = "uploaded" if _is_image(content) else _NO_IMAGE
                self._acts.append((act, os.path.realpath(path)))
            return await send(client, path, content, checksum)

        Client.upload = upload  # type: ignore[method-assign,assignment]


def _matches(path: str, patterns: Collection[str]) -> bool:
    name = os.path.basename(path)
    return any(fnmatch(path, pattern) or fnmatch(name, pattern) for pattern in patterns)


def _path(file: Any) -> str:
    """Returns the real path of a file; "" for an open one."""
    if not isinstance(file, str | bytes | os.PathLike):
        return ""
    folder, name = os.path.split(os.path.abspath(os.fsdecode(file)))
    return os.path.join(os.path.realpath(folder), name)


def _who() -> str:
    """Returns the folder of the code that has begun what happens now.

    What a test asks for by a call is the test's own act; the app, the engine and their
    threads act by themselves.
    """
    began = ""
    frame: FrameType | None = sys._getframe(3)
    while frame is not None:
        file = frame.f_code.co_filename
        for folder in (_PROGRAM, _TESTS):
            if file.startswith(folder):
                began = folder
        frame = frame.f_back
    return began


def _is_image(content: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
    except Exception:
        return False
    return True
