"""Snippets and wildcards: plain files that the user keeps beside the settings.

Each is read when it is asked for, so that a change counts at once. All methods block.
"""

import re
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

from tui.catalog import prompt_file
from tui.catalog.batch import MOST
from tui.catalog.wildcards import Wildcards, names_in
from tui.system.small_file import read_small_file
from tui.text import inert, invisible, one_line

_MOST_BYTES = 400_000
"""The largest file."""
_MOST_FILES = 100
"""Wildcards that a prompt may name, in itself and in their lines."""
_MOST_NAMES = 1000
"""Snippets that are offered."""
_SNIPPET = re.compile(r"([A-Za-z0-9_-]{1,60})\.txt")


class PromptFileProblem(Exception):
    """Why a file can't be used, as a sentence for the user."""


class PromptFiles:
    """The files of one settings folder."""

    def __init__(self, config: Path) -> None:
        self._snippets = config / "snippets"
        self._wildcards = config / "wildcards"

    def snippet_names(self) -> list[str]:
        """Returns the names of all snippets, in order."""
        try:
            found = [_SNIPPET.fullmatch(path.name) for path in self._snippets.iterdir()]
        except OSError:
            return []
        return sorted(name[1] for name in found if name)[:_MOST_NAMES]

    def snippet(self, name: str) -> str:
        """Returns the text of a snippet. Raises PromptFileProblem."""
        try:
            content = read_small_file(self._snippets / f"{name}.txt", _MOST_BYTES)
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise PromptFileProblem(
                f"snippets/{name}.txt is not UTF-8, so it can't be used."
            ) from error
        except OSError as error:
            raise PromptFileProblem(
                f"snippets/{name}.txt can't be read: {_reason(error)}."
            ) from error
        return inert(text).rstrip("\n")

    def wildcards(self, texts: Iterable[object]) -> Wildcards:
        """Returns what the wildcards stand for that prompts name, or their lines do."""
        lines: dict[str, list[str]] = {}
        problems: dict[str, str] = {}
        todo = [name for text in texts for name in names_in(text)]
        while todo:
            name = todo.pop()
            if name in lines or name in problems:
                continue
            if len(lines) + len(problems) >= _MOST_FILES:
                problems[name] = f"The prompt names more than {_MOST_FILES} wildcards."
                continue
            try:
                lines[name] = self._lines(name)
            except PromptFileProblem as problem:
                problems[name] = str(problem)
            else:
                todo += [inner for line in lines[name] for inner in names_in(line)]
        return Wildcards(lines, problems)

    def _lines(self, name: str) -> list[str]:
        """Returns the lines of a wildcard. Raises PromptFileProblem."""
        file = f"wildcards/{name}.txt"
        try:
            content = read_small_file(self._wildcards / f"{name}.txt", _MOST_BYTES)
            lines = [inert(line) for line in prompt_file.read(BytesIO(content))]
        except FileNotFoundError as error:
            raise PromptFileProblem(
                f"There is no file {file} in the folder of the settings. Write"
                f" \\__{name}__ for the word itself."
            ) from error
        except prompt_file.PromptFileError as error:
            raise PromptFileProblem(f"{file} {error}.") from error
        except OSError as error:
            raise PromptFileProblem(
                f"{file} can't be read: {_reason(error)}."
            ) from error
        lines = [line for line in lines if not (line[:1] == "#" or invisible(line))]
        if not lines:
            raise PromptFileProblem(f"{file} has no line to use.")
        if len(lines) > MOST:
            raise PromptFileProblem(f"{file} has more than {MOST:,} lines.")
        return lines


def _reason(error: OSError) -> str:
    return one_line(error.strerror or error)
