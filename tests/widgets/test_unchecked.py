"""The form lets the service decide about what the catalog refuses, if the user wants."""

import json

import pytest
from textual.pilot import Pilot

from tests.app import TestApp
from tests.widgets.test_form import FormApp, make_model
from tui.catalog.spec import Kind, Param, Price, Rule
from tui.demo import DEMO_URL
from tui.spending import quotes
from tui.tasks.task import Status
from tui.widgets.fields import Field
from tui.widgets.form import ParamForm
from tui.widgets.form_fields import Fold
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


@pytest.mark.parametrize("key", ["alt+u", "f6"])
async def test_the_key_works_in_a_text_and_says_what_it_did(key: str) -> None:
    app = FormApp(PROMPT, NUMBER, price=Price(5))
    async with app.run_test(size=(60, 30)) as pilot:
        await type_into(app, pilot, "prompt", "much too long")
        assert app.form.key_label("send_unchecked") == ""
        await pilot.press(key)
        await pilot.pause()
        assert app.form.key_label("send_unchecked") == "Check again"
        assert "Prompt not checked" in app.text()
        assert "price unknown, not checked" in app.text()
        assert [each.message for each in app._notifications] == [
            "Not checked: prompt. The service decides."
        ]
        # It is no text of the extra parameters, and goes with what it was for.
        assert field(app, "+").raw is None
        await pilot.press("!")
        assert app.form.values()["prompt"] == "much too long!"
        await pilot.press("ctrl+n", *"a fox")
        assert app.form.values() == {"prompt": "a fox"}
        assert "not checked" not in app.text()


async def test_a_value_that_is_right_by_now_is_checked_again() -> None:
    app = FormApp(PROMPT, NUMBER, price=Price(5))
    async with app.run_test(size=(60, 30)) as pilot:
        await type_into(app, pilot, "prompt", "a fox")
        await type_into(app, pilot, "strength", "2")
        await pilot.press("alt+u", "backspace", "1")
        await pilot.pause()
        assert app.form.values() == {"prompt": "a fox", "strength": 1}


async def test_what_is_not_checked_stays_with_its_model() -> None:
    app = FormApp(PROMPT, NUMBER)
    own = app.form._model
    async with app.run_test(size=(60, 30)) as pilot:
        await type_into(app, pilot, "prompt", "much too long")
        await pilot.press("alt+u")
        await app.form._box.unfold()
        await type_into(app, pilot, "+", '{"style": "ink"')
        left = app.form.content()
        await app.form.show(make_model(PROMPT, slug="n"), "service")
        assert "+" not in app.form.values()
        await app.form.show(own, "service")
        assert app.form.content() == left
        again = ParamForm("again", own, "service", [left])
        assert again.content() == left


async def test_a_list_is_refused_whatever_else_is_not_checked() -> None:
    app = FormApp(PROMPT, NUMBER)
    async with app.run_test(size=(60, 30)) as pilot:
        await type_into(app, pilot, "prompt", "much too long")
        await pilot.press("alt+u")
        await app.form._box.unfold()
        await type_into(app, pilot, "+", "[1]")
        assert "Must be a JSON object" in note(app)


async def test_broken_json_has_no_price() -> None:
    app = FormApp(PROMPT, NUMBER, price=Price(5))
    async with app.run_test(size=(60, 30)) as pilot:
        await type_into(app, pilot, "prompt", "a fox")
        await app.form._box.unfold()
        await type_into(app, pilot, "+", '{"a": 1 "b"}')
        assert 'Not JSON from character 9 on: "b"}' in note(app)
        assert "price unknown" in app.text()


async def test_folded_fields_are_hidden_with_what_a_rule_shows() -> None:
    app = FormApp(PROMPT, NUMBER)
    async with app.run_test(size=(60, 30)) as pilot:
        await app.form._box.unfold()
        await type_into(app, pilot, "+", "{}")
        assert "Extra parameters" in app.text()
        await app.query_one(Fold).action_fold()
        await pilot.pause()
        assert "▸ 1 more, 1 set" in app.text()
        assert "Extra parameters" not in app.text()


async def test_a_sentence_calls_fields_as_the_form_does() -> None:
    app = FormApp(
        Param(name="image_url", kind=Kind.LINE, label="Source"),
        Param(name="source_task_id", kind=Kind.LINE, label="Task"),
        rules=(Rule(required_any=("image_url", "source_task_id")),),
    )
    async with app.run_test(size=(44, 14)) as pilot:
        await pilot.press("ctrl+j")
        assert note(app).startswith("Required: one of Source, Task.")


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
