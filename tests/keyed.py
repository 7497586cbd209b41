"""The embedded service on loopback, behind a key that may change while it runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.types import Receive, Scope, Send

from tests.loopback import serving
from tui.catalog.load import bundled
from tui.demo import DEMO_KEY
from tui.demo.service import create_app


class Keyed:
    """Takes `key` alone, and remembers every key that it was shown."""

    def __init__(self, key: str, **options: Any) -> None:
        self.key = key
        self.url = ""
        self.shown: set[str] = set()
        self._app = create_app(bundled(), **{"delay": 0, **options})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        if shown := headers.get(b"authorization", b"").decode().removeprefix("Bearer "):
            self.shown.add(shown)
            headers[b"authorization"] = (
                f"Bearer {DEMO_KEY if shown == self.key else 'wrong'}".encode()
            )
        await self._app({**scope, "headers": list(headers.items())}, receive, send)


@contextmanager
def keyed(key: str, **options: Any) -> Iterator[Keyed]:
    service = Keyed(key, **options)
    with serving(service) as url:
        service.url = url
        yield service
