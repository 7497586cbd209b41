"""Presets are plain files: read with bounds, and without files or callbacks."""

import json
import os
from pathlib import Path

import pytest

from tests.app import TestApp
from tui.catalog.load import bundled
from tui.catalog.spec import Values
from tui.screens.chooser import ChooserScreen
from tui.screens.line_prompt import LinePromptScreen
from tui.settings.presets import Preset, PresetProblem, Presets

FLUX = bundled().find("flux-2-pro-text-to-image")
REMIX = bundled().find("flux-2-pro-remix-image")


def test_a_preset_is_saved_and_read(tmp_path: Path) -> None:
    presets = Presets(tmp_path)
    preset = Preset.of(FLUX, {"prompt": "a fox", "aspect_ratio": "16:9"})
    file = presets.save("my-look", preset)
    assert json.loads(file.read_text())["values"]["aspect_ratio"] == "16:9"
    assert presets.names() == ["my-look"]
    read = presets.read("my-look")
    assert read == preset
    assert read.find_model(bundled()) == FLUX


def test_files_and_callbacks_are_neither_saved_nor_read(tmp_path: Path) -> None:
    values: Values = {"prompt": "x", "source_image_urls": ["/home/me/a.png"]}
    assert Preset.of(REMIX, values).values == {"prompt": "x"}
    forged = Preset(REMIX.slug, REMIX.action, values)
    with pytest.raises(PresetProblem, match=r"/home/me/a\.png"):
        forged.find_model(bundled())


@pytest.mark.parametrize("name", ["../evil", "a/b", "", ".x", "x" * 61, "a b", "\0"])
def test_a_name_is_no_path(name: str, tmp_path: Path) -> None:
    presets = Presets(tmp_path / "config")
    with pytest.raises(PresetProblem):
        presets.save(name, Preset.of(FLUX, {}))
    with pytest.raises(PresetProblem):
        presets.read(name)
    assert not (tmp_path / "config").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b"\xff", b'{"model": 1}', b"[" * 100_000, b"x" * 300_000],
)
def test_what_is_no_preset_is_told_as_such(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "x.json").write_bytes(content)
    with pytest.raises(PresetProblem):
        Presets(tmp_path).read("x")


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    (tmp_path / "presets").mkdir()
    os.mkfifo(tmp_path / "presets" / "x.json")
    with pytest.raises(PresetProblem, match="not a regular file"):
        Presets(tmp_path).read("x")


async def test_the_form_is_saved_as_a_preset_and_filled_with_it() -> None:
    app = TestApp()
    async with app.running(120, 36) as pilot:
        assert app.main
        await app.main.show_model(FLUX, {"aspect_ratio": "16:9"})
        await pilot.press("ctrl+p", *"save as preset", "enter")
        await app.until(lambda: isinstance(app.screen, LinePromptScreen))
        await pilot.press(*"wide", "enter")
        await app.sees("Saved: ")
        await app.main.show_model(bundled().find("z-image"), {"prompt": "an owl"})
        await pilot.press("ctrl+p", *"use a preset", "enter")
        await app.until(lambda: isinstance(app.screen, ChooserScreen))
        await pilot.press("enter")
        await app.until(lambda: app.main and app.main.filler.model.slug == FLUX.slug)
        await pilot.pause()
        values = app.main.form.values()
        assert values["aspect_ratio"] == "16:9"
        assert values["prompt"] == "an owl"
