"""Files that are no image of a kind that is saved here, by how they begin."""

from pathlib import Path

_HEAD = 64
_BRANDS = {
    b"avif": "an AVIF image",
    b"avis": "an AVIF image",
    b"heic": "a HEIC image",
    b"heix": "a HEIC image",
    b"mif1": "a HEIC image",
    b"M4A ": "a sound (M4A)",
    b"qt  ": "a video (MOV)",
}
_BEGINNINGS = {
    b"\x1a\x45\xdf\xa3": "a video (WebM)",
    b"OggS": "a sound or video (Ogg)",
    b"FLV\x01": "a video (FLV)",
    b"\x00\x00\x01\xba": "a video (MPEG)",
    b"ID3": "a sound (MP3)",
    b"fLaC": "a sound (FLAC)",
    b"%PDF-": "a PDF document",
    b"PK\x03\x04": "a ZIP archive",
    b"<svg": "an SVG drawing",
    b"II*\0": "a TIFF image",
    b"MM\0*": "a TIFF image",
}
_IN_RIFF = {b"AVI ": "a video (AVI)", b"WAVE": "a sound (WAV)"}


def kind_of(path: Path) -> str:
    """Returns what a file is, such as "a video (MP4)", or "" where nothing is sure.

    Pages and texts are not told: they may stand in the place of an image for a while.
    Raises OSError.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "a video (MP4)")
    if head[:4] == b"RIFF":
        return _IN_RIFF.get(head[8:12], "")
    begins = (name for start, name in _BEGINNINGS.items() if head.startswith(start))
    return next(begins, "")
