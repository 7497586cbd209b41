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

from tui.images import kept_kinds
from tui.images.colour import srgb_converter
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
    **kept_kinds.SUFFIXES,
}
_DECODERS = ("PNG", "JPEG", "WEBP", "GIF")
UPLOADED = (*_DECODERS, "AVIF")
"""The formats that may be sources; AVIF only where this Pillow decodes it."""

# Each decoder says below what is too large for it.
Image.MAX_IMAGE_PIXELS = None

MOST_PIXELS = 80_000_000
"""Pixels of the largest image that is decoded. A JPEG is decoded at a fraction of it."""
_MOST_BYTES = 1_000_000_000  # of a file that is read: no larger result is kept
_MOST_SIDE = 65_535
_MOST_SLOW = 18_000_000  # pixels of a WebP or AVIF: each takes 16 bytes
_SLOW = ("WEBP", "AVIF")
_MOST_READS = 100_000
_MOST_SCANS = 100  # of a JPEG that is decoded; progressive ones have about ten
_MOST_PASSES = 1_000_000_000  # pixels times scans
_MOST_BUFFERED = 200_000_000  # pixels of several scans: each takes up to 6 bytes
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


class OddKindError(DamagedError):
    """One that isn't decoded here, and of which a part seems to be missing.

    That isn't certain: such files are only known from outside.
    """


class OtherKindError(ImageError):
    """A file that is surely none of the images that are saved, such as a video."""


class NotShownError(ImageError):
    """An image that is not decoded here. A whole one is kept all the same."""


class CostlyError(NotShownError):
    """One that would take too much time or memory to be decoded here."""


@dataclass(frozen=True)
class ImageInfo:
    """A verified image file."""

    format: str
    width: int
    """In pixels, of the upright image; 0 where the file doesn't say it."""
    height: int
    bytes: int
    """The size of the file."""


def inspect(path: Path) -> ImageInfo:
    """Returns the facts of a whole image, of an animation by its first frame.

    An image that isn't decoded here, or would take too much, is judged by its header
    and its end alone. Raises ImageError when it is none, OddKindError where even that
    can't be told.
    """
    try:
        return run_apart(_inspect, path)
    except NotShownError:
        pass
    try:
        return run_apart(_outline, path)
    except CostlyError as error:
        raise OddKindError(str(error)) from error


def inspect_pixels(path: Path) -> ImageInfo:
    """As `inspect`, with all its pixels decoded: a header alone is no image.

    Raises ImageError where that isn't possible, CostlyError where it takes too much.
    """
    try:
        return run_apart(_inspect, path)
    except CostlyError:
        raise
    except NotShownError as error:
        name = one_line(path.name, 80)
        kind = kept_kinds.NAMES[run_apart(_outline, path).format]
        raise ImageError(f"{name} is {kind}, not a PNG, JPEG, WebP or GIF.") from error


def _inspect(path: Path) -> ImageInfo:
    with _opened(path) as image:
        facts = _facts(image, path)
        # A JPEG is read to its end at an eighth of its size, too
        _make_cheap(image, path, (1, 1))
        image.load()
        return facts


def _outline(path: Path) -> ImageInfo:
    """Returns the facts of a file that has all its parts. Raises ImageError."""
    from tui.images.containers import outline

    name = one_line(path.name, 80)
    try:
        _check_bytes(name, path.stat().st_size)
        content = path.read_bytes()
        kind = kept_kinds.format_of(content[: kept_kinds.HEAD])
        if kind:
            form, width, height = kept_kinds.outline(memoryview(content))
        else:
            form, width, height = outline(content)
    except OSError as error:
        raise ImageError(f"{name} can't be read.") from error
    except MemoryError as error:
        raise CostlyError(f"{name} takes too much memory to be read here.") from error
    except DamagedError as error:
        raise DamagedError(f"{name} is damaged or incomplete.") from error
    except ValueError as error:
        what = kept_kinds.NAMES[kind]
        raise OddKindError(f"{name} is {what}, damaged or incomplete.") from error
    return ImageInfo(form, width, height, len(content))


def as_it_came(path: Path) -> ImageInfo:
    """Returns the format and size of a picture that isn't decoded here, whole or not.

    Raises ImageError for any other file, and OSError.
    """
    from tui.images.containers import form_of

    with path.open("rb") as file:
        head = file.read(kept_kinds.HEAD)
    kind = kept_kinds.format_of(head) or form_of(memoryview(head))
    return ImageInfo(kind, 0, 0, path.stat().st_size)


def measure(path: Path) -> ImageInfo:
    """Returns what a file says it is, without decoding it, an AVIF excepted.

    An image that isn't decoded here, or would take too much, has to be whole. Raises
    ImageError when it says nothing that is known.
    """
    try:
        return run_apart(measure_of_own, path)
    except NotShownError:
        return run_apart(_outline, path)


def measure_of_own(path: Path) -> ImageInfo:
    """As `measure`, in this process: for files that this program has made."""
    with _opened(path) as image:
        return _facts(image, path)


def _facts(image: Image.Image, path: Path) -> ImageInfo:
    from tui.images.containers import upright

    name = "JPEG" if image.format == "MPO" else str(image.format)
    width, height = upright(image.size, _orientation(image))
    return ImageInfo(name, width, height, path.stat().st_size)


def thumbnail(path: Path, box: tuple[int, int]) -> Image.Image:
    """Returns the image in RGB as large as fits into `box` pixels, but never enlarged.

    It is upright and without transparency. Raises ImageError when it can't be read.
    """
    return run_apart(thumbnail_of_own, path, box)


def thumbnail_of_own(path: Path, box: tuple[int, int]) -> Image.Image:
    """As `thumbnail`, in this process: for files that this program has made."""
    with _opened(path) as image:
        turn = _orientation(image)
        width, height = box
        if turn >= 5:  # the sides are swapped
            height, width = box
        _make_cheap(image, path, (2 * width, 2 * height))
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
    with _opened(path) as image:
        _make_cheap(image, path)
        pixels = _reduced(image, 1)
        upright = _upright(pixels, _orientation(image))
        return _on_checker(upright)


def decoded(path: Path) -> Image.Image:
    """Returns an image as its file has it, in this process, with its pixels decoded.

    Of an animation they are those of the first frame. Raises ImageError.
    """
    with _opened(path) as image:
        _make_cheap(image, path)
        image.load()
        return image


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

    `read` raises CostlyError after the last one.
    """

    _reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads += 1
        if self._reads > _MOST_READS:
            raise CostlyError("The image has too many parts to be shown here.")
        return super().read(size)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Yields an image, its pixels not decoded yet. Its facts are known.

    Raises ImageError for whatever fails, also in the block: NotShownError where the
    image isn't decoded here, CostlyError where opening it would take too much.
    """
    name = one_line(path.name, 80)
    try:
        if not path.is_file():  # opening a pipe would wait for ever
            raise ImageError(_why_no_file(path))
        with _File(io.FileIO(path)) as file, _open(file, name) as image:
            yield image
    except DamagedError as error:
        raise DamagedError(f"{name} is damaged or incomplete.") from error
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError(f"{name} is not a PNG, JPEG, WebP or GIF image.") from error
    except PermissionError as error:
        raise ImageError(f"{name} may not be read.") from error
    except MemoryError as error:
        raise CostlyError(f"{name} takes too much memory to be read here.") from error
    except Exception as error:  # decoders raise nearly anything on broken data
        raise DamagedError(f"{name} is damaged or incomplete.") from error


def _why_no_file(path: Path) -> str:
    """Returns a sentence on what is no file: one that isn't there, or something else."""
    name = one_line(path.name, 80)
    if path.is_dir():
        return f"{name} is a folder, not an image."
    if path.exists():
        return f"{name} is no regular file."
    if path.is_symlink():
        return f"{name} is a link to a file that can't be found."
    return f"{name} is not there."


def _open(file: _File, name: str) -> Image.Image:
    """Returns the image in a file. Raises NotShownError, and whatever Pillow raises."""
    from tui.images import containers

    head = file.peek(kept_kinds.HEAD)[: kept_kinds.HEAD]
    kind = kept_kinds.format_of(head)
    if kind == "AVIF":
        return _open_avif(file, name)
    if kind:
        raise _not_shown(name, kind)
    form, width, height = containers.claim(head)
    _check_bytes(name, os.fstat(file.fileno()).st_size)
    # Opening a PNG or WebP takes as much as decoding it
    _check_size(name, form, (width, height))
    if form == "PNG":
        content = containers.decodable_png(memoryview(file.read()))
        return Image.open(io.BytesIO(content), formats=("PNG",))
    if form == "JPEG":
        content = containers.decodable_jpeg(memoryview(file.read()))
        return Image.open(io.BytesIO(content), formats=("JPEG",))
    return Image.open(file, formats=_DECODERS)


def _open_avif(file: _File, name: str) -> Image.Image:
    """Returns an AVIF image, pixels included. Raises NotShownError.

    Whatever fails there doesn't prove that the file is damaged: builds of Pillow differ
    in what they decode.
    """
    try:
        # Each thread of the decoder would take addresses, of which there are few
        from PIL import AvifImagePlugin

        AvifImagePlugin.DEFAULT_MAX_THREADS = 1
        image = Image.open(file, formats=("AVIF",))
        _check_size(name, "AVIF", image.size)
        image.load()
    except CostlyError:
        raise
    except Exception as error:
        raise _not_shown(name, "AVIF") from error
    return image


def _not_shown(name: str, kind: str) -> NotShownError:
    what = kept_kinds.NAMES[kind]
    return NotShownError(f"{name} is {what}: it is kept, but can't be shown here.")


def _check_bytes(name: str, size: int) -> None:
    """Raises ImageError for a file that is too large to be read into memory."""
    if size > _MOST_BYTES:
        raise ImageError(f"{name} is too large to be read here.")


def _check_size(name: str, form: str, size: tuple[int, int]) -> None:
    """Raises CostlyError for an image that has too many pixels to be decoded."""
    width, height = size
    most = _MOST_SLOW if form in _SLOW else MOST_PIXELS
    if width * height > most or max(size) > _MOST_SIDE:
        raise _too_large(name, size)


def _too_large(name: str, size: tuple[int, int]) -> CostlyError:
    width, height = size
    return CostlyError(
        f"{name} is too large to be shown here: {width}×{height} pixels."
    )


def _make_cheap(
    image: Image.Image, path: Path, box: tuple[int, int] | None = None
) -> None:
    """Has a JPEG decoded at a fraction of its size that is no smaller than `box`.

    Raises CostlyError where an image would take too much all the same.
    """
    from tui.images.containers import upright

    name = one_line(path.name, 80)
    if image.format in ("JPEG", "MPO"):
        size = upright(image.size, _orientation(image))
        scans = _scans(path)
        if scans > _MOST_SCANS:
            raise CostlyError(f"{name} has too many scans to be shown here.")
        passes = scans * _pixels(image)
        is_buffered = scans > 1 and _pixels(image) > _MOST_BUFFERED
        if box:
            image.draft(None, box)
        if passes > _MOST_PASSES or is_buffered or _pixels(image) > MOST_PIXELS:
            raise _too_large(name, size)
    else:
        _check_size(name, str(image.format), image.size)


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
    """Returns the image in sRGB or sRGBA, one pixel for a square of `factor` pixels.

    It goes by bands: converting the whole would take several times its memory.
    """
    factor = max(1, factor)
    mode = "RGBA" if image.has_transparency_data else "RGB"
    width = -(-image.width // factor)
    height = -(-image.height // factor)
    small = Image.new(mode, (width, height))
    in_srgb = srgb_converter(image, mode)
    rows = factor * max(1, _BAND // (factor * image.width))
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        band = image.crop((0, top, image.width, bottom))
        if band.mode.startswith("I"):
            # Pillow cuts 16 bits off at white where it should scale them
            band = band.convert("I")
            band = band.point(lambda value: value * (1 / 256))
            band = band.convert("L")
        reduced = in_srgb(band).reduce(factor)
        small.paste(reduced, (0, top // factor))
    return small


def _orientation(image: Image.Image) -> int:
    """Returns the EXIF orientation, 1 to 8; from 5 on the sides are swapped."""
    from tui.images.containers import PREFIXES, orientation

    exif = image.info.get("exif")
    if not isinstance(exif, bytes):
        return 1
    return orientation(exif.removeprefix(PREFIXES[b"EXIF"]))


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
