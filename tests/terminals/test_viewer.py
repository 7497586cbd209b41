"""The viewer in a real terminal: an image's pixels are the terminal's, and nothing of them stays behind."""

from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from tests.terminals.stage import APP, _where, find, missing, stage
from tests.terminals.test_real_terminals import SIXEL

pytestmark = pytest.mark.terminals
SIDE = 500


def test_a_pixel_is_a_pixel_and_no_ghost_stays(card: Image.Image, tmp_path: Path) -> None:
    if reason := missing("xterm"):
        pytest.skip(reason)
    wanted = card.crop((card.width - SIDE, card.height - SIDE, *card.size))

    def sharp(photo: Image.Image) -> bool | None:
        yellow = _where(photo, (255, 255, 0))
        if not yellow:
            return None
        seen = photo.crop((yellow[2] - SIDE, yellow[3] - SIDE, yellow[2], yellow[3]))
        return True if sum(ImageStat.Stat(ImageChops.difference(seen, wanted)).rms) / 3 < 5 else None

    with stage([*SIXEL, "-e", *APP], tmp_path) as screen:
        screen.until("the picture", find)
        screen.press("ctrl+t")
        before = screen.until_still("the picture, with the queue's focus", find)
        screen.press("Return")
        page = screen.until_still(
            "the picture on a whole page", lambda photo: find(photo) if photo != before else None
        )
        screen.press("z")
        screen.until_still("its middle", lambda photo: None if find(photo) else True)
        screen.press("L", "J")
        screen.until("the image's last pixels", sharp)
        screen.press("n", "p")
        screen.until("them once more", sharp)
        screen.press("0")
        screen.until_same("the picture on a whole page again", page)
        screen.press("Escape")
        screen.until_same("the picture again", before)
        screen.quit()
