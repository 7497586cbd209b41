"""Exports pictures to a folder: their files, a contact sheet, and what made them.

Nothing that is there is replaced, and no file is seen before it is whole. What can't be
exported is reported; the rest is.
"""

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tui.exchange import task_sheet
from tui.exchange.pictures import Picture
from tui.images import contact_sheet
from tui.system import atomic_file
from tui.tasks.task import Result
from tui.text import inert_json, one_line

SHEET = "sheet.png"
LIST = "picks.jsonl"
_PRIVATE = 0o600
"""Permissions of the list: it holds prompts, and what they have cost."""
_MOST_BYTES = 1_000_000_000  # of a picture: no larger one is fetched
_BLOCK = 1 << 20


class ExportError(Exception):
    """The folder can't be used; the text is for the user."""


class _NotExportedError(Exception):
    """Why one picture is not exported, as a sentence."""


@dataclass
class Export:
    """What is in the folder now."""

    folder: Path
    files: list[Path] = field(default_factory=list)
    """The pictures, one for each that was exported."""
    known: int = 0
    """How many of them were there already, byte for byte."""
    sheet: Path | None = None
    not_on_sheet: int = 0
    """How many pictures are more than a sheet can have."""
    listing: Path | None = None
    """The list of the pictures: a JSON object a line."""
    problems: list[str] = field(default_factory=list)
    """A sentence for whatever is missing."""


@dataclass(frozen=True)
class _Copy:
    """A picture, whose file is in the folder now."""

    picture: Picture
    path: Path
    sha256: str


def export(pictures: Iterable[Picture], folder: Path) -> Export:
    """Exports the pictures that have files. Blocks; raises ExportError."""
    done = Export(folder)
    try:
        atomic_file.make_folder(folder)
        # On its file system, and gone afterwards with whatever isn't whole
        with tempfile.TemporaryDirectory(prefix=".", dir=folder) as place:
            copies = list(_copies(pictures, Path(place), done))
            if copies:
                _save_sheet(copies, Path(place), done)
                _save_list(copies, Path(place), done)
    except OSError as error:
        raise ExportError(
            f"Nothing can be written to {one_line(folder)}: {_reason(error)}."
        ) from error
    atomic_file.sync_folder(folder)
    return done


def _copies(pictures: Iterable[Picture], place: Path, done: Export) -> Iterable[_Copy]:
    for picture in pictures:
        result = picture.result
        if result is None or picture.path is None:
            continue
        name = one_line(picture.path.name, 80)
        try:
            path, digest = _copied(picture.path, result, place, done)
        except _NotExportedError as error:
            done.problems.append(str(error))
        except OSError as error:
            done.problems.append(f"{name} is not exported: {_reason(error)}.")
        else:
            done.files.append(path)
            yield _Copy(picture, path, digest)


def _copied(
    source: Path, result: Result, place: Path, done: Export
) -> tuple[Path, str]:
    """Copies a picture into the folder; returns its path there and its digest.

    Raises _NotExportedError and OSError.
    """
    part = place / "picture.part"
    try:
        digest = _copy(source, part)
        kind = result.format
        if digest != result.sha256 or not kind:  # it was changed: it may be anything
            kind = _format(part, source)
        atomic_file.sync_file(part)
        path, was_there = _placed(part, done.folder / _name(source, kind))
    finally:
        part.unlink(missing_ok=True)
    done.known += was_there
    return path, digest


def _copy(source: Path, part: Path) -> str:
    """Copies a file and returns its digest. Raises _NotExportedError and OSError."""
    # Opening a pipe must not wait
    descriptor = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    digest = hashlib.sha256()
    with open(descriptor, "rb") as file, open(part, "xb") as copy:
        known = os.fstat(descriptor)
        name = one_line(source.name, 80)
        if not stat.S_ISREG(known.st_mode):
            raise _NotExportedError(f"{name} is not exported: it is not a file.")
        if known.st_size > _MOST_BYTES:
            raise _NotExportedError(f"{name} is not exported: it is too large.")
        left = _MOST_BYTES
        while left > 0 and (block := file.read(min(_BLOCK, left))):
            digest.update(block)
            copy.write(block)
            left -= len(block)
    return digest.hexdigest()


def _format(part: Path, source: Path) -> str:
    """Returns the format of an image. Raises _NotExportedError for anything else."""
    from tui.images import files

    try:
        return files.inspect(part).format
    except files.ImageError as error:
        name = one_line(source.name, 80)
        raise _NotExportedError(
            f"{name} is not exported: it is not an image any more."
        ) from error


def _name(source: Path, kind: str) -> str:
    """Returns a harmless name for a copy: that of the file, where it is one of ours."""
    from tui.images import files

    if files.may_be_ours(source.name, kind):
        return source.name
    return files.safe_stem(source.stem) + files.suffix_of(kind)


def _placed(part: Path, target: Path) -> tuple[Path, bool]:
    """Gives a copy its name, or finds that the same file is there already.

    Returns its path, and whether it was there. Raises OSError.
    """
    for path in atomic_file.numbered(target):
        if _is_same(part, path):
            return path, True
        try:
            atomic_file.give_name(part, path)
        except FileExistsError:
            continue
        return path, False
    raise AssertionError("numbers never end")


def _is_same(part: Path, path: Path) -> bool:
    """Returns whether a file, which is no link, has the content of `part`."""
    try:
        known = path.lstat()
    except OSError:
        return False
    if not stat.S_ISREG(known.st_mode) or known.st_size != part.stat().st_size:
        return False
    try:
        with path.open("rb") as there, part.open("rb") as here:
            while block := here.read(_BLOCK):
                if there.read(_BLOCK) != block:
                    return False
    except OSError:
        return False
    return True


def _save_sheet(copies: list[_Copy], place: Path, done: Export) -> None:
    from tui.images.files import ImageError

    most = contact_sheet.MOST_PICTURES
    done.not_on_sheet = max(0, len(copies) - most)
    shown = [replace(copy.picture, path=copy.path) for copy in copies[:most]]
    sheet = task_sheet.grid(shown)
    try:
        saved = contact_sheet.save(sheet.table, place / SHEET)
        done.sheet, _ = _placed(saved.path, done.folder / SHEET)
    except ImageError as error:
        done.problems.append(str(error))
    except OSError as error:
        done.problems.append(f"{SHEET} can't be written: {_reason(error)}.")
    else:
        done.problems += saved.problems.values()


def _save_list(copies: list[_Copy], place: Path, done: Export) -> None:
    part = place / "list.part"
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
        with open(descriptor, "wb") as file:
            for copy in copies:
                file.write(f"{inert_json(_facts(copy))}\n".encode())
        atomic_file.sync_file(part)
        done.listing, _ = _placed(part, done.folder / LIST)
    except OSError as error:
        done.problems.append(f"{LIST} can't be written: {_reason(error)}.")


def _facts(copy: _Copy) -> dict[str, Any]:
    """Returns what the list says of a picture: no folder of this machine, no secret."""
    from tui.tasks import provenance  # loads Pillow

    task = copy.picture.task
    told = provenance.facts_of(task)
    cost = None if task.cost_micro is None else task.cost_micro / 1_000_000
    return {
        "file": copy.path.name,
        "id": task.id,
        "picture": (copy.picture.index or 0) + 1,
        "task_id": task.remote_id or None,
        "action": task.action,
        "model": task.model,
        "values": told.values,
        "cost_usd": cost,
        "rating": copy.picture.rating,
        "tags": list(task.tags),
        "favourite": task.favourite,
        "sha256": copy.sha256,
    }


def _reason(error: OSError) -> str:
    return (error.strerror or "unknown reason").lower()
