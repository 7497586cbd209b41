"""What the tests in real terminals stand on."""

from pathlib import Path

import pytest
from PIL import Image

from tests.app import TestApp, past
from tests.terminals.stage import paint_card
from tui.tasks.task import Result


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "terminals: runs the app in real terminals, on a display of their own")


@pytest.fixture
def card(home: Path) -> Image.Image:
    """A test card, which is the newest result in the queue; the one before is all grey."""
    card = paint_card()
    results = []
    for name, image in (("grey", Image.new("RGB", (512, 512), "#5a5a5a")), ("card", card)):
        path = home / f"{name}.png"
        image.save(path)
        results.append(Result(url=f"https://cdn.example/{path.name}", path=str(path), format="PNG"))
    TestApp().remember(*(past(Path(result.path).stem, results=(result,)) for result in results))
    return card
