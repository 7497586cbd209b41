"""What the tests in real terminals stand on."""

from pathlib import Path
from typing import NamedTuple

import pytest
from PIL import Image

from tests.app import TestApp, past
from tests.terminals.stage import PLAIN, paint_card
from tui.images.thumbnails import ThumbnailCache
from tui.tasks.task import Result


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "terminals: runs the app in real terminals, on a display of their own",
    )


class Cards(NamedTuple):
    newest: Image.Image
    oldest: Image.Image


@pytest.fixture
def cards(home: Path) -> Cards:
    """Two test cards of different colours: the newest and the oldest result in the
    queue; those between are plain, and more than the grid shows at a time. The
    terminals are too low for a strip of small pictures, which would be copies.
    """
    card = paint_card()
    cards = Cards(card, Image.merge("RGB", [card.getchannel(band) for band in "BRG"]))
    app = TestApp()
    thumbs = ThumbnailCache(app.session.folders.cache / "thumbs")
    results = []
    for name, image in (
        ("oldest", cards.oldest),
        ("plain", Image.new("RGB", (512, 512), PLAIN)),
        ("newest", card),
    ):
        path = home / f"{name}.png"
        image.save(path, compress_level=1)
        # Or it would look a little different from the second time on
        thumbs.shrink(path, (1, 1))
        results.append(
            Result(url=f"https://cdn.example/{path.name}", path=str(path), format="PNG")
        )
    oldest, plain, newest = results
    queue = [oldest, *[plain] * 7, newest]
    app.remember(*(past(Path(result.path).stem, results=(result,)) for result in queue))
    return cards
