"""Bodies of responses: unpacked piece by piece, and never beyond a limit."""

import zlib
from collections.abc import AsyncIterator, Iterator

import httpx

ACCEPT_ENCODING = {"Accept-Encoding": "gzip"}
"""The header for requests whose response may be compressed."""
AS_IT_IS = {"Accept-Encoding": "identity"}
_COMPRESSIONS = ("gzip", "x-gzip", "deflate", "br", "zstd", "compress", "x-compress")
_READABLE = ("gzip", "x-gzip", "deflate")
_PIECE = 1_000_000
"""Bytes that are unpacked at once: a few received ones may be a thousand times more."""
_OVERHEAD = 100_000
"""Bytes by which a compressed body may be larger than what is in it."""
_MOST_MEMBERS = 10_000
"""Parts of a gzip body that are each packed alone."""
_GZIP = b"\x1f\x8b"


class TooLargeError(Exception):
    """A body is larger than its limit."""


def is_readable(response: httpx.Response) -> bool:
    """Tells whether a body is as it is, or compressed once in a way that is known."""
    names = response.headers.get("Content-Encoding", "").lower().split(",")
    # Other words, such as aws-chunked, say nothing of the bytes that come.
    used = [name.strip() for name in names if name.strip() in _COMPRESSIONS]
    return len(used) < 2 and all(name in _READABLE for name in used)


async def pieces(response: httpx.Response, most: int) -> AsyncIterator[bytes]:
    """Yields an unpacked body of at most `most` bytes.

    The response is a readable one. Raises TooLargeError, and httpx.HTTPError.
    """
    received = size = 0
    unpack = _unpacker(response)
    async for chunk in _chunks(response):
        received += len(chunk)
        if received > most + _OVERHEAD:
            raise TooLargeError
        try:
            for piece in unpack(chunk):
                size += len(piece)
                if size > most:
                    raise TooLargeError
                yield piece
        except zlib.error as error:
            raise httpx.DecodingError(str(error)) from error
    if not unpack.is_whole:
        raise httpx.DecodingError("the compressed body ends early")


async def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    if response.is_stream_consumed:  # a transport without a network has it all
        yield response.content
        return
    async for chunk in response.aiter_raw():
        yield chunk


class _Unpacker:
    """Unpacks what is compressed with zlib, or with gzip in any number of members."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)
        self._members = 0
        self._is_over = False
        self._rest = b""
        """What came after the end of a member, and is too short to be judged."""

    @property
    def is_whole(self) -> bool:
        """Whether the body may end here; an empty one may, too."""
        return self._inflate.eof or self._members == 0

    def __call__(self, chunk: bytes) -> Iterator[bytes]:
        self._members = self._members or 1
        while chunk and not self._is_over:
            if self._inflate.eof:
                chunk = self._rest + chunk
                if not self._begins_member(chunk):
                    return
            piece = self._inflate.decompress(chunk, _PIECE)
            chunk = self._inflate.unconsumed_tail or self._inflate.unused_data
            yield piece

    def _begins_member(self, chunk: bytes) -> bool:
        """Prepares for another member. As with gzip, anything else is left out."""
        is_short = len(chunk) < len(_GZIP)
        self._rest = chunk if is_short else b""
        if not chunk.startswith(_GZIP):
            self._is_over = not is_short
            return False
        self._members += 1
        if self._members > _MOST_MEMBERS:
            raise TooLargeError
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
        return True


class _Plain:
    is_whole = True

    def __call__(self, chunk: bytes) -> Iterator[bytes]:
        yield chunk


def _unpacker(response: httpx.Response) -> _Unpacker | _Plain:
    names = response.headers.get("Content-Encoding", "").lower()
    is_packed = any(name in names for name in _READABLE)
    return _Unpacker() if is_packed and not response.is_stream_consumed else _Plain()
