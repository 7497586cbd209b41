"""Every test has a home of its own, no key, and no terminal."""

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder; nothing of the real one can be read or written."""
    for name in list(os.environ):
        if name.startswith(
            ("RUNAPI_", "XDG_", "TEXTUAL_C", "TEXTUAL_A", "OPENCLAW_", "CLAWDBOT_", "HERMES_")
        ) or name in (
            "NO_COLOR",
            "COLORTERM",
            "TMUX",
        ):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("TZ", "UTC")
    return folder


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: a third of the time, tests wait for clocks and sockets."""
    return (os.cpu_count() or 1) + 1
