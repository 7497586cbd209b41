"""The images of a value: how they are told apart, judged, typed and shown.

Whoever judges, shows or uploads a value splits it here, so that nothing counts as a URL
in one place and as a file in another.
"""

import re
from collections.abc import Iterable

from tui.text import invisible, is_inert_line

_AROUND = " \t\r\n"
"""What may stand around an image, and isn't part of it."""
_SEPARATOR = re.compile(r"\n|,\s+")
_QUOTED = re.compile(r'\s*"((?:[^"\\\n]|\\["\\])*)"[^\S\n]*(?:\n|,\s+|\Z)')


def is_url(item: str) -> bool:
    """Returns whether an image is on the web; any other is a file of this machine."""
    return re.match("https?://.", item, re.IGNORECASE) is not None


def images_in(value: object) -> list[str]:
    """Returns the images of a value, without blank ones: of a list, or the only one."""
    items = value if isinstance(value, list) else [value]
    images = [item.strip(_AROUND) for item in items if isinstance(item, str)]
    return [image for image in images if not invisible(image)]


def item_problem(item: object) -> str:
    """Returns what is wrong with an image as it is written, or nothing."""
    images = images_in(item)
    if not isinstance(item, str) or not images:
        return "Each entry must be a URL or the path of a file."
    image = images[0]
    if is_url(image):
        if " " in image or not image.isprintable():
            return "A URL has no spaces, line breaks or control characters."
    elif not is_inert_line(image):
        return "A path has no line breaks, tabs or control characters."
    return ""


def parse_images(text: str) -> list[str]:
    """Returns the images that a person typed, one per line or with ", " between them.

    One that is written in double quotes may have such a comma itself.
    """
    images: list[str] = []
    at = 0
    while at < len(text):
        quoted = _QUOTED.match(text, at)
        if quoted:
            images.append(re.sub(r'\\(["\\])', r"\1", quoted[1]))
            at = quoted.end()
            continue
        separator = _SEPARATOR.search(text, at)
        end = separator.start() if separator else len(text)
        images.append(text[at:end])
        at = separator.end() if separator else end
    return images_in(images)


def show_images(images: Iterable[str]) -> str:
    """Returns the text that `parse_images` reads as these images, one per line."""
    return "\n".join(map(_shown, images))


def _shown(image: str) -> str:
    if not re.search(r'^\s*"|,(?:\s|$)', image):
        return image
    escaped = re.sub(r'(["\\])', r"\\\1", image)
    return f'"{escaped}"'
