"""A request is taken elsewhere by one key, and brought back by pasting it."""

from textual import events
from textual.pilot import Pilot
from textual.widgets import TextArea

from tests.app import TestApp, past
from tui.screens.chooser import ChooserScreen
from tui.screens.inspect import InspectScreen
from tui.screens.main import MainScreen

CURL = """curl https://api.example/v1/text_to_image -H 'Authorization: Bearer sk-secret' \\
 -d '{"model": "z-image", "prompt": "a [red] fox", "size": "64x64", "steps": 4}'"""


def paste(app: TestApp, text: str) -> None:
    app.post_message(events.Paste(text))


async def copied(app: TestApp, pilot: Pilot[None], *keys: str) -> str:
    """What is on the clipboard once a form was chosen by these keys."""
    await app.until(lambda: isinstance(app.screen, ChooserScreen))
    await pilot.press(*keys, "enter")
    await app.until(lambda: app.told)
    assert app.told.pop().startswith("Sent to the terminal's clipboard: ")
    return app.clipboard


async def test_a_pasted_curl_fills_the_form_and_its_key_is_gone() -> None:
    app = TestApp()
    async with app.running(80, 24) as pilot:
        await pilot.press(*"old")
        paste(app, CURL)
        await app.until(lambda: app.told)
        await pilot.pause()
        assert app.told == [
            "Z Image: prompt, size, extra parameters. ctrl+z brings back what was there."
        ]
        assert app.main
        values = {"prompt": "a [red] fox", "size": "64x64", "+": {"steps": 4}}
        assert app.main.form.values() == values
        assert "Z Image · text to image" in app.text()
        assert "secret" not in app.text()
        await pilot.press("ctrl+s")
        assert "secret" not in await copied(app, pilot)


async def test_what_is_no_request_leaves_the_prompt_alone() -> None:
    app = TestApp()
    async with app.running(80, 24) as pilot:
        await pilot.press(*"old")
        paste(app, CURL.replace("z-image", "[/]"))
        await app.until(lambda: app.told)
        assert app.told == ["The catalog has no model [/] at that address."]
        paste(app, " curl of smoke")
        await pilot.pause()
        assert isinstance(app.focused, TextArea)
        assert app.focused.text == "old curl of smoke"


async def test_a_pasted_generate_fills_in_its_prompt_and_what_goes_past_the_catalog() -> (
    None
):
    app = TestApp()
    async with app.running(80, 24) as pilot:
        line = """runapi-tui generate z-image "a cat" -s '+={"style": "ink"}'"""
        paste(app, f"{line} --after 0abc")
        await app.until(lambda: app.told)
        await pilot.pause()
        assert app.told.pop().startswith(
            "Z Image: prompt, extra parameters. Left out: after."
        )
        assert app.main
        values = {"prompt": "a cat", "+": {"style": "ink"}}
        assert app.main.form.values() == values
        names = "--service nova_2 --action text_to_image"
        paste(app, f"runapi-tui generate nova-2 {names} -p 'a dog' -s strength=0.5")
        await app.until(lambda: app.told)
        await pilot.pause()
        assert app.main.form.values() == {"prompt": "a dog", "+": {"strength": 0.5}}
        assert "nova-2" in app.text()


async def test_a_pasted_request_takes_the_names_of_the_route_that_is_there() -> None:
    app = TestApp(api="service")
    async with app.running(80, 24) as pilot:
        data = '{"model": "flux-kontext-pro", "prompt": "x", "image_url": "https://x.example/a.png"}'
        paste(app, f"curl https://runapi.ai/v1/text_to_image --json '{data}'")
        await app.until(lambda: app.told)
        await pilot.pause()
        assert app.main
        values = app.main.form.values()
        assert values == {"prompt": "x", "source_image_url": "https://x.example/a.png"}


async def test_a_draft_is_copied_from_within_the_prompt() -> None:
    app = TestApp()
    async with app.running(80, 24) as pilot:
        await pilot.press(*"it's", "ctrl+s")
        line = await copied(app, pilot)
        assert line.startswith("curl -X POST http://runapi.demo/v1/text_to_image")
        assert "$RUNAPI_API_KEY" in line
        assert app.session.credential.api_key not in line
        await pilot.press("f12")
        assert "Flux2Client" in await copied(app, pilot, "down", "down")
        await pilot.press("ctrl+s", "escape")
        assert isinstance(app.screen, MainScreen)


async def test_a_task_is_copied_from_queue_history_and_inspect() -> None:
    app = TestApp()
    values = {"prompt": "a fox", "aspect_ratio": "1:1"}
    app.remember(
        past("", values=values, model="z-image", service="z_image", route="service")
    )
    wanted = "runapi-tui generate z-image --demo -p 'a fox' -s aspect_ratio=1:1"
    async with app.running(80, 24) as pilot:
        await app.sees("a fox")
        await pilot.press("ctrl+t", "C")
        assert await copied(app, pilot, "end") == wanted
        await pilot.press("i")
        await app.until(lambda: isinstance(app.screen, InspectScreen))
        await pilot.press("C")
        assert "httpx.Client(" in await copied(app, pilot, "down")
        await pilot.press("escape", "slash")
        await app.sees("1 found")
        await pilot.press("down", "C")
        assert await copied(app, pilot, "end") == wanted
