"""The form lets the service decide about what the catalog refuses, if the user wants."""

import json

import pytest
from textual.pilot import Pilot

from tests.app import TestApp
from tests.widgets.test_form import FormApp
from tui.catalog.spec import Kind, Param, Price
from tui.demo import DEMO_URL
from tui.spending import quotes
from tui.tasks.task import Status
from tui.widgets.fields import Field
from tui.widgets.form_note import FormNote

PROMPT = Param(name="prompt", kind=Kind.TEXT, required=True, max=10)
NUMBER = Param(name="strength", kind=Kind.NUMBER, max=1)


def field(app: FormApp, name: str) -> Field:
    return app.form._fields[name]


def note(app: FormApp) -> str:
    return app.query_one(FormNote).text


async def test_a_refused_value_is_sent_unchecked() -> None:
    app = FormApp(PROMPT, NUMBER, price=Price(5))
    async with app.run_test(size=(60, 30)) as pilot:
        await type_into(app, pilot, "prompt", "a fox")
        await type_into(app, pilot, "strength", "2")
        await pilot.press("ctrl+j")
        assert not app.submitted
        assert "alt+u lets the service decide." in note(app)
        await pilot.press("alt+u")
        assert "Not checked: strength." in note(app)
        assert "price unknown" in app.text()
        await pilot.press("ctrl+j")
        await pilot.pause()
    assert app.submitted == [
        {"prompt": "a fox", "strength": 2, "+": {"strength": None}}
    ]


async def test_the_same_key_checks_again() -> None:
    app = FormApp(PROMPT, NUMBER)
    async with app.run_test(size=(60, 30)) as pilot:
        await type_into(app, pilot, "prompt", "a fox")
        await type_into(app, pilot, "strength", "2")
        await pilot.press("alt+u", "alt+u")
        assert field(app, "strength").error
        assert "+" not in app.form.values()


async def test_what_is_no_value_can_not_be_sent_unchecked() -> None:
    app = FormApp(PROMPT, NUMBER)
    async with app.run_test(size=(60, 30)) as pilot:
        await type_into(app, pilot, "prompt", "a fox")
        await type_into(app, pilot, "strength", "much")
        assert "lets the service decide" not in note(app)
        await pilot.press("alt+u", "ctrl+j")
        await pilot.pause()
    assert not app.submitted


async def test_an_empty_prompt_is_not_offered() -> None:
    app = FormApp(PROMPT, NUMBER)
    async with app.run_test(size=(60, 30)) as pilot:
        await pilot.press("ctrl+j")
        assert note(app) == "Required."


async def test_extra_parameters_are_typed_as_json() -> None:
    app = FormApp(PROMPT, NUMBER)
    async with app.run_test(size=(60, 30)) as pilot:
        await type_into(app, pilot, "prompt", "a fox")
        await app.form._box.unfold()
        await type_into(app, pilot, "+", '{"style": "ink"')
        await pilot.press("ctrl+j")
        assert "Not JSON" in note(app)
        await pilot.press("}", "ctrl+j")
        await pilot.pause()
    assert app.submitted == [{"prompt": "a fox", "+": {"style": "ink"}}]


@pytest.mark.hands_over("prices-*.json")
async def test_a_model_that_is_not_described() -> None:
    cache = TestApp().session.folders.cache
    known = {"service": "z_image", "action": "text_to_image", "model": "z-image"}
    new = {"service": "nova_2", "action": "text_to_image", "model": "nova-2-pro"}
    prices = json.dumps({"as_of": "2026-11-21", "price_schedules": [known, new]})
    quotes.save(cache, DEMO_URL, quotes.PriceList(prices))
    app = TestApp()
    async with app.running(170, 48) as pilot:
        assert app.main
        await app.main.filler.show_model(app.session.catalog.find("nova-2-pro"))
        app.main.form.set_prompt("a fox")
        await app.sees("nova-2-pro · text to image · not described")
        await app.sees("Extra parameters", "New, not descri")
        await pilot.press("ctrl+j")
        task = await app.until_task(pilot, lambda task: task.status is Status.COMPLETED)
    assert (task.service, task.values) == ("nova_2", {"prompt": "a fox", "+": {}})


@pytest.mark.hands_over("prices-*.json")
async def test_an_inactive_model_is_named_before_it_is_paid(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def nothing_newer(*_: object) -> None:
        return None

    monkeypatch.setattr(quotes, "fetch", nothing_newer)
    cache = TestApp().session.folders.cache
    known = {"service": "z_image", "action": "text_to_image", "model": "z-image"}
    old = {"service": "imagen_4", "action": "text_to_image", "model": "imagen-4-fast"}
    items = [known, old | {"catalog_status": "inactive"}]
    prices = json.dumps({"as_of": "2026-11-21", "price_schedules": items})
    quotes.save(cache, DEMO_URL, quotes.PriceList(prices))
    app = TestApp(job_usd=0.001)
    async with app.running(170, 48) as pilot:
        assert app.main
        await app.main.filler.show_model(app.session.catalog.find("imagen-4-fast"))
        app.main.form.set_prompt("a fox")
        await app.sees("text to image · inactive")
        await pilot.press("ctrl+j")
        await app.sees(
            "imagen-4-fast is marked inactive by the service", "A job may cost"
        )


async def type_into(app: FormApp, pilot: Pilot[None], name: str, text: str) -> None:
    field(app, name).control.focus()
    await pilot.pause()
    await pilot.press(*text)
    await pilot.pause()
