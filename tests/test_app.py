"""The main job through the keyboard alone, against the embedded service."""

from pathlib import Path

import pytest
from textual.widgets import TextArea

from tests.app import TestApp
from tests.loopback import serving
from tui.catalog.load import bundled
from tui.demo import DEMO_KEY
from tui.demo.service import create_app
from tui.graphics.probe import Images, Terminal
from tui.screens.chooser import ChooserScreen
from tui.screens.main import MainScreen
from tui.screens.sources import SourcesScreen
from tui.screens.viewer import ViewerScreen
from tui.tasks.task import Status

SIZES = [(80, 24), (150, 45), (200, 50)]


@pytest.mark.parametrize("size", SIZES)
async def test_type_ctrl_j_and_the_image_is_there(size: tuple[int, int]) -> None:
    app = TestApp()
    async with app.running(*size) as pilot:
        await pilot.press(*"fox", "ctrl+j")
        task = await app.until_task(pilot, lambda task: task.status is Status.COMPLETED)
        assert Path(task.files[0]).exists()
        assert "● completed" in app.text()
        await pilot.press("ctrl+t", "enter")
        await app.until(lambda: app.shown)
        assert isinstance(app.screen, ViewerScreen)
        await app.sees("▀")
        assert "flux-2-pro-text-to-image" in app.text()
        await pilot.press("escape")
        assert isinstance(app.screen, MainScreen)


async def test_wide_shows_the_image_beside_its_facts() -> None:
    app = TestApp()
    async with app.running(150, 45) as pilot:
        await pilot.press(*"fox", "ctrl+j")
        task = await app.until_task(pilot, lambda task: task.status is Status.COMPLETED)
        await app.until(lambda: task.files[0] in app.shown)
        await pilot.pause()
        text = app.text()
        for fact in ("▀", "$0.05", "256² PNG", "saved"):
            assert fact in text


async def test_status_cost_and_time_are_in_the_row() -> None:
    app = TestApp(delay=3600)
    async with app.running(120, 40) as pilot:
        await pilot.press(*"fox", "ctrl+j")
        await app.until_task(pilot, lambda task: task.status is Status.PENDING)
        assert "◔ pending" in app.text()
        assert "~$0.05" in app.text()


async def test_an_empty_prompt_is_refused_on_its_field() -> None:
    app = TestApp()
    async with app.running(80, 24) as pilot:
        await pilot.press("ctrl+j")
        await pilot.pause()
        assert "Required." in app.text()
        assert isinstance(app.focused, TextArea)
        assert not app.engine or app.engine.tasks == {}


async def test_the_filter_finds_models_and_the_form_follows() -> None:
    app = TestApp()
    async with app.running(150, 45) as pilot:
        await pilot.press("ctrl+o", *"google remix", "enter")
        await pilot.pause()
        assert "Imagen 4 Pro Remix · remix image" in app.text()
        assert "$0.18 listed" in app.text()


async def test_narrow_folds_the_sidebar_into_a_picker() -> None:
    app = TestApp()
    async with app.running(80, 24) as pilot:
        assert "Models" not in app.text()
        await pilot.press("ctrl+o", *"z im", "enter")
        await pilot.pause()
        assert "Z Image · text to image" in app.text()


async def test_values_carry_over_and_come_back() -> None:
    app = TestApp(api="service")
    async with app.running(150, 45) as pilot:
        await pilot.press(*"fox")
        assert app.main
        await app.main.show_model(
            bundled().find("imagen-4"),
            {"prompt": "fox", "seed": 7, "aspect_ratio": "16:9"},
        )
        await app.main.show_model(bundled().find("z-image"))
        assert app.main.form.values() == {"prompt": "fox", "aspect_ratio": "16:9"}
        await app.main.show_model(bundled().find("imagen-4"))
        assert app.main.form.values()["seed"] == 7


async def test_the_price_on_the_button_follows_the_choice() -> None:
    app = TestApp()
    async with app.running(80, 24) as pilot:
        assert "$0.05 listed" in app.text()
        await pilot.press("tab", "tab", "end")
        await pilot.pause()
        assert "$0.07 listed" in app.text()


async def test_the_form_shows_the_learnt_routes_params() -> None:
    with serving(create_app(bundled(), delay=0, routes="service")) as url:
        app = TestApp(demo=False, base_url=url)
        app.session = app.session.with_key(DEMO_KEY, "test")
        async with app.running(150, 45) as pilot:
            await pilot.press("ctrl+o", *"kontext pro", "enter")
            await pilot.press(*"fox")
            assert app.main
            route = str(app.main.form.route)
            assert route == "unified"
            await pilot.press("ctrl+j")
            await app.until_task(pilot, lambda task: task.status is Status.COMPLETED)
            assert app.main.form.route == "service"
            assert app.main.form.values()["prompt"] == "fox"


async def test_hostile_prompts_are_inert() -> None:
    app = TestApp()
    prompt = "[/red] [@click=app.quit]x[/] \x1b]52;c;aGk=\x07 \u202eevil"
    async with app.running(150, 45) as pilot:
        assert app.main
        app.main.form.set_prompt(prompt)
        await pilot.press("ctrl+j")
        await app.until_task(pilot, lambda task: task.status is Status.COMPLETED)
        await pilot.press("ctrl+t", "enter")
        await pilot.pause()
        assert "[/red] [@click=app.quit]x[/]" in app.text()
        assert "\x1b" not in app.text()
        assert "\u202e" not in app.text()


async def test_a_failed_task_says_why_and_can_be_retried() -> None:
    app = TestApp()
    async with app.running(150, 45) as pilot:
        await pilot.press(*"fox demo:fail", "ctrl+j")
        failed = await app.until_task(pilot, lambda task: task.status is Status.FAILED)
        assert "✗ failed" in app.text()
        assert "could not make this picture" in app.text()
        await pilot.press("ctrl+t", "r")
        again = await app.until_task(
            pilot,
            lambda task: task.retry_of == failed.id and task.status is Status.FAILED,
        )
        assert again.key != failed.key


async def test_using_a_task_again_refills_the_form() -> None:
    app = TestApp()
    async with app.running(150, 45) as pilot:
        assert app.main
        await app.main.show_model(
            bundled().find("imagen-4"), {"prompt": "a fox", "aspect_ratio": "9:16"}
        )
        await pilot.press("ctrl+j")
        await app.until_task(pilot, lambda task: task.status is Status.COMPLETED)
        await pilot.press("ctrl+n", "ctrl+o", *"z im", "enter")
        await pilot.press("ctrl+t", "u")
        await pilot.pause()
        assert app.main.form.values() == {"prompt": "a fox", "aspect_ratio": "9:16"}


async def test_a_past_prompt_is_recalled() -> None:
    app = TestApp()
    async with app.running(80, 24) as pilot:
        await pilot.press(*"a fox", "ctrl+j")
        await app.until_task(pilot, lambda task: task.prompt == "a fox")
        await pilot.press("ctrl+n", "ctrl+r", "enter")
        await pilot.pause()
        assert app.main
        assert app.main.form.values()["prompt"] == "a fox"


async def test_the_help_lists_the_keys_in_force() -> None:
    app = TestApp()
    async with app.running(100, 40) as pilot:
        await pilot.press("f1")
        await pilot.pause()
        assert "Send the request at the price shown" in app.text()
        await pilot.press("escape")
        assert isinstance(app.screen, MainScreen)


async def test_setup_offers_the_demo() -> None:
    app = TestApp(demo=False)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f2")
        await pilot.pause()
        assert "embedded service" in app.text()


async def test_keys_can_be_remapped(home: Path) -> None:
    config = home / ".config" / "runapi-tui" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[keys]\ngenerate = "alt+g"\n')
    app = TestApp()
    async with app.running(80, 24) as pilot:
        await pilot.press(*"fox", "alt+g")
        await app.until_task(pilot, lambda task: task.status is Status.COMPLETED)


async def test_favourites_and_recent_models_stand_on_top(home: Path) -> None:
    app = TestApp()
    async with app.running(150, 45) as pilot:
        await pilot.press("ctrl+o", *"z image", "down", "f", "escape")
        await pilot.press("ctrl+o", *"imagen 4 ultra", "enter", *"fox", "ctrl+j")
        await app.until_task(pilot, lambda task: task.status is Status.COMPLETED)
        await pilot.press("ctrl+o", "escape")
        await pilot.pause()
        lines = [line[:27].strip("│┃ ") for line in app.text().splitlines()]
        top = [line for line in lines if line][2:4]
        assert [line.split("  ")[0] for line in top] == [
            "★ Z Image",
            "▸ Imagen 4 Ultra",
        ]
    again = TestApp()
    async with again.running(150, 45):
        assert "★ Z Image" in again.text()


async def test_a_task_that_is_sent_moves_no_row_of_the_models(home: Path) -> None:
    app = TestApp()
    async with app.running(150, 45) as pilot:

        def rail() -> list[str]:
            return [line[:27] for line in app.text().splitlines()[:25]]

        before = rail()
        await pilot.press(*"fox", "ctrl+j")
        await app.until_task(pilot, lambda task: task.status is Status.COMPLETED)
        assert rail() == before
        await pilot.press("ctrl+o", *"z image", "enter")
        await app.sees("↺ Flux 2 Pro")


async def test_live_prices_take_the_place_of_the_snapshot() -> None:
    app = TestApp()
    async with app.running(150, 45):
        await app.sees("$0.05 listed")
    again = TestApp()
    assert again.session.catalog.find("z-image").price is not None
    assert again.session.catalog.find("z-image").price.live  # type: ignore[union-attr]


async def test_a_result_is_picked_as_a_source() -> None:
    app = TestApp()
    async with app.running(150, 45) as pilot:
        await pilot.press(*"fox", "ctrl+j")
        task = await app.until_task(pilot, lambda task: task.status is Status.COMPLETED)
        await pilot.press("ctrl+o", *"flux 2 pro remix", "enter")
        await pilot.press("tab", "ctrl+g")
        await app.until(lambda: isinstance(app.screen, SourcesScreen))
        await pilot.press(*"fox", "enter")
        await pilot.pause()
        assert app.main
        assert app.main.form.values()["source_image_urls"] == [task.files[0]]


async def test_a_task_is_picked_among_those_that_fit() -> None:
    app = TestApp()
    grok = bundled().find("grok-imagine-image-2-0", "text_to_image")
    async with app.running(150, 45) as pilot:
        assert app.main
        await app.main.show_model(grok, {"prompt": "a fox"})
        await pilot.press("ctrl+j")
        task = await app.until_task(pilot, lambda task: task.status is Status.COMPLETED)
        await app.main.show_model(
            bundled().find("grok-imagine-image-2-0", "segment_map")
        )
        app.main.form.focus_first()
        await pilot.pause()
        await pilot.press("tab", "ctrl+g")
        await app.until(lambda: isinstance(app.screen, ChooserScreen))
        await pilot.press("enter")
        await pilot.pause()
        assert app.main.form.values() == {"source_task_id": task.remote_id}


@pytest.mark.parametrize("images", [Images.SIXEL, Images.KITTY])
async def test_the_mouse_over_a_picture_is_harmless(images: Images) -> None:
    app = TestApp(terminal=Terminal(images, "", cell=(10, 20)))
    async with app.running(150, 45) as pilot:
        await pilot.press(*"fox", "ctrl+j")
        task = await app.until_task(pilot, lambda task: task.status is Status.COMPLETED)
        await app.until(lambda: task.files[0] in app.shown)
        await pilot.hover("#picture", offset=(10, 5))
        await pilot.pause()
        assert "● completed" in app.text()


@pytest.mark.parametrize("key", ["ctrl+o", "ctrl+r"])
async def test_enter_held_down_in_a_picker_is_harmless(key: str) -> None:
    app = TestApp()
    async with app.running(80, 24) as pilot:
        await pilot.press(*"fox", "ctrl+j")
        await app.until_task(pilot, lambda task: task.status is Status.COMPLETED)
        await pilot.press(key, "enter", "enter", "enter")
        await pilot.pause()
        assert isinstance(app.screen, MainScreen)


async def test_without_a_queue_the_app_says_so_and_sends_nothing(home: Path) -> None:
    state = home / ".local" / "state" / "runapi-tui" / "demo"
    (state / "queue.db").mkdir(parents=True)
    app = TestApp()
    async with app.running(120, 40) as pilot:
        await app.sees("t be opened")
        await pilot.press(*"fox", "ctrl+j")
        await app.until(lambda: app.told)
        assert app.engine is None


async def test_a_key_that_repeats_pays_once() -> None:
    app = TestApp()
    async with app.running(120, 40) as pilot:
        await pilot.press(*"fox")
        assert app.main
        for _ in range(3):  # at once, as a held key comes
            app.main.form.action_generate()
        await app.until_task(pilot, lambda task: task.status is Status.COMPLETED)
        assert app.engine
        assert len(app.engine.tasks) == 1


async def test_an_empty_queue_does_not_take_the_focus() -> None:
    app = TestApp()
    async with app.running(80, 24) as pilot:
        await pilot.press("ctrl+t", *"fox")
        await pilot.pause()
        assert app.main
        assert app.main.form.values()["prompt"] == "fox"
