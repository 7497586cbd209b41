"""Saved searches: `name: words` on the lines of a plain file of the user's.

It is read when it is asked for, so that a change counts at once. All methods block.
"""

import re
from itertools import islice
from pathlib import Path

from tui.system import atomic_file
from tui.system.small_file import read_small_file
from tui.text import inert, one_line

FILE = "searches.txt"
_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}"
_ENTRY = re.compile(rf"({_NAME})[ \t]*:(.*)")
_LONGEST = 1000
"""Characters of a search."""
_MOST = 500
"""Searches that are listed."""
_MOST_BYTES = 200_000


class SearchProblem(Exception):
    """Why a search can't be found or saved, as a sentence for the user."""


class SavedSearches:
    """The searches of one settings folder."""

    def __init__(self, config: Path) -> None:
        self._file = config / FILE

    def load(self) -> dict[str, str]:
        """Returns what each name stands for, in the order of the file.

        Lines that are no search, such as comments, are left out. Raises SearchProblem.
        """
        return dict(islice(_entries(self._lines()).items(), _MOST))

    def find(self, name: str) -> str:
        """Returns what a name stands for. Raises SearchProblem."""
        saved = self.load()
        if name in saved:
            return saved[name]
        known = ", ".join(list(saved)[:10])
        others = f"There are: {known}." if known else "None is saved yet."
        raise SearchProblem(f"There is no saved search {one_line(name, 80)}. {others}")

    def save(self, name: str, line: str) -> None:
        """Saves a search, in place of one of the same name. Raises SearchProblem."""
        if not re.fullmatch(_NAME, name):
            raise SearchProblem(
                "The name of a search has letters, digits, - and _ alone, 60 at most."
            )
        words = _cleaned(line)
        if words.count('"') % 2:
            words += '"'  # or it would swallow what a command adds
        entry = f"{name}: {words}"
        if _entry(entry) is None:
            raise SearchProblem(
                f"A saved search has words, and at most {_LONGEST:,} characters."
            )
        lines = self._lines()
        places = [at for at, each in enumerate(lines) if _has_name(each, name)]
        if places:
            lines[places[0]] = entry
        else:
            lines.append(entry)
        kept = [each for at, each in enumerate(lines) if at not in places[1:]]
        if len(_content(kept)) > _MOST_BYTES or len(_entries(kept)) > _MOST:
            raise SearchProblem(f"{FILE} holds no more: delete a search first.")
        self._write(kept)

    def delete(self, name: str) -> None:
        """Deletes a search. Raises SearchProblem."""
        self._write([each for each in self._lines() if not _has_name(each, name)])

    def _lines(self) -> list[str]:
        try:
            text = read_small_file(self._file, _MOST_BYTES).decode("utf-8-sig")
        except FileNotFoundError:
            return []
        except UnicodeDecodeError as error:
            raise SearchProblem(f"{FILE} is not UTF-8, so it can't be used.") from error
        except OSError as error:
            raise SearchProblem(f"{FILE} can't be read: {_reason(error)}.") from error
        return text.removesuffix("\n").split("\n") if text else []

    def _write(self, lines: list[str]) -> None:
        try:
            atomic_file.make_private_folder(self._file.parent)
            with atomic_file.replacing(self._file) as file:
                file.write(_content(lines))
        except OSError as error:
            raise SearchProblem(f"{FILE} can't be saved: {_reason(error)}.") from error


def _content(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _entries(lines: list[str]) -> dict[str, str]:
    return dict(entry for entry in map(_entry, lines) if entry)


def _entry(line: str) -> tuple[str, str] | None:
    """Returns the name and the search of a line; None where it is something else."""
    found = _ENTRY.fullmatch(line.rstrip("\r"))
    text = _cleaned(found[2]) if found else ""
    if found is None or not text or len(text) > _LONGEST:
        return None
    return found[1], text


def _has_name(line: str, name: str) -> bool:
    entry = _entry(line)
    return entry is not None and entry[0] == name


def _cleaned(line: str) -> str:
    """Returns a search as one line that acts on no terminal."""
    return re.sub(r"[\t\n]", " ", inert(line)).strip()


def _reason(error: OSError) -> str:
    return one_line(error.strerror or error)
