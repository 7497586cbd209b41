"""Commands and app in a sandbox that denies `sendto`: no thread and no signal can wake
an event loop.
"""

import json
import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import sandbox

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(sandbox.why_not()), reason=sandbox.why_not() or "there is one"
    ),
]

_SANDBOXED = """
import sys
from tests.sandbox import deny_sending
from tui.cli.main import main
from tui.demo import transport

deny_sending()
real = transport.in_process
transport.in_process = lambda catalog, delay, file=None: real(catalog, {delay}, file)
sys.argv[0] = "runapi-tui"
main()
"""
_ROOT = Path(__file__).parents[2]


def command(*words: str, delay: float = 0) -> list[str]:
    """A command in the sandbox; a task of the embedded service takes `delay` seconds."""
    return [sys.executable, "-c", _SANDBOXED.format(delay=delay), "--demo", *words]


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(*words), cwd=_ROOT, capture_output=True, text=True, timeout=60
    )


def test_the_sandbox_is_one() -> None:
    code = "import socket; socket.socketpair()[0].send(b'x')"
    said = subprocess.run(
        [sys.executable, "tests/sandbox.py", sys.executable, "-c", code],
        cwd=_ROOT,
        capture_output=True,
        text=True,
    )
    assert "PermissionError" in said.stderr


@pytest.mark.parametrize(
    "words", [["balance"], ["quote", "z-image", "-p", "x"], ["resume"]]
)
def test_a_short_command_comes_to_its_end(words: list[str]) -> None:
    said = run(*words)
    assert said.returncode == 0, said.stderr


def test_generate_comes_to_its_end() -> None:
    said = run("generate", "z-image", "-p", "x", "--json")
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)["status"] == "completed"


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_command_that_waits(name: signal.Signals) -> None:
    words = command("generate", "z-image", "-", "--concurrency", "1", "--json")
    pipe = subprocess.PIPE
    running = subprocess.Popen(
        words, cwd=_ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    )
    assert running.stdin
    assert running.stdout
    running.stdin.write("a lake\na fox demo:429\n" + "a fox demo:429\n" * 30)
    running.stdin.close()
    assert running.stdout.readline()  # it is in the middle of its work
    running.send_signal(name)
    assert running.wait(30) == 130
    assert running.stderr
    assert "Traceback" not in running.stderr.read()


@contextmanager
def app() -> Iterator[tuple[int, int]]:
    """The app's process, and its terminal."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(_ROOT)
        os.environ["TERM"] = "xterm-256color"
        words = command("--images", "half")
        os.execv(words[0], words)
    try:
        yield child, terminal
    finally:
        os.close(terminal)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_the_app_opens_its_queue_and_heeds_a_signal() -> None:
    with app() as (child, terminal):
        until(terminal, b"balance")
        os.kill(child, signal.SIGTERM)
        until(terminal, b"\x1b[?1049l")  # the terminal is the user's again


def until(terminal: int, words: bytes) -> None:
    written = b""
    while words not in written:
        assert select.select([terminal], [], [], 30)[0], written[-500:]
        written += os.read(terminal, 1 << 16)
