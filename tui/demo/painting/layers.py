"""The layers of a landscape: sky, land, trees, towers and water."""

import math
from random import Random

from PIL import Image, ImageChops, ImageOps

from tui.demo.painting.canvas import REACH, Canvas, Point, Profile, gradient, noise
from tui.demo.painting.palettes import RGB, mix, oklch

ROOFS: tuple[tuple[Point, ...], ...] = (  # on a base from (0, 0) to (1, 0)
    ((0, 0), (0, 0), (1, 0)),
    ((0.2, 0), (0.2, -0.3), (0.8, -0.3), (0.8, 0)),
    ((0, 0), (0.5, -0.7), (1, 0)),
    ((0, 0), (0, -0.45), (1, 0)),
    ((0.47, 0), (0.47, -0.9), (0.53, -0.9), (0.53, 0)),
)


def sky(canvas: Canvas, horizon: float) -> None:
    """Sky down to `horizon`, with clouds and the sun or, when it is dark, stars and the
    moon.
    """
    split = round(canvas.y(horizon)) + 1
    stops = [
        canvas.zenith,
        mix(canvas.zenith, canvas.middle, 0.6),
        canvas.middle,
        canvas.horizon,
    ]
    canvas.image.paste(gradient((canvas.width, split), stops))
    canvas.image.paste(canvas.horizon, (0, split, *canvas.size))
    if canvas.dark:
        stars(canvas, horizon)
    arch = [
        round(255 * math.sin(math.pi * min(1.0, (row + 0.5) / 64 / horizon)))
        for row in range(64)
    ]
    band = Image.frombytes("L", (1, 64), bytes(arch)).resize(canvas.size)
    if "aurora" in canvas.motif.things:
        curtains = ImageChops.multiply(
            canvas.cloud("aurora", 0.2, 2.5, 115, 3, 220), band
        )
        canvas.fill(
            curtains, oklch(0.6, 0.2, 310), oklch(0.85, 0.2, 155), 0, horizon * 0.7
        )
    sun(canvas, canvas.x(canvas.sun_x), canvas.y(canvas.sun_y * horizon))
    wisps = ImageChops.multiply(canvas.cloud("clouds", 0.9, 0.14, 138, 4, 190), band)
    canvas.fill(
        wisps,
        mix(canvas.middle, canvas.light, 0.55),
        mix(canvas.horizon, canvas.light, 0.55),
        0,
        horizon,
    )


def sun(canvas: Canvas, x: float, y: float) -> None:
    """The sun or, when it is dark, the moon."""
    radius = canvas.unit * canvas.rng("sky").uniform(0.06, 0.11)
    canvas.glow(x, y, radius * 10, 0.4 if canvas.dark else 0.65)
    canvas.glow(x, y, radius * 3.5, 0.55)
    canvas.dot(x, y, radius, canvas.light)
    if canvas.dark:
        crater = mix(canvas.light, canvas.middle, 0.13)
        for dx, dy, size in (
            (-0.35, -0.3, 0.24),
            (0.25, -0.1, 0.3),
            (-0.1, 0.4, 0.2),
            (0.45, 0.42, 0.12),
        ):
            canvas.dot(x + dx * radius, y + dy * radius, size * radius, crater)


def stars(canvas: Canvas, horizon: float) -> None:
    rng, places = canvas.rng("stars"), []
    for _ in range(900):
        x, height, bright = (
            rng.uniform(-REACH, REACH),
            rng.random() ** 1.3,
            rng.random() ** 4,
        )
        radius, strength = (
            canvas.unit * (0.0011 + 0.0022 * bright),
            (120 + 135 * bright) * (1 - 0.8 * height),
        )
        places.append(
            (canvas.x(x), canvas.y(height * horizon), radius, radius, round(strength))
        )
    canvas.specks(places)


def hill(
    canvas: Canvas,
    name: str,
    base: float,
    height: float,
    wide: float,
    octaves: int = 1,
    sharp: bool = False,
) -> Profile:
    """A line around `base` of the picture's height, with hills of about `height` by
    `wide` units.
    """
    shape = noise(canvas.rng(name), octaves, sharp)
    return lambda x: canvas.y(base) - canvas.unit * height * shape(x / wide + 0.37)


def land(canvas: Canvas, top: Profile, colour: RGB, haze: float = 0.0) -> None:
    """Land below the line `top`, fading into haze towards its foot."""
    if "snow" in canvas.motif.things:
        colour = mix(colour, mix(canvas.light, canvas.middle, 0.3), 0.55)
    crest = points(canvas, top)
    mask = canvas.mask([*crest, (canvas.width + 8, canvas.height), (-4, canvas.height)])
    peak = min(y for _, y in crest) / canvas.height
    canvas.fill(
        mask, colour, mix(colour, canvas.horizon, haze), peak, min(1.0, peak + 0.4)
    )


def snowcap(canvas: Canvas, top: Profile, line: float) -> None:
    """Snow below the line `top`, down to a ragged line at `line` of the height."""
    ragged = hill(canvas, "snowline", line, 0.05, 0.11, 3, sharp=True)
    edge = points(canvas, lambda x: max(top(x), ragged(x)))
    snow = canvas.mask([*points(canvas, top), *edge[::-1]], strength=225)
    canvas.fill(snow, mix(canvas.light, canvas.middle, 0.15), canvas.horizon)


def points(canvas: Canvas, line: Profile) -> list[Point]:
    """A line all across the canvas, in pixels."""
    return [
        (float(x), line((x - canvas.width / 2) / canvas.unit))
        for x in range(-4, canvas.width + 8, 4)
    ]


def pines(
    canvas: Canvas,
    name: str,
    ground: Profile,
    height: float,
    colour: RGB,
    clearing: float = 0.0,
) -> None:
    """A row of pines, smaller towards the middle when there is a clearing."""
    rng, x = canvas.rng(name), -REACH
    while x < REACH:
        x += height * rng.uniform(0.12, 0.45)
        tall, slim, lean = (
            height * rng.uniform(0.6, 1.15),
            rng.uniform(0.15, 0.21),
            rng.uniform(-0.02, 0.02),
        )
        if abs(x) > canvas.half + height:
            continue
        aside = (abs(x) / max(0.3, canvas.half)) ** 1.5
        tall *= canvas.unit * (1 - clearing + clearing * min(1.3, 0.25 + 1.3 * aside))
        pine(canvas, canvas.x(x), ground(x) + 0.1 * tall, tall, slim, lean, colour)


def pine(
    canvas: Canvas,
    x: float,
    foot: float,
    tall: float,
    slim: float,
    lean: float,
    colour: RGB,
) -> None:
    left: list[Point] = []
    right: list[Point] = [(x + lean * tall, foot - tall)]
    for up in (tier / 7 for tier in range(7)):
        trunk, spread, low = (
            x + lean * tall * up,
            slim * tall * (1 - up),
            foot - tall * (up * 0.93 + 0.06),
        )
        for wide, y in ((spread, low), (spread * 0.45, low - tall * 0.1)):
            left.append((trunk - wide, y))
            right.insert(1, (trunk + wide, y))
    canvas.draw.polygon(left + right, fill=colour)


def towers(
    canvas: Canvas, name: str, base: float, height: float, colour: RGB, lit: float
) -> None:
    """A row of towers; `lit` is the share of windows with light."""
    rng, x, cell = canvas.rng(name), -REACH, canvas.unit * 0.02
    lamps = [
        mix(colour, tone, 0.75)
        for tone in (canvas.light, canvas.light, *canvas.accents)
    ]
    while x < REACH:
        wide, gap, roof = (
            rng.uniform(0.08, 0.18),
            rng.choice((0, 0, 0.01, 0.03)),
            rng.choice(ROOFS),
        )
        tall = (
            height
            * (0.35 + 0.65 * rng.random() ** 1.5)
            * (1.15 - 0.35 * min(1.0, abs(x)))
        )
        windows = Random(rng.getrandbits(64))
        left, span, top = (
            canvas.x(x),
            canvas.unit * wide,
            canvas.y(base) - canvas.unit * tall,
        )
        x += wide + gap
        if left + span < 0 or left > canvas.width:
            continue
        canvas.draw.rectangle((left, top, left + span, canvas.height), fill=colour)
        canvas.draw.polygon(
            [(left + px * span, top + py * span) for px, py in roof], fill=colour
        )
        for column in range(1, int(span / cell)):
            for storey in range(1, int(tall / 0.026)):
                if windows.random() < lit:
                    wx, wy = left + column * cell, top + storey * cell * 1.3
                    pane = (wx - cell * 0.28, wy, wx + cell * 0.28, wy + cell * 0.62)
                    canvas.draw.rectangle(pane, fill=windows.choice(lamps))


def water(canvas: Canvas, level: float) -> None:
    """Mirror what is above `level` in the water below it, with ripples and the light's
    path.
    """
    rng, split = canvas.rng("water"), round(canvas.y(level))
    depth = canvas.height - split
    above = canvas.image.crop(
        (0, max(0, split - round(depth * 1.5)), canvas.width, split)
    )
    mirror = ImageOps.flip(above).resize((canvas.width, depth))
    canvas.image.paste(mirror, (0, split))
    row, phase = 0, rng.uniform(0, 6)
    while row < depth:
        near = row / depth
        thick = max(1, round(canvas.unit * (0.002 + 0.008 * near)))
        shift = round(canvas.unit * (0.003 + 0.02 * near) * math.sin(phase))
        canvas.image.paste(
            mirror.crop((0, row, canvas.width, row + thick)), (shift, split + row)
        )
        row, phase = row + thick, phase + rng.uniform(0.5, 1.6)
    tint = Image.new("L", canvas.size)
    deeper = Image.linear_gradient("L").point([40 + v * 110 // 255 for v in range(256)])
    tint.paste(deeper.resize((canvas.width, depth)), (0, split))
    canvas.fill(
        tint,
        mix(canvas.horizon, canvas.zenith, 0.6),
        mix(canvas.zenith, canvas.near, 0.65),
        level,
    )
    glints = []
    for _ in range(450):
        near, long, sunlit = (
            rng.random() ** 1.6,
            rng.uniform(0.02, 0.09),
            rng.random() < 0.5,
        )
        x = (
            canvas.sun_x + rng.gauss(0, 0.05 + 0.12 * near)
            if sunlit
            else rng.uniform(-REACH, REACH)
        )
        wide, high = (
            canvas.unit * long * (0.25 + near),
            canvas.unit * (0.0012 + 0.0035 * near),
        )
        strength = rng.uniform(90, 210) if sunlit else rng.uniform(20, 70)
        glints.append((canvas.x(x), split + near * depth, wide, high, round(strength)))
    canvas.specks(glints)
