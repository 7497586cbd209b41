"""Paths as they are typed: reads folders, and completes names as a shell does."""

import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from tui.text import by_count, file_size, is_inert_line, one_line, plain

_SUFFIXES = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif"),
    ".avif",
)
_DIGITS = re.compile(r"([0-9]+)")
_MOST_DROPPED = 20_000  # characters
_ADDRESS = re.compile("file:(?://[^/]*)?(?=/)", re.IGNORECASE)


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


class Drop(NamedTuple):
    """Files that were dropped on the terminal."""

    images: list[str]
    problem: str = ""
    """The sentence that names those that are no images."""


def read_drop(text: str) -> Drop | None:
    """Returns what was dropped if a text consists of paths of local files, else None.

    Terminals paste files that are dropped on them as a path per line, as words quoted
    for a shell, or as `file:` addresses. A name that isn't that of an image counts only
    with its whole path: a word of a prompt may be the name of a file. May take long;
    raises nothing.
    """
    if len(text) > _MOST_DROPPED:
        return None
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    try:
        words = shlex.split(text)
    except ValueError:
        words = []  # an apostrophe
    for candidates in (lines, words):
        if candidates and all(map(_is_dropped, candidates)):
            paths = [_absolute_path(text) for text in candidates]
            images = [path for path in paths if _is_usable(path)]
            return Drop(images, _unused([path for path in paths if path not in images]))
    return None


def _is_dropped(text: str) -> bool:
    """Returns whether a text is the path of a file, as a terminal writes it."""
    path = _absolute_path(text)
    if _has_image_name(path) and os.path.isfile(path):
        return True
    is_whole = text.startswith(("/", "~/")) or _ADDRESS.match(text)
    is_folder_of_all = path.strip("/") == "" or path == os.path.expanduser("~")
    return bool(is_whole) and not is_folder_of_all and os.path.exists(path)


def _unused(paths: list[str]) -> str:
    """Returns why files aren't used, or nothing where there are none."""
    if not paths:
        return ""
    name = one_line(os.path.basename(paths[0]), 80)
    if len(paths) == 1 and os.path.isdir(paths[0]):
        return f"{name} is a folder, so it was not used."
    if not all(map(is_inert_line, paths)):
        return by_count(
            len(paths),
            "{name} was not used: its path has characters that are not shown. Rename"
            " it.",
            "{count} files were not used, such as {name}: their paths have characters"
            " that are not shown, or they are no images.",
            name=name,
        )
    return by_count(
        len(paths),
        "{name} is not a PNG, JPEG, WebP or GIF image, so it was not used.",
        "{count} files are not PNG, JPEG, WebP or GIF images, so they were not used:"
        " {name} and others.",
        name=name,
    )


def _absolute_path(path: str) -> str:
    address = _ADDRESS.match(path)
    if address:
        path = unquote(path[address.end() :], errors="surrogateescape")
    if path.startswith("~/"):
        path = os.path.expanduser(path)
    return os.path.abspath(path)


def _is_usable(path: str) -> bool:
    return is_inert_line(path) and _is_image(path)


def _is_image(path: str) -> bool:
    """Returns whether a file is an image by its name, or else by how it begins."""
    if _has_image_name(path):
        return os.path.isfile(path)
    from tui.images.files import UPLOADED, ImageError, measure  # rarely needed

    try:
        return measure(Path(path)).format in UPLOADED
    except ImageError:
        return False


def _has_image_name(path: str) -> bool:
    return path.lower().endswith(_SUFFIXES)


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
