"""A fetched file: is it a whole image, what is it, under which name is it kept, and its small picture.

All of it may take a tenth of a second a file and runs in threads.
"""

import os
import re
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from tui.text import one_line

# Pillow tells of bombs and of odd metadata by warnings, which would end up between the lines of the user.
warnings.filterwarnings("ignore", module=r"PIL\.")

# The only decoders that files from the network reach. Pillow calls a JPEG of several pictures MPO.
_SUFFIXES = {"PNG": ".png", "JPEG": ".jpg", "MPO": ".jpg", "WEBP": ".webp", "GIF": ".gif"}
_DECODERS = ("PNG", "JPEG", "WEBP", "GIF")

_MOST_PIXELS = 80_000_000
_STEM_BYTES = 100
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
_CHECKER = ((102, 102, 102), (153, 153, 153))
_CHECKER_PIXELS = 8


class ImageError(Exception):
    """Why a file is not shown or kept, as one sentence for the user."""


@dataclass(frozen=True)
class ImageFacts:
    """A verified image file. `width` and `height` in pixels as stored, `bytes` the size of the file."""

    format: str
    width: int
    height: int
    bytes: int


def inspect(path: Path) -> ImageFacts:
    """The facts of a whole image; of an animation, its first frame. ImageError when it is none."""
    with _opened(path) as image:
        image.verify()  # checksums up to the end of a PNG; the file has to be opened again afterwards
    with _opened(path) as image:
        image.load()
    return measure(path)


def measure(path: Path) -> ImageFacts:
    """What a file says it is, without decoding it. ImageError when it says nothing that is known."""
    with _opened(path) as image:
        name = "JPEG" if image.format == "MPO" else str(image.format)
        return ImageFacts(name, image.width, image.height, path.stat().st_size)


def thumbnail(path: Path, box: tuple[int, int]) -> Image.Image:
    """The image upright, without transparency, in RGB, as large as fits into `box` pixels but never enlarged.

    ImageError when it can't be read.
    """
    with _opened(path) as image:
        width, height = box if _orientation(image) < 5 else (box[1], box[0])
        image.draft(None, (2 * width, 2 * height))  # a JPEG is decoded at a fraction of its size
        small = _in_eight_bits(image)
        small.thumbnail((max(1, width), max(1, height)), Image.Resampling.LANCZOS, reducing_gap=2.0)
        return _on_checker(_upright(small))


def whole(path: Path) -> Image.Image:
    """The image with all its pixels, upright, without transparency, in RGB. ImageError when it can't be read."""
    with _opened(path) as image:
        return _on_checker(_upright(_in_eight_bits(image)))


def keep(temp: Path, folder: Path, stem: str) -> tuple[Path, ImageFacts]:
    """Moves a verified image to `folder/stem.ext`, or `stem-2.ext`, …: never over another file.

    The extension is that of the real format. `temp` and `folder` are on one file system; `stem` may be any
    text. ImageError, with `temp` left where it is, when it is no whole image or can't be saved.
    """
    facts = inspect(temp)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _flush(temp)
        target = _named(temp, folder, safe_stem(stem), _SUFFIXES[facts.format])
        _flush(folder)
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise ImageError(f"The image could not be saved in {one_line(folder)}: {reason}.") from error
    return target, facts


def safe_stem(text: str) -> str:
    """One harmless file name without extension: letters of any script, digits, `-` and `_`; never empty."""
    kept = (_kept(character) for character in unicodedata.normalize("NFC", text))
    stem = re.sub(r"-+", "-", "".join(kept)).strip("-_")
    stem = stem.encode()[:_STEM_BYTES].decode(errors="ignore").rstrip("-_")
    if not stem or _DEVICES.fullmatch(stem) or unicodedata.category(stem[0]).startswith("M"):
        return f"image-{stem}".rstrip("-")
    return stem


def _kept(character: str) -> str:
    # Marks belong to letters in many scripts: without them Hindi or Thai words fall apart.
    wanted = character in "-_" or unicodedata.category(character)[0] in "LMN"
    return character if wanted else "-"


def _named(temp: Path, folder: Path, stem: str, suffix: str) -> Path:
    """Give the file the first name that is free. At no moment does an unfinished file have it."""
    for number in count(1):
        target = folder / (f"{stem}-{number}{suffix}" if number > 1 else f"{stem}{suffix}")
        try:
            os.link(temp, target)
        except FileExistsError:
            continue
        except OSError:  # a file system without links: the name is taken by an empty file first
            try:
                os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            except FileExistsError:
                continue
            try:
                os.replace(temp, target)
            except OSError:
                target.unlink(missing_ok=True)
                raise
        else:
            temp.unlink()
        return target
    raise AssertionError("unreachable")


def _flush(path: Path) -> None:
    """What was written to a file, or a name in a folder, survives a power loss."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """An image of bounded size, its pixels not decoded yet; whatever goes wrong inside is an ImageError."""
    name = one_line(path.name, 80)
    try:
        if not path.is_file():  # opening a pipe would wait for ever
            raise ImageError(f"{name} is not there any more.")
        with Image.open(path, formats=_DECODERS) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise ImageError(f"{name} claims {image.width} × {image.height} pixels, which is too many.")
            yield image
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name} claims too many pixels.") from error
    except UnidentifiedImageError as error:
        raise ImageError(f"{name} is not a PNG, JPEG, WebP or GIF image.") from error
    except PermissionError as error:
        raise ImageError(f"{name} may not be read.") from error
    except Exception as error:  # decoders raise nearly anything on broken data
        raise ImageError(f"{name} is damaged or incomplete.") from error


def _in_eight_bits(image: Image.Image) -> Image.Image:
    """In RGB, or RGBA where something is transparent."""
    if image.mode.startswith("I"):  # Pillow cuts 16 bits off at white where it should scale them
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; from 5 on the sides are swapped."""
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # broken metadata is no reason to refuse the picture
        return 1


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # as above
        return image.copy()


def _on_checker(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    dark, light = _CHECKER
    tile = Image.new("RGB", (2, 2), dark)
    tile.putpixel((0, 0), light)
    tile.putpixel((1, 1), light)
    side = 2 * _CHECKER_PIXELS
    tile = tile.resize((side, side), Image.Resampling.NEAREST)
    ground = Image.new("RGB", image.size)
    for x in range(0, image.width, side):
        for y in range(0, image.height, side):
            ground.paste(tile, (x, y))
    ground.paste(image, mask=image.getchannel("A"))
    return ground
