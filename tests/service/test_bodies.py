"""Bodies as they come from the network: every part of them, or an error."""

import gzip
import zlib
from collections.abc import AsyncIterator

import httpx
import pytest

from tui.service import bodies

TEXT = b"picture " * 1000
PARTS = [b"first ", b"", TEXT, b"last"]
MEMBERS = b"".join(map(gzip.compress, PARTS))


async def unpacked(
    content: bytes, *, step: int = 0, most: int = 1_000_000, encoding: str = "gzip"
) -> bytes:
    async def chunks() -> AsyncIterator[bytes]:
        size = step or max(1, len(content))
        for at in range(0, len(content), size):
            yield content[at : at + size]

    response = httpx.Response(
        200, headers={"Content-Encoding": encoding}, content=chunks()
    )
    return b"".join([piece async for piece in bodies.pieces(response, most)])


@pytest.mark.parametrize("step", [0, 1, 2, 7])
async def test_every_member_of_a_gzip_body_is_unpacked(step: int) -> None:
    assert await unpacked(MEMBERS, step=step) == b"".join(PARTS)


@pytest.mark.parametrize("step", [0, 1, 2])
@pytest.mark.parametrize("rest", [b"\n", bytes(512), b"no member\x1f\x8b", b"\x1f"])
async def test_what_follows_and_is_no_member_is_left_out(
    rest: bytes, step: int
) -> None:
    assert await unpacked(gzip.compress(TEXT) + rest, step=step) == TEXT


@pytest.mark.parametrize("step", [0, 5])
@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(TEXT)[:-1],
        gzip.compress(TEXT)[:30],
        gzip.compress(TEXT)[:2],
        MEMBERS[:-1],
        MEMBERS + b"\x1f\x8b",
    ],
    ids=["end", "middle", "start", "end of a member", "start of a member"],
)
async def test_a_body_that_ends_early_is_an_error(content: bytes, step: int) -> None:
    with pytest.raises(httpx.DecodingError):
        await unpacked(content, step=step)


async def test_a_zlib_body_is_unpacked_and_its_end_is_noticed() -> None:
    content = zlib.compress(TEXT)
    assert await unpacked(content, encoding="deflate") == TEXT
    with pytest.raises(httpx.DecodingError):
        await unpacked(content[:-1], encoding="deflate")


async def test_an_empty_body_is_empty() -> None:
    assert await unpacked(b"") == b""


async def test_members_share_the_limits_of_a_body(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    half = gzip.compress(bytes(600))
    assert await unpacked(half, most=1000) == bytes(600)
    with pytest.raises(bodies.TooLargeError):
        await unpacked(half + half, most=1000)
    monkeypatch.setattr(bodies, "_MOST_MEMBERS", 50)
    with pytest.raises(bodies.TooLargeError):
        await unpacked(gzip.compress(b"") * 51)
