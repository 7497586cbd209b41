"""Runs commands of the program, each in a process of its own, and tells what they said.

The processes are forks of one that has loaded the program: a hundred of them take
seconds. `python -m tests.hostile.commands` is that one: it reads commands from stdin.
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.every_command import every_command

LOADED = (
    "tui.cli.doctor",
    "tui.cli.generate",
    "tui.cli.queue",
    "tui.demo.service",
    "tui.images.metadata",
    "tui.service.client",
    "tui.tasks.engine",
)
"""Modules that commands import when they need them."""
_CHECKOUT = Path(__file__).parent.parent.parent


class Said(NamedTuple):
    """What a command wrote, and its exit code."""

    code: int
    out: bytes
    err: bytes


def run(
    commands: Sequence[Sequence[str]], env: dict[str, str], stdin: bytes = b""
) -> list[Said]:
    """Runs commands one after the other, each with the same standard input."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "stdin").write_bytes(stdin)
        asked = json.dumps(
            [[os.fsencode(word).hex() for word in words] for words in commands]
        )
        ended = subprocess.run(
            [sys.executable, "-m", "tests.hostile.commands", folder],
            env=os.environ | {"PYTHONPATH": str(_CHECKOUT)} | env,
            cwd=env["HOME"],  # they write where they are told, and may be told "."
            input=asked.encode(),
            capture_output=True,
            timeout=120,
        )
        assert ended.returncode == 0, ended.stderr[-2000:]
        codes = json.loads(ended.stdout)
        return [
            Said(
                code,
                Path(folder, f"{number}.out").read_bytes(),
                Path(folder, f"{number}.err").read_bytes(),
            )
            for number, code in enumerate(codes)
        ]


def _serve(folder: Path) -> None:
    """Runs what stdin asks for, and prints the exit codes as JSON."""
    for module in LOADED:
        importlib.import_module(module)
    every_command()  # imports their modules
    from tui.cli import main as program

    codes = []
    for number, words in enumerate(json.load(sys.stdin)):
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            _lay_streams(folder, number)
            sys.argv[:] = [
                "runapi-tui",
                *(os.fsdecode(bytes.fromhex(word)) for word in words),
            ]
            try:
                program.main()
            except SystemExit as end:
                os._exit(end.code if isinstance(end.code, int) else 1)
            os._exit(99)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    print(json.dumps(codes))


def _lay_streams(folder: Path, number: int) -> None:
    for descriptor, name, flags in (
        (0, "stdin", os.O_RDONLY),
        (1, f"{number}.out", os.O_WRONLY | os.O_CREAT),
        (2, f"{number}.err", os.O_WRONLY | os.O_CREAT),
    ):
        file = os.open(folder / name, flags, 0o600)
        os.dup2(file, descriptor)
        os.close(file)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
