"""Makes the README's pictures from the real app: `python docs/make_screenshots.py`."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.app import TestApp  # noqa: E402
from tui.tasks.task import Status  # noqa: E402

PROMPTS = [
    "a sailing boat at sunset",
    "霧の森 misty pines at dawn",
    "a lighthouse at night, full moon",
]


async def shoot(name: str, width: int, height: int) -> None:
    app = TestApp(delay=1.5)
    async with app.running(width, height) as pilot:
        assert app.main
        for prompt in PROMPTS:
            app.main.form.set_prompt(prompt)
            await pilot.press("ctrl+j")
            task = await app.until_task(
                pilot,
                lambda task, wanted=prompt: (
                    task.prompt == wanted and task.status is Status.COMPLETED
                ),
            )
        app.main.form.set_prompt("a {red|blue|golden} kite over the dunes")
        await pilot.press("ctrl+j")
        await app.until_task(
            pilot,
            lambda task: "golden" in task.prompt and task.status is Status.COMPLETED,
        )
        app.main.form.set_prompt("a city at night, rain, neon demo:slow")
        await pilot.press("ctrl+j")
        await app.until_task(pilot, lambda task: task.status is Status.PROCESSING)
        app.main.queue.table.select(task.id)
        if app.main.preview.display:
            await app.until(lambda: task.files[0] in app.shown)
        await pilot.pause()
        picture = app.export_screenshot(title="runapi-tui")
        # No path of the machine that made it.
        picture = picture.replace(os.environ["HOME"], "/home/you/images")
        (ROOT / "docs" / f"{name}.svg").write_text(picture)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {
            "HOME": home,
            "XDG_STATE_HOME": home,
            "XDG_CONFIG_HOME": home,
            "RUNAPI_TUI_OUTPUT": home,
        }
        asyncio.run(shoot("wide", 140, 42))
        asyncio.run(shoot("narrow", 80, 24))
