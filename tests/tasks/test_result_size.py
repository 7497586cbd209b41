"""What an enlarged picture will measure is known before it is paid."""

from pathlib import Path

import pytest
from PIL import Image

from tui.catalog.extra import EXTRA
from tui.catalog.load import bundled
from tui.catalog.spec import Values
from tui.tasks.result_size import large_source, too_large_note

ROUTE = bundled().find("topaz-upscale-image").routes["service"]
SOURCE = "source_image_url"


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({SOURCE: "/x/fox.png", "upscale_factor": 4}, (Path("/x/fox.png"), 4)),
        ({SOURCE: "/x/fox.png", "upscale_factor": "8x"}, (Path("/x/fox.png"), 8)),
        ({SOURCE: "/x/fox.png", EXTRA: {"scale_factor": 8}}, (Path("/x/fox.png"), 8)),
        (
            {SOURCE: "/x/fox.png", "upscale_factor": 2, EXTRA: {"upscale_factor": 8}},
            (Path("/x/fox.png"), 8),
        ),
        (
            {
                SOURCE: "/x/fox.png",
                "upscale_factor": 2,
                EXTRA: {"upscale_factor": None},
            },
            (Path("/x/fox.png"), 2),
        ),
        ({SOURCE: "https://a.b/fox.png", "upscale_factor": 4}, None),
        ({SOURCE: "/x/fox.png"}, None),
        ({SOURCE: "/x/fox.png", "upscale_factor": "many"}, None),
        ({"upscale_factor": 4}, None),
    ],
)
def test_which_file_is_enlarged(values: Values, found: tuple[Path, int] | None) -> None:
    assert large_source(ROUTE, values) == found


def test_only_a_size_that_is_too_large_is_told(tmp_path: Path) -> None:
    path = tmp_path / "fox.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (1536, 1024)).save(path, exif=exif)
    assert "to be shown here: 8192×12288 pixels. It is saved whole." in too_large_note(
        path, 8
    )
    assert too_large_note(path, 4) == ""
    assert too_large_note(tmp_path / "gone.png", 8) == ""
    path.write_text("no image")
    assert too_large_note(path, 8) == ""
