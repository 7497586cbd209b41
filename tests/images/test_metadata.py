"""What images tell of how they were made: written, read, taken out; the picture stays
as it is, byte by byte.
"""

import json
import os
import re
import stat
import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from PIL import ExifTags, Image, ImageCms, ImageSequence
from PIL.PngImagePlugin import PngInfo

from tui.catalog.spec import Values
from tui.images import containers, files
from tui.images.files import ImageError
from tui.images.metadata import embed, read, strip
from tui.images.recipes import EmbeddedRecipe, Recipe

FACTS = EmbeddedRecipe(
    action="text_to_image",
    model="flux-2-pro",
    service="flux_2",
    values={
        "prompt": "a red fox, at dawn\n— «雪» 🦊 <b>&amp;</b>",
        "negative_prompt": "blurry",
        "aspect_ratio": "16:9",
        "seed": 0,
        "strength": 0.35,
        "enable_safety_checker": False,
        "source_image_urls": ["https://a.b/c.png", "fox.png"],
    },
    cost_micro=50_000,
    task_id="01k0vwn3m4a7xq",
    remote_id="task_1",
    created_at=1784761200.0,
)
EXACT = Recipe(
    source="runapi-tui",
    action="text_to_image",
    model="flux-2-pro",
    values=FACTS.values,
    other={"task": "01k0vwn3m4a7xq", "cost": "$0.05", "made": "2026-07-22 23:00"},
)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def noise(mode: str = "RGB", size: tuple[int, int] = (33, 21)) -> Image.Image:
    if mode == "I;16":
        return Image.frombytes(mode, size, os.urandom(2 * size[0] * size[1]))
    picture = Image.effect_noise(size, 90).convert("RGB")
    if mode in ("RGBA", "LA"):
        picture.putalpha(Image.linear_gradient("L").resize(size))
    return picture.quantize(16) if mode == "P" else picture.convert(mode)


def encoded(image: Image.Image, kind: str, **kw: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **kw)
    return buffer.getvalue()


def moving(kind: str, **kw: Any) -> bytes:
    return encoded(
        noise(),
        kind,
        save_all=True,
        append_images=[noise(), noise()],
        duration=50,
        **kw,
    )


def exif(orientation: int = 6, comment: bytes = b"") -> bytes:
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x010F] = "A maker of cameras"
    tags.get_ifd(0x8769)[0x9003] = "2026:07:23 14:03:20"
    if comment:
        tags.get_ifd(0x8769)[0x9286] = comment
    return tags.tobytes()


def xmp(inside: str = "") -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="a camera"/>{inside}'
        "</rdf:RDF></x:xmpmeta>"
    ).encode()


def interlaced() -> bytes:
    """A PNG of 1 × 1, whose only pass is the first."""
    header = struct.pack(">2I5B", 1, 1, 8, 2, 0, 0, 1)
    chunks = (
        (b"IHDR", header),
        (b"IDAT", zlib.compress(b"\0\xff\x80\x10")),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)


FILES = {
    "rgb.png": encoded(noise(), "PNG"),
    "rgba.png": encoded(noise("RGBA"), "PNG", icc_profile=SRGB, dpi=(300, 300)),
    "grey.png": encoded(noise("LA"), "PNG"),
    "palette.png": encoded(noise("P"), "PNG", transparency=bytes(range(16))),
    "bits.png": encoded(noise("1"), "PNG"),
    "deep.png": encoded(noise("I;16"), "PNG"),
    "interlaced.png": b"",
    "moving.png": moving("PNG"),
    "exif.png": encoded(noise(), "PNG", exif=exif()),
    "baseline.jpg": encoded(noise(), "JPEG"),
    "progressive.jpg": encoded(noise(), "JPEG", progressive=True, icc_profile=SRGB),
    "restarts.jpg": encoded(noise(), "JPEG", restart_marker_blocks=1),
    "grey.jpg": encoded(noise("L"), "JPEG", comment=b"a comment"),
    "cmyk.jpg": encoded(noise("CMYK"), "JPEG"),
    "exif.jpg": encoded(noise(), "JPEG", exif=exif(), xmp=xmp(), icc_profile=SRGB),
    "several.jpg": encoded(noise(), "MPO", save_all=True, append_images=[noise()]),
    "lossy.webp": encoded(noise(), "WEBP"),
    "lossless.webp": encoded(noise(), "WEBP", lossless=True),
    "alpha.webp": encoded(noise("RGBA"), "WEBP"),
    "alpha-lossless.webp": encoded(noise("RGBA"), "WEBP", lossless=True),
    "moving.webp": moving("WEBP"),
    "exif.webp": encoded(noise(), "WEBP", exif=exif(), xmp=xmp(), icc_profile=SRGB),
}


def chunk(kind: bytes, data: bytes) -> bytes:
    return (
        struct.pack(">I", len(data))
        + kind
        + data
        + struct.pack(">I", zlib.crc32(kind + data))
    )


FILES["interlaced.png"] = interlaced()


@pytest.fixture(params=FILES)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """One file of each kind."""
    path = tmp_path / str(request.param)
    path.write_bytes(FILES[path.name])
    return path


def written(folder: Path, data: bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def pixels(path: Path) -> list[tuple[str, bytes, object]]:
    with Image.open(path) as image:
        frames = [
            (frame.mode, frame.tobytes(), frame.info.get("duration"))
            for frame in ImageSequence.Iterator(image)
        ]
        return frames[:1] if image.format in ("MPO", "JPEG") else frames


def compressed(path: Path) -> list[bytes]:
    """The chunks or segments that hold the picture, as they stand in the file."""
    data = path.read_bytes()
    form = files.measure(path).format
    wanted = (
        b"IHDR",
        b"PLTE",
        b"tRNS",
        b"IDAT",
        b"fdAT",
        b"fcTL",
        b"VP8 ",
        b"VP8L",
        b"ALPH",
        b"ANMF",
        b"SHOW",
    )
    return [
        bytes(part.raw)
        for part in containers.read_chunks(form, memoryview(data))
        if part.kind in wanted
    ]


def sound(path: Path) -> None:
    """Every checksum and length of a PNG or WebP; Pillow alone forgives too much."""
    data = path.read_bytes()
    if data.startswith(b"\x89PNG"):
        at = 8
        while at < len(data):
            size, kind = struct.unpack_from(">I4s", data, at)
            assert data[at : at + 12 + size] == chunk(
                kind, data[at + 8 : at + 8 + size]
            )
            at += 12 + size
    elif data.startswith(b"RIFF"):
        assert struct.unpack_from("<I", data, 4)[0] == len(data) - 8
        assert len(data) % 2 == 0
    files.inspect(path)


def webp_chunks(path: Path) -> dict[bytes, bytes]:
    data, at, found = path.read_bytes(), 12, {}
    while at < len(data):
        kind, size = struct.unpack_from("<4sI", data, at)
        found[kind] = data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    return found


def comment_of(path: Path) -> bytes:
    with Image.open(path) as image:
        return bytes(image.getexif().get_ifd(0x8769).get(0x9286, b""))


def test_a_round_trip_is_exact_and_leaves_the_picture(path: Path) -> None:
    before = files.measure(path), pixels(path), compressed(path)
    assert read(path) is None
    embed(path, FACTS)
    sound(path)
    after = files.measure(path), pixels(path), compressed(path)
    assert replace_bytes(after[0]) == replace_bytes(before[0])
    assert after[1:] == before[1:]
    assert read(path) == EXACT
    assert list(path.parent.glob(".*")) == []


def replace_bytes(facts: files.ImageInfo) -> tuple[str, int, int]:
    return facts.format, facts.width, facts.height


def test_a_second_time_takes_the_place_of_the_first(path: Path) -> None:
    embed(path, FACTS)
    once = path.read_bytes()
    embed(path, FACTS)
    # Whose old directories stay, since anything may point there
    foreign = path.stem == "exif"
    assert path.suffix == ".png" or foreign or path.read_bytes() == once
    embed(path, replace(FACTS, values={"prompt": "a hare"}))
    sound(path)
    assert read(path) == replace(EXACT, values={"prompt": "a hare"})
    if not foreign:
        assert b"dawn" not in path.read_bytes()
    assert path.read_bytes().count(b"runapi-tui 1") == 1


def test_a_stripped_copy_shows_the_same_and_tells_nothing(
    path: Path, tmp_path: Path
) -> None:
    whole = pixels(path), compressed(path)
    with Image.open(path) as image:
        needed = {
            name: image.info.get(name)
            for name in ("icc_profile", "transparency", "dpi", "gamma", "loop")
        }
        turned = image.getexif().get(0x0112, 1)
    embed(path, FACTS)
    told = path.read_bytes()
    target = tmp_path / "copy"
    strip(path, target)
    sound(target)
    assert path.read_bytes() == told
    assert (pixels(target), compressed(target)) == whole
    assert read(target) is None
    with Image.open(target) as image:
        assert {name: image.info.get(name) for name in needed} == needed
        assert dict(image.getexif()) == ({} if turned == 1 else {0x0112: turned})
        assert (
            not {"parameters", "xmp", "comment", "runapi-tui", "mp"} & image.info.keys()
        )
    for text in (
        b"fox",
        b"f\0o\0x",
        b"camera",
        b"Steps",
        b"runapi",
        b"2026:07",
        b"a comment",
    ):
        assert text not in target.read_bytes()
    twice = tmp_path / "again"
    strip(target, twice)
    assert twice.read_bytes() == target.read_bytes()


@pytest.mark.parametrize("name", ["exif.png", "exif.jpg", "exif.webp", "grey.jpg"])
def test_what_others_have_written_stays(name: str, tmp_path: Path) -> None:
    path = written(tmp_path, FILES[name], name)

    def told() -> tuple[object, ...]:
        with Image.open(path) as image:
            tags = image.getexif()
            packet = image.info.get("xmp", b"")
            inner = {
                tag: value
                for tag, value in tags.get_ifd(0x8769).items()
                if tag != 0x9286
            }
            outer = {tag: value for tag, value in tags.items() if tag != 0x8769}
            return (
                outer,
                inner,
                image.info.get("icc_profile"),
                b"a camera" in packet,
                image.info.get("comment"),
            )

    before = told()
    for _ in range(3):
        embed(path, FACTS)
    assert told() == before


def test_a_thumbnail_and_a_makers_note_stay_where_they_are_pointed_to(
    tmp_path: Path,
) -> None:
    note = b"NOTE" + bytes(range(40))
    ifd = (
        struct.pack("<H", 1)
        + struct.pack("<HHII", 0x8769, 4, 1, 26)
        + struct.pack("<I", 0x70)
    )
    tags = (
        struct.pack("<H", 1)
        + struct.pack("<HHII", 0x927C, 7, len(note), 0x40)
        + bytes(4)
    )
    tiff = b"II*\0\x08\0\0\0" + ifd + tags
    tiff = tiff.ljust(0x40, b"\0") + note
    tiff = (
        tiff.ljust(0x70, b"\0")
        + struct.pack("<H", 1)
        + struct.pack("<HHII", 0x0103, 3, 1, 6)
        + bytes(4)
    )
    path = written(tmp_path, encoded(noise(), "JPEG", exif=b"Exif\0\0" + tiff))
    embed(path, FACTS)
    with Image.open(path) as image:
        assert image.getexif().get_ifd(0x8769)[0x927C] == note
        assert image.getexif().get_ifd(ExifTags.IFD.IFD1) == {0x0103: 6}
    assert comment_of(path).startswith(b"UNICODE\0")


def test_foreign_png_chunks_stay_and_old_ones_go(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("parameters", "old words\nSteps: 1, Seed: 2, Size: 3x4")
    info.add_text("Author", "somebody")
    info.add_itxt("parameters", "old wörds", zip=True)
    path = written(tmp_path, encoded(noise(), "PNG", pnginfo=info))
    embed(path, FACTS)
    with Image.open(path) as image:
        assert image.info["Author"] == "somebody"
        assert image.info["parameters"].startswith("a red fox, at dawn\n— «雪»")
    assert b"old" not in path.read_bytes()


def test_other_readers_find_the_same_text(tmp_path: Path) -> None:
    text = (
        "a red fox, at dawn\n— «雪» 🦊 <b>&amp;</b>\nNegative prompt: blurry\n"
        'Seed: 0, Denoising strength: 0.35, Size: 33x21, Model: flux-2-pro, Aspect ratio: "16:9", '
        "Enable safety checker: False, Version: runapi-tui"
    )
    png = written(tmp_path, FILES["rgb.png"], "a.png")
    embed(png, FACTS)
    # Before the picture is decoded: some read no further
    with Image.open(png) as image:
        assert image.info["parameters"] == text
        assert json.loads(image.info["runapi-tui"])["values"] == FACTS.values
    for name in ("baseline.jpg", "lossy.webp"):
        path = written(tmp_path, FILES[name], name)
        embed(path, FACTS)
        assert comment_of(path) == b"UNICODE\0" + text.encode("utf-16-be")
        with Image.open(path) as image:
            packet = image.info["xmp"].decode()
        json_text = re.search("<runapi:recipe>(.*)</runapi:recipe>", packet)
        assert json_text
        assert json.loads(json_text[1])["values"] == FACTS.values


def test_plain_words_stand_in_the_plainest_chunk(tmp_path: Path) -> None:
    path = written(tmp_path, FILES["rgb.png"])
    embed(path, replace(FACTS, values={"prompt": "a fox"}))
    assert (
        b"tEXtparameters\0a fox\nSize: 33x21, Model: flux-2-pro, Version: runapi-tui"
        in path.read_bytes()
    )
    embed(path, replace(FACTS, values={"prompt": "é"}))
    assert b"iTXtparameters\0\0\0\0\0\xc3\xa9\n" in path.read_bytes()


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("lossy.webp", 12),
        ("lossless.webp", 12),
        ("alpha-lossless.webp", 28),
        ("alpha.webp", 28),
        ("exif.webp", 44),
    ],
)
def test_a_webp_says_what_it_holds(name: str, flags: int, tmp_path: Path) -> None:
    path = written(tmp_path, FILES[name])
    embed(path, FACTS)
    chunks = webp_chunks(path)
    assert next(iter(chunks)) == b"VP8X"
    assert list(chunks)[-2:] == [b"EXIF", b"XMP "]
    assert chunks[b"VP8X"] == bytes([flags, 0, 0, 0, 32, 0, 0, 20, 0, 0])
    strip(path, path)
    assert webp_chunks(path)[b"VP8X"][0] == (
        flags & ~12 | (8 if name == "exif.webp" else 0)
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("turn", [1, 3, 6, 8, 99])
def test_a_stripped_copy_stands_upright(kind: str, turn: int, tmp_path: Path) -> None:
    path = written(tmp_path, encoded(noise(), kind, exif=exif(turn)))
    strip(path, tmp_path / "copy")
    for box in ((20, 20), (100, 100)):
        assert (
            files.thumbnail(tmp_path / "copy", box).tobytes()
            == files.thumbnail(path, box).tobytes()
        )


@pytest.mark.parametrize(
    "name", ["rgb.png", "baseline.jpg", "several.jpg", "lossy.webp"]
)
def test_what_follows_the_image_stays_unless_stripped(
    name: str, tmp_path: Path
) -> None:
    path = written(tmp_path, FILES[name] + b"a secret tail")
    embed(path, FACTS)
    assert path.read_bytes().endswith(b"a secret tail")
    assert read(path) == EXACT
    strip(path, path)
    assert b"secret" not in path.read_bytes()
    files.inspect(path)


def test_a_gif_and_a_signed_image_are_left_alone(tmp_path: Path) -> None:
    signed = FILES["rgb.png"].replace(
        chunk(b"IEND", b""), chunk(b"caBX", b"jumb") + chunk(b"IEND", b"")
    )
    segment = b"\xff\xeb\x00\x0aJP\x00\x01jumb"
    jpeg = FILES["baseline.jpg"][:2] + segment + FILES["baseline.jpg"][2:]
    for data in (encoded(noise(), "GIF", comment=b"hello"), signed, jpeg):
        path = written(tmp_path, data)
        embed(path, FACTS)
        assert path.read_bytes() == data
        assert read(path) is None
    with pytest.raises(ImageError, match="is a GIF"):
        strip(written(tmp_path, encoded(noise(), "GIF")), tmp_path / "copy")
    strip(written(tmp_path, signed), tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == FILES["rgb.png"]


def test_the_second_picture_of_a_jpeg_is_still_found(tmp_path: Path) -> None:
    path = written(tmp_path, FILES["several.jpg"])

    def second() -> bytes:
        with Image.open(path) as image:
            image.seek(1)
            return image.tobytes()

    before = second()
    embed(path, FACTS)
    assert second() == before


def test_a_file_keeps_its_mode_and_its_link(tmp_path: Path) -> None:
    path = written(tmp_path, FILES["rgb.png"], "real.png")
    path.chmod(0o640)
    link = tmp_path / "link.png"
    link.symlink_to(path)
    embed(link, FACTS)
    assert link.is_symlink()
    assert read(path) == EXACT
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_no_half_file_is_left_when_it_goes_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, FILES["baseline.jpg"], "fox.jpg")
    with pytest.raises(ImageError, match="too long for a JPEG"):
        embed(path, replace(FACTS, values={"prompt": "🦊" * 20_000}))
    with pytest.raises(ImageError, match="can't be written"):
        strip(path, tmp_path / "nowhere" / "copy.jpg")
    with monkeypatch.context() as patch:
        patch.setattr(containers, "join_chunks", lambda image, parts: FILES["rgb.png"])
        with pytest.raises(ImageError, match="can't be changed"):
            embed(path, FACTS)
        patch.setattr(containers, "join_chunks", lambda image, parts: b"nothing")
        with pytest.raises(ImageError, match="not a PNG"):
            embed(path, FACTS)
    assert path.read_bytes() == FILES["baseline.jpg"]
    assert os.listdir(tmp_path) == ["fox.jpg"] or set(os.listdir(tmp_path)) == {
        "fox.jpg",
        "home",
    }
    for function in (
        read,
        lambda path: embed(path, FACTS),
        lambda path: strip(path, path),
    ):
        with pytest.raises(ImageError, match="not there"):
            function(tmp_path / "gone.png")
        with pytest.raises(ImageError, match="not a PNG"):
            function(written(tmp_path, b"hello", "text"))


def test_long_words_fit_where_they_can(tmp_path: Path) -> None:
    words = {"prompt": "狐" * 5000, "seed": 2**62}
    for name in ("rgb.png", "baseline.jpg", "lossy.webp"):
        path = written(tmp_path, FILES[name])
        embed(path, replace(FACTS, values=words))
        assert read(path) == replace(EXACT, values=words)


def test_a_packet_without_a_place_is_kept(tmp_path: Path) -> None:
    odd = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF/></x:xmpmeta>'
    path = written(tmp_path, encoded(noise(), "JPEG", xmp=odd))
    embed(path, FACTS)
    with Image.open(path) as image:
        assert image.info["xmp"] == odd
    found = read(path)
    assert found
    assert (found.source, found.model, found.values["seed"]) == (
        "a1111",
        "flux-2-pro",
        0,
    )


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_is_kept(tmp_path: Path) -> None:
    broken = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12"
    path = written(tmp_path, encoded(noise(), "JPEG", exif=broken))
    embed(path, FACTS)
    assert broken in path.read_bytes()
    assert read(path) == EXACT
    strip(path, path)
    assert broken not in path.read_bytes()


A1111 = """photo of a (red fox:1.2), snow <lora:detail:0.8>
second line

Negative prompt: blurry, text
watermark
Steps: 28, Sampler: DPM++ 2M Karras, CFG scale: 6.5, Seed: 3456789012, Size: 832x1216, Model hash: e6bb9ea85b, \
Model: sdXL_v10, Denoising strength: 0.4, Lora hashes: "detail: 0123, other: 4567", Version: v1.9.3"""


def a1111(**changes: Any) -> Recipe:
    recipe = Recipe(
        source="a1111",
        model="sdXL_v10",
        values={
            "prompt": "photo of a (red fox:1.2), snow <lora:detail:0.8>\nsecond line",
            "negative_prompt": "blurry, text\nwatermark",
            "size": "832x1216",
            "seed": 3456789012,
        },
        other={
            "Steps": "28",
            "Sampler": "DPM++ 2M Karras",
            "CFG scale": "6.5",
            "Model hash": "e6bb9ea85b",
            "Denoising strength": "0.4",
            "Lora hashes": "detail: 0123, other: 4567",
            "Version": "v1.9.3",
        },
    )
    return replace(recipe, **changes)


def png_with(folder: Path, *chunks: tuple[bytes, bytes]) -> Path:
    end = chunk(b"IEND", b"")
    added = b"".join(chunk(kind, data) for kind, data in chunks)
    return written(folder, FILES["rgb.png"].replace(end, added + end), "told.png")


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (b"tEXt", b"parameters\0" + A1111.encode()),
        (b"zTXt", b"parameters\0\0" + zlib.compress(A1111.encode())),
        (b"iTXt", b"parameters\0\0\0\0\0" + A1111.encode()),
        (b"iTXt", b"parameters\0\1\0en\0Parameter\0" + zlib.compress(A1111.encode())),
    ],
)
def test_a1111_is_read_from_every_kind_of_text(
    kind: bytes, data: bytes, tmp_path: Path
) -> None:
    assert read(png_with(tmp_path, (kind, data))) == a1111()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
@pytest.mark.parametrize(
    "comment",
    [
        b"UNICODE\0" + A1111.encode("utf-16-be"),
        b"UNICODE\0" + A1111.encode("utf-16-le"),
        b"UNICODE\0" + A1111.encode("utf-16"),
        b"ASCII\0\0\0" + A1111.encode(),
        bytes(8) + A1111.encode(),
    ],
)
def test_a1111_is_read_from_exif(kind: str, comment: bytes, tmp_path: Path) -> None:
    assert (
        read(written(tmp_path, encoded(noise(), kind, exif=exif(comment=comment))))
        == a1111()
    )


@pytest.mark.parametrize(
    ("text", "recipe"),
    [
        (
            "a fox\nSteps: 20, Seed: 5",
            ("", {"prompt": "a fox", "seed": 5}, {"Steps": "20"}),
        ),
        ("Steps: 20, Size: 1x2, Model: m", ("m", {"size": "1x2"}, {"Steps": "20"})),
        ("Negative prompt: text", ("", {"negative_prompt": "text"}, {})),
        (
            "a\nNegative prompt: b\nc",
            ("", {"prompt": "a", "negative_prompt": "b\nc"}, {}),
        ),
        (
            'é\nSeed: -1, Size: 1x1, Model: "a, b"',
            ("a, b", {"prompt": "é", "size": "1x1"}, {}),
        ),
        (
            f"a\nSeed: {'9' * 5000}, Model: m, Steps: 1",
            ("m", {"prompt": "a"}, {"Steps": "1"}),
        ),
        ('a\nSteps: 1, Model: "open', ('"open', {"prompt": "a"}, {"Steps": "1"})),
        (
            "a\x1b[31mb\u202e\nSteps: 1, Seed: 1",
            ("", {"prompt": "ab", "seed": 1}, {"Steps": "1"}),
        ),
        ("just words", None),
        ("Created with: GIMP", None),
        ("Place: Rome, Day: Monday, Who: me", None),
        ('{"prompt": "a", "seed": 1, "steps": 2}', None),
        ("", None),
    ],
    ids=range(13),
)
def test_a1111_as_far_as_it_goes(
    text: str, recipe: tuple[str, Values, dict[str, str]] | None, tmp_path: Path
) -> None:
    found = read(png_with(tmp_path, (b"tEXt", b"parameters\0" + text.encode())))
    assert (found and (found.source, found.model, found.values, found.other)) == (
        recipe and ("a1111", *recipe)
    )


def link(name: int | str, slot: int = 0) -> list[Any]:
    return [str(name), slot]


COMFY = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 156680208700286,
            "steps": 20,
            "cfg": 8,
            "sampler_name": "euler",
            "scheduler": "normal",
            "denoise": 1,
            "model": link(10),
            "positive": link(6),
            "negative": link(7),
            "latent_image": link(5),
        },
    },
    "4": {
        "class_type": "CheckpointLoaderSimple",
        "inputs": {"ckpt_name": "v1-5-pruned.safetensors"},
    },
    "5": {
        "class_type": "EmptyLatentImage",
        "inputs": {"width": 512, "height": 768, "batch_size": 1},
    },
    "6": {
        "class_type": "CLIPTextEncode",
        "inputs": {"text": "a glass bottle", "clip": link(4, 1)},
    },
    "7": {
        "class_type": "CLIPTextEncode",
        "inputs": {"text": "text, watermark", "clip": link(4, 1)},
    },
    "9": {
        "class_type": "SaveImage",
        "inputs": {"filename_prefix": "ComfyUI", "images": link(8)},
    },
    "10": {
        "class_type": "LoraLoader",
        "inputs": {"lora_name": "x", "model": link(4), "clip": link(4, 1)},
    },
}
FLUX = {
    "5": {
        "class_type": "EmptySD3LatentImage",
        "inputs": {"width": 1024, "height": 1024},
    },
    "6": {
        "class_type": "CLIPTextEncode",
        "inputs": {"clip": link(11), "text": link(40)},
    },
    "11": {
        "class_type": "DualCLIPLoader",
        "inputs": {"clip_name1": "t5xxl_fp16.safetensors", "type": "flux"},
    },
    "12": {
        "class_type": "UNETLoader",
        "inputs": {"unet_name": "flux1-dev.safetensors"},
    },
    "13": {
        "class_type": "SamplerCustomAdvanced",
        "inputs": {
            "noise": link(25),
            "guider": link(22),
            "sampler": link(16),
            "latent_image": link(5),
        },
    },
    "22": {
        "class_type": "BasicGuider",
        "inputs": {"model": link(12), "conditioning": link(26)},
    },
    "25": {"class_type": "RandomNoise", "inputs": {"noise_seed": 0}},
    "26": {
        "class_type": "FluxGuidance",
        "inputs": {"guidance": 3.5, "conditioning": link(6)},
    },
    "40": {"class_type": "PrimitiveString", "inputs": {"value": "an owl"}},
}
CONTROL = {
    **COMFY,
    "3": {
        "inputs": {
            **COMFY["3"]["inputs"],  # type: ignore[dict-item]
            "positive": link(30),
            "negative": link(30, 1),
        }
    },
    "30": {
        "class_type": "ControlNetApplyAdvanced",
        "inputs": {"negative": link(7), "positive": link(6), "image": link(31)},
    },
}
BOTTLE = Recipe(
    source="comfyui",
    model="v1-5-pruned.safetensors",
    values={
        "prompt": "a glass bottle",
        "negative_prompt": "text, watermark",
        "size": "512x768",
        "seed": 156680208700286,
    },
    other={
        "steps": "20",
        "cfg": "8",
        "sampler_name": "euler",
        "scheduler": "normal",
        "denoise": "1",
    },
)
OWL = Recipe(
    source="comfyui",
    model="flux1-dev.safetensors",
    values={"prompt": "an owl", "size": "1024x1024", "seed": 0},
    other={"guidance": "3.5"},
)


@pytest.mark.parametrize(
    ("graph", "recipe"), [(COMFY, BOTTLE), (FLUX, OWL), (CONTROL, BOTTLE)]
)
def test_comfyui_is_followed_up_its_links(
    graph: dict[str, Any], recipe: Recipe, tmp_path: Path
) -> None:
    text = json.dumps(graph).replace("]}", '], "is_changed": [NaN]}', 1)
    assert (
        read(
            png_with(
                tmp_path,
                (b"tEXt", b"prompt\0" + text.encode()),
                (b"tEXt", b"workflow\0{}"),
            )
        )
        == recipe
    )
    tags = Image.Exif()
    tags[0x0110] = f"prompt:{json.dumps(graph)}"
    assert (
        read(written(tmp_path, encoded(noise(), "WEBP", exif=tags.tobytes()))) == recipe
    )


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "7",
        '"a fox"',
        "[" * 100_000,
        '{"1": 5}',
        '{"1": {"inputs": {"positive": ["1", 0], "latent_image": ["1", 0]}}}',
        '{"1": {"inputs": {"positive": [[["1"]], 0], "latent_image": 0}}}',
        '{"1": {"inputs": {"positive": ["2"], "latent_image": []}}, "2": {"inputs": {"text": ["2"]}}}',
        json.dumps({"9": COMFY["9"]}),
        '{"a": ' + "9" * 5000 + "}",
    ],
    ids=range(11),
)
def test_odd_graphs_say_nothing(text: str, tmp_path: Path) -> None:
    assert read(png_with(tmp_path, (b"tEXt", b"prompt\0" + text.encode()))) is None


def test_the_exact_words_come_first(tmp_path: Path) -> None:
    path = png_with(
        tmp_path,
        (b"tEXt", b"prompt\0" + json.dumps(COMFY).encode()),
        (b"tEXt", b"parameters\0" + A1111.encode()),
        (b"tEXt", b"parameters\0second\nSteps: 1, Seed: 1"),
    )
    assert read(path) == a1111()
    embed(path, FACTS)
    assert read(path) == EXACT


@pytest.mark.parametrize(
    "ours",
    [
        b"{",
        b"[]",
        b'{"format": "runapi-tui 2", "action": "a", "model": "m", "values": {}}',
        b'{"format": "runapi-tui 1", "action": "a", "model": 5, "values": {}}',
        b'{"format": "runapi-tui 1", "action": "a", "model": "m", "values": {"a": '
        + b"[" * 5000
        + b"]" * 5000
        + b"}}",
        b'{"format": "runapi-tui 1", "action": "a", "model": "m", "values": {}, "created_at": 1e300}',
        b"\xff\xfe",
    ],
    ids=range(7),
)
def test_a_forged_chunk_is_passed_over(ours: bytes, tmp_path: Path) -> None:
    path = png_with(
        tmp_path,
        (b"tEXt", b"runapi-tui\0" + ours),
        (b"tEXt", b"parameters\0" + A1111.encode()),
    )
    assert read(path) == a1111()


def test_text_of_others_is_harmless(tmp_path: Path) -> None:
    evil = "\x1b]0;owned\x07fox\u202e\x9b31m"
    facts = EmbeddedRecipe(
        action=evil,
        model=evil,
        values={"prompt": evil, evil: [evil, {evil: 1}]},
        task_id=evil,
    )
    text = json.dumps(
        {"format": "runapi-tui 1", **json.loads(json.dumps(to_plain(facts)))}
    )
    found = read(png_with(tmp_path, (b"tEXt", b"runapi-tui\0" + text.encode())))
    assert found
    assert (found.action, found.model, found.other["task"]) == ("fox", "fox", "fox")
    assert found.values == {"prompt": "fox", "fox": ["fox", {"fox": 1}]}


def to_plain(facts: EmbeddedRecipe) -> dict[str, Any]:
    return {name: getattr(facts, name) for name in facts.__struct_fields__}


PACKED = zlib.compress(b"Steps: 1, Seed: 1, Model: m\n" * 300_000, 1)
BOMBS = {
    "unpacked": (b"zTXt", b"parameters\0\0" + PACKED),
    "unpacked, international": (b"iTXt", b"parameters\0\1\0\0\0" + PACKED),
    "large": (b"tEXt", b"parameters\0" + b"Steps: 1, " * 300_000),
    "letters": (b"tEXt", b"parameters\0" + b"a" * 1_900_000),
    "quotes": (b"tEXt", b"parameters\0" + b'a:"\\"' * 300_000),
    "spaces": (b"tEXt", b"parameters\0a:" + b" " * 1_900_000),
    "escapes": (b"tEXt", b"parameters\0" + b"\x1b]" * 900_000),
}


def chain(length: int) -> dict[str, Any]:
    nodes = {
        str(number): {"inputs": {"text": link(number + 1), "latent_image": 0}}
        for number in range(length)
    }
    return {"s": {"inputs": {"positive": link(0), "latent_image": link(0)}}, **nodes}


@pytest.mark.parametrize("chunks", [[bomb] for bomb in BOMBS.values()], ids=list(BOMBS))
def test_a_bomb_is_defused(chunks: list[tuple[bytes, bytes]], tmp_path: Path) -> None:
    harmless(png_with(tmp_path, *chunks))


def test_many_bombs_and_long_ways_are_cut_short(tmp_path: Path) -> None:
    harmless(png_with(tmp_path, *[(b"zTXt", b"prompt\0\0" + PACKED)] * 300))
    harmless(png_with(tmp_path, *[(b"teXt", b"")] * 110_000))
    harmless(
        png_with(tmp_path, (b"tEXt", b"prompt\0" + json.dumps(chain(10_000)).encode()))
    )
    directory = b"MM\0*\0\0\0\x08\xff\xff" + (b"\x87\x69\0\4\0\0\0\1\0\0\0\x08" * 65536)
    harmless(png_with(tmp_path, *[(b"eXIf", directory)] * 40))


def harmless(path: Path) -> None:
    """Read, and little of it."""
    found = read(path)
    assert not found or all(
        len(str(value)) <= 20_000 for value in found.values.values()
    )


ANYTHING = st.binary(max_size=200)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.sampled_from([b"tEXt", b"zTXt", b"iTXt", b"eXIf"]),
    st.sampled_from(
        [
            b"",
            b"parameters\0",
            b"prompt\0",
            b"runapi-tui\0",
            b"runapi-tui\0\1\0\0\0",
            b"MM\0*\0\0\0\x08",
            b"Comment\0{",
            b"Description\0",
            b"sd-metadata\0{",
            b"XML:com.adobe.xmp\0\0\0\0\0<exif:UserComment>",
        ]
    ),
    ANYTHING,
)
def test_hostile_chunks_hurt_nobody(
    tmp_path: Path, kind: bytes, head: bytes, data: bytes
) -> None:
    check_any(png_with(tmp_path, (kind, head + data)), tmp_path)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.sampled_from(["JPEG", "WEBP"]), st.sampled_from(["exif", "xmp"]), ANYTHING)
def test_hostile_segments_hurt_nobody(
    tmp_path: Path, kind: str, where: str, data: bytes
) -> None:
    head = b"Exif\0\0MM\0*\0\0\0\x08" if where == "exif" else b"<runapi:recipe>"
    check_any(
        written(tmp_path, encoded(noise(size=(4, 4)), kind, **{where: head + data})),
        tmp_path,
    )


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.sampled_from(
        [
            "rgb.png",
            "exif.jpg",
            "exif.webp",
            "lossless.webp",
            "moving.webp",
            "several.jpg",
        ]
    ),
    st.integers(0, 600),
    st.integers(0, 20),
    st.binary(max_size=12),
)
def test_damaged_files_hurt_nobody(
    tmp_path: Path, name: str, at: int, lost: int, new: bytes
) -> None:
    data = FILES[name]
    check_any(written(tmp_path, data[:at] + new + data[at + lost :]), tmp_path)


def check_any(path: Path, folder: Path) -> None:
    """Nothing but an ImageError comes out, and the picture stays as it is, however
    broken.
    """
    before = path.read_bytes()
    try:
        read(path)
        picture = compressed(path)
        embed(path, FACTS)
        assert compressed(path) == picture
        strip(path, folder / "copy")
        assert compressed(folder / "copy") == picture
        assert read(folder / "copy") is None
    except ImageError:
        assert path.read_bytes() == before or read(path) == EXACT


def sampler(*links: str) -> dict[str, Any]:
    inputs = {f"input{number}": link(name) for number, name in enumerate(links)}
    return {"inputs": {**inputs, "latent_image": 0, "positive": link(links[0])}}


@pytest.mark.parametrize(
    "graph",
    [
        {str(number): sampler(str(number + 1)) for number in range(2_000)},
        {str(number): sampler(str(number)) for number in range(2_000)},
        {str(number): sampler("a", "b") for number in range(1_000)}
        | {name: {"inputs": {"x": link("b"), "y": link("a")}} for name in "ab"},
        {str(number): sampler(*map(str, range(100))) for number in range(100)},
        {"guide": {"inputs": {f"x{at}": link(str(at)) for at in range(1_000)}}}
        | {str(number): sampler("guide") for number in range(1_000)},
    ],
    ids=["chain", "self", "cycle", "all to all", "star"],
)
def test_a_graph_of_samplers_without_a_prompt_tells_nothing(
    graph: dict[str, Any], tmp_path: Path
) -> None:
    text = b"prompt\0" + json.dumps(graph).encode()
    assert read(png_with(tmp_path, (b"tEXt", text))) is None


def test_the_prompt_of_a_later_sampler_is_found(tmp_path: Path) -> None:
    graph = {
        "1": sampler("nowhere"),
        "2": sampler("3"),
        "3": {"inputs": {"conditioning": link("4"), "other": link("1")}},
        "4": {"inputs": {"text": "a fox"}},
    }
    path = png_with(tmp_path, (b"tEXt", b"prompt\0" + json.dumps(graph).encode()))
    found = read(path)
    assert found
    assert found.values["prompt"] == "a fox"


@pytest.mark.parametrize(
    "text",
    [
        b"runapi-tui\0"
        + b'{"format":"runapi-tui 1","action":"a","model":"m","values":{"x":[%s0]}}'
        % (b"0," * 200_000),
        b"prompt\0" + b"[" * 200_000,
        b"prompt\0" + b'{"a":{"inputs":{}},' * 60_000,
        b"parameters\0" + b"fox\n" + b"a:1," * 30_000,
        b"parameters\0" + b"fox\n" + b'a:"' * 30_000,
        b"parameters\0" + b"fox\nSteps: 1, " + b"a " * 40_000,
    ],
    ids=["ours", "deep", "wide", "pairs", "quotes", "words"],
)
def test_long_texts_give_little_or_nothing(text: bytes, tmp_path: Path) -> None:
    found = read(png_with(tmp_path, (b"tEXt", text)))
    if found:
        assert len(found.values) <= 4
        assert len(found.other) <= 200


def test_exif_of_very_many_tags_is_not_read(tmp_path: Path) -> None:
    rows = b"".join(
        struct.pack(">HHII", tag, 2, 4_000_000, 8) for tag in range(1, 60_000)
    )
    exif = b"MM\0*\0\0\0\x08" + struct.pack(">H", 59_999) + rows
    path = png_with(tmp_path, (b"eXIf", exif))
    assert read(path) is None
    assert files.thumbnail(path, (10, 10)).size
