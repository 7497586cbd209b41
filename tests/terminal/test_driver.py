"""The app and the streams that it was started with."""

from pathlib import Path

from tests.pty_app import pty_app


def test_the_app_runs_while_messages_go_to_a_file(tmp_path: Path) -> None:
    errors = tmp_path / "errors"
    with pty_app(errors=errors) as app:
        app.type(b"red fox")
        app.until_seen("red fox")
        app.type(b"\x11")
        assert app.until_ended() == 0
    assert errors.read_bytes() == b""
