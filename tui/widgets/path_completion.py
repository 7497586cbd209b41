"""Paths as they are typed: reads folders, and completes names as a shell does."""

import os
import re
import shlex
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import unquote

from tui.text import file_size, plain

_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif")
_DIGITS = re.compile(r"([0-9]+)")
_MOST_DROPPED = 20_000  # characters


class Source(NamedTuple):
    """An image, or a folder, that can be chosen."""

    value: str
    """A real path or a URL."""
    name: str
    """The name as it is shown and typed; that of a folder ends with a slash."""
    note: str
    facts: str = ""
    folder: bool = False

    @property
    def hidden(self) -> bool:
        return os.path.basename(self.value).startswith(".")


class Folder(NamedTuple):
    """A folder that was read."""

    path: str
    sources: Sequence[Source] = ()
    problem: str = ""
    """The sentence that says why it can't be read."""


def is_url(text: str) -> bool:
    return bool(re.match("https?://.", text, re.IGNORECASE))


def dropped_images(text: str) -> list[str]:
    """Returns the paths in a text that consists of paths of local images, else nothing.

    Terminals paste files that are dropped on them as a path per line, as words quoted
    for a shell, or as `file:` addresses. May take long; raises nothing.
    """
    if len(text) > _MOST_DROPPED:
        return []
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    try:
        words = shlex.split(text)
    except ValueError:
        words = []  # an apostrophe
    for candidates in (lines, words):
        paths = [_absolute_path(text) for text in candidates]
        if paths and all(map(_is_image, paths)):
            return paths
    return []


def _absolute_path(path: str) -> str:
    address = re.match("file:(?://[^/]*)?(?=/)", path, re.IGNORECASE)
    if address:
        path = unquote(path[address.end() :], errors="surrogateescape")
    if path.startswith("~/"):
        path = os.path.expanduser(path)
    return os.path.abspath(path)


def _is_image(path: str) -> bool:
    return path.lower().endswith(_SUFFIXES) and os.path.isfile(path)


def split_path(text: str) -> tuple[str, str]:
    """Returns a typed path's folder, up to its last slash, and the start of a name."""
    if text in ("~", "..") or text.endswith("/.."):
        text += "/"
    folder, slash, name = text.rpartition("/")
    return folder + slash, name


def read_folder(start: str, folder: str) -> Folder:
    """Returns a folder's sub-folders and images, in natural order.

    A relative `folder` is taken from `start`, a folder or a file in one, or from the
    current folder if there is no such `start`. May take long; raises nothing.
    """
    path = folder
    try:
        path = os.path.realpath(os.path.join(_base(start), os.path.expanduser(folder)))
        with os.scandir(path) as entries:
            sources = [source for entry in entries if (source := _source(entry))]
    except (FileNotFoundError, NotADirectoryError):
        return Folder(path, problem="This folder doesn't exist.")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        return Folder(path, problem=f"This folder can't be read: {reason}.")
    sources.sort(key=_sort_key)
    return Folder(path, sources)


def _base(start: str) -> str:
    path = os.path.expanduser(start)
    if not os.path.isdir(path):
        path = os.path.dirname(path)
    return path if os.path.isdir(path) else ""


def starting_with(sources: Sequence[Source], name: str) -> list[Source]:
    """Returns the sources whose names start with `name`.

    Case is ignored unless some match exactly; hidden files need a leading dot.
    """
    with_hidden = name.startswith(".")
    visible = [source for source in sources if with_hidden or not source.hidden]
    exact = [source for source in visible if source.name.startswith(name)]
    if exact:
        return exact
    lower = name.lower()
    return [source for source in visible if source.name.lower().startswith(lower)]


def matching(sources: Sequence[Source], name: str) -> list[Source]:
    """Returns the sources whose names start with `name`, else those that contain it."""
    found = starting_with(sources, name)
    if found:
        return found
    visible = [source for source in sources if not source.hidden]
    return [source for source in visible if name.lower() in source.name.lower()]


def completed(sources: Sequence[Source], name: str) -> str:
    """Returns `name` with all that the names that start with it have in common."""
    names = [source.name for source in starting_with(sources, name)]
    common = os.path.commonprefix(names)  # noqa: RUF071 - of letters, as wanted
    return common if len(common) > len(name) else name


def _source(entry: os.DirEntry[str]) -> Source | None:
    name = re.sub(r"\s", " ", plain(entry.name))
    try:
        if entry.is_dir():
            return Source(entry.path, f"{name}/", "folder", folder=True)
        if entry.name.lower().endswith(_SUFFIXES) and entry.is_file():
            size = file_size(entry.stat().st_size)
            return Source(entry.path, name, size, f"{name} · {size}")
    except OSError:
        pass  # gone by now, or a link that leads nowhere
    return None


def _sort_key(source: Source) -> tuple[bool, list[str | int]]:
    # Every second part is a number, so that like is compared with like.
    parts: list[str | int] = list(_DIGITS.split(source.name.casefold()))
    parts[1::2] = [int(digits) for digits in parts[1::2]]
    return not source.folder, parts
