"""What the user agrees to pay is what is submitted, whatever a job is made of."""

import random

import pytest
from textual.widgets import Button, Input, TextArea

from tests.app import TestApp
from tui.catalog.load import bundled
from tui.catalog.spec import Model, Values
from tui.screens.batch import BatchScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.main import MainScreen
from tui.tasks.task import Task
from tui.text import dollars

MODELS = [
    model
    for model in bundled().models
    if model.action == "text_to_image" and model.price and model.price.by
]
"""Their prices depend on what is filled in."""


def random_lines(model: Model, rng: random.Random) -> str:
    """Vary lines of one or two parameters with choices, the one that costs among them."""
    assert model.price
    params = [
        param
        for route in model.routes.values()
        for param in route.params
        if len(param.enum) > 1
    ]
    costly = [param for param in params if param.name == model.price.by]
    chosen = {param.name: param for param in [*costly[:1], rng.choice(params)]}
    lines = []
    for name, param in chosen.items():
        choices = rng.sample(param.enum, rng.randint(1, len(param.enum)))
        lines.append(f"{name} = {' | '.join(map(str, choices))}")
    return "\n".join(lines)


@pytest.mark.parametrize("seed", range(8))
async def test_the_sum_asked_is_the_sum_submitted(seed: int) -> None:
    rng = random.Random(seed)
    app = TestApp(confirm_usd=0.001)
    app.remember(paused=True)
    async with app.running(120, 40) as pilot:
        assert app.main
        assert app.engine
        model = rng.choice(MODELS)
        values: Values = {"prompt": "a {red|blue} fox"}
        if "gpt-image-2" in model.slug:
            values["aspect_ratio"] = "16:9"  # without one, 2k and 4k are refused
        await app.main.filler.show_model(model, values)
        await pilot.press("f8")
        await app.until(lambda: isinstance(app.screen, BatchScreen))
        page = app.screen
        page.query_one("#batch-count", Input).value = str(rng.randint(1, 3))
        page.query_one(TextArea).text = random_lines(model, rng)
        button = page.query_one(Button)
        for _ in range(100):
            if isinstance(app.screen, ConfirmScreen):
                break
            await pilot.press("ctrl+j")  # it may still be being counted
            await pilot.pause()
        else:
            raise AssertionError(app.text())
        shown = str(button.label).partition("about ")[2]
        await app.sees(f"about {shown}?")
        await pilot.press("y")
        await app.until(lambda: isinstance(app.screen, MainScreen))
        tasks: dict[str, Task] = app.engine.tasks
        await app.until(lambda: tasks)
        costs = [task.estimate_micro for task in tasks.values()]
        assert None not in costs
        assert dollars(sum(cost or 0 for cost in costs)) == shown
