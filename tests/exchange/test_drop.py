"""Image files that are dropped on the terminal: pasted paths."""

import os
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from textual import events
from textual.pilot import Pilot
from textual.widgets import TextArea

from tests.app import TestApp
from tui.catalog.load import bundled
from tui.catalog.spec import Values
from tui.images.metadata import embed
from tui.images.recipes import EmbeddedRecipe

VALUES: Values = {"prompt": "a lake\nat dawn", "seed": 7, "aspect_ratio": "16:9"}


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """An image that says that Imagen 4 made it."""
    path = tmp_path / "my lake.png"
    Image.new("RGB", (16, 9)).save(path)
    embed(
        path,
        EmbeddedRecipe(
            action="text_to_image", model="imagen-4", values=VALUES, cost_micro=80_000
        ),
    )
    return path


async def paste(app: TestApp, pilot: Pilot[None], text: object) -> None:
    """As a terminal sends it, until the app has had its say."""
    before = len(app.told)
    app.post_message(events.Paste(str(text)))
    await app.until(lambda: len(app.told) > before)
    await pilot.pause()


async def go_to(place: str, app: TestApp, pilot: Pilot[None]) -> None:
    """Type a prompt, and put the focus where a file will be dropped."""
    assert app.main
    await pilot.press(*"fox")
    if place == "screen":
        await pilot.press("tab")
    elif place == "image field":
        await app.main.show_model(bundled().find("flux-kontext-pro"))
        app.main.form._fields["image_url"].control.focus()
        await pilot.pause()


async def test_a_dropped_image_fills_the_form_and_undo_brings_the_prompt_back(
    lake: Path,
) -> None:
    app = TestApp()
    async with app.running(80, 24) as pilot:
        assert app.main
        await pilot.press(*"fox")
        await paste(app, pilot, f"'{lake}' ")
        assert app.told[-1] == "From my lake.png: model, prompt, seed, aspect ratio."
        assert "Imagen 4" in app.text()
        assert app.main.form.values() == VALUES
        await pilot.press("ctrl+z")
        await app.until(lambda: "Flux 2 Pro" in app.text())
        assert app.main.form.values() == {"prompt": "fox"}


async def test_of_two_files_the_first_is_used_and_it_is_said(lake: Path) -> None:
    other = lake.with_name("other.png")
    os.link(lake, other)
    app = TestApp()
    async with app.running(150, 45) as pilot:
        assert app.main
        await pilot.press("tab")
        await paste(app, pilot, f"'{lake}' '{other}'")
        await app.until(lambda: any("my lake.png" in text for text in app.told))
        assert "Of several files, the first is used." in app.told
        assert app.main.form.values() == VALUES


async def test_it_may_be_dropped_where_nothing_takes_text(lake: Path) -> None:
    app = TestApp()
    async with app.running(150, 45) as pilot:
        assert app.main
        await pilot.press("tab")
        assert not isinstance(app.focused, TextArea)
        await paste(app, pilot, lake.as_uri())
        assert app.main.form.values() == VALUES


async def test_words_of_others_are_literal_and_the_model_stays(tmp_path: Path) -> None:
    path, told = tmp_path / "[red].png", PngInfo()
    told.add_text(
        "parameters",
        "[/] \x1b]0;owned\x07fox\nSteps: 20, Seed: 42, [@click=quit]: 1, Model: [bold]sd",
    )
    Image.new("RGB", (4, 4)).save(path, pnginfo=told)
    app = TestApp()
    async with app.running(200, 50) as pilot:
        assert app.main
        await paste(app, pilot, path)
        assert app.main.form.values() == {"prompt": "[/] fox"}
        assert app.told[-1].startswith(
            "From [red].png: prompt. Not used: model [bold]sd, seed, Steps"
        )
        assert "Flux 2 Pro" in app.text()


async def test_an_image_that_says_nothing_changes_nothing(tmp_path: Path) -> None:
    mute, text = tmp_path / "mute.png", tmp_path / "text.png"
    Image.new("RGB", (4, 4)).save(mute)
    text.write_text("no image")
    app = TestApp()
    async with app.running(80, 24) as pilot:
        assert app.main
        await pilot.press(*"fox")
        await paste(app, pilot, mute)
        assert "No request is saved in mute.png" in app.told[-1]
        await paste(app, pilot, text)
        assert "text.png is not a PNG" in app.told[-1]
        assert app.main.form.values() == {"prompt": "fox"}


async def test_other_text_is_pasted_as_it_is(tmp_path: Path) -> None:
    gone = f" like {tmp_path / 'gone.png'}"
    app = TestApp()
    async with app.running(80, 24) as pilot:
        assert app.main
        await pilot.press(*"fox")
        app.post_message(events.Paste(gone))
        await app.until(
            lambda: app.main and app.main.form.values() != {"prompt": "fox"}
        )
        assert app.main.form.values() == {"prompt": f"fox{gone}"}
        assert not app.told


@pytest.mark.parametrize("place", ["prompt", "screen", "image field"])
async def test_a_dropped_file_that_is_no_image_is_named_and_not_used(
    place: str, tmp_path: Path
) -> None:
    notes = tmp_path / "my [red]notes.pdf"
    notes.write_text("secret")
    app = TestApp()
    async with app.running(150, 45) as pilot:
        assert app.main
        await go_to(place, app, pilot)
        await paste(app, pilot, f"'{notes}' ")
        assert app.told == [
            "my [red]notes.pdf is not a PNG, JPEG, WebP or GIF image, so it was not"
            " used."
        ]
        assert app.main.form.values() == {"prompt": "fox"}


@pytest.mark.parametrize("place", ["prompt", "screen", "image field"])
@pytest.mark.parametrize("sign", ["\u202e", "\x1b]0;x\x07", "\x9a"])
async def test_a_dropped_file_with_a_name_that_hides_is_named_and_not_used(
    place: str, sign: str, lake: Path
) -> None:
    odd = lake.rename(lake.with_name(f"fox{sign}gnp.png"))
    app = TestApp()
    async with app.running(150, 45) as pilot:
        assert app.main
        await go_to(place, app, pilot)
        await paste(app, pilot, f"'{odd}' ")
        assert app.told == [
            "foxgnp.png was not used: its path has characters that are not shown."
            " Rename it."
        ]
        assert app.main.form.values() == {"prompt": "fox"}


async def test_what_is_dropped_beside_it_is_used(lake: Path) -> None:
    odd = lake.with_name("fox\u202egnp.png")
    os.link(lake, odd)
    app = TestApp()
    async with app.running(150, 45) as pilot:
        assert app.main
        await app.main.show_model(bundled().find("flux-kontext-pro"))
        app.main.form._fields["image_url"].control.focus()
        await pilot.pause()
        await paste(app, pilot, f"'{odd}' '{lake}'")
        await app.until(
            lambda: app.main and app.main.form.values() == {"image_url": str(lake)}
        )
        assert "foxgnp.png was not used" in app.told[0]


@pytest.mark.parametrize(
    ("model", "name", "many"),
    [
        ("flux-2-pro-remix-image", "source_image_urls", True),
        ("flux-kontext-pro", "image_url", False),
    ],
)
async def test_in_an_image_field_it_is_the_source(
    model: str, name: str, many: bool, lake: Path
) -> None:
    other = lake.with_name("other.png")
    os.link(lake, other)
    app = TestApp()
    async with app.running(150, 45) as pilot:
        assert app.main
        await app.main.show_model(bundled().find(model))
        app.main.form._fields[name].control.focus()
        await pilot.pause()
        app.told.clear()  # that the model needs an image
        for text in (f"'{lake}' ", other.as_uri()):
            app.post_message(events.Paste(text))
            await pilot.pause()
        await app.until(lambda: app.main and str(other) in str(app.main.form.values()))
        assert app.main.form.values()[name] == (
            [str(lake), str(other)] if many else str(other)
        )
        assert not app.told
