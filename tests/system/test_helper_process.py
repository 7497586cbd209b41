"""Work for the process beside this one: done there when it can be, and done in any
case.
"""

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import blocking
from tui.system import helper_process as module
from tui.system.helper_process import (
    EndedError,
    HelperPool,
    InterruptedWorkError,
    Limits,
    run_in_helper,
)

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


# ---- work that may have to be killed


@pytest.fixture
def make_pool() -> Iterator[Callable[..., HelperPool]]:
    pools: list[HelperPool] = []

    def make(most: int = 1, **limits: float) -> HelperPool:
        pools.append(HelperPool("tests.blocking", Limits(**limits), most))  # type: ignore[arg-type]
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


class Started:
    """Work in a thread, and how it ends."""

    def __init__(self, pool: HelperPool, about: Path) -> None:
        self.error: BaseException | None = None
        self._pool = pool
        self._about = about
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._pool.run(blocking.read, self._about)
        except BaseException as error:
            self.error = error

    def join(self) -> BaseException | None:
        self._thread.join()
        return self.error


def test_a_pool_works_elsewhere_and_passes_errors_on(
    make_pool: Callable[..., HelperPool],
) -> None:
    pool = make_pool()
    there = pool.run(os.getpgid, 0)
    assert there not in (HERE, os.getpgid(0))
    with pytest.raises(ValueError, match="invalid literal"):
        pool.run(int, "x")
    assert pool.run(os.getpgid, 0) == there


def test_work_that_waits_too_long_is_ended_and_the_next_is_done(
    make_pool: Callable[..., HelperPool], pipe: Path
) -> None:
    pool = make_pool(seconds=0.05)
    with pytest.raises(EndedError):
        pool.run(blocking.read, pipe)
    assert make_pool().run(len, "abc") == 3


def test_memory_has_a_limit(make_pool: Callable[..., HelperPool]) -> None:
    if sys.platform != "linux":
        pytest.skip("this system has no such limit")
    pool = make_pool(memory=500_000_000)
    with pytest.raises(MemoryError):
        pool.run(bytes, 1_000_000_000)
    assert pool.run(len, "abc") == 3


@pytest.mark.slow
def test_computing_has_a_limit(make_pool: Callable[..., HelperPool]) -> None:
    pool = make_pool(cpu=1)
    with pytest.raises(EndedError):
        pool.run(sum, range(10**13))
    assert pool.run(len, "abc") == 3


def test_work_is_interrupted_and_so_is_what_waits_for_its_turn(
    make_pool: Callable[..., HelperPool], pipe: Path, tmp_path: Path
) -> None:
    pool = make_pool()
    running = Started(pool, pipe)
    writer = blocking.until_read(pipe)
    waiting = Started(pool, tmp_path / "other")
    while len(pool._works) < 2:
        time.sleep(0.01)
    pool.interrupt(tmp_path / "other")
    assert isinstance(waiting.join(), InterruptedWorkError)
    assert running.error is None
    pool.interrupt(pipe)
    assert isinstance(running.join(), InterruptedWorkError)
    os.close(writer)
    assert pool.run(len, "abc") == 3


def test_a_pool_without_processes_works_here(
    make_pool: Callable[..., HelperPool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert make_pool().run(os.getpgid, 0) == os.getpgid(0)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert make_pool().run(os.getpgid, 0) == os.getpgid(0)


def test_a_process_that_ended_idle_is_replaced(
    make_pool: Callable[..., HelperPool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_IDLE", 0.0)
    pool = make_pool()
    assert [pool.run(len, "abc") for _ in range(3)] == [3, 3, 3]
