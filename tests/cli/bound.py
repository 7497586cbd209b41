"""Runs commands in a sandbox, each in a fork of one process, and tells how they ended.

`python -m tests.cli.bound BOUND…` reads command lines as JSON from stdin. BOUND is a
function of tests/sandbox.py.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests import sandbox

LONGEST = 40
"""Seconds after which a command is killed; the machine may be busy."""


class Ended(NamedTuple):
    """How a command ended; the code is negative where it had to be killed."""

    code: int
    out: str
    err: str
    seconds: float


def run(
    commands: Sequence[Sequence[str]], bounds: Sequence[str], env: dict[str, str]
) -> list[Ended]:
    """Run commands one after the other."""
    said = subprocess.run(
        [sys.executable, "-m", "tests.cli.bound", *bounds],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])} | env,
        cwd=env["HOME"],
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        timeout=LONGEST * len(commands),
    )
    assert said.returncode == 0, said.stderr[-2000:]
    return [Ended(*ended) for ended in json.loads(said.stdout)]


def _serve(bounds: Sequence[str]) -> None:
    from tests.hostile.commands import LOADED

    for module in LOADED:
        importlib.import_module(module)
    ended = [_ended(words, bounds) for words in json.load(sys.stdin)]
    print(json.dumps(ended))


def _ended(words: Sequence[str], bounds: Sequence[str]) -> Ended:
    start = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            _become(words, bounds)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
    return Ended(code, texts[0], texts[1], time.monotonic() - start)


def _become(words: Sequence[str], bounds: Sequence[str]) -> None:
    from tui.cli import main as program

    signal.alarm(LONGEST)
    for bound in bounds:
        getattr(sandbox, bound)()
    sys.argv[:] = ["runapi-tui", *words]
    try:
        program.main()
    except SystemExit as end:
        os._exit(end.code if isinstance(end.code, int) else 1)
    except BaseException:
        os._exit(99)
    os._exit(0)


if __name__ == "__main__":
    _serve(sys.argv[1:])
