"""Runs command lines in the shells of this machine, and tells what each program got."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_ODD = "-o rcquotes -o magicequalsubst -o extendedglob -o kshglob -o cshjunkiehistory"
SHELLS = {
    "sh": "sh",
    "dash": "dash",
    "bash": "bash --norc --noprofile",
    "bash typed": "bash --norc --noprofile --noediting -i",
    "zsh": "zsh -f",
    "zsh typed": "zsh -f -i",
    "zsh odd": f"zsh -f -i {_ODD}",
    "fish": "fish --no-config",
}
"""How each is started. One that is typed into expands history and knows no comments, as
at a prompt."""
_PROGRAMS = ("curl", "runapi-tui", "scp")
_RECORD = """#!/bin/sh
{ printf '%s\\0' "$(($# + 1))" "${0##*/}"; test $# = 0 || printf '%s\\0' "$@"; } >>"$RECORD"
"""


def each_shell() -> pytest.MarkDecorator:
    """Run a test in each shell; those that are not here are skipped."""
    shells = []
    for name, command in SHELLS.items():
        missing = not shutil.which(command.split()[0])
        skip = pytest.mark.skipif(missing, reason=f"there is no {name}")
        shells.append(pytest.param(name, id=name.replace(" ", "-"), marks=skip))
    return pytest.mark.parametrize("shell", shells)


def run(shell: str, lines: str, folder: Path) -> list[list[str]]:
    """Return the words of each program that these lines start, in their order.

    Fails if the lines made a file, or started anything else.
    """
    programs, place, record = folder / "bin", folder / "place", folder / "record"
    for made in (programs, place):
        made.mkdir(exist_ok=True)
    for name in _PROGRAMS:
        (programs / name).write_text(_RECORD)
        (programs / name).chmod(0o755)
    record.write_bytes(b"")
    env = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "RECORD": str(record),
        "RUNAPI_API_KEY": "sesame",
        "TERM": "dumb",
    }
    before = sorted(folder.rglob("*"))
    subprocess.run(
        SHELLS[shell].split(),
        input=f"{lines}\n".encode(),
        capture_output=True,
        check=False,
        cwd=place,
        env=env,
        timeout=60,
        start_new_session=True,
    )
    after = {path for path in folder.rglob("*") if path not in before}
    assert not {path for path in after if not _of_shell(path, folder)}
    return _commands(record.read_bytes().decode().split("\0")[:-1])


def _of_shell(path: Path, folder: Path) -> bool:
    """Return whether a shell made this for itself, as fish does in its home."""
    parts = path.relative_to(folder).parts
    return parts[0] in (".config", ".local", ".cache", ".bash_history")


def _commands(words: list[str]) -> list[list[str]]:
    commands: list[list[str]] = []
    while words:
        count = int(words[0])
        commands.append(words[1 : count + 1])
        del words[: count + 1]
    return commands
