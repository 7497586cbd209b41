"""How many keys the usual ways take, from a cold start."""

from collections.abc import Callable

import pytest

from tests.app import TestApp
from tui.tasks.task import Status, Task


def is_seen(app: TestApp, count: int) -> Callable[[], bool]:
    """Returns whether so many tasks are completed, and a picture of the last is shown."""

    def seen() -> bool:
        assert app.engine
        done = [
            task
            for task in app.engine.tasks.values()
            if task.status is Status.COMPLETED
        ]
        last = max(done, key=lambda task: task.id, default=None)
        return len(done) >= count and bool(last) and _shown(app, last)

    return seen


def _shown(app: TestApp, task: Task | None) -> bool:
    return task is not None and task.files[0] in app.shown


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (170, 48), (200, 55)])
async def test_the_first_image_takes_one_key_beside_the_prompt_and_is_seen(
    size: tuple[int, int],
) -> None:
    app = TestApp()
    async with app.running(*size) as pilot:
        await pilot.press(*"a fox", "ctrl+j")
        await app.until(is_seen(app, 1))


async def test_the_same_again_takes_one_key_after_a_restart() -> None:
    app = TestApp()
    async with app.running(120, 36) as pilot:
        await pilot.press(*"a fox", "ctrl+j")
        await app.until(is_seen(app, 1))
    again = TestApp()
    async with again.running(120, 36) as pilot:
        await again.sees("a fox", "● completed")
        await pilot.press("ctrl+j")  # another seed, too: the service draws one
        await again.until(is_seen(again, 2))


async def test_four_variations_take_three_keys_after_a_restart() -> None:
    app = TestApp()
    async with app.running(120, 36) as pilot:
        await pilot.press(*"a fox", "ctrl+j")
        await app.until(is_seen(app, 1))
    again = TestApp()
    async with again.running(120, 36) as pilot:
        await again.sees("a fox", "● completed")
        await pilot.press("ctrl+b", "4")
        await again.sees("4 requests")
        await pilot.press("ctrl+j")
        await again.until(is_seen(again, 5))
