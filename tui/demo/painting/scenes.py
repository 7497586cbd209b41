"""The scenes: each paints its layers and returns the ground on which visitors may
stand.
"""

import math
from collections.abc import Callable

from tui.demo.painting.canvas import REACH, Canvas, Profile, noise
from tui.demo.painting.figures import figure
from tui.demo.painting.layers import hill, land, pines, sky, snowcap, towers, water
from tui.demo.painting.palettes import RGB, mix


def mountains(canvas: Canvas) -> Profile:
    rng, things = canvas.rng("mountains"), canvas.motif.things
    lake, cold = (
        "water" in things or rng.random() < 0.4,
        "snow" in things or rng.random() < 0.5,
    )
    sky(canvas, 0.62)
    for layer, (base, height) in enumerate(((0.5, 0.2), (0.57, 0.13))):
        peaks = hill(canvas, f"peaks {layer}", base, height, 0.42, 6, sharp=True)
        land(canvas, peaks, canvas.shade(0.06 + layer * 0.23), 0.55)
        if cold:
            snowcap(canvas, peaks, base - 0.05)
    for layer, base in enumerate((0.65,) if lake else (0.65, 0.74)):
        slope, colour = (
            hill(canvas, f"slope {layer}", base, 0.08, 0.35, 6),
            canvas.shade(0.52 + layer * 0.23),
        )
        land(canvas, slope, colour, 0.55)
        pines(canvas, f"wood {layer}", slope, 0.03 + 0.03 * layer, colour)
    if lake:
        water(canvas, 0.72)
    bank = hill(canvas, "bank", 0.9, 0.04, 0.8, 3)
    land(canvas, bank, canvas.shade(0.95))
    pines(canvas, "bank pines", bank, 0.22, canvas.shade(0.97), clearing=0.85)
    return bank


def sea(canvas: Canvas) -> Profile:
    rng, things, horizon = canvas.rng("sea"), canvas.motif.things, 0.6
    canvas.sun_y = max(canvas.sun_y, 0.55)
    sky(canvas, horizon)
    for layer in range(2):
        land(
            canvas,
            island(canvas, horizon, layer),
            canvas.shade(0.15 + 0.3 * layer),
            0.5,
        )
    water(canvas, horizon)
    if "boat" in things or rng.random() < 0.6:
        figure(
            canvas,
            "boat",
            -canvas.side * 0.4 * canvas.half,
            canvas.y(0.7),
            0.16,
            turn=-canvas.side,
        )
    if "lighthouse" in things or rng.random() < 0.35:
        headland(canvas)
    return foreground(canvas, 0.92, 0.02)


def island(canvas: Canvas, horizon: float, layer: int) -> Profile:
    bumps = noise(canvas.rng(f"island {layer}"), 5, sharp=True)

    def top(x: float) -> float:
        rise = min(1.0, max(0.0, (x * canvas.side + 0.1 + 0.25 * layer) / 0.9)) * (
            1 - 0.4 * layer
        )
        return canvas.y(horizon) + canvas.unit * (
            0.02 - 0.16 * rise * (1 + 0.5 * bumps(x * 2.2))
        )

    return top


def headland(canvas: Canvas) -> None:
    """A rock at the picture's edge, with a lighthouse."""
    bumps = noise(canvas.rng("headland"), 4)

    def top(x: float) -> float:
        rise = max(0.0, (x * canvas.side / canvas.half - 0.12) / 0.88)
        bump = 1 + 0.1 * bumps(x * 5)
        return canvas.y(1) - canvas.unit * (
            0.36 * math.pow(rise, 0.4) * bump if rise else -0.1
        )

    land(canvas, top, canvas.shade(0.9))
    x = canvas.side * 0.68 * canvas.half
    foot = top(x) + canvas.unit * 0.03
    if canvas.dark:
        canvas.glow(canvas.x(x), foot - canvas.unit * 0.34, canvas.unit * 0.35, 0.9)
    figure(canvas, "lighthouse", x, foot, 0.4)


def forest(canvas: Canvas) -> Profile:
    sky(canvas, 0.7)
    for layer in range(5):
        if layer == 3 and "water" in canvas.motif.things:
            water(canvas, 0.73)
            continue
        depth, ground = (
            layer / 4,
            hill(canvas, f"floor {layer}", 0.6 + 0.085 * layer, 0.03, 0.9, 3),
        )
        colour = canvas.shade(0.05 + 0.9 * depth**1.2)
        pines(
            canvas,
            f"trees {layer}",
            ground,
            0.2 + 0.42 * depth,
            colour,
            clearing=0.55 + 0.3 * depth,
        )
        land(canvas, ground, colour, 0.75 * (1 - depth))
        if layer == 2:
            canvas.glow(
                canvas.x(canvas.sun_x * 0.5), canvas.y(0.62), canvas.unit * 0.7, 0.35
            )
    return ground


def city(canvas: Canvas) -> Profile:
    sky(canvas, 0.8)
    for layer, lit in enumerate((0.0, 0.18, 0.42)):
        towers(
            canvas,
            f"row {layer}",
            0.8,
            0.6 - 0.14 * layer,
            canvas.shade(0.12 + 0.4 * layer),
            lit,
        )
    water(canvas, 0.8)
    return foreground(canvas, 0.93, 0.0)


def meadow(canvas: Canvas) -> Profile:
    rng = canvas.rng("flowers")
    sky(canvas, 0.58)
    for layer in range(4):
        field = hill(
            canvas,
            f"hill {layer}",
            0.53 + 0.055 * layer,
            0.09 - 0.012 * layer,
            0.42 + 0.06 * layer,
            2,
        )
        land(canvas, field, canvas.shade(0.08 + 0.2 * layer), 0.4 if layer < 3 else 0)
    flowers = [
        (rng.random() ** 1.2, rng.uniform(-REACH, REACH), rng.random())
        for _ in range(1300)
    ]
    for near, x, dice in sorted(flowers):
        size = canvas.unit * (0.004 + 0.03 * near**2) * (0.7 + 0.5 * dice)
        colour = mix(canvas.accents[int(dice * 3)], canvas.light, dice * 3 % 1 * 0.3)
        if abs(x) < canvas.half * 1.05:
            flower(
                canvas,
                canvas.x(x),
                field(x) + (canvas.height - field(x)) * near + size,
                size,
                colour,
            )
    return field


def flower(canvas: Canvas, x: float, y: float, size: float, colour: RGB) -> None:
    canvas.draw.line(
        (x, y, x, y + size * 3),
        fill=canvas.shade(0.9),
        width=max(1, round(size * 0.25)),
    )
    if size < canvas.unit * 0.008:
        canvas.dot(x, y, size, colour)
        return
    for petal in range(5):
        angle = petal * math.tau / 5 + x
        canvas.dot(
            x + size * 0.62 * math.cos(angle),
            y + size * 0.5 * math.sin(angle),
            size * 0.5,
            colour,
        )
    canvas.dot(x, y, size * 0.3, mix(colour, canvas.light, 0.8))


def foreground(canvas: Canvas, base: float, rough: float) -> Profile:
    """A line of ground, filled only if the prompt asks for somebody to stand on it."""
    ground = hill(canvas, "strip", base, rough, 0.7, 3)
    if canvas.motif.animals or "house" in canvas.motif.things:
        land(canvas, ground, canvas.shade(0.95))
    return ground


SCENES: dict[str, Callable[[Canvas], Profile]] = {
    scene.__name__: scene for scene in (city, sea, meadow, forest, mountains)
}
