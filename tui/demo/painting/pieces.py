"""A picture taken apart: its regions from the sky down to the foreground, cut out or
lit up.
"""

from PIL import Image, ImageFilter

GRID = 64


def split(picture: Image.Image, count: int) -> list[Image.Image]:
    """Masks of `count` regions of about the same area, as large as the picture;
    together they cover it.
    """
    small = (
        picture.convert("L")
        .resize((GRID, GRID))
        .filter(ImageFilter.GaussianBlur(2))
        .tobytes()
    )
    # What is high and bright is far: true of most pictures, and no picture is too plain
    # to be told apart.
    by_depth = sorted(
        range(GRID * GRID), key=lambda place: 6 * (place // GRID) - small[place]
    )
    masks = []
    for number in range(count):
        cells = bytearray(GRID * GRID)
        for place in by_depth[
            number * GRID * GRID // count : (number + 1) * GRID * GRID // count
        ]:
            cells[place] = 255
        mask = Image.frombytes("L", (GRID, GRID), bytes(cells)).filter(
            ImageFilter.MedianFilter(3)
        )
        masks.append(mask.resize(picture.size, Image.Resampling.BICUBIC))
    return masks


def background(picture: Image.Image) -> Image.Image:
    """What is left behind the regions."""
    return picture.resize((24, 24)).resize(picture.size, Image.Resampling.BICUBIC)


def cut_out(picture: Image.Image, mask: Image.Image) -> Image.Image:
    """One region alone, transparent around."""
    seen = mask.point(lambda strength: 255 if strength else 0)
    cut = Image.composite(picture, Image.new("RGB", picture.size), seen)
    cut.putalpha(mask)
    return cut


def lit_up(picture: Image.Image, mask: Image.Image) -> Image.Image:
    """One region in its colours, the others dim."""
    dim = picture.convert("L").point(lambda light: 20 + light // 4).convert("RGB")
    return Image.composite(picture, dim, mask)
