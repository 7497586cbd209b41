"""Paint a picture for a prompt: what the demo service shows in place of an image
model's work.

Every picture is a small landscape built from a few layers. Words of the prompt choose
what it shows and in which light; all else is drawn from a digest of model, prompt and
seed.
"""

import math

from PIL import Image, ImageChops, ImageOps

from tui.demo.painting.canvas import Canvas, Profile, gradient, noise
from tui.demo.painting.figures import airborne, visitors
from tui.demo.painting.layers import stars
from tui.demo.painting.palettes import BLACK, mix
from tui.demo.painting.scenes import SCENES


def paint(
    *,
    model: str,
    prompt: str,
    seed: int,
    size: tuple[int, int],
    source: Image.Image | None = None,
) -> Image.Image:
    """Paint `prompt` as an RGB picture of exactly `size`, or repaint `source` in the
    prompt's colours.
    """
    canvas = Canvas(size, prompt, f"{model}\x1f{prompt}\x1f{seed}")
    ground = (
        SCENES[canvas.motif.kind](canvas) if source is None else remix(canvas, source)
    )
    visitors(canvas, ground)
    airborne(canvas)
    return finish(canvas, size)


def remix(canvas: Canvas, source: Image.Image) -> Profile:
    """Repaint a source picture with brush strokes in the palette's colours, under
    another light.
    """
    layer = ImageOps.fit(
        ImageOps.exif_transpose(source).convert("RGBA"),
        (canvas.width // 3, canvas.height // 3),
    )
    small = Image.new("RGB", layer.size, canvas.horizon)
    small.paste(layer, mask=layer.getchannel("A"))
    shadow, bright = (
        mix(canvas.near, BLACK, 0.4),
        (canvas.far, canvas.middle, canvas.horizon, canvas.light),
    )
    if canvas.dark:
        bright = (
            canvas.zenith,
            canvas.middle,
            mix(canvas.middle, canvas.horizon, 0.6),
            canvas.light,
        )
    ramp = gradient((1, 256), [shadow, canvas.near, *bright]).tobytes()
    grey = small.convert("L")
    graded = Image.merge("RGB", [grey.point(list(ramp[band::3])) for band in range(3)])
    small = Image.blend(small, graded, 0.72)
    canvas.image.paste(small.resize(canvas.size, Image.Resampling.BICUBIC))
    for length, count in ((0.024, 2500), (0.009, 11000)):
        brush(canvas, small, length, count)
    canvas.glow(canvas.x(canvas.sun_x), canvas.y(0.1), canvas.unit * 0.8, 0.4)
    if canvas.dark:
        stars(canvas, 0.45)
    return lambda x: canvas.y(0.96)


def brush(canvas: Canvas, colours: Image.Image, length: float, count: int) -> None:
    """Strokes of about `length` units all over the picture, in the colours found there,
    along a soft flow.
    """
    rng, flow, data = (
        canvas.rng(f"brush {length}"),
        noise(canvas.rng("flow"), 2),
        colours.tobytes(),
    )
    for _ in range(count):
        px, py, shine = rng.random(), rng.random(), rng.uniform(0, 0.12)
        at = 3 * (int(py * colours.height) * colours.width + int(px * colours.width))
        colour = mix(
            (data[at], data[at + 1], data[at + 2]),
            rng.choice((canvas.light, canvas.near)),
            shine,
        )
        angle, reach = (
            0.6 + 1.2 * flow(px * 3 + py * 2),
            canvas.unit * length * rng.uniform(0.6, 1.3),
        )
        x, y, dx, dy = (
            px * canvas.width,
            py * canvas.height,
            reach * math.cos(angle),
            reach * math.sin(angle),
        )
        canvas.draw.line(
            (x - dx, y - dy, x + dx, y + dy),
            fill=colour,
            width=max(1, round(reach / 2)),
        )


def finish(canvas: Canvas, size: tuple[int, int]) -> Image.Image:
    """Bring the picture to its size, with a fine grain that hides the steps of its
    gradients.
    """
    tile = Image.frombytes("L", (256, 256), canvas.rng("grain").randbytes(256 * 256))
    tile = tile.point([125 + v // 52 for v in range(256)])
    grain = Image.new("L", size)
    for x in range(0, size[0], 256):
        for y in range(0, size[1], 256):
            grain.paste(tile, (x, y))
    image = canvas.image.resize(size, Image.Resampling.LANCZOS)
    return ImageChops.add(image, Image.merge("RGB", (grain, grain, grain)), offset=-127)
