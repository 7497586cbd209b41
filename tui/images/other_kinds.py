"""Files that are surely no picture, by how they begin: such as a video."""

from pathlib import Path

from tui.images import kept_kinds

_BRANDS = {b"M4A ": "a sound (M4A)", b"qt  ": "a video (MOV)"}
_BEGINNINGS = {
    b"\x1a\x45\xdf\xa3": "a video (WebM)",
    b"OggS": "a sound or video (Ogg)",
    b"FLV\x01": "a video (FLV)",
    b"\x00\x00\x01\xba": "a video (MPEG)",
    b"ID3": "a sound (MP3)",
    b"fLaC": "a sound (FLAC)",
    b"%PDF-": "a PDF document",
    b"PK\x03\x04": "a ZIP archive",
}
_IN_RIFF = {b"AVI ": "a video (AVI)", b"WAVE": "a sound (WAV)"}


def kind_of(path: Path) -> str:
    """Returns what a file is, such as "a video (MP4)", or "" where nothing is sure.

    Pictures of any kind are not told, nor are pages and texts: those may stand in the
    place of an image for a while. Raises OSError.
    """
    with path.open("rb") as file:
        head = file.read(kept_kinds.HEAD)
    if kept_kinds.format_of(head):
        return ""
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "a video (MP4)")
    if head[:4] == b"RIFF":
        return _IN_RIFF.get(head[8:12], "")
    begins = (name for start, name in _BEGINNINGS.items() if head.startswith(start))
    return next(begins, "")
