"""Files that are not what they say, at every door through which files come in: a
sentence at most.
"""

import asyncio
import os
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.blocking import read_beside, until_read
from tests.loopback import serving
from tests.tasks.conftest import OpenEngine, requests
from tui.catalog.load import bundled
from tui.catalog.spec import Model, Values
from tui.demo.service import create_app
from tui.images import files
from tui.images.containers import outline, read_chunks
from tui.images.files import ImageError, inspect, measure, save_image, thumbnail
from tui.images.metadata import embed, read, save_stripped_copy, strip
from tui.images.recipes import EmbeddedRecipe
from tui.tasks import fetching
from tui.tasks.draft import InvalidRequestError, draft
from tui.tasks.rescue import rescue
from tui.tasks.task import Status
from tui.widgets.path_completion import read_folder

RED = Image.new("RGB", (8, 4), (255, 0, 0))
FACTS = EmbeddedRecipe(action="a", model="m", values={"prompt": "a fox"})
REFRAME = bundled().find("ideogram-v3-reframe")
FLUX = bundled().find("flux-2-pro-text-to-image")
KONTEXT = bundled().find("flux-kontext-pro")


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return (
        struct.pack(">I", len(data))
        + kind
        + data
        + struct.pack(">I", zlib.crc32(kind + data))
    )


def png(
    width: int,
    height: int,
    *more: bytes,
    depth: int = 8,
    colour: int = 2,
    data: bytes = bytes(10_000),
) -> bytes:
    header = chunk(b"IHDR", struct.pack(">2I5B", width, height, depth, colour, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(data))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + pixels + chunk(b"IEND", b"")


def riff(width: int, height: int) -> bytes:
    sides = b"".join((side - 1).to_bytes(3, "little") for side in (width, height))
    return (
        b"RIFF"
        + struct.pack("<I", 22)
        + b"WEBPVP8X"
        + struct.pack("<2I", 10, 16)
        + sides
    )


def moving(kind: str) -> bytes:
    frames = [Image.new("RGB", (8, 4), (0, 0, number)) for number in range(9)]
    return encoded(RED, kind, save_all=True, append_images=frames, lossless=True)


def jpeg_claiming(width: int, height: int) -> bytes:
    data = encoded(RED, "JPEG")
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">2H", height, width) + data[at + 4 :]


GIF = encoded(RED, "GIF")
ENTRY = 13 + 3 * 2 ** ((GIF[10] & 7) + 1)  # behind the palette
PACKED = zlib.compress(bytes(80_000_000), 9)

# Pictures, however odd: shown and kept.
WHOLE = {
    "mislabelled.png": encoded(RED, "JPEG"),
    "mislabelled.jpg": encoded(RED, "GIF"),
    "no ending": encoded(RED, "WEBP"),
    "moving.gif": moving("GIF"),
    "moving.webp": moving("WEBP"),
    "moving.png": moving("PNG"),
    "cmyk.jpg": encoded(RED.convert("CMYK"), "JPEG"),
    "deep.png": png(8, 4, depth=16, colour=0),
    "deep-clear.png": png(8, 4, chunk(b"tRNS", b"\xff\xff"), depth=16, colour=0),
    "deep-rgba.png": png(8, 4, depth=16, colour=6),
    "alpha.png": encoded(RED.convert("RGBA"), "PNG"),
    "alpha.webp": encoded(RED.convert("LA").convert("RGBA"), "WEBP"),
    "clear.png": encoded(RED, "PNG", transparency=(255, 0, 0)),
    "palette.png": encoded(RED.quantize(4), "PNG", transparency=bytes(range(4))),
    "palette.gif": encoded(RED.quantize(4), "GIF", transparency=0),
    "bits.png": encoded(RED.convert("1"), "PNG"),
    "one.png": encoded(RED.resize((1, 1)), "PNG"),
    "long.png": png(60_000, 1, data=bytes(180_001)),
    "more data.png": png(8, 4, data=bytes(10_000_000)),
    # Parts that no decoder needs
    "parts.jpg": b"\xff\xd8" + b"\xff\xfe\0\2" * 120_000 + encoded(RED, "JPEG")[2:],
    "two images.png": encoded(RED, "PNG") + encoded(RED, "JPEG"),
    "text.png": png(8, 4, chunk(b"zTXt", b"parameters\0\0" + PACKED)),
    "international.png": png(
        8, 4, chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + PACKED)
    ),
    "profile.png": png(8, 4, chunk(b"iCCP", b"x\0\0" + PACKED)),
    "parts.png": png(8, 4, *[chunk(b"tEXt", b"a\0b")] * 60_000),
    "[red]\x1b]0;owned\x07.png": encoded(RED, "PNG"),
}
NONE = {
    **{f"cut.{kind}": encoded(Image.effect_noise((64, 64), 99).convert("RGB"), kind)[:900] for kind in
       ("PNG", "JPEG", "WEBP", "GIF")},
    **{f"head.{kind}": encoded(RED, kind)[:24] for kind in ("PNG", "JPEG", "WEBP", "GIF")},
    "html.jpg": b"<!doctype html><title>502</title>",
    "claims.webp": riff(16_384, 16_384),
    "canvas.webp": riff(100, 100),
    "claims.gif": b"GIF89a" + struct.pack("<2H", 65_535, 65_535) + bytes(30),
    "empty.png": b"",
    "noise.png": bytes(range(256)) * 40,
}  # fmt: skip


def many_scans(count: int, end: bytes = b"\xff\xd9") -> bytes:
    """A progressive JPEG that has its last scan over and over."""
    data = encoded(RED, "JPEG", progressive=True)
    chunks = list(read_chunks("JPEG", memoryview(data)))
    scans = [part.raw for part in chunks if bytes(part.raw[:2]) == b"\xff\xda"]
    before = b"".join(part.raw for part in chunks[:-2])
    return b"\xff\xd8" + before + bytes(scans[-1]) * count + end


# Whole pictures that would take too much to be decoded, as far as is known, or that are
# of another kind: kept, and not shown.
COSTLY = {
    "scans.jpg": many_scans(4_000),
    "svg.png": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "tiff.png": encoded(RED, "TIFF"),
    "claims.png": png(60_000, 60_000),
    "line.png": png(70_000_000, 1),
    "claims.jpg": jpeg_claiming(65_000, 65_000),
    "parts.gif": GIF[:ENTRY] + b"\x21\xfe" + b"\1a" * 120_000 + b"\0" + GIF[ENTRY:],
}
NONE["cut scans.jpg"] = many_scans(4_000, end=b"")
FILES = WHOLE | NONE | COSTLY
GIFS = {"mislabelled.jpg", "moving.gif", "palette.gif", "parts.gif"}
KEPT_AS_THEY_COME = GIFS | {"svg.png", "tiff.png"}
PLACES = (
    "folder.png",
    "pipe.png",
    "nowhere.png",
    "loop.png",
    "gone.png",
    "no" * 200 + ".png",
    "nul\0.png",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """All of them, and what is no file at all."""
    place = tmp_path / "files"
    place.mkdir()
    for name, data in FILES.items():
        (place / name).write_bytes(data)
    (place / "folder.png").mkdir()
    os.mkfifo(place / "pipe.png")
    (place / "nowhere.png").symlink_to(place / "gone.png")
    (place / "loop.png").symlink_to("loop.png")
    return place


def problem(look: Callable[[Path], object], path: Path) -> str:
    """What a look at a file says that is wrong: one sentence, and the file as it was."""
    data = path.read_bytes() if path.name in FILES else b""
    try:
        look(path)
    except (ImageError, InvalidRequestError) as error:
        told = str(error)
        assert told.endswith(".")
        assert told.isprintable() or path.name not in FILES
        assert not data or path.read_bytes() == data
        return told
    return ""


LOOKS: dict[str, Callable[[Path], object]] = {
    "inspect": inspect,
    "thumbnail": lambda path: thumbnail(path, (6, 6)),
    "keep": lambda path: save_image(path, path.parent / "kept", "fox"),
    "stripped": lambda path: save_stripped_copy(path, path.parent / "kept"),
}


@pytest.mark.parametrize("door", LOOKS)
def test_a_picture_is_taken_and_nothing_else(door: str, folder: Path) -> None:
    taken = {
        name for name in (*FILES, *PLACES) if not problem(LOOKS[door], folder / name)
    }
    expected = set(WHOLE)
    if door != "thumbnail":
        expected |= set(COSTLY)
    if door == "stripped":
        expected -= KEPT_AS_THEY_COME
        expected -= {"claims.png", "line.png"}  # which haven't the pixels they claim
    assert taken == expected
    assert not list(folder.rglob("*.part"))


def test_what_a_file_tells_is_read_written_and_taken_out_or_it_stays_as_it_is(
    folder: Path,
) -> None:
    copy = folder / "copy"
    for name in (*FILES, *PLACES):
        path = folder / name
        told = problem(read, path) or problem(lambda path: embed(path, FACTS), path)
        if name in WHOLE | COSTLY:
            assert not told, name
            assert (read(path) is None) is (name in KEPT_AS_THEY_COME), name
        if not told and not problem(lambda path: strip(path, copy), path):
            assert measure(copy).format == measure(path).format
            assert read(copy) is None


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (KONTEXT, {*PLACES, *NONE}),
        (REFRAME, {*PLACES, *NONE, *GIFS}),
    ],
)
def test_a_source_is_a_whole_image_that_its_service_takes(
    model: Model, names: set[str], folder: Path
) -> None:
    names |= {name for name in WHOLE if not name.isprintable()} | set(COSTLY)
    given: Values = {
        param.name: "x"
        for param in model.routes["service"].params
        if param.name == "prompt"
    }

    def drafted(path: Path) -> object:
        values = given | {"source_image_url": str(path)}
        return draft(model, values, base_url="", out_dir=folder / "out", api="service")

    assert {
        name for name in (*FILES, *PLACES) if problem(drafted, folder / name)
    } == names


def test_a_folder_of_them_is_listed_by_harmless_names(folder: Path) -> None:
    listed = read_folder("", str(folder)).sources
    names = {source.name for source in listed if not source.folder}
    assert {"empty.png", "svg.png", "[red].png"} <= names
    assert not names & {
        "pipe.png",
        "nowhere.png",
        "loop.png",
        "folder.png",
        "no ending",
    }
    assert all(source.name.isprintable() for source in listed)


class FileHost:
    """The embedded service, whose file host gives something else for each image, or for
    `all` the same.
    """

    def __init__(self, names: list[str]) -> None:
        self._service = create_app(bundled(), delay=0)
        self._names = names
        self.given: dict[str, str] = {}
        self.all = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if path.startswith("/files/"):
            name = self.all or self.given.setdefault(
                path, self._names[len(self.given) % len(self._names)]
            )
            await Response(FILES[name], media_type="image/png")(scope, receive, send)
        else:
            await self._service(scope, receive, send)


async def test_a_file_host_may_give_anything_and_what_was_made_can_be_fetched_again(
    open_engine: OpenEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "backoff", lambda *_: 0.0)
    good = {
        "mislabelled.png": ".jpg",
        "moving.gif": ".gif",
        "scans.jpg": ".jpg",
        "claims.png": ".png",
        "svg.png": ".svg",
        "tiff.png": ".tiff",
    }
    bad = ["cut.JPEG", "html.jpg", "claims.webp", "noise.png"]
    host = FileHost([*good, *bad])
    with serving(host) as url:
        async with open_engine(url, tries=4) as watched:
            tasks = await watched.engine.submit_job(
                requests(FLUX, [{"prompt": "a fox"}] * len([*good, *bad]))
            )
            for task in [await watched.engine.wait(task.id) for task in tasks]:
                name = host.given[urlsplit(task.results[0].url).path]
                if name in good:
                    assert Path(task.files[0]).suffix == good[name]
                    assert Path(task.files[0]).read_bytes() == FILES[name]
                else:
                    assert task.files == (), name
                    if task.error:  # damaged, and the same each time
                        assert (task.status, task.error.kind) == (
                            Status.FAILED,
                            "download",
                        ), name
                        assert task.error.message.endswith(". A retry is free.")
                    else:  # an odd answer ends no paid task
                        assert (task.status, task.live) == (Status.FETCHING, True), name
                        assert watched.engine.gave_up[task.id].kind == "download"
                    told = task.error.message if task.error else task.note
                    assert "Not saved yet" in told or "not saved" in told
                    assert ".part" not in told
                assert sorted(host.given.values()) == sorted([*good, *bad])
            assert len(os.listdir(tasks[0].out_dir)) == len(good)
            host.all = "moving.webp"
            again, problems = await rescue(watched.engine)
            assert (len(again), problems) == (len(bad), [])
            assert {(await watched.engine.wait(task.id)).status for task in again} == {
                Status.COMPLETED
            }


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_the_outline_of_a_picture_is_that_of_its_decoder(
    name: str, folder: Path
) -> None:
    known = measure(folder / name)
    assert outline(FILES[name]) == (known.format, known.width, known.height)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_an_outline_that_was_cut_off_is_none(kind: str) -> None:
    data = encoded(Image.effect_noise((64, 64), 99).convert("RGB"), kind)
    for length in (0, 3, 8, 12, 24, 100, len(data) // 2, len(data) - 13):
        with pytest.raises(ImageError, match=r"\.$"):
            outline(data[:length])


async def test_the_end_does_not_wait_for_an_image_that_takes_long(
    open_engine: OpenEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "images" / "pipe"
    pipe.parent.mkdir()
    os.mkfifo(pipe)
    monkeypatch.setattr(fetching, "PATIENCE", 0.0)
    host = FileHost([])
    host.all = "moving.webp"
    with serving(host) as url:
        with monkeypatch.context() as slow:
            slow.setattr(
                files, "inspect", lambda path: files.run_apart(read_beside, path)
            )
            async with open_engine(url) as watched:
                (task,) = await watched.engine.submit_job(
                    requests(FLUX, [{"prompt": "a fox"}])
                )
                writer = await asyncio.to_thread(until_read, pipe)
        os.close(writer)
        assert not list(pipe.parent.glob(".*.part"))
        async with open_engine(url) as watched:
            assert (await watched.engine.wait(task.id)).status is Status.COMPLETED
