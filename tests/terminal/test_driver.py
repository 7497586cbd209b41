"""The app and the streams that it was started with."""

from pathlib import Path

import pytest

from tests.pty_app import pty_app


def test_the_app_runs_while_messages_go_to_a_file(tmp_path: Path) -> None:
    errors = tmp_path / "errors"
    with pty_app(errors=errors) as app:
        app.type(b"red fox")
        app.until_seen("red fox")
        app.type(b"\x11")
        assert app.until_ended() == 0
    assert errors.read_bytes() == b""


@pytest.mark.parametrize(
    ("env", "is_utf8"),
    [
        ({"LC_ALL": "C"}, False),
        ({"LC_ALL": "POSIX", "PYTHONUTF8": "0"}, False),
        ({"LC_ALL": "C", "PYTHONIOENCODING": "latin-1"}, False),
        ({"LC_ALL": "en_US.ISO-8859-1"}, False),
        ({"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "ascii"}, True),
    ],
)
def test_the_terminal_gets_utf8_in_any_locale(
    env: dict[str, str], is_utf8: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    with pty_app() as app:
        assert "─────".encode() in app.output
        assert b"\\u" not in app.output
        app.type(b"\x11")
        assert app.until_ended() == 0
    # Told to a terminal of another encoding, and taken back
    assert (b"\x1b%G" not in app.output) == is_utf8
    assert (b"\x1b%@" not in app.output) == is_utf8


def test_a_terminal_without_any_locale_is_told_utf8(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        monkeypatch.delenv(name, raising=False)
    with pty_app() as app:
        assert "─────".encode() in app.output
        assert b"\x1b%G" in app.output
