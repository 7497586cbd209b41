"""Turns the colours of pictures that have an ICC profile into those of sRGB.

That is what terminals take pixels for. Profiles come from strangers, so this belongs
where files are decoded: in a process that may end.
"""

from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageStat

if TYPE_CHECKING:
    from PIL.ImageCms import ImageCmsTransform

    _Transform = tuple[str, ImageCmsTransform]
    """The mode of the images that it is for, and what turns them into RGB."""

_MOST_BYTES = 4 << 20
"""Of a profile; those of printing presses have about two megabytes."""
_KEPT = 8
"""Transforms that are kept, as the pictures of a folder have few profiles."""
_UNSEEN = 2
"""The difference of a channel, of 255, that isn't worth a transform."""
_STEPS = range(0, 256, 17)
_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""The mode in which Pillow has the pixels of a profile's colour space."""
_DEVICES = ("mntr", "scnr", "prtr", "spac")
"""Classes of profiles that say what a picture's colours are (ICC.1, 7.2.5)."""


def srgb_converter(
    image: Image.Image, mode: str
) -> Callable[[Image.Image], Image.Image]:
    """Returns what gives parts of the image in sRGB; `mode` is RGB or RGBA.

    Colours stay as they are without a profile, with one that is broken, too large or of
    another kind than the pixels, and with one that changes nothing.
    """
    found = _transform_of(image)
    if found is None:
        return lambda part: part.convert(mode)
    kind, transform = found

    def convert(part: Image.Image) -> Image.Image:
        if kind == "CMYK":
            return part.point(transform)
        pixels = part.convert(mode)
        colours = pixels.getchannel("R") if kind == "L" else pixels.convert("RGB")
        converted = colours.point(transform)
        if mode == "RGBA":
            converted.putalpha(pixels.getchannel("A"))
        return converted

    return convert


def _transform_of(image: Image.Image) -> "_Transform | None":
    """Returns the transform of an image's profile, if it has one that counts."""
    profile = image.info.get("icc_profile")
    if not isinstance(profile, bytes) or len(profile) > _MOST_BYTES:
        return None
    if image.mode == "CMYK":
        return _transform(profile, ("CMYK",))
    if image.mode in ("1", "L", "LA") or image.mode.startswith("I"):
        return _transform(profile, ("GRAY", "RGB"))
    return _transform(profile, ("RGB",))


@lru_cache(_KEPT)
def _transform(profile: bytes, spaces: tuple[str, ...]) -> "_Transform | None":
    """Returns the transform to sRGB of a profile of one of these colour spaces.

    None stands for one that changes nothing.
    """
    try:
        from PIL import ImageCms

        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        if source.profile.device_class not in _DEVICES or space not in spaces:
            return None
        target = ImageCms.createProfile("sRGB")
        mode = _MODES[space]
        transform = ImageCms.buildTransform(source, target, mode, "RGB")
        sample = _sample(mode)
        changed = sample.point(transform)
        is_seen = mode == "CMYK" or _differ(changed, sample.convert("RGB"))
        return (mode, transform) if is_seen else None
    except Exception:  # a broken profile is no reason to refuse the picture
        return None


def _differ(one: Image.Image, other: Image.Image) -> bool:
    """Tells whether any channel of two images differs so much that it can be seen."""
    ranges = ImageStat.Stat(ImageChops.difference(one, other)).extrema
    return any(most > _UNSEEN for _, most in ranges)


def _sample(mode: str) -> Image.Image:
    """Returns an image of colours from all over the cube of RGB."""
    colours = bytes(
        channel
        for red in _STEPS
        for green in _STEPS
        for blue in _STEPS
        for channel in (red, green, blue)
    )
    side = len(_STEPS)
    return Image.frombytes("RGB", (side * side, side), colours).convert(mode)
