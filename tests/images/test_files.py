"""Fetched files: what is refused, how they are named, what their small pictures look
like.
"""

import os
import struct
import subprocess
import sys
import threading
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests import blocking
from tui.images import containers, files
from tui.images.files import (
    CostlyError,
    DamagedError,
    ImageError,
    ImageInfo,
    inspect,
    inspect_pixels,
    measure,
    safe_stem,
    save_image,
    thumbnail,
    whole,
)
from tui.images.metadata import read, strip

CASES = Path(__file__).with_name("cases")

RED, BLUE = (255, 0, 0), (0, 0, 255)


def encoded(image: Image.Image, kind: str = "PNG", **kw: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **kw)
    return buffer.getvalue()


def noise(width: int = 64, height: int = 48) -> Image.Image:
    return Image.effect_noise((width, height), 80).convert("RGB")


def written(folder: Path, data: bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def halves() -> Image.Image:
    """The left half red, the right half blue."""
    image = Image.new("RGB", (80, 40), RED)
    image.paste(BLUE, (40, 0, 80, 40))
    return image


def chunk(kind: bytes, data: bytes) -> bytes:
    return (
        struct.pack(">I", len(data))
        + kind
        + data
        + struct.pack(">I", zlib.crc32(kind + data))
    )


def png_claiming(width: int, height: int) -> bytes:
    header = struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", data)
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_whole_image_has_facts(kind: str, tmp_path: Path) -> None:
    path = written(tmp_path, encoded(noise(), kind))
    assert inspect(path) == ImageInfo(kind, 64, 48, path.stat().st_size)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
@pytest.mark.parametrize("part", [0.0, 0.01, 0.3, 0.9, 0.98])
def test_a_truncated_file_is_refused(kind: str, part: float, tmp_path: Path) -> None:
    whole = encoded(noise(), kind)
    path = written(tmp_path, whole[: int(len(whole) * part)])
    with pytest.raises(ImageError, match=r"\.$"):
        inspect(path)


def test_every_cut_of_a_png_is_noticed(tmp_path: Path) -> None:
    whole = encoded(Image.new("RGB", (4, 4), RED))
    # The last four bytes are the checksum of an empty chunk
    for length in range(len(whole) - 4):
        with pytest.raises(ImageError):
            inspect(written(tmp_path, whole[:length]))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>not found</html>",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"\xff\xd8\xff\xe0" + b"\xff" * 100,
        b"GIF89a" + bytes(20),
        b"RIFF\x10\x00\x00\x00WEBPVP8 " + bytes(20),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    ],
)
def test_what_is_no_image_of_the_known_formats_is_refused(
    data: bytes, tmp_path: Path
) -> None:
    path = written(tmp_path, data)
    for look in (inspect, whole, lambda path: thumbnail(path, (10, 10))):
        with pytest.raises(ImageError):
            look(path)


def webp_claiming(width: int, height: int) -> bytes:
    """A WebP whose extended header has another size."""
    data = bytearray(encoded(noise(), "WEBP", exif=b"MM\0*\0\0\0\x08\0\0\0\0\0\0"))
    assert data[12:16] == b"VP8X"
    data[24:27] = (width - 1).to_bytes(3, "little")
    data[27:30] = (height - 1).to_bytes(3, "little")
    return bytes(data)


def jpeg_claiming(width: int, height: int) -> bytes:
    data = encoded(noise(), "JPEG", progressive=True)
    at = data.index(b"\xff\xc2") + 5
    return data[:at] + struct.pack(">2H", height, width) + data[at + 4 :]


def gif_claiming(width: int, height: int) -> bytes:
    data = encoded(noise(), "GIF")
    return data[:6] + struct.pack("<2H", width, height) + data[10:]


LARGE = {
    "PNG": png_claiming(60_000, 60_000),
    "line": png_claiming(2**31 - 1, 1),
    "JPEG": jpeg_claiming(40_000, 30_000),
    "WEBP": webp_claiming(16_000, 16_000),
    "GIF": gif_claiming(60_000, 60_000),
}


@pytest.mark.parametrize("kind", LARGE)
def test_what_is_too_large_to_be_shown_is_kept_whole(kind: str, tmp_path: Path) -> None:
    path = written(tmp_path, LARGE[kind], "fox.part")
    for look in (whole, lambda path: thumbnail(path, (10, 10))):
        with pytest.raises(CostlyError, match=r"too large to be shown here: .* pixels"):
            look(path)
    facts = inspect(path)
    assert measure(path) == facts
    assert facts.width * facts.height > 200_000_000
    kept, _ = save_image(path, tmp_path / "kept", "fox")
    assert kept.read_bytes() == LARGE[kind]
    for end in (-1, -13, len(LARGE[kind]) // 2):
        with pytest.raises(DamagedError):
            inspect(written(tmp_path, LARGE[kind][:end]))


def test_an_upscale_that_the_service_sells_is_kept(tmp_path: Path) -> None:
    path = CASES / "topaz_8x_of_1024x1536.png"
    assert inspect(path) == ImageInfo("PNG", 8192, 12288, path.stat().st_size)


def test_a_large_jpeg_is_shown_from_a_fraction_of_its_pixels(tmp_path: Path) -> None:
    image = Image.new("RGB", (16_000, 8_000), RED)
    image.paste(BLUE, (8_000, 0, 16_000, 8_000))
    path = written(tmp_path, encoded(image, "JPEG"))
    small = thumbnail(path, (40, 40))
    assert small.size == (40, 20)
    assert small.getpixel((2, 10))[0] > 200  # type: ignore[index]
    assert inspect_pixels(path).width == 16_000
    with pytest.raises(CostlyError, match="too large"):
        whole(path)


# ---- what doesn't matter in a PNG


def garbled(kind: bytes, data: bytes) -> bytes:
    """A chunk with a wrong checksum."""
    return chunk(kind, data)[:-1] + b"?"


PACKED = zlib.compress(bytes(3_000_000))
PASSED_OVER = {
    "iCCP checksum": garbled(b"iCCP", b"x\0\0" + zlib.compress(bytes(200))),
    "iCCP garbage": chunk(b"iCCP", b"x\0\0garbage"),
    "iCCP method": chunk(b"iCCP", b"x\0\1" + zlib.compress(bytes(200))),
    "iCCP cut": chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(200))[:-6]),
    "iCCP huge": chunk(b"iCCP", b"x\0\0" + PACKED),
    "iCCP empty": chunk(b"iCCP", b""),
    "tEXt checksum": garbled(b"tEXt", b"parameters\0a fox"),
    "zTXt huge": chunk(b"zTXt", b"workflow\0\0" + PACKED),
    "iTXt huge": chunk(b"iTXt", b"workflow\0\1\0\0\0" + PACKED),
    "iTXt garbage": chunk(b"iTXt", b"\xff" * 40),
    "pHYs checksum": garbled(b"pHYs", bytes(9)),
    "pHYs length": chunk(b"pHYs", bytes(3)),
    "gAMA length": chunk(b"gAMA", b"\1"),
    "cHRM length": chunk(b"cHRM", bytes(31)),
    "sRGB length": chunk(b"sRGB", b""),
    "tRNS length": chunk(b"tRNS", b"\1"),
    "tRNS checksum": garbled(b"tRNS", bytes(6)),
    "eXIf garbage": chunk(b"eXIf", b"MM\0*\xff\xff\xff\xff"),
    "eXIf checksum": garbled(b"eXIf", b"II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0"),
    "eXIf huge": chunk(b"eXIf", bytes(2_000_000)),
    "acTL length": chunk(b"acTL", b"\0"),
    "fcTL order": chunk(b"acTL", bytes(8)) + chunk(b"fcTL", b"\xff" * 26),
    "tIME length": chunk(b"tIME", b""),
    "unknown": garbled(b"prVt", b"anything"),
}  # fmt: skip


@pytest.mark.parametrize("what", PASSED_OVER)
@pytest.mark.parametrize("behind", [False, True])
def test_only_the_critical_chunks_of_a_png_decide(
    what: str, behind: bool, tmp_path: Path
) -> None:
    plain = encoded(halves())
    at = len(plain) - 12 if behind else 33
    path = written(tmp_path, plain[:at] + PASSED_OVER[what] + plain[at:])
    assert inspect(path) == ImageInfo("PNG", 80, 40, path.stat().st_size)
    assert inspect_pixels(path) == measure(path) == inspect(path)
    assert whole(path).tobytes() == halves().tobytes()
    assert thumbnail(path, (40, 40)).size == (40, 20)
    assert save_image(path, tmp_path / "kept", "fox")[0].suffix == ".png"


@pytest.mark.parametrize("name", ["iccp_bad_crc", "phys_bad_crc", "text_bad_crc"])
def test_a_wrong_checksum_that_browsers_pass_over(name: str) -> None:
    path = CASES / f"{name}.png"
    assert inspect_pixels(path) == ImageInfo("PNG", 8, 4, path.stat().st_size)
    assert thumbnail(path, (8, 8)).size == (8, 4)


@pytest.mark.parametrize("kind", [b"IHDR", b"PLTE", b"IDAT", b"IEND"])
def test_a_critical_chunk_with_a_wrong_checksum_is_damage(
    kind: bytes, tmp_path: Path
) -> None:
    data = bytearray(encoded(halves().quantize(4)))
    at = data.index(kind)
    (size,) = struct.unpack(">I", data[at - 4 : at])
    data[at + 4 + size] ^= 1
    for look in (inspect, measure, lambda path: thumbnail(path, (10, 10))):
        with pytest.raises(DamagedError, match="damaged or incomplete"):
            look(written(tmp_path, bytes(data)))


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, 2 + len(body)) + body


@pytest.mark.parametrize(
    "garbage",
    [
        segment(0xE0, b"JFIF\0\1"),
        segment(0xE0, b"JFIF"),
        segment(0xE1, b"Exif\0\0MM"),
        segment(0xE2, b"ICC_PROFILE\0"),
        segment(0xE2, b"MPF\0II*\0\xff\xff"),
        segment(0xED, b"Photoshop 3.0\0008BIM\x03\xed\0\0\0\0\0\x10"),
        segment(0xEE, b"Adobe\0d"),
        segment(0xFE, b"") * 20_000,
    ],
    ids=["JFIF", "JFIF's name", "EXIF", "ICC", "MPF", "Photoshop", "Adobe", "comments"],
)
def test_garbage_between_the_parts_of_a_jpeg_is_passed_over(
    garbage: bytes, tmp_path: Path
) -> None:
    plain = encoded(halves(), "JPEG")
    path = written(tmp_path, plain[:2] + garbage + plain[2:])
    assert inspect_pixels(path) == ImageInfo("JPEG", 80, 40, path.stat().st_size)
    assert whole(path).tobytes() == whole(written(tmp_path, plain, "plain")).tobytes()


# ---- upright facts


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_facts_are_those_of_the_upright_image(
    kind: str, turn: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    path = written(tmp_path, encoded(halves(), kind, exif=exif.tobytes()))
    size = (40, 80) if turn >= 5 else (80, 40)
    looks = (inspect, inspect_pixels, measure, files._outline)
    for facts in [look(path) for look in looks]:
        assert (facts.width, facts.height) == size == whole(path).size
    copy = tmp_path / "copy"
    strip(path, copy)
    assert whole(copy).tobytes() == whole(path).tobytes()


def test_a_photo_on_its_side_is_told_upright() -> None:
    facts = inspect(CASES / "orientation6_40x20.jpg")
    assert (facts.width, facts.height) == (20, 40)


def test_nothing_is_written_to_stderr(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    written(folder, png_claiming(40, 30)[:-20], "1.png")
    written(folder, png_claiming(12_000, 8_000), "4.png")
    broken_exif = b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff\x01\x12"
    written(folder, encoded(noise(), "JPEG", exif=broken_exif), "2.jpg")
    palette = halves().quantize(8)
    written(folder, encoded(palette, transparency=bytes(range(8))), "3.png")
    code = """
import sys
from pathlib import Path
from tui.images.files import ImageError, inspect, thumbnail
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        inspect(path); thumbnail(path, (20, 20)); print("shown")
    except ImageError:
        print("refused")
"""
    command = [sys.executable, "-W", "always", "-c", code, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.stdout.split(), done.stderr) == (
        ["refused", "shown", "shown", "refused"],
        "",
    )


def test_a_name_full_of_escapes_is_told_harmlessly(tmp_path: Path) -> None:
    with pytest.raises(ImageError) as caught:
        inspect(written(tmp_path, b"", "a\x1b]0;owned\x07\nb"))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_counts(kind: str, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (40, 20), colour) for colour in (RED, BLUE)]
    path = written(
        tmp_path,
        encoded(
            frames[0], kind, save_all=True, append_images=frames[1:], lossless=True
        ),
    )
    assert (inspect(path).width, inspect(path).height) == (40, 20)
    assert thumbnail(path, (20, 20)).getpixel((5, 5)) == RED


@pytest.mark.parametrize(
    ("box", "size"),
    [
        ((20, 20), (20, 10)),
        ((1000, 5), (10, 5)),
        ((500, 500), (80, 40)),
        ((1, 1), (1, 1)),
    ],
)
def test_a_thumbnail_fits_keeps_the_ratio_and_is_never_enlarged(
    box: tuple[int, int], size: tuple[int, int], tmp_path: Path
) -> None:
    small = thumbnail(written(tmp_path, encoded(halves())), box)
    assert (small.size, small.mode) == (size, "RGB")


def test_a_thumbnail_outlives_its_file(tmp_path: Path) -> None:
    path = written(tmp_path, encoded(noise(2000, 1000), "JPEG"))
    small = thumbnail(path, (100, 100))
    path.unlink()
    assert small.copy().size == (100, 50)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("orientation", "red"),
    [
        (1, (2, 10)),
        (2, (37, 10)),
        (3, (37, 10)),
        (6, (5, 2)),
        (8, (5, 37)),
        (99, (2, 10)),
    ],
)
def test_a_thumbnail_stands_upright(
    kind: str, orientation: int, red: tuple[int, int], tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = written(tmp_path, encoded(halves(), kind, exif=exif.tobytes()))
    small = thumbnail(path, (40, 40))
    assert whole(path).resize(small.size).getpixel(red)[0] > 200  # type: ignore[index]
    assert small.size == ((20, 40) if orientation in (6, 8) else (40, 20))
    red_value, _, blue_value = small.getpixel(red)  # type: ignore[misc]
    assert red_value > 200 > 60 > blue_value


def test_transparency_lies_on_a_quiet_checker(tmp_path: Path) -> None:
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    image.paste((*RED, 255), (32, 0, 64, 64))
    for clear in (image, image.quantize(8)):
        path = written(tmp_path, encoded(clear))
        small = thumbnail(path, (64, 64))
        assert whole(path).tobytes() == small.tobytes()
        assert small.getpixel((60, 30)) == RED
        assert {small.getpixel((4, 4)), small.getpixel((12, 4))} == {
            (102, 102, 102),
            (153, 153, 153),
        }


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16", "CMYK"])
def test_every_mode_becomes_rgb(mode: str, tmp_path: Path) -> None:
    image = (
        Image.linear_gradient("L").convert("I").point(lambda value: value * 256)
        if mode == "I;16"
        else None
    )
    data = encoded(
        (image or Image.linear_gradient("L")).convert(mode),
        "JPEG" if mode == "CMYK" else "PNG",
    )
    path = written(tmp_path, data)
    for small in (thumbnail(path, (64, 64)), whole(path).reduce(4)):
        assert (small.mode, small.size) == ("RGB", (64, 64))
        top, middle, bottom = (
            small.convert("L").getpixel((30, y)) for y in (1, 32, 62)
        )
        assert top < 40 < 216 < bottom  # type: ignore[operator]
        assert mode == "1" or 90 < middle < 166  # type: ignore[operator]


def test_a_kept_image_is_named_by_its_real_format(tmp_path: Path) -> None:
    data = encoded(noise(), "JPEG")
    temp = written(tmp_path, data, "download.png")
    path, facts = save_image(temp, tmp_path / "new" / "folder", "a fox: [red]/..\\")
    assert path == tmp_path / "new" / "folder" / "a-fox-red.jpg"
    assert path.read_bytes() == data
    assert facts.format == "JPEG"
    assert not temp.exists()


def test_no_file_is_ever_overwritten(tmp_path: Path) -> None:
    names = [
        save_image(written(tmp_path, encoded(noise())), tmp_path / "out", "fox")[0].name
        for _ in range(3)
    ]
    assert names == ["fox.png", "fox-2.png", "fox-3.png"]


def test_a_race_gives_every_image_a_name_of_its_own(tmp_path: Path) -> None:
    images = [encoded(Image.new("RGB", (number + 1, 1))) for number in range(16)]
    temps = [
        written(tmp_path, data, f"temp{number}") for number, data in enumerate(images)
    ]
    start = threading.Barrier(len(temps))

    def run(temp: Path) -> None:
        start.wait()
        save_image(temp, tmp_path / "out", "same")

    threads = [threading.Thread(target=run, args=(temp,)) for temp in temps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(path.read_bytes() for path in (tmp_path / "out").iterdir()) == sorted(
        images
    )


def test_what_is_not_kept_stays_where_it_is(tmp_path: Path) -> None:
    broken = written(tmp_path, encoded(noise())[:-20])
    with pytest.raises(ImageError, match="damaged"):
        save_image(broken, tmp_path / "out", "fox")
    assert broken.exists()
    assert not (tmp_path / "out").exists()
    whole = written(tmp_path, encoded(noise()), "whole")
    with pytest.raises(ImageError, match="could not be saved"):
        save_image(whole, whole / "below a file", "fox")
    assert whole.exists()


@pytest.mark.parametrize(
    ("text", "stem"),
    [
        ("A red fox, at dawn", "A-red-fox-at-dawn"),
        ("../../etc/passwd", "etc-passwd"),
        (".hidden", "hidden"),
        ("--rm -rf", "rm-rf"),
        ("雪山の狐", "雪山の狐"),
        ("हिन्दी में", "हिन्दी-में"),
        ("Ёлка_2", "Ёлка_2"),
        ("e\u0301", "é"),
        ("CON", "image-CON"),
        ("lpt1", "image-lpt1"),
        ("contract", "contract"),
        ("", "image"),
        ("...", "image"),
        ("\x00\x1b[31m\n/", "31m"),
        ("a\u202eb\u200bc", "a-b-c"),
        ("\ud800", "image"),
        ("🦊🦊", "image"),
        ("\u0301a", "image-\u0301a"),
    ],
)
def test_a_stem_is_one_harmless_name(text: str, stem: str) -> None:
    assert safe_stem(text) == stem


@pytest.mark.parametrize(
    "text", ["x" * 5000, "狐" * 5000, "🦊-" * 999, "a " * 999, "é" * 999]
)
def test_a_stem_is_bounded_in_bytes(text: str, tmp_path: Path) -> None:
    stem = safe_stem(text)
    assert 0 < len(stem.encode()) <= 110
    (tmp_path / f"{stem}-99999.jpg").touch()


# ---- what takes too much


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_whole_image_that_takes_too_much_is_kept_and_not_shown(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_inspect", blocking.be_killed)
    monkeypatch.setattr(files, "thumbnail_of_own", blocking.be_killed)
    data = encoded(noise(), kind)
    path = written(tmp_path, data)
    with pytest.raises(CostlyError, match=r"takes too long to be read here\.$"):
        thumbnail(path, (10, 10))
    assert inspect(path) == ImageInfo(kind, 64, 48, len(data))
    kept, _ = save_image(path, tmp_path / "kept", "fox")
    assert kept.read_bytes() == data
    with pytest.raises(ImageError, match="damaged or incomplete"):
        inspect(written(tmp_path, data[:-20]))
    with pytest.raises(ImageError, match="not a PNG"):
        inspect(written(tmp_path, b""))


def test_scans_are_counted_also_where_parts_of_a_file_meet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_BLOCK", 3)
    data = b"--\xff\xda-\xff\xff\xda\xda-" + b"\xff\xda" * 5 + b"\xff"
    assert files._scans(written(tmp_path, data)) == data.count(b"\xff\xda") == 7


@pytest.mark.parametrize(
    "head", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"MM\0*", b"BM"]
)
def test_a_file_larger_than_any_result_is_not_read(head: bytes, tmp_path: Path) -> None:
    path = tmp_path / "vast.png"
    path.write_bytes(head)
    os.truncate(path, 1 << 41)  # it takes no room on the disk, but would in memory
    for function in (files.measure, files.inspect, read):
        with pytest.raises(ImageError, match=r"vast\.png is too large"):
            function(path)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("folder", "is a folder"),
        ("pipe", "is no regular file"),
        ("loop", "is a link to a file that can't be found"),
        ("nothing", "is not there"),
    ],
)
def test_what_is_no_file_is_said(kind: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "fox.png"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "loop":
        path.symlink_to(path)
    with pytest.raises(ImageError, match=f"fox.png {reason}"):
        read(path)


@pytest.mark.parametrize("kind", ["fill", "exif"])
def test_a_decoder_never_sees_what_it_would_walk_through(
    kind: str, tmp_path: Path
) -> None:
    buffer = BytesIO()
    Image.new("RGB", (8, 8), "red").save(buffer, "JPEG")
    jpeg = buffer.getvalue()
    exif = b"\xff\xe1\x00\x14Exif\0\0MM\0*\0\0\0\x08\0\0\0\0"
    garbage = {"fill": b"\xff" * 1_000_000, "exif": exif * 3_000}[kind]
    given = containers.decodable_jpeg(memoryview(jpeg[:2] + garbage + jpeg[2:]))
    assert len(given) <= len(jpeg) + len(exif)
    path = tmp_path / "fox.jpg"
    path.write_bytes(jpeg[:2] + garbage + jpeg[2:])
    with files.whole(path) as image:
        assert image.size == (8, 8)
