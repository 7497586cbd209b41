"""Writes the recipe of an image into its file, reads it back, or leaves it out of a copy.

Files that are read may come from anybody.
"""

import json
import shutil
import struct
import tempfile
from contextlib import suppress
from itertools import islice
from pathlib import Path

import msgspec

from tui.images import containers, recipes
from tui.images.containers import Chunk
from tui.images.files import ImageError, ImageInfo, measure, save_image
from tui.images.recipes import OURS, EmbeddedRecipe, Recipe
from tui.system import atomic_file
from tui.text import one_line

_MOST_BYTES = 120_000_000  # of a file
_MOST_TEXTS = 30  # chunks with texts


def embed(path: Path, recipe: EmbeddedRecipe) -> None:
    """Write a recipe into a PNG, JPEG or WebP, in place of an earlier one.

    Metadata of others stays. GIF is left alone, and so are images with content
    credentials, which vouch for every byte of the file. Raises ImageError, with the
    file as it was, when it can't be done.
    """
    image, data = _load(path)
    chunks = list(containers.read_chunks(image.format, data))
    is_signed = any(chunk.kind in containers.SIGNATURE_KINDS for chunk in chunks)
    if image.format == "GIF" or is_signed:
        return
    parameters = recipes.parameters(recipe, image)
    ours = json.dumps(msgspec.to_builtins(recipe))
    if image.format == "PNG":
        replaced = (OURS, "parameters")
        chunks = [
            chunk for chunk in chunks if containers.keyword(chunk) not in replaced
        ]
        chunks[1:1] = [
            containers.text_chunk("parameters", parameters),
            containers.text_chunk(OURS, ours),
        ]
    else:
        exif = containers.with_comment(_body(chunks, b"EXIF"), parameters)
        xmp = containers.with_recipe(_body(chunks, b"XMP "), ours)
        chunks = containers.with_metadata(image.format, chunks, exif, xmp)
    _write(path, containers.join_chunks(image, chunks), image, path)


def _body(chunks: list[Chunk], kind: bytes) -> bytes:
    return b"".join(chunk.body for chunk in chunks if chunk.kind == kind)


def strip(path: Path, target: Path) -> None:
    """Write to `target` a copy that looks the same and doesn't say what made it.

    A file that is there is replaced. Raises ImageError, without a copy, when it can't
    be done; of a GIF it can't.
    """
    image, data = _load(path)
    if image.format == "GIF":
        raise ImageError(
            f"{one_line(path.name, 80)} is a GIF: its metadata can't be removed."
        )
    chunks = list(containers.read_chunks(image.format, data))
    exif = _upright_exif(chunks)
    chunks = [chunk for chunk in chunks if chunk.kind in containers.VISIBLE_KINDS]
    chunks = containers.with_metadata(image.format, chunks, exif, b"")
    _write(target, containers.join_chunks(image, chunks), image, path)


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
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".", dir=folder) as place:
            copy = Path(place) / "copy.part"
            strip(path, copy)
            return save_image(copy, folder, path.stem)[0]
    except OSError as error:
        raise ImageError(
            f"Nothing can be written to {one_line(folder)}: {error.strerror or error}."
        ) from error


def read(path: Path) -> Recipe | None:
    """Returns what made an image, as its file says; None where it says nothing.

    Raises ImageError when the file can't be read.
    """
    image, data = _load(path)
    texts: dict[str, str] = {}
    chunks = (
        chunk
        for chunk in containers.read_chunks(image.format, data)
        if chunk.kind in containers.TEXT_KINDS
        and len(chunk.body) <= containers.MOST_TEXT
    )
    with suppress(ImageError):  # what stands before the damage counts
        for chunk in islice(chunks, _MOST_TEXTS):
            with suppress(Exception):  # anybody may have written anything
                texts = dict(containers.read_texts(chunk)) | texts
    for reader in (recipes.from_ours, recipes.from_a1111, recipes.from_comfyui):
        with suppress(Exception):  # as above
            if recipe := reader(texts):
                return recipe
    return None


def _load(path: Path) -> tuple[ImageInfo, memoryview]:
    image = measure(path)
    if image.bytes > _MOST_BYTES:
        raise ImageError(f"{one_line(path.name, 80)} is too large.")
    try:
        return image, memoryview(path.read_bytes())
    except OSError as error:
        raise ImageError(f"{one_line(path.name, 80)} can't be read.") from error


def _write(target: Path, data: bytes, image: ImageInfo, like: Path) -> None:
    """Writes all of it or nothing. Raises ImageError if it isn't the same image."""
    try:
        with atomic_file.replacing(target, 0o600) as file:
            file.write(data)
            file.flush()
            now = measure(Path(file.name))
            if (now.format, now.width, now.height) != (
                image.format,
                image.width,
                image.height,
            ):
                raise ImageError(
                    f"The metadata of {one_line(like.name, 80)} can't be changed."
                )
            shutil.copymode(like, file.name)
    except OSError as error:
        raise ImageError(
            f"{one_line(target.name, 80)} can't be written: {error.strerror or error}."
        ) from error
