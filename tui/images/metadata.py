"""Writes the recipe of an image into its file, reads it, or copies without it.

Files that are read may come from anybody.
"""

import json
import shutil
import struct
import tempfile
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

import msgspec

from tui.images import (
    containers,
    embedded_profile,
    generators,
    hidden_text,
    kept_kinds,
    png_picture,
    recipes,
    visible_parts,
)
from tui.images.a1111 import from_a1111
from tui.images.comfyui import from_comfyui
from tui.images.containers import Chunk
from tui.images.files import (
    CostlyError,
    DamagedError,
    ImageError,
    ImageInfo,
    measure,
    run_apart,
    save_image,
)
from tui.images.recipes import OURS, EmbeddedRecipe, Recipe
from tui.system import atomic_file
from tui.text import one_line

_WITH_RECIPES = ("PNG", "JPEG", "WEBP")
_MOST_BYTES = 120_000_000  # of a file
_MOST_METADATA = 5_000_000  # bytes to which a recipe is added: they are copied
_EXACT_KINDS = (b"IDAT", b"VP8L", b"ALPH", b"ANMF")  # pixels that keep their low bits
_MOST_TEXTS = 30  # chunks with texts
_READERS = (
    recipes.from_ours,
    generators.from_invokeai,
    generators.from_novelai,
    generators.from_swarmui,
    generators.from_fooocus,
    generators.from_drawthings,
    from_a1111,
    from_comfyui,
    generators.from_midjourney,
)
# Where texts like those of A1111 stand, if not in their own place
_COMMENTS = ("UserComment", "Comment", "Description")


def embed(path: Path, recipe: EmbeddedRecipe) -> None:
    """Write a recipe into a PNG, JPEG or WebP, in place of an earlier one.

    Metadata of others stays. Other formats aren't changed, nor are images with content
    credentials, which vouch for every byte of the file. Raises ImageError, with the
    file as it was, when it can't be done.
    """
    image, data = _load(path)
    chunks = _chunks(path, image, data)
    is_signed = any(chunk.kind in containers.SIGNATURE_KINDS for chunk in chunks)
    if image.format not in _WITH_RECIPES or is_signed:
        return
    parameters = recipes.parameters(recipe, image)
    ours = json.dumps(msgspec.to_builtins(recipe))
    if image.format == "PNG":
        chunks = _with_texts(chunks, parameters, ours)
    else:
        exif = _body(chunks, b"EXIF")
        if len(exif) + len(_body(chunks, b"XMP ")) > _MOST_METADATA:
            raise ImageError(f"{one_line(path.name, 80)} has too much metadata.")
        exif = containers.with_comment(exif, parameters)
        xmp = _body(chunks, b"XMP ")
        xmp = containers.with_recipe(xmp, ours)
        chunks = containers.with_metadata(image.format, chunks, exif, xmp)
    _write(path, containers.join_chunks(image, chunks), image, path)


def _with_texts(chunks: list[Chunk], parameters: str, ours: str) -> list[Chunk]:
    """Returns the chunks of a PNG with these texts, in place of earlier ones."""
    replaced = (OURS, "parameters")
    others = [chunk for chunk in chunks if containers.keyword(chunk) not in replaced]
    header, *rest = others
    return [
        header,
        containers.text_chunk("parameters", parameters),
        containers.text_chunk(OURS, ours),
        *rest,
    ]


def _body(chunks: list[Chunk], kind: bytes) -> bytes:
    """Returns the content of all chunks of a kind together."""
    return b"".join(chunk.body for chunk in chunks if chunk.kind == kind)


def strip(path: Path, target: Path) -> None:
    """Write to `target` a copy that looks the same and doesn't say what made it.

    A file that is there is replaced. Raises ImageError, without a copy, when it can't
    be done; of other formats than PNG, JPEG and WebP it can't.
    """
    image, data = _load(path)
    if image.format not in _WITH_RECIPES:
        kind = kept_kinds.NAMES.get(image.format, "a GIF")
        raise ImageError(
            f"{one_line(path.name, 80)} is {kind}: its metadata can't be removed."
        )
    chunks = _chunks(path, image, data)
    exif = _upright_exif(chunks)
    chunks = [
        containers.without_extras(chunk)
        for chunk in chunks
        if chunk.kind in containers.VISIBLE_KINDS
    ]
    chunks = embedded_profile.with_true_profiles(image.format, chunks)
    chunks = _exact(path, image.format, chunks)
    if any(chunk.kind in _EXACT_KINDS for chunk in chunks):
        cleared = run_apart(hidden_text.without, path)
        if cleared is not None:
            chunks = _with_pixels(chunks, cleared)
    chunks = containers.with_metadata(image.format, chunks, exif, b"")
    _write(target, containers.join_chunks(image, chunks), image, path)


def _exact(path: Path, form: str, chunks: list[Chunk]) -> list[Chunk]:
    """Returns the chunks of an image with nothing in them but the picture."""
    try:
        if form == "JPEG":
            return visible_parts.of_jpeg(chunks)
        if form == "WEBP":
            return visible_parts.of_webp(chunks)
        chunks = png_picture.without_extras(chunks)
    except ImageError as error:
        raise ImageError(f"{one_line(path.name, 80)}: {error}") from error
    with suppress(CostlyError):  # a palette is the least of a picture that large
        return png_picture.without_unused_colours(chunks, path)
    return chunks


def _with_pixels(chunks: list[Chunk], png: bytes) -> list[Chunk]:
    """Returns the chunks of a PNG with the pixels of another one."""
    new = list(containers.read_chunks("PNG", memoryview(png)))
    pixels = [chunk for chunk in new if chunk.kind == b"IDAT"]
    before: list[Chunk] = []
    for chunk in chunks:
        if chunk.kind == b"IDAT":
            break
        before.append(chunk)
    return [new[0], *before[1:], *pixels, new[-2]]


def _chunks(path: Path, image: ImageInfo, data: memoryview) -> list[Chunk]:
    """Returns the chunks of a file. Raises ImageError with the file's name."""
    try:
        return list(containers.read_chunks(image.format, data))
    except ImageError as error:
        raise ImageError(f"{one_line(path.name, 80)}: {error}") from error


def _upright_exif(chunks: list[Chunk]) -> bytes:
    """Returns EXIF with the orientation alone; nothing where the image is upright."""
    found = [chunk for chunk in chunks if chunk.kind == b"EXIF"]
    if not found:
        return b""
    turn = containers.orientation(bytes(found[0].body))
    if turn == 1:
        return b""
    # One tag: a SHORT, padded to four bytes; then no further directory.
    entry = (containers.ORIENTATION, 3, 1, turn, 0)
    return struct.pack(">8sHHHIHHI", containers.NO_TAGS, 1, *entry, 0)


def save_stripped_copy(path: Path, folder: Path) -> Path:
    """Saves a stripped copy in a folder, and returns its path.

    Its name is that of the file, with a number where the name is taken. Raises
    ImageError, without a copy, when it can't be done.
    """
    try:
        atomic_file.make_folder(folder)
        with tempfile.TemporaryDirectory(prefix=".", dir=folder) as place:
            copy = Path(place) / "copy.part"
            strip(path, copy)
            return save_image(copy, folder, path.stem)[0]
    except DamagedError as error:
        # The user knows nothing of the copy by its temporary name
        name = one_line(path.name, 80)
        raise DamagedError(f"{name} is damaged or incomplete.") from error
    except OSError as error:
        raise ImageError(
            f"Nothing can be written to {one_line(folder)}: {error.strerror or error}."
        ) from error


def read(path: Path) -> Recipe | None:
    """Returns what made an image, as its file says; None where it says nothing.

    Raises ImageError when the file can't be read.
    """
    return run_apart(_read, path)


def _read(path: Path) -> Recipe | None:
    """As `read`, in this process."""
    image, data = _load(path)
    texts: dict[str, str] = {}
    chunks = containers.read_chunks(image.format, data)
    with suppress(ImageError):  # what stands before the damage counts
        for chunk in islice(filter(_may_be_text, chunks), _MOST_TEXTS):
            with suppress(Exception):  # anybody may have written anything
                texts = dict(containers.read_texts(chunk)) | texts
    found = _recipe_in(texts)
    if found is None and image.format in hidden_text.FORMATS:
        found = _hidden_recipe(path)
    return found


def _recipe_in(texts: dict[str, str]) -> Recipe | None:
    """Returns the recipe that the texts of a file tell."""
    for name in _COMMENTS:
        if name in texts:
            texts.setdefault("parameters", texts[name])
    for reader in _READERS:
        with suppress(Exception):  # anybody may have written anything
            recipe = reader(texts)
            if recipe:
                return recipe
    return None


def _hidden_recipe(path: Path) -> Recipe | None:
    """Returns the recipe that is hidden in the pixels."""
    try:
        text = hidden_text.find(path)
    except ImageError:
        return None
    return _recipe_in({"parameters": text}) if text else None


def _may_be_text(chunk: Chunk) -> bool:
    """Returns whether a chunk may hold texts, and few enough to be read."""
    is_short = len(chunk.body) <= containers.MOST_TEXT
    return is_short and chunk.kind in containers.TEXT_KINDS


def _load(path: Path) -> tuple[ImageInfo, memoryview]:
    """Returns facts and content of an image file. Raises ImageError."""
    with suppress(OSError, ValueError):  # `measure` says what is wrong
        if path.stat().st_size > _MOST_BYTES:
            raise ImageError(f"{one_line(path.name, 80)} is too large.")
    image = measure(path)
    try:
        return image, memoryview(path.read_bytes())
    except OSError as error:
        raise ImageError(f"{one_line(path.name, 80)} can't be read.") from error


def _measured(temp: Path, like: Path) -> ImageInfo:
    """Returns what was written. Raises ImageError with the name of the original."""
    try:
        return measure(temp)
    except DamagedError as error:
        name = one_line(like.name, 80)
        raise DamagedError(f"{name} is damaged or incomplete.") from error


def _write(target: Path, data: bytes, image: ImageInfo, like: Path) -> None:
    """Writes all of it or nothing. Raises ImageError if it isn't the same image."""
    try:
        with atomic_file.replacing(target, 0o600) as file:
            file.write(data)
            file.flush()
            written = _measured(Path(file.name), like)
            if replace(written, bytes=image.bytes) != image:
                raise ImageError(
                    f"The metadata of {one_line(like.name, 80)} can't be changed."
                )
            shutil.copymode(like, file.name)
            atomic_file.forbid_writing(Path(file.name))
    except OSError as error:
        raise ImageError(
            f"{one_line(target.name, 80)} can't be written: {error.strerror or error}."
        ) from error
