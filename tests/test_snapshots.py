"""Five very different forms as people see them.

After a wanted change: `pytest tests/test_snapshots.py -n0 --snapshot-update`.
"""

import asyncio
from collections.abc import Callable

import pytest
import textual
from textual.pilot import Pilot

from tests.app import TestApp
from tui.catalog.load import bundled
from tui.widgets import form

MADE_WITH = "8.2.8"
FORMS = [
    ("flux-2-pro-text-to-image", ""),
    ("ideogram-v3-character-edit", ""),
    ("wan-2.7-image-pro", ""),
    ("recraft-crisp-upscale", ""),
    ("gpt-image-2", "text_to_image"),
]
SIZES = {"narrow": (80, 24), "wide": (140, 44)}


@pytest.mark.skipif(
    textual.__version__ != MADE_WITH,
    reason=f"the pictures were made with Textual {MADE_WITH}",
)
@pytest.mark.parametrize(
    ("size", "theme"), [("wide", "textual-dark"), ("narrow", "textual-light")]
)
@pytest.mark.parametrize(("slug", "action"), FORMS, ids=[slug for slug, _ in FORMS])
def test_form(
    slug: str,
    action: str,
    size: str,
    theme: str,
    snap_compare: Callable[..., bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The listed price, however long the picture takes
    monkeypatch.setattr(form, "REST", 3600)
    app = TestApp(theme=theme, api="service")

    async def show(pilot: Pilot[None]) -> None:
        await asyncio.wait_for(app.opened.wait(), 30)
        await pilot.pause()
        await app.workers.wait_for_complete()  # balance and prices
        assert app.main
        await app.main.show_model(
            bundled().find(slug, action),
            {"prompt": "A lighthouse 灯台 at dusk, [red] roof"},
        )
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()

    assert snap_compare(app, terminal_size=SIZES[size], run_before=show)
