"""The viewer in a real terminal: an image's pixels are the terminal's, and nothing of
them stays behind.
"""

from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from tests.terminals.conftest import Cards
from tests.terminals.stage import find, missing, stage, where
from tests.terminals.test_real_terminals import CELLS, PLACES

pytestmark = pytest.mark.terminals
SIDE = 500


@pytest.mark.parametrize("name", ["xterm with Sixel", "kitty"])
def test_a_pixel_is_a_pixel_and_no_ghost_stays(
    name: str, cards: Cards, tmp_path: Path
) -> None:
    place, card = PLACES[name], cards.newest
    if reason := missing(*place.programs):
        pytest.skip(reason)
    if place.need() is CELLS:
        pytest.skip(f"{name} draws no pixels")
    wanted = card.crop((card.width - SIDE, card.height - SIDE, *card.size))

    def sharp(photo: Image.Image) -> bool | None:
        yellow = where(photo, (255, 255, 0))
        if not yellow:
            return None
        seen = photo.crop((yellow[2] - SIDE, yellow[3] - SIDE, yellow[2], yellow[3]))
        return (
            True
            if sum(ImageStat.Stat(ImageChops.difference(seen, wanted)).rms) / 3 < 5
            else None
        )

    with stage(place.command(tmp_path), tmp_path) as screen:
        small = screen.until("the picture", lambda photo: find(photo, card))
        screen.press("ctrl+t", "Return")
        page = screen.until_still(
            "the picture on a whole page",
            lambda photo: find(photo, card) not in (None, small) or None,
        )
        screen.press("shift+z")
        screen.until_still(
            "its middle", lambda photo: None if find(photo, card) else True
        )
        screen.press("shift+Right", "shift+Down")
        screen.until("the image's last pixels", sharp)
        screen.press("bracketright", "bracketleft")
        screen.until("them once more", sharp)
        screen.press("shift+z")
        screen.until_same("the picture on a whole page again", page)
        screen.quit()
