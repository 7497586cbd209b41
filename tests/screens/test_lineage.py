"""What a picture was made from, and what was made from it."""

from pathlib import Path

from tests.app import TestApp
from tests.screens.test_next_steps import made
from tui.screens.lineage import LineageScreen
from tui.screens.viewer import ViewerScreen
from tui.tasks.task import Task


def edited(app: TestApp, prompt: str, sources: list[str]) -> Task:
    return made(
        app,
        prompt,
        action="remix_image",
        model="flux-2-pro-remix-image",
        values={"prompt": prompt, "source_image_urls": sources},
    )


async def test_sources_and_children_are_listed_and_viewed() -> None:
    app = TestApp()
    first = made(app, "a red fox")
    second = edited(app, "in snow", [first.files[0], "https://example.org/x.png?y=1"])
    third = edited(app, "at night", [second.files[0]])
    app.remember(first, second, third, made(app, "an owl"))
    Path(first.files[0]).unlink()
    async with app.running(120, 36) as pilot:
        await app.sees("an owl")
        await pilot.press("ctrl+t", "down", "down", "L")
        await app.until(lambda: isinstance(app.screen, LineageScreen))
        await app.sees(
            "↑ Flux 2 Pro · a red fox · the file is gone",
            "↑ x.png (no task is known to have made it)",
            "● Flux 2 Pro Remix · in snow",
            "↳ Flux 2 Pro Remix · at night",
            without="an owl",
        )
        await pilot.press("down", "enter")
        await app.until(lambda: isinstance(app.screen, ViewerScreen))
        await app.sees("at night")
        await pilot.press("L")
        await app.until(lambda: isinstance(app.screen, LineageScreen))
        await app.sees("● Flux 2 Pro Remix · at night", "a red fox")


async def test_a_circle_of_sources_ends() -> None:
    app = TestApp()
    fox = made(app, "a red fox")
    owl = edited(app, "an owl", [fox.files[0]])
    fox = edited(app, "a red fox", [owl.files[0]])
    app.remember(fox, owl)
    async with app.running(120, 36) as pilot:
        await app.sees("an owl")
        await pilot.press("ctrl+t", "L")
        await app.until(lambda: isinstance(app.screen, LineageScreen))
        await app.sees("a red fox", "an owl")
