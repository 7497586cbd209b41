"""Edits a text in the user's own editor, to which the app has left the terminal."""

import os
import secrets
import shlex
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tui.catalog.request import LONGEST_TEXT
from tui.system import atomic_file
from tui.system.environment import child_environment
from tui.system.small_file import read_small_file
from tui.text import inert, one_line

LONGEST = LONGEST_TEXT
"""Characters of a text that comes back, at most."""
_AT_ONCE = 1.0
"""Seconds within which nobody edits: the editor has opened a window of its own."""


class EditorError(Exception):
    """Why a text stays as it was; a sentence for the user."""


def command(env: Mapping[str, str] = os.environ) -> list[str]:
    """Returns the command of the user's editor. Raises EditorError."""
    written = env.get("VISUAL", "").strip() or env.get("EDITOR", "").strip()
    if not written:
        raise EditorError(
            "No editor is set. Set VISUAL or EDITOR, such as `export EDITOR=nano`."
        )
    try:
        return shlex.split(written)
    except ValueError as error:
        raise EditorError(
            f"VISUAL or EDITOR has a quote without an end: {one_line(written, 80)}"
        ) from error


def edit(text: str, command: Sequence[str], folder: Path) -> str:
    """Returns a text as the editor has left it, with what a terminal obeys removed.

    The text is in a private file below `folder` meanwhile. What was saved and can't be
    used stays there. Blocks until the editor ends. Raises EditorError.
    """
    name = one_line(command[0], 80)
    try:
        atomic_file.make_private_folder(folder)
        # The editor's own copies and swap files go with the folder.
        with tempfile.TemporaryDirectory(prefix="edit-", dir=folder) as private:
            file = Path(private) / "prompt.txt"
            file.touch(mode=0o600)
            before = (f"{text}\n" if text else "").encode(errors="replace")
            file.write_bytes(before)
            started = time.monotonic()
            try:
                _run(command, file)
                edited = _decoded(read_small_file(file, 4 * LONGEST), name)
            except (EditorError, OSError) as error:
                kept = _keep(file, before, folder)
                sentence = f"{_sentence(error, name)} {kept}".strip()
                raise EditorError(sentence) from error
            is_quick = time.monotonic() - started < _AT_ONCE
    except OSError as error:
        raise EditorError(_sentence(error, name)) from error
    if edited == text and is_quick:
        raise EditorError(
            f"{name} ended at once and changed nothing. If it opens a window of its own,"
            " it needs an option such as `--wait`."
        )
    return edited


def _sentence(error: EditorError | OSError, name: str) -> str:
    if isinstance(error, EditorError):
        return str(error)
    reason = one_line(error.strerror or error)
    return f"The text can't be edited in {name}: {reason}. It is unchanged."


def _keep(file: Path, before: bytes, folder: Path) -> str:
    """Keeps a file that has changed, and says where; empty if it hasn't."""
    size = file.stat().st_size if file.is_file() else 0
    if not size or (size == len(before) and file.read_bytes() == before):
        return ""
    file.chmod(0o600)  # an editor may have made a file of its own
    kept = (
        folder / f"prompt-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}.txt"
    )
    file.replace(kept)
    return f"What was saved is in {one_line(kept, 200)}."


def _run(command: Sequence[str], file: Path) -> None:
    """Raises EditorError where the editor fails, OSError where it can't be started."""
    done = subprocess.run([*command, str(file)], env=child_environment(), check=False)
    name = one_line(command[0], 80)
    if done.returncode < 0:
        raise EditorError(
            f"{name} was ended by signal {-done.returncode}. The text is unchanged."
        )
    if done.returncode:
        raise EditorError(
            f"{name} ended with code {done.returncode}. The text is unchanged."
        )


def _decoded(content: bytes, name: str) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise EditorError(
            f"{name} did not save UTF-8. The text is unchanged."
        ) from error
    text = inert(text).removesuffix("\n")
    if len(text) > LONGEST:
        raise EditorError(
            f"The text is longer than {LONGEST:,} characters. It is unchanged."
        )
    return text
