"""The embedded service on loopback, until it is told to stop."""

import json
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

HOST = "127.0.0.1"


class ServeError(Exception):
    """The port can't be had; the text tells a person why."""


def print_line(line: str) -> None:
    print(line, flush=True)


def serve(
    app: ASGIApp,
    *,
    api_key: str,
    port: int = 0,
    announce: Callable[[str], None] = print_line,
) -> None:
    """Serve `app` on loopback until SIGINT or SIGTERM. Port 0 takes any free one.
    Raises ServeError.

    `announce` (by default standard output) gets one line of JSON with `base_url` and
    `api_key`, once connections are taken.
    """
    with _bound(port) as listener:
        line = json.dumps(
            {
                "base_url": f"http://{HOST}:{listener.getsockname()[1]}",
                "api_key": api_key,
            }
        )
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            log_level="critical",
            access_log=False,
            timeout_graceful_shutdown=2,
        )
        _Server(config, lambda: announce(line)).run(sockets=[listener])


def _bound(port: int) -> socket.socket:
    try:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listener.close()
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise ServeError(f"Port {port} on {HOST} can't be opened: {reason}.") from error
    return listener


class _Server(uvicorn.Server):
    """Says when it is ready, and takes a signal as a wish to stop, not as a reason to
    die.
    """

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {
            number: signal.signal(number, self.handle_exit)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
