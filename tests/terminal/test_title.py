"""The title of the terminal's window shows what runs, and the former one comes back."""

import pytest

from tests.pty_app import pty_app

SAVE = b"\x1b[22;0t"
RESTORE = b"\x1b[23;0t"


def test_the_title_counts_and_is_restored_at_the_end() -> None:
    with pty_app(delay=0.5) as app:
        app.type(b"red fox")
        app.until_seen("red fox")
        app.type(b"\n")
        app.until(
            lambda: b"\x1b]2;runapi-tui \xc2\xb7 1 running\x1b\\" in app.output,
            "1 running",
        )
        app.until(
            lambda: app.output.count(b"\x1b]2;runapi-tui\x1b\\") == 2, "none running"
        )
        assert app.output.count(SAVE) == 1
        app.type(b"\x11")
        app.until(lambda: app.output.count(RESTORE) == 1, "the former title")


def test_the_title_can_be_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNAPI_TUI_TITLE", "false")
    with pty_app() as app:
        app.type(b"\x11")
        app.until(lambda: b"\x1b[?1049l" in app.output, "the end")
        assert SAVE not in app.output
        assert b"\x1b]2;" not in app.output
