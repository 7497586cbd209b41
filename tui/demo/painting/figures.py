"""What stands in a landscape or flies over it: animals, people, houses, boats, balloons
and snowflakes.
"""

from tui.demo.painting.canvas import REACH, Canvas, Point, Profile
from tui.demo.painting.palettes import BLACK, mix, oklch

# Outlines in a 1×1 box that stand on its lower edge. They are rounded off, but for
# doubled points and `=` parts.
FIGURES = {
    "fox": (
        "orange .62,.9 .8,.96 .99,.84 1,.6 .9,.36 .86,.56 .8,.7 .66,.78/cream .985,.66"
        " 1,.56 .9,.36 .86,.52/orange .06,.33 .22,.2 .27,.0 .27,.0 .38,.13 .43,.0"
        " .43,.0 .49,.2 .5,.34 .62,.52 .72,.76 .7,1 .26,1 .2,.98 .32,.93 .33,.7 .3,.5"
        " .24,.41 .12,.38/cream .06,.33 .12,.38 .24,.41 .3,.52 .34,.62 .4,.5 .36,.38"
        " .22,.34/dark .03,.33 .06,.3 .1,.31 .09,.36 .05,.37"
    ),
    "cat": (
        "dark .6,.95 .85,1 1,.86 .96,.66 1,.64 1.06,.88 .9,1.05 .6,1/dark .28,.14"
        " .29,.0 .29,.0 .4,.09 .54,.09 .65,.0 .65,.0 .66,.14 .68,.26 .62,.37 .57,.4"
        " .67,.54 .77,.78 .73,.97 .66,1 .28,1 .21,.97 .17,.78 .27,.54 .37,.4 .32,.37"
        " .26,.26"
    ),
    "dog": (
        "brown .6,.93 .84,.96 .98,.84 1,.62 1.05,.62 1.06,.86 .92,1.02 .6,1/brown"
        " .04,.27 .06,.22 .2,.2 .26,.1 .38,.04 .5,.1 .54,.3 .52,.4 .62,.54 .72,.78 .7,1"
        " .28,1 .22,.97 .32,.92 .32,.68 .27,.5 .26,.4 .18,.36 .06,.35/dark .4,.06"
        " .5,.08 .6,.3 .56,.44 .48,.4 .42,.24/dark .02,.25 .06,.21 .1,.22 .09,.28"
        " .04,.3"
    ),
    "person": (
        "dark .5,.0 .57,.02 .59,.09 .55,.15 .45,.15 .41,.09 .43,.02/dark .46,.13"
        " .54,.13 .6,.2 .68,.24 .71,.5 .67,.54 .63,.5 .62,.36 .68,.74 .6,.76 .61,.97"
        " .65,1 .54,1 .51,.76 .49,.76 .46,1 .36,1 .39,.97 .4,.76 .32,.74 .38,.36 .37,.5"
        " .33,.54 .29,.5 .32,.24 .4,.2/red .42,.17 .58,.17 .61,.21 .6,.24 .4,.24"
        " .39,.21/red .58,.2 .64,.24 .76,.36 .72,.39 .6,.27"
    ),
    "house": (
        "=dark .1,.5 .9,.5 .9,1 .1,1/=dark .0,.52 .5,.1 1,.52/=dark .68,.1 .8,.1 .8,.4"
        " .68,.4/=light .4,.62 .6,.62 .6,.82 .4,.82"
    ),
    "boat": (
        "=light .47,.0 .47,.76 .1,.76/=cream .52,.1 .9,.76 .52,.76/dark .0,.8 .0,.8"
        " 1,.8 1,.8 .84,1 .2,1"
    ),
    "lighthouse": (
        "=cream .41,.2 .59,.2 .66,1 .34,1/=red .39,.42 .61,.42 .63,.6 .37,.6/=light"
        " .44,.1 .56,.1 .56,.2 .44,.2/=red .4,.1 .5,.0 .6,.1/=red .36,.82 .64,.82 .66,1"
        " .34,1"
    ),
    "balloon": (
        "red .5,.0 .78,.06 .84,.34 .62,.66 .56,.74 .44,.74 .38,.66 .16,.34"
        " .22,.06/cream .5,.0 .62,.08 .64,.34 .54,.74 .46,.74 .36,.34 .38,.08/=dark"
        " .43,.86 .57,.86 .55,1 .45,1"
    ),
}
# OKLCH; "dark" and "light" are the palette's
TINTS: dict[str, tuple[float, float, float]] = {
    "orange": (0.66, 0.16, 50),
    "cream": (0.94, 0.03, 85),
    "red": (0.6, 0.18, 28),
    "brown": (0.5, 0.09, 50),
}


def figure(
    canvas: Canvas, name: str, x: float, foot: float, height: float, turn: int = 1
) -> None:
    """Stand one of FIGURES, `height` units high, on the line `foot`; `turn` -1 mirrors
    it.
    """
    tones = {"dark": mix(canvas.near, BLACK, 0.35), "light": canvas.light}
    tones |= {
        tone: mix(oklch(*lch), canvas.near, 0.4 if canvas.dark else 0.1)
        for tone, lch in TINTS.items()
    }
    tall = canvas.unit * height
    for part in FIGURES[name].split("/"):
        tone, *places = part.lstrip("=").split()
        points = [
            (float(px), float(py)) for px, py in (place.split(",") for place in places)
        ]
        if not part.startswith("="):
            points = rounded(points)
        outline = [
            (canvas.x(x) + turn * (px - 0.5) * tall, foot + (py - 1) * tall)
            for px, py in points
        ]
        canvas.draw.polygon(outline, fill=tones[tone])


def rounded(points: list[Point]) -> list[Point]:
    """Cut the corners of an outline, three times over."""
    for _ in range(3):
        pairs = list(zip(points, [*points[1:], points[0]], strict=True))
        points = [
            (a + (c - a) * t, b + (d - b) * t)
            for (a, b), (c, d) in pairs
            for t in (0.25, 0.75)
        ]
    return points


def visitors(canvas: Canvas, ground: Profile) -> None:
    """The animals, people and houses that the prompt asks for, standing in the
    foreground.
    """
    size = min(1.0, canvas.half * 2)
    if "house" in canvas.motif.things:
        x = -canvas.side * 0.5 * canvas.half
        canvas.glow(
            canvas.x(x),
            ground(x) - canvas.unit * 0.06 * size,
            canvas.unit * 0.22 * size,
            0.45,
        )
        figure(canvas, "house", x, ground(x) + canvas.unit * 0.02, 0.22 * size)
    for place, animal in enumerate(canvas.motif.animals):
        x = canvas.side * canvas.half * (0.32 - 0.55 * place)
        if canvas.dark:
            canvas.glow(
                canvas.x(x),
                ground(x) - canvas.unit * 0.17 * size,
                canvas.unit * 0.35 * size,
                0.4,
            )
        figure(
            canvas,
            animal,
            x,
            ground(x) + canvas.unit * 0.012,
            0.34 * size,
            turn=canvas.side,
        )


def airborne(canvas: Canvas) -> None:
    """Balloons and falling snow, in front of everything else."""
    if "balloon" in canvas.motif.things:
        for size, place, height in (
            (0.36, -0.42, 0.41),
            (0.2, 0.12, 0.27),
            (0.12, 0.62, 0.44),
        ):
            figure(canvas, "balloon", place * canvas.half, canvas.y(height), size)
    if "snow" in canvas.motif.things:
        rng, flakes = canvas.rng("snow"), []
        for _ in range(900):
            x, y, radius = (
                rng.uniform(-REACH, REACH),
                rng.random(),
                canvas.unit * rng.uniform(0.0015, 0.006),
            )
            flakes.append(
                (canvas.x(x), canvas.y(y), radius, radius, rng.randrange(90, 220))
            )
        canvas.specks(flakes)
