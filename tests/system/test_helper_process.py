"""Work for the process beside this one: done there when it can be, and done in any
case.
"""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tui.system import helper_process as module
from tui.system.helper_process import run_in_helper

PATIENCE = 20.0
HERE = os.getpid()


@pytest.fixture(autouse=True)
def helper(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One of its own for each test."""
    monkeypatch.setattr(module, "_helper", None)
    yield
    if module._helper:
        module._helper.end()


def started() -> int:
    """The other process, when it works."""
    assert run_in_helper(os.getpid) == HERE  # nobody waits for it
    assert module._helper
    assert select.select([module._helper._out], [], [], PATIENCE)[0]
    return run_in_helper(os.getpid)


def test_another_process_works_and_goes_on_working() -> None:
    there = started()
    assert there != HERE
    assert run_in_helper(os.getpid) == there
    assert run_in_helper(sorted, [2, 1], reverse=True) == [2, 1]
    assert len(run_in_helper(bytes, 3_000_000)) == 3_000_000


def test_what_fails_there_is_done_here() -> None:
    started()
    assert run_in_helper(lambda: 7) == 7  # no other process can be told what that is
    first = started()
    with pytest.raises(ValueError, match="invalid literal"):
        run_in_helper(int, "x")
    second = started()
    os.kill(second, signal.SIGKILL)
    assert run_in_helper(len, "abc") == 3
    assert len({HERE, first, second, started()}) == 4


def test_without_another_process_all_is_done_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert [run_in_helper(len, "abc") for _ in range(3)] == [3, 3, 3]


def test_it_ends_when_nobody_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_IDLE", 0.0)
    assert run_in_helper(len, "abc") == 3
    assert module._helper
    assert module._helper._process.wait(PATIENCE) == 0
    assert run_in_helper(len, "abc") == 3
    assert module._helper is None


@pytest.mark.skipif(
    not hasattr(os, "pidfd_open"),
    reason="there is no way here to wait for a stranger's end",
)
def test_it_ends_with_who_started_it() -> None:
    code = (
        "import os, signal, select; from tui.system import helper_process as module; aside = module.run_in_helper\n"
        "aside(os.getpid); select.select([module._helper._out], [], [])\n"
        "print(aside(os.getpid), flush=True); signal.pause()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        there = os.pidfd_open(int(process.stdout.readline()))
        process.kill()
    assert select.select([there], [], [], PATIENCE)[0]
    os.close(there)
