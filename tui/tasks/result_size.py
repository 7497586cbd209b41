"""How large an enlarged picture will be, as far as its request says."""

import re
from pathlib import Path

from tui.catalog.extra import extra_of
from tui.catalog.source_images import local_files
from tui.catalog.spec import Route, Values

_FACTORS = ("upscale_factor", "scale_factor")
"""Parameters that say how many times longer each side gets."""
_FACTOR = re.compile(r"(\d{1,2})x?", re.IGNORECASE)


def large_source(route: Route, values: Values) -> tuple[Path, int] | None:
    """Returns the file that a request enlarges, and by which factor.

    None where it enlarges no file of this machine.
    """
    extra = extra_of(values)
    every = values | {name: extra[name] for name in extra if extra[name] is not None}
    found = [_FACTOR.fullmatch(str(every.get(name, ""))) for name in _FACTORS]
    factors = [int(match[1]) for match in found if match]
    files = local_files(route, values) if factors else []
    return (files[0][1], factors[0]) if files else None


def too_large_note(path: Path, factor: int) -> str:
    """Returns a sentence if the enlarged file has more pixels than are shown here.

    Returns "" otherwise, or if the file can't be read. May wait for the disk.
    """
    from tui.images.files import MOST_PIXELS, ImageError, measure  # loads Pillow

    try:
        known = measure(path)
    except (OSError, ValueError, ImageError):
        return ""
    width = known.width * factor
    height = known.height * factor
    if width * height <= MOST_PIXELS:
        return ""
    return (
        f"The result may be too large to be shown here: {width}×{height} pixels. It is"
        " saved whole."
    )
