"""Paths as they are typed: what a folder holds, which names are meant, how a shell
would go on with them.
"""

import os
import re
import shlex
from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple
from urllib.parse import unquote

from tui.text import file_size, plain

_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif")
_DIGITS = re.compile(r"([0-9]+)")
_MOST_DROPPED = 20_000  # characters


class Source(NamedTuple):
    """What may be chosen. `value` is a real path or a URL; `name`, that of a folder
    with its slash, is fit to be shown and typed.
    """

    value: str
    name: str
    note: str
    facts: str = ""
    folder: bool = False

    @property
    def hidden(self) -> bool:
        return os.path.basename(self.value).startswith(".")


class Folder(NamedTuple):
    """A folder that was read; `problem` is the sentence that says why it could not be."""

    path: str
    sources: Sequence[Source] = ()
    problem: str = ""


def is_url(text: str) -> bool:
    return bool(re.match("https?://.", text, re.IGNORECASE))


def dropped(text: str) -> list[str]:
    """The image files of this machine whose paths are all that a text says, else
    nothing.

    So terminals paste files that are dropped on them: a path a line as it is, words
    quoted for a shell, or `file:` addresses. May take long; raises nothing.
    """
    if len(text) > _MOST_DROPPED:
        return []
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    try:
        words = shlex.split(text)
    except ValueError:
        words = []  # an apostrophe
    found = ([_local(path) for path in paths] for paths in (lines, words))
    return next((paths for paths in found if paths and all(map(_image, paths))), [])


def _local(path: str) -> str:
    address = re.match("file:(?://[^/]*)?(?=/)", path, re.IGNORECASE)
    path = unquote(path[address.end() :], errors="surrogateescape") if address else path
    return os.path.abspath(os.path.expanduser(path) if path.startswith("~/") else path)


def _image(path: str) -> bool:
    return path.lower().endswith(_SUFFIXES) and os.path.isfile(path)


def split(text: str) -> tuple[str, str]:
    """The folder of a typed path, up to its last slash, and what of a name follows."""
    if text in ("~", "..") or text.endswith("/.."):
        text += "/"
    folder, slash, name = text.rpartition("/")
    return folder + slash, name


def read(start: str, folder: str) -> Folder:
    """Sub-folders and images, in natural order. A relative `folder` is that of `start`,
    if this is a folder or a file in one, or of the current folder. May take long;
    raises nothing.
    """
    path = folder
    try:
        base = os.path.expanduser(start)
        base = base if os.path.isdir(base) else os.path.dirname(base)
        path = os.path.realpath(
            os.path.join(
                base if os.path.isdir(base) else "", os.path.expanduser(folder)
            )
        )
        with os.scandir(path) as items:
            sources = [source for item in items if (source := _source(item))]
    except (FileNotFoundError, NotADirectoryError):
        return Folder(path, problem="There is no such folder.")
    except (OSError, ValueError) as error:
        return Folder(
            path,
            problem=f"This folder can't be read: {getattr(error, 'strerror', None) or error}.",
        )
    return Folder(path, sorted(sources, key=_order))


def beginning(sources: Sequence[Source], name: str) -> list[Source]:
    """Those that begin with what is typed; case matters where it tells names apart,
    hidden ones need a dot.
    """
    seen = [source for source in sources if name.startswith(".") or not source.hidden]
    exact = [source for source in seen if source.name.startswith(name)]
    return exact or [
        source for source in seen if source.name.lower().startswith(name.lower())
    ]


def matching(sources: Sequence[Source], name: str) -> list[Source]:
    """Those that begin with what is typed, else those that contain it."""
    inside = (
        source
        for source in sources
        if name.lower() in source.name.lower() and not source.hidden
    )
    return beginning(sources, name) or list(inside)


def completed(sources: Sequence[Source], name: str) -> str:
    """`name`, continued for as long as all that begin with it agree."""
    names = [source.name for source in beginning(sources, name)]
    agreed = sum(
        1
        for _ in takewhile(
            lambda letters: len(set(letters)) == 1, zip(*names, strict=False)
        )
    )
    return names[0][:agreed] if agreed > len(name) else name


def _source(item: os.DirEntry[str]) -> Source | None:
    name = re.sub(r"\s", " ", plain(item.name))
    try:
        if item.is_dir():
            return Source(item.path, f"{name}/", "folder", folder=True)
        if item.name.lower().endswith(_SUFFIXES) and item.is_file():
            size = file_size(item.stat().st_size)
            return Source(item.path, name, size, f"{name} · {size}")
    except OSError:
        pass  # gone by now, or a link that leads nowhere
    return None


def _order(source: Source) -> tuple[bool, list[str | int]]:
    # Every second part is a number, so that like is compared with like.
    parts = _DIGITS.split(source.name.casefold())
    return not source.folder, [
        int(part) if index % 2 else part for index, part in enumerate(parts)
    ]
