"""Pictures within an answer are taken out of it, however they are written there."""

import base64
import io
import json
from collections.abc import Callable

import pytest
from PIL import Image

from tui.service.inline_pictures import (
    address_of,
    digest_of,
    is_inline,
    taken_out,
)


def picture(kind: str, colour: str = "teal") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (9, 7), colour).save(file, kind)
    return file.getvalue()


def url_safe(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


SPELLINGS: list[Callable[[bytes], str]] = [
    lambda content: base64.b64encode(content).decode(),
    lambda content: base64.encodebytes(content).decode(),
    lambda content: "data:image/png;base64," + base64.b64encode(content).decode(),
    lambda content: f"data:image/x.y+z;charset=utf-8;base64,{url_safe(content)}",
    url_safe,
]
WRITTEN: list[Callable[[object], str]] = [
    json.dumps,
    lambda said: json.dumps(said).replace("/", "\\/").replace("=", "\\u003d"),
    lambda said: json.dumps({"body": json.dumps(said)}),
    lambda said: json.dumps({"body": json.dumps(said).replace("/", "\\/")}),
]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
@pytest.mark.parametrize("spelled", SPELLINGS)
@pytest.mark.parametrize("written", WRITTEN)
def test_a_picture_gives_its_place_to_an_address(
    kind: str, spelled: Callable[[bytes], str], written: Callable[[object], str]
) -> None:
    content = picture(kind)
    said = {"id": "t1", "b64_json": spelled(content), "n": 'a "quote"'}
    rest, pictures = taken_out(written(said).encode())
    address = address_of(content)
    assert pictures == {address: content}
    answer = json.loads(rest)
    answer = json.loads(answer["body"]) if "body" in answer else answer
    assert answer == said | {"b64_json": address}
    assert is_inline(address)
    assert len(digest_of(address)) == 64


@pytest.mark.parametrize(
    "text",
    [
        "iVBORw0KGgo" + "A" * 200,
        "iVBORw0KGgo is how a PNG begins, and many more words follow here",
        "/9j/" + "!" * 200,
        "data:text/plain;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9z",
        "R0lGOD",
        "data:image/png;base64,",
        "x" + base64.b64encode(picture("PNG")).decode(),
    ],
)
def test_what_is_no_picture_stays(text: str) -> None:
    raw = json.dumps({"id": "t1", "text": text}).encode()
    rest, pictures = taken_out(raw)
    if pictures:  # it begins as one: saving will say that it is damaged
        assert b"\x89PNG" in next(iter(pictures.values()))
    else:
        assert rest == raw


@pytest.mark.parametrize(
    "raw",
    [b"", b'"', b'"iVBORw0KGgo', b"\xff\xfe", b'{"a": "iVBORw0KGgo\\'],
)
def test_any_bytes_are_left_as_they_are(raw: bytes) -> None:
    assert taken_out(raw) == (raw, {})


def test_only_so_many_pictures_are_taken_out() -> None:
    many = [url_safe(picture("PNG") + bytes([n // 256, n % 256])) for n in range(300)]
    _, pictures = taken_out(json.dumps(many).encode())
    assert len(pictures) == 256


OTHERS = {
    "AVIF": b"\0\0\0\x20ftypavif" + bytes(500),
    "HEIC": b"\0\0\0\x18ftypheic" + bytes(500),
    "TIFF": picture("TIFF"),
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'><path/></svg>",
    "SVG with a head": b"<?xml version='1.0'?>\n<svg><path/></svg>",
    "JPEG XL": b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(500),
}


@pytest.mark.parametrize("content", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("written", WRITTEN)
def test_a_picture_of_another_kind_is_taken_out_anywhere(
    content: bytes, written: Callable[[object], str]
) -> None:
    said = {"id": "t1", "made": [base64.b64encode(content).decode()]}
    _, pictures = taken_out(written(said).encode())
    assert pictures == {address_of(content): content}


@pytest.mark.parametrize("spelled", [*SPELLINGS[:2], SPELLINGS[3]])
@pytest.mark.parametrize("written", WRITTEN)
def test_any_long_base64_in_its_field_is_taken_out(
    spelled: Callable[[bytes], str], written: Callable[[object], str]
) -> None:
    content = picture("BMP")
    said = {"data": [{"b64_json": spelled(content)}], "token": url_safe(content)}
    rest, pictures = taken_out(written(said).encode())
    assert pictures == {address_of(content): content}
    assert url_safe(content).encode() in rest.replace(b"\\", b"")


@pytest.mark.parametrize("text", ["a" * 64, "https://host.test/" + "a" * 300, ""])
def test_what_is_no_base64_stays_in_its_field(text: str) -> None:
    raw = json.dumps({"b64_json": text}).encode()
    assert taken_out(raw) == (raw, {})
