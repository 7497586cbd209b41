"""Threads that nobody waits for."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import blocking
from tui.system import threads
from tui.system.threads import AbandonedPool


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[AbandonedPool]:
    monkeypatch.setattr(threads, "GRACE", 0.0)
    pool = AbandonedPool(2, "test")
    yield pool
    pool.shutdown()


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def test_it_gives_results_and_errors(pool: AbandonedPool) -> None:
    assert pool.submit(len, "abc").result() == 3
    with pytest.raises(ValueError, match="invalid literal"):
        pool.submit(int, "x").result()


def test_it_has_few_threads_which_end_with_it(pool: AbandonedPool) -> None:
    together = threading.Barrier(3)
    pair = [pool.submit(together.wait) for _ in range(2)]
    last = pool.submit(threading.current_thread)
    assert not last.done()
    together.wait()
    assert all(work.result() in (0, 1, 2) for work in pair)
    thread = last.result()
    pool.shutdown()
    thread.join()
    with pytest.raises(RuntimeError):
        pool.submit(len, "abc")


def test_work_that_was_cancelled_is_not_done(
    pipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "GRACE", 0.0)
    pool = AbandonedPool(1, "test")
    running = pool.submit(blocking.read, pipe)
    waiting = pool.submit(os._exit, 1)
    assert waiting.cancel()
    writer = blocking.until_read(pipe)
    pool.shutdown()  # which doesn't wait for long
    os.close(writer)
    assert running.result() == b""


def test_quick_work_is_done_before_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    pool = AbandonedPool(1, "test")
    works = [pool.submit((folder / str(number)).touch) for number in range(50)]
    pool.shutdown()
    assert len(os.listdir(folder)) == 50
    assert all(work.done() for work in works)


LOOP = """
import asyncio, sys
from pathlib import Path
from tests import blocking
from tui.system import heartbeat

async def main():
    loop = asyncio.get_running_loop()
    loop.run_in_executor(None, blocking.read, Path(sys.argv[1]))
    return await asyncio.to_thread(len, "abc")

print(heartbeat.run(main()))
"""


def test_a_program_ends_while_a_thread_is_blocked(pipe: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOOP, str(pipe)], capture_output=True, text=True
    )
    assert (done.stdout, done.stderr, done.returncode) == ("3\n", "", 0)


APP = """
import asyncio, os, sys
from pathlib import Path
from tests import blocking
from tests.app import TestApp
from tui.images import files

here, apart = map(Path, sys.argv[1:])
app = TestApp()

async def press(pilot):
    await app.opened.wait()
    loop = asyncio.get_running_loop()
    loop.run_in_executor(None, blocking.read, here)
    loop.run_in_executor(None, files.run_apart, blocking.read, apart)
    for pipe in (here, apart):
        await asyncio.to_thread(blocking.until_read, pipe)
    await pilot.press("ctrl+q")

app.run(headless=True, auto_pilot=press)
print(app.return_code)
"""


def test_ctrl_q_ends_the_app_and_its_helpers_while_an_image_is_decoded(
    pipe: Path, tmp_path: Path
) -> None:
    apart = tmp_path / "apart"
    os.mkfifo(apart)
    done = subprocess.run(
        [sys.executable, "-c", APP, str(pipe), str(apart)],
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert (done.stdout, done.returncode) == ("0\n", 0)
    while is_read(apart):
        time.sleep(0.01)


def is_read(pipe: Path) -> bool:
    """Whether a process still has the pipe open."""
    try:
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True
