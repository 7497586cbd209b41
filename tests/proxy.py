"""A small proxy on loopback, which answers what a test wants; and an origin that counts
who connects.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Listener:
    """A port, and what came in there."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0
        self.heard = b""


@asynccontextmanager
async def listening(
    talk: Talk, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Listener]:
    """Each connection is handed to `talk`, and closed when that ends."""
    listener = Listener()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        listener.connections += 1
        with suppress(OSError, asyncio.IncompleteReadError):
            await talk(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    listener.port = server.sockets[0].getsockname()[1]
    try:
        yield listener
    finally:
        server.close()


def http_answer(status: str) -> Talk:
    """A proxy that says this to a CONNECT."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()

    return talk


def bytes_answer(*answers: bytes) -> Talk:
    """Says these in turn, each after something was said to it, whatever that was."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await reader.read(4096)
            writer.write(answer)
            await writer.drain()

    return talk


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Listens to the first words, then ends."""
    await reader.read(4096)


def tunnel(port: int) -> Talk:
    """A proxy that opens the way, to this port."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        from_service, to_service = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.wait(
            [
                asyncio.ensure_future(_pipe(reader, to_service)),
                asyncio.ensure_future(_pipe(from_service, writer)),
            ]
        )

    return talk


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while heard := await reader.read(4096):
            writer.write(heard)
            await writer.drain()
    writer.close()
