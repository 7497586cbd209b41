"""A text goes through the user's own editor, and comes back harmless."""

import contextlib
import os
import stat
import sys
from pathlib import Path

import pytest

from tests.app import TestApp
from tui.exchange import editor
from tui.exchange.editor import EditorError

SEEN = """
import os, stat, sys
file = sys.argv[-1]
mode = stat.S_IMODE(os.stat(file).st_mode), stat.S_IMODE(os.stat(os.path.dirname(file)).st_mode)
keys = [name for name in os.environ if "KEY" in name]
print(open(file).read(), mode, keys, file=open("seen", "w"))
"""


def script(folder: Path, code: str) -> list[str]:
    file = folder / "my editor.py"
    file.write_text(code)
    return [sys.executable, str(file)]


def writes(folder: Path, content: bytes) -> list[str]:
    return script(folder, f"import sys\nopen(sys.argv[-1], 'wb').write({content!r})")


def test_the_editor_gets_a_private_file_and_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNAPI_API_KEY", "secret")
    with contextlib.suppress(EditorError):  # it changes nothing, and quickly
        editor.edit("a fox", script(tmp_path, SEEN), tmp_path / "state")
    private = (stat.S_IRUSR | stat.S_IWUSR, stat.S_IRWXU)
    assert Path("seen").read_text() == f"a fox\n {private} []\n"
    assert os.listdir(tmp_path / "state") == []


def test_what_comes_back_is_inert_and_without_the_last_line_end(tmp_path: Path) -> None:
    command = writes(tmp_path, "\ufeffa \x1b[31mred\x1b[m\r\nfox\x07\n".encode())
    assert editor.edit("", command, tmp_path) == "a red\nfox"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"x" * (editor.LONGEST + 1), "longer than 100,000 characters"),
        (b"x" * (5 * editor.LONGEST), "larger than"),
        (b"\xff\xfe", "UTF-8"),
    ],
)
def test_what_is_no_text_for_a_prompt_changes_nothing(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    command = writes(tmp_path, content)
    state = tmp_path / "state"
    with pytest.raises(EditorError, match=reason) as caught:
        editor.edit("a fox", command, state)
    (kept,) = state.iterdir()
    assert f"What was saved is in {kept}." in str(caught.value)
    assert kept.read_bytes() == content
    assert stat.S_IMODE(kept.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise SystemExit(3)", "ended with code 3. The text is unchanged."),
        ("import os; os.kill(os.getpid(), 9)", "ended by signal 9"),
        ("import os, sys; os.remove(sys.argv[-1])", "No such file"),
        ("", "--wait"),
    ],
)
def test_an_editor_that_fails_changes_nothing(
    code: str, reason: str, tmp_path: Path
) -> None:
    command = script(tmp_path, code)
    with pytest.raises(EditorError, match=reason):
        editor.edit("a fox", command, tmp_path / "state")
    assert os.listdir(tmp_path / "state") == []


def test_what_an_editor_saved_before_it_failed_is_kept(tmp_path: Path) -> None:
    code = """
import os, sys
os.remove(sys.argv[-1])
os.umask(0)
open(sys.argv[-1], 'w').write('an owl')
raise SystemExit(1)
"""
    command = script(tmp_path, code)
    with pytest.raises(EditorError, match="ended with code 1"):
        editor.edit("a fox", command, tmp_path / "state")
    (kept,) = (tmp_path / "state").iterdir()
    assert kept.read_text() == "an owl"
    assert stat.S_IMODE(kept.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR


def test_the_command_is_split_as_data(tmp_path: Path) -> None:
    env = {"VISUAL": "code --wait '$(x) y'", "EDITOR": "vi"}
    assert editor.command(env) == ["code", "--wait", "$(x) y"]
    assert editor.command({"VISUAL": " ", "EDITOR": "vi"}) == ["vi"]
    with pytest.raises(EditorError, match="quote"):
        editor.command({"EDITOR": "vi '"})
    with pytest.raises(EditorError, match="Set VISUAL or EDITOR"):
        editor.command({})
    with pytest.raises(EditorError, match="no-such-editor: "):
        editor.edit("", ["no-such-editor"], tmp_path)


async def test_the_prompt_is_edited_and_undo_brings_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, file = writes(tmp_path, b"a fox\nin the snow\n")
    monkeypatch.setenv("VISUAL", f"{program} '{file}'")
    monkeypatch.setattr(TestApp, "suspend", lambda app: contextlib.nullcontext())
    app = TestApp()
    async with app.running(100, 30) as pilot:
        assert app.main
        form = app.main.form
        await pilot.press(*"a fox", "alt+e")
        await app.until(lambda: form.values().get("prompt") == "a fox\nin the snow")
        await pilot.press("ctrl+z")
        assert form.values()["prompt"] == "a fox"


async def test_files_that_an_editor_has_named_are_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, file = writes(tmp_path, b"/etc/secret.png\n")
    monkeypatch.setenv("EDITOR", f"{program} '{file}'")
    monkeypatch.setattr(TestApp, "suspend", lambda app: contextlib.nullcontext())
    app = TestApp()
    async with app.running(100, 30) as pilot:
        assert app.main
        form = app.main.form
        await app.main.show_model(app.session.catalog.find("flux-2-pro-remix-image"))
        form._focus_field("source_image_urls")
        await pilot.pause()
        await pilot.press("f11")
        await app.until(lambda: "source_image_urls" in form.values())
        assert "/etc/secret.png" in form.foreign_texts()


async def test_without_an_editor_the_app_names_what_to_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    app = TestApp()
    async with app.running(100, 30) as pilot:
        await pilot.press("alt+e")
        await app.until(lambda: any("EDITOR" in sentence for sentence in app.told))
