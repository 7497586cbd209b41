"""Verifies fetched image files, saves them under a free name, and decodes them.

Any of it may take a tenth of a second a file, so it belongs in threads. Decoders run in
processes of their own, which end where a file takes too long.
"""

import ctypes
import io
import os
import re
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from PIL import Image, UnidentifiedImageError

from tui.system import atomic_file
from tui.system.helper_process import EndedError, HelperPool, Limits
from tui.text import one_line

T = TypeVar("T")

# Pillow tells of bombs and of odd metadata by warnings, which would end up between the
# lines of the user.
warnings.filterwarnings("ignore", module=r"PIL\.")

# glibc would keep a decoded image's memory, for each thread that has ever freed one:
# tens of megabytes.
_M_MMAP_THRESHOLD = -3
_LARGE_BLOCK = 1 << 17
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

_MOST_PIXELS = 80_000_000
_MOST_SIDE = 65_535
_MOST_WEBP = 18_000_000  # pixels that are decoded: each takes 16 bytes
_MOST_READS = 100_000
_MOST_SCANS = 100  # of a JPEG that is decoded; progressive ones have about ten
_MOST_PASSES = 1_000_000_000  # pixels times scans
_MOST_EXIF = 65_600  # bytes that are searched for the orientation: all of a JPEG
_BAND = 1_000_000  # pixels
_BLOCK = 1 << 20  # bytes
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


_decoders = HelperPool(__name__, Limits(cpu=20, seconds=120, memory=2 << 30))


class ImageError(Exception):
    """Why a file is not shown or kept, as one sentence for the user."""


class DamagedError(ImageError):
    """A file that is an image by its beginning, but can't be decoded."""

    digest = ""
    """SHA-256 of its content, where that was computed: if it comes again, the file was
    not damaged on its way.
    """


class OtherKindError(ImageError):
    """A file that is surely none of the images that are saved, such as a video."""


class CostlyError(ImageError):
    """A file that would take too much time or memory to be decoded here."""


@dataclass(frozen=True)
class ImageInfo:
    """A verified image file."""

    format: str
    width: int
    """In pixels, as stored."""
    height: int
    bytes: int
    """The size of the file."""


def inspect(path: Path) -> ImageInfo:
    """Returns the facts of a whole image, of an animation by its first frame.

    An image that would take too much to be decoded is judged by its header and its end
    alone. Raises ImageError when it is none.
    """
    try:
        return run_apart(_inspect, path)
    except CostlyError:
        return run_apart(_outline, path)


def inspect_pixels(path: Path) -> ImageInfo:
    """As `inspect`, with all its pixels decoded: a header alone is no image.

    Raises CostlyError where that would take too much.
    """
    return run_apart(_inspect, path)


def _inspect(path: Path) -> ImageInfo:
    with _opened(path) as image:
        # Checksums up to the end of a PNG; the file has to be opened again afterwards
        image.verify()
    with _decodable(path) as image:
        image.draft(None, (1, 1))  # a JPEG is read to its end all the same
        image.load()
    return measure_of_own(path)


def _outline(path: Path) -> ImageInfo:
    """Returns the facts of a file that has all its parts. Raises ImageError."""
    from tui.images.containers import outline

    name = one_line(path.name, 80)
    try:
        form, width, height = outline(path.read_bytes())
    except OSError as error:
        raise ImageError(f"{name} can't be read.") from error
    _check_size(name, width, height)
    return ImageInfo(form, width, height, path.stat().st_size)


def measure(path: Path) -> ImageInfo:
    """Returns what a file says it is, without decoding it.

    Raises ImageError when it says nothing that is known.
    """
    return run_apart(measure_of_own, path)


def measure_of_own(path: Path) -> ImageInfo:
    """As `measure`, in this process: for files that this program has made."""
    with _opened(path) as image:
        name = "JPEG" if image.format == "MPO" else str(image.format)
        return ImageInfo(name, image.width, image.height, path.stat().st_size)


def thumbnail(path: Path, box: tuple[int, int]) -> Image.Image:
    """Returns the image in RGB as large as fits into `box` pixels, but never enlarged.

    It is upright and without transparency. Raises ImageError when it can't be read.
    """
    return run_apart(thumbnail_of_own, path, box)


def thumbnail_of_own(path: Path, box: tuple[int, int]) -> Image.Image:
    """As `thumbnail`, in this process: for files that this program has made."""
    with _decodable(path) as image:
        turn = _orientation(image)
        width, height = box
        if turn >= 5:  # the sides are swapped
            height, width = box
        # A JPEG is decoded at a fraction of its size
        image.draft(None, (2 * width, 2 * height))
        width = max(1, width)
        height = max(1, height)
        factor = max(image.width / width, image.height / height)
        small = _reduced(image, int(factor / 2))
        small.thumbnail((width, height), Image.Resampling.LANCZOS)
        return _on_checker(_upright(small, turn))


def whole(path: Path) -> Image.Image:
    """Returns the image with all its pixels, upright, without transparency, in RGB.

    Raises ImageError when it can't be read.
    """
    return run_apart(_whole, path)


def _whole(path: Path) -> Image.Image:
    with _decodable(path) as image:
        pixels = _reduced(image, 1)
        upright = _upright(pixels, _orientation(image))
        return _on_checker(upright)


def run_apart(function: Callable[..., T], path: Path, *args: object) -> T:
    """Returns `function(path, *args)`, done where a file can do no harm.

    Raises what the function raises; CostlyError where it takes too long, or too much
    memory; and InterruptedWorkError after `interrupt`.
    """
    try:
        return _decoders.run(function, path.absolute(), *args)
    except EndedError as error:
        name = one_line(path.name, 80)
        raise CostlyError(f"{name} takes too long to be read here.") from error


def interrupt(path: Path) -> None:
    """Ends the work on a file, which then raises InterruptedWorkError."""
    _decoders.interrupt(path.absolute())


def save_image(temp: Path, folder: Path, stem: str) -> tuple[Path, ImageInfo]:
    """Moves a verified image to the first free of `folder/stem.ext`, `stem-2.ext`, ….

    The extension is that of the real format. `temp` and `folder` are on one file
    system; `stem` may be any text. Raises ImageError, with `temp` where it was, when it
    is no whole image or can't be saved.
    """
    facts = inspect(temp)
    try:
        atomic_file.make_folder(folder)
        atomic_file.forbid_writing(temp)
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
    """Returns the first of `folder/stem.ext`, `stem-2.ext`, … that doesn't exist.

    `kind` is a format of `ImageInfo`.
    """
    stem = safe_stem(stem)
    suffix = suffix_of(kind)
    target = folder / f"{stem}{suffix}"
    number = 1
    while os.path.lexists(target):
        number += 1
        target = folder / f"{stem}-{number}{suffix}"
    return target


def suffix_of(kind: str) -> str:
    """Returns the ending of a name, such as `.png`, for a format of `ImageInfo`."""
    return _SUFFIXES[kind]


def safe_stem(text: str) -> str:
    """Returns a harmless file name without extension, never empty.

    It has letters of any script that the locale's names of files can have, digits, `-`
    and `_`, in at most 100 bytes.
    """
    characters = unicodedata.normalize("NFC", _nameable(text))
    stem = "".join(_safe(character) for character in characters)
    stem = re.sub(r"-+", "-", stem).strip("-_")
    start = stem.encode()[:_STEM_BYTES]
    stem = start.decode(errors="ignore").rstrip("-_")
    if not stem:
        return "image"
    is_device = _DEVICES.fullmatch(stem) is not None
    begins_with_mark = unicodedata.category(stem[0]).startswith("M")
    if is_device or begins_with_mark:
        return f"image-{stem}"
    return stem


def _nameable(text: str) -> str:
    """Returns a text without accents and letters that Python can't name files with.

    Without UTF-8, as with LC_ALL=C and PYTHONUTF8=0, those are most.
    """
    if _may_name(text):
        return text
    letters = unicodedata.normalize("NFKD", text)
    marks = ("Mn", "Mc", "Me")
    return "".join(
        letter if _may_name(letter) else "-"
        for letter in letters
        if unicodedata.category(letter) not in marks
    )


def _may_name(text: str) -> bool:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True


def may_be_ours(name: str, kind: str) -> bool:
    """Tells whether `free_name` could have given a file of this format this name."""
    stem, suffix = os.path.splitext(name)
    plain_stem = re.sub(r"-\d+\Z", "", stem)
    is_safe = stem == safe_stem(stem) or plain_stem == safe_stem(plain_stem)
    return is_safe and suffix == _SUFFIXES.get(kind)


def _safe(character: str) -> str:
    """Returns a character that may be in a file's name as it is, any other as `-`."""
    if character in "-_":
        return character
    # Marks belong to letters in many scripts: without them Hindi or Thai words fall
    # apart.
    is_letter = unicodedata.category(character)[0] in "LMN"
    return character if is_letter else "-"


def _named(temp: Path, folder: Path, stem: str, kind: str) -> Path:
    """Gives the file the first name that is free, and returns its path."""
    while True:
        target = free_name(folder, stem, kind)
        try:
            atomic_file.give_name(temp, target)
        except FileExistsError:  # another one was faster
            continue
        return target


class _File(io.BufferedReader):
    """A file of limited reads: Pillow would walk through any number of parts.

    `read` raises ImageError after the last one.
    """

    _reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads += 1
        if self._reads > _MOST_READS:
            raise ImageError("The image has too many parts.")
        return super().read(size)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Yields an image of bounded size, its pixels not decoded yet.

    Raises ImageError for whatever fails, also in the block.
    """
    name = one_line(path.name, 80)
    try:
        if not path.is_file():  # opening a pipe would wait for ever
            raise ImageError(f"{name} is not there any more.")
        with (
            _File(io.FileIO(path)) as file,
            Image.open(file, formats=_DECODERS) as image,
        ):
            _check_size(name, *image.size)
            yield image
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name} claims too many pixels.") from error
    except UnidentifiedImageError as error:
        raise ImageError(f"{name} is not a PNG, JPEG, WebP or GIF image.") from error
    except PermissionError as error:
        raise ImageError(f"{name} may not be read.") from error
    except MemoryError as error:
        raise CostlyError(f"{name} takes too much memory to be read here.") from error
    except Exception as error:  # decoders raise nearly anything on broken data
        raise DamagedError(f"{name} is damaged or incomplete.") from error


def _check_size(name: str, width: int, height: int) -> None:
    """Raises ImageError for an image of too many pixels."""
    if width * height > _MOST_PIXELS or max(width, height) > _MOST_SIDE:
        raise ImageError(f"{name} claims {width}×{height} pixels, which is too many.")


@contextmanager
def _decodable(path: Path) -> Iterator[Image.Image]:
    """Yields an opened image that may be decoded now. Raises ImageError."""
    with _opened(path) as image:
        name = one_line(path.name, 80)
        if image.format == "WEBP" and _pixels(image) > _MOST_WEBP:
            raise CostlyError(f"{name} is too large a WebP to be shown here.")
        if image.format in ("JPEG", "MPO"):
            scans = _scans(path)
            if scans > _MOST_SCANS or scans * _pixels(image) > _MOST_PASSES:
                raise CostlyError(f"{name} has too many scans to be shown here.")
        yield image


def _pixels(image: Image.Image) -> int:
    """Returns the number of an image's pixels."""
    return image.width * image.height


def _scans(path: Path) -> int:
    """Returns how many scans a JPEG has at most: each decodes all pixels once more."""
    count = 0
    last = b""
    with path.open("rb") as file:
        while part := file.read(_BLOCK):
            count += (last + part).count(b"\xff\xda")
            last = part[-1:]
    return count


def _reduced(image: Image.Image, factor: int) -> Image.Image:
    """Returns the image in RGB or RGBA, with one pixel for a square of `factor` pixels.

    It goes by bands: converting the whole would take several times its memory.
    """
    factor = max(1, factor)
    mode = "RGBA" if image.has_transparency_data else "RGB"
    width = -(-image.width // factor)
    height = -(-image.height // factor)
    small = Image.new(mode, (width, height))
    rows = factor * max(1, _BAND // (factor * image.width))
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        band = image.crop((0, top, image.width, bottom))
        if band.mode.startswith("I"):
            # Pillow cuts 16 bits off at white where it should scale them
            band = band.convert("I")
            band = band.point(lambda value: value * (1 / 256))
            band = band.convert("L")
        reduced = band.convert(mode).reduce(factor)
        small.paste(reduced, (0, top // factor))
    return small


def _orientation(image: Image.Image) -> int:
    """Returns the EXIF orientation, 1 to 8; from 5 on the sides are swapped."""
    try:
        if len(image.info.get("exif", b"")) > _MOST_EXIF:
            return 1  # its tags may name the same bytes over and over
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # broken metadata is no reason to refuse the picture
        return 1


def _upright(image: Image.Image, turn: int) -> Image.Image:
    """Returns the image turned as its EXIF orientation says."""
    if turn not in _TURNS:
        return image
    return image.transpose(_TURNS[turn])


def _on_checker(image: Image.Image) -> Image.Image:
    """Returns the image with a checkerboard where it is transparent."""
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
