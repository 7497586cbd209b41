"""What made an image: written into its file, read back from any file, left out of a
copy.

What is read comes from anybody.
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
from tui.images.files import ImageError, ImageInfo, measure, save_image
from tui.images.recipes import OURS, EmbeddedRecipe, Recipe
from tui.system import atomic_file
from tui.text import one_line

_MOST_BYTES = 120_000_000  # of a file
_MOST_TOLD = 30  # parts with texts


def embed(path: Path, facts: EmbeddedRecipe) -> None:
    """Write the facts into a PNG, JPEG or WebP instead of earlier ones; metadata of
    others stays.

    Left alone: GIF, and images with content credentials, which vouch for every byte of
    the file. ImageError, with the file as it was, when it can't be done.
    """
    image, data = _load(path)
    parts = list(containers.parts(image.format, data))
    if image.format == "GIF" or any(part.kind in containers.SIGNED for part in parts):
        return
    told, ours = (
        recipes.parameters(facts, image),
        json.dumps(msgspec.to_builtins(facts)),
    )
    if image.format == "PNG":
        parts = [
            part
            for part in parts
            if containers.keyword(part) not in (OURS, "parameters")
        ]
        parts[1:1] = [
            containers.text_chunk("parameters", told),
            containers.text_chunk(OURS, ours),
        ]
    else:
        tags, packet = (
            b"".join(part.body for part in parts if part.kind == kind)
            for kind in containers.PREFIXES
        )
        parts = containers.described(
            image.format,
            parts,
            containers.commented(tags, told),
            containers.packet(packet, ours),
        )
    _write(path, containers.joined(image, parts), image, path)


def strip(path: Path, target: Path) -> None:
    """Write to `target`, whatever is there, a copy that looks the same and tells
    nothing of how it was made.

    ImageError, without a copy, when it can't be done; of a GIF it can't.
    """
    image, data = _load(path)
    if image.format == "GIF":
        raise ImageError(
            f"{one_line(path.name, 80)} is a GIF: what it tells can't be taken out."
        )
    parts = list(containers.parts(image.format, data))
    turn = next(
        (
            containers.orientation(bytes(part.body))
            for part in parts
            if part.kind == b"EXIF"
        ),
        1,
    )
    tags = (
        struct.pack(
            ">8sHHHIHHI",
            containers.NO_TAGS,
            1,
            containers.ORIENTATION,
            3,
            1,
            turn,
            0,
            0,
        )
        if turn > 1
        else b""
    )
    parts = containers.described(
        image.format,
        [part for part in parts if part.kind in containers.SHOWN],
        tags,
        b"",
    )
    _write(target, containers.joined(image, parts), image, path)


def save_stripped_copy(path: Path, folder: Path) -> Path:
    """Make a copy that tells nothing in a folder, under the file's name as far as that
    is free; answers where.

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
    """What an image says that made it, if it says anything. ImageError when it can't be
    read.
    """
    image, data = _load(path)
    texts: dict[str, str] = {}
    parts = (
        part
        for part in containers.parts(image.format, data)
        if part.kind in containers.TELLING
    )
    telling = (part for part in parts if len(part.body) <= containers.MOST_TEXT)
    with suppress(ImageError):  # what stands before the damage counts
        for part in islice(telling, _MOST_TOLD):
            with suppress(Exception):  # anybody may have written anything
                texts = dict(containers.texts(part)) | texts
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
    """All of it or nothing, and only what is still the same image."""
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
                    f"What {one_line(like.name, 80)} tells can't be changed."
                )
            shutil.copymode(like, file.name)
    except OSError as error:
        raise ImageError(
            f"{one_line(target.name, 80)} can't be written: {error.strerror or error}."
        ) from error
