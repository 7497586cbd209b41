"""The colours of each light, and the mathematics of mixing and turning them."""

import math
from collections.abc import Sequence
from random import Random

RGB = tuple[int, int, int]

BLACK = (0, 0, 0)
# The sky, sun or moon, and the land
PLACES = ("zenith", "middle", "horizon", "light", "far", "near")
# What each light makes of the places: OKLCH lightness (%), chroma (‰) and hue.
LIGHTS = {
    "neon": "20,90,290 42,190,315 72,190,5 90,130,60 47,170,305 15,70,285",
    "night": "17,60,275 30,90,265 54,90,235 96,40,95 40,70,250 13,35,270",
    "sunset": "42,110,295 68,170,25 89,130,80 96,100,92 63,130,20 22,70,310",
    "dawn": "62,85,268 82,80,345 94,70,70 98,50,95 76,65,325 30,75,285",
    "day": "66,110,240 82,80,225 95,35,95 99,40,100 76,60,225 36,80,165",
    "dusk": "30,90,280 52,120,310 82,110,45 95,80,80 52,90,300 19,50,275",
    "mist": "72,50,215 84,40,195 94,30,110 99,30,100 80,40,190 35,60,205",
    "autumn": "74,70,215 87,50,90 94,70,85 98,60,95 78,100,65 30,80,35",
    "winter": "60,70,255 80,45,245 94,30,40 99,30,80 80,40,245 36,50,255",
}


def palette(light: str, hues: Sequence[int], rng: Random) -> list[RGB]:
    """The colours of PLACES in a light, turned a little by chance, or towards the hues
    that the prompt asks for.
    """
    jitter = rng.uniform(-16, 16)
    colours = []
    coldest_first = sorted(hues, key=lambda hue: -abs(_turn(60, hue)))
    for place, entry in zip(PLACES, LIGHTS[light].split(), strict=True):
        lightness, chroma, hue = (float(part) for part in entry.split(","))
        if hues and (place != "light" or len(hues) > 1):
            wanted = coldest_first[-1 if place in ("horizon", "light") else 0]
            hue = wanted + _turn(wanted, hue) * 0.12
            chroma = max(chroma, 85) if place != "light" else chroma
        colours.append(oklch(lightness / 100, chroma / 1000, hue + jitter))
    return colours


def _turn(start: float, end: float) -> float:
    """The angle between two hues, -180..180."""
    return (end - start + 180) % 360 - 180


def mix(one: RGB, other: RGB, share: float) -> RGB:
    red, green, blue = (
        round(a + (b - a) * share) for a, b in zip(one, other, strict=True)
    )
    return red, green, blue


def oklch(lightness: float, chroma: float, hue: float) -> RGB:
    """The sRGB colour nearest to an OKLCH one."""
    a = chroma * math.cos(math.radians(hue))
    b = chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    mid = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * mid + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * mid - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * mid + 1.707614701 * short,
    )
    red, green, blue = (round(255 * min(1.0, max(0.0, v)) ** (1 / 2.2)) for v in linear)
    return red, green, blue
