"""Whatever comes in through any door is text on the screen: raw bytes of a real app."""

from contextlib import closing
from pathlib import Path

import pytest

from tests.hostile.doors import DOORS
from tests.hostile.payloads import PAYLOADS, obeyed_on_screen
from tests.pty_app import PtyApp, pty_app

pytestmark = pytest.mark.slow
_PAGES = {
    "past prompts": (b"\x12", b"\x1b"),
    "models": (b"\x0f", b"\x1b"),
    "help": (b"\x1bOP", b"\x1b"),
    "palette": (b"\x10", b"\x1b"),
    "money": (b"\x14$", b"\x1b"),
    "history": (b"/", b"\x1b"),
    "inspector": (b"i", b"\x1b"),
    "copy as": (b"C", b"\x1b"),
    "grid": (b"v", b"\x1b"),
    "queue": (b"jjjjjj", b""),
}
"""Keys that open a page, and that leave it; from "money" on the queue has the focus."""


@pytest.mark.parametrize("door", DOORS)
def test_the_terminal_obeys_the_app_alone(
    door: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "stage"
    home.mkdir()
    stage = DOORS[door](home)
    for name, value in stage.env.items():
        monkeypatch.setenv(name, value)
    app = PtyApp(size=(160, 50))
    with closing(app):
        app.until(
            lambda: app.has_ended or b"balance" in app.output, "a screen, or an end"
        )
        for enter, leave in _PAGES.values():
            for keys in (enter, leave):
                if app.has_ended:  # it has said why, and not started
                    break
                before = len(app.output)
                app.type(keys)
                while app.read(0.15):
                    pass
                assert obeyed_on_screen(bytes(app.output[before:])) == []
        assert app.has_ended == (door in ("preferences refused", "variables refused"))
        assert obeyed_on_screen(bytes(app.output)) == []


def test_what_is_pasted_is_text() -> None:
    with pty_app() as app:
        for text in PAYLOADS.values():
            pasted = text.replace("\x1b", "")  # an ESC would end the paste
            app.type(b"\x1b[200~" + pasted.encode() + b"\x1b[201~")
            while app.read(0.15):
                pass
        assert obeyed_on_screen(bytes(app.output)) == []
