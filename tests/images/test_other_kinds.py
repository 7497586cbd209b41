"""What is no image of a kind that is saved is called what it is."""

from pathlib import Path

import pytest
from PIL import Image

from tui.images.other_kinds import kind_of


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x00\x00\x00\x20ftypisom", "a video (MP4)"),
        (b"\x00\x00\x00\x14ftypqt  ", "a video (MOV)"),
        (b"\x00\x00\x00\x1cftypavif", ""),
        (b"<svg></svg>", ""),
        (b"\x1a\x45\xdf\xa3\x01", "a video (WebM)"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "a video (AVI)"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "a sound (WAV)"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", ""),
        (b"%PDF-1.7", "a PDF document"),
        (b"<html><body>Please wait", ""),
        (b'{"error": "not yet"}', ""),
        (b"", ""),
    ],
)
def test_how_a_file_begins(content: bytes, kind: str, tmp_path: Path) -> None:
    file = tmp_path / "part"
    file.write_bytes(content)
    assert kind_of(file) == kind


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_an_image_is_none_of_them(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "part"
    Image.new("RGB", (9, 7)).save(file, kind)
    assert kind_of(file) == ""
