"""A fetched file: is it a whole image, what is it, under which name is it kept, and its
small picture.

All of it may take a tenth of a second a file and runs in threads.
"""

import ctypes
import io
import os
import re
import threading
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from tui.system import atomic_file
from tui.text import one_line

# Pillow tells of bombs and of odd metadata by warnings, which would end up between the
# lines of the user.
warnings.filterwarnings("ignore", module=r"PIL\.")

# glibc would keep a decoded image's memory, for each thread that has ever freed one:
# tens of megabytes.
_M_MMAP_THRESHOLD, _LARGE_BLOCK = -3, 1 << 17
with suppress(AttributeError, OSError):  # others give it back
    ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK)

# The only decoders that files from the network reach. Pillow calls a JPEG of several
# pictures MPO.
_SUFFIXES = {
    "PNG": ".png",
    "JPEG": ".jpg",
    "MPO": ".jpg",
    "WEBP": ".webp",
    "GIF": ".gif",
}
_DECODERS = ("PNG", "JPEG", "WEBP", "GIF")

_MOST_PIXELS, _MOST_SIDE = 80_000_000, 65_535
_MOST_WEBP = 18_000_000  # pixels that are decoded: each takes 16 bytes
_MOST_READS = 100_000
_LARGE = 16_000_000  # pixels
_BAND = 1_000_000  # pixels
_STEM_BYTES = 100
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # by EXIF orientation
_CHECKER = ((102, 102, 102), (153, 153, 153))
_CHECKER_PIXELS = 8


class ImageError(Exception):
    """Why a file is not shown or kept, as one sentence for the user."""


class DamagedError(ImageError):
    """A file that is an image by its beginning, but can't be decoded."""

    digest = ""
    """SHA-256 of its content, where that was looked at: the same one again was not
    damaged on its way.
    """


@dataclass(frozen=True)
class ImageInfo:
    """A verified image file. `width` and `height` in pixels as stored, `bytes` the size
    of the file.
    """

    format: str
    width: int
    height: int
    bytes: int


def inspect(path: Path) -> ImageInfo:
    """The facts of a whole image; of an animation, its first frame. ImageError when it
    is none.
    """
    with _opened(path) as image:
        # Checksums up to the end of a PNG; the file has to be opened again afterwards
        image.verify()
    with _opened(path) as image:
        if not _beyond(image):  # that all of the file is there, opening it has shown
            image.draft(None, (1, 1))  # a JPEG is read to its end all the same
            with _alone(image):
                image.load()
    return measure(path)


def measure(path: Path) -> ImageInfo:
    """What a file says it is, without decoding it. ImageError when it says nothing that
    is known.
    """
    with _opened(path) as image:
        name = "JPEG" if image.format == "MPO" else str(image.format)
        return ImageInfo(name, image.width, image.height, path.stat().st_size)


def thumbnail(path: Path, box: tuple[int, int]) -> Image.Image:
    """The image upright, without transparency, in RGB, as large as fits into `box`
    pixels but never enlarged.

    ImageError when it can't be read.
    """
    with _decodable(path) as image:
        turn = _orientation(image)
        width, height = box if turn < 5 else (box[1], box[0])
        # A JPEG is decoded at a fraction of its size
        image.draft(None, (2 * width, 2 * height))
        small = _reduced(
            image,
            int(max(image.width / max(1, width), image.height / max(1, height)) / 2),
        )
        small.thumbnail((max(1, width), max(1, height)), Image.Resampling.LANCZOS)
        return _on_checker(_upright(small, turn))


def whole(path: Path) -> Image.Image:
    """The image with all its pixels, upright, without transparency, in RGB. ImageError
    when it can't be read.
    """
    with _decodable(path) as image:
        return _on_checker(_upright(_reduced(image, 1), _orientation(image)))


def save_image(temp: Path, folder: Path, stem: str) -> tuple[Path, ImageInfo]:
    """Moves a verified image to `folder/stem.ext`, or `stem-2.ext`, …: never over
    another file.

    The extension is that of the real format. `temp` and `folder` are on one file
    system; `stem` may be any text. ImageError, with `temp` left where it is, when it is
    no whole image or can't be saved.
    """
    facts = inspect(temp)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        atomic_file.sync_file(temp)
        target = _named(temp, folder, stem, facts.format)
        atomic_file.sync_folder(folder)
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise ImageError(
            f"The image could not be saved in {one_line(folder)}: {reason}."
        ) from error
    return target, facts


def free_name(folder: Path, stem: str, kind: str) -> Path:
    """The first of `folder/stem.ext`, `stem-2.ext`, … that nothing has yet; `kind` is a
    format of `ImageFacts`.
    """
    stem, suffix = safe_stem(stem), suffix_of(kind)
    target = folder / f"{stem}{suffix}"
    number = 1
    while os.path.lexists(target):
        number += 1
        target = folder / f"{stem}-{number}{suffix}"
    return target


def suffix_of(kind: str) -> str:
    """The ending of a file's name, such as `.png`, by a format of `ImageFacts`."""
    return _SUFFIXES[kind]


def safe_stem(text: str) -> str:
    """One harmless file name without extension: letters of any script, digits, `-` and
    `_`; never empty.
    """
    kept = (_kept(character) for character in unicodedata.normalize("NFC", text))
    stem = re.sub(r"-+", "-", "".join(kept)).strip("-_")
    stem = stem.encode()[:_STEM_BYTES].decode(errors="ignore").rstrip("-_")
    if (
        not stem
        or _DEVICES.fullmatch(stem)
        or unicodedata.category(stem[0]).startswith("M")
    ):
        return f"image-{stem}".rstrip("-")
    return stem


def _kept(character: str) -> str:
    # Marks belong to letters in many scripts: without them Hindi or Thai words fall
    # apart.
    wanted = character in "-_" or unicodedata.category(character)[0] in "LMN"
    return character if wanted else "-"


def _named(temp: Path, folder: Path, stem: str, kind: str) -> Path:
    """Give the file the first name that is free."""
    while True:
        target = free_name(folder, stem, kind)
        try:
            atomic_file.give_name(temp, target)
        except FileExistsError:  # another one was faster
            continue
        return target


class _File(io.BufferedReader):
    """A file that is read in so many parts at most: Pillow walks through any number of
    them in Python.
    """

    _reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads += 1
        if self._reads > _MOST_READS:
            raise ImageError("The image has too many parts.")
        return super().read(size)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """An image of bounded size, its pixels not decoded yet; whatever goes wrong inside
    is an ImageError.
    """
    name = one_line(path.name, 80)
    try:
        if not path.is_file():  # opening a pipe would wait for ever
            raise ImageError(f"{name} is not there any more.")
        with (
            _File(io.FileIO(path)) as file,
            Image.open(file, formats=_DECODERS) as image,
        ):
            if (
                image.width * image.height > _MOST_PIXELS
                or max(image.size) > _MOST_SIDE
            ):
                raise ImageError(
                    f"{name} claims {image.width} × {image.height} pixels, which is too many."
                )
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
        raise DamagedError(f"{name} is damaged or incomplete.") from error


@contextmanager
def _decodable(path: Path) -> Iterator[Image.Image]:
    """An opened image that may be decoded now."""
    with _opened(path) as image, _alone(image):
        if _beyond(image):
            raise ImageError(
                f"{one_line(path.name, 80)} is too large a WebP to be shown here."
            )
        yield image


def _beyond(image: Image.Image) -> bool:
    return image.format == "WEBP" and image.width * image.height > _MOST_WEBP


_one_by_one = threading.Lock()


def _alone(image: Image.Image) -> AbstractContextManager[object]:
    """Eight large images at once would fill the memory."""
    return _one_by_one if image.width * image.height > _LARGE else nullcontext()


def _reduced(image: Image.Image, factor: int) -> Image.Image:
    """The image in RGB or RGBA, squares of `factor` pixels made one. By bands: as a
    whole in another mode it would take several times its memory.
    """
    factor, mode = max(1, factor), "RGBA" if image.has_transparency_data else "RGB"
    small = Image.new(mode, (-(-image.width // factor), -(-image.height // factor)))
    rows = factor * max(1, _BAND // (factor * image.width))
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(top + rows, image.height)))
        # Pillow cuts 16 bits off at white where it should scale them
        if band.mode.startswith("I"):
            band = band.convert("I").point(lambda value: value * (1 / 256)).convert("L")
        small.paste(band.convert(mode).reduce(factor), (0, top // factor))
    return small


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; from 5 on the sides are swapped."""
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # broken metadata is no reason to refuse the picture
        return 1


def _upright(image: Image.Image, turn: int) -> Image.Image:
    return image.transpose(_TURNS[turn]) if turn in _TURNS else image


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
