"""Every model's form is filled through the keyboard alone and accepted by the embedded
service, which is strict.
"""

from functools import partial

import pytest
from PIL import Image

from tests.app import TestApp
from tui.catalog.load import bundled
from tui.catalog.spec import Family, Kind, Model, Param
from tui.tasks.task import Status, Task
from tui.widgets.fields import Field

FAMILIES = bundled().families
SOURCE = "a"  # a picture, whatever it is called


def keys_for(param: Param) -> list[str]:
    """What a person would type into a required field."""
    match param.kind:
        case Kind.TEXT:
            return [*"fox"]
        case Kind.IMAGE | Kind.IMAGES:
            return [*SOURCE]
        case Kind.TASK:
            return ["t"]
        case Kind.INTEGERS:
            return ["1"]
        case _:
            return []


def needed_fields(model: Model, fields: list[Field]) -> list[Field]:
    """What has to be filled in: where one of several does, the first of them."""
    rules = model.routes["service"].rules
    names = {rule.required_any[0] for rule in rules if rule.required_any}
    return [
        field for field in fields if field.param.required or field.param.name in names
    ]


def accepted(key: tuple[str, str], task: Task) -> bool:
    return (task.action, task.model) == key and task.status is Status.PENDING


@pytest.mark.hands_over(SOURCE)
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.service)
async def test_each_form_is_filled_by_keyboard_and_accepted(
    family: Family,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path_factory.mktemp("sources")
    Image.new("RGB", (600, 600), "red").save(folder / SOURCE, "PNG")
    monkeypatch.chdir(folder)
    app = TestApp(delay=3600, api="service", concurrency=100, poll_seconds=60)
    async with app.running(80, 24) as pilot:
        assert app.main
        for model in family.models:
            await app.main.show_model(model, {})
            await app.workers.wait_for_complete(
                [worker for worker in app.workers if worker.group == "focus"]
            )
            fields = list(app.main.form.query(Field))
            assert {field.param.name for field in fields} == {
                param.name for param in model.routes["service"].params if not param.more
            }
            fields[0].control.focus()
            await pilot.pause()
            needed = needed_fields(model, fields)
            last = max(fields.index(field) for field in needed)
            for field in fields[: last + 1]:
                if field in needed:
                    assert field.has_focus_within, field.param.name
                tab = (
                    ["tab"]
                    if field.control.focusable and field is not fields[last]
                    else []
                )
                await pilot.press(
                    *(keys_for(field.param) if field in needed else []), *tab
                )
            await pilot.press("ctrl+j")
            await app.until_task(pilot, partial(accepted, model.key))
    assert app.engine
    assert len(app.engine.tasks) == len(family.models)
