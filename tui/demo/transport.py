"""The embedded service, reached in process."""

import httpx

from tui.catalog.load import Catalog
from tui.demo.service import create_app


def in_process(catalog: Catalog, delay: float) -> httpx.AsyncBaseTransport:
    """Carries the client's requests to the embedded service, where a task takes `delay` seconds."""
    # An error of the stand-in is a server error to the client, as it would be over a network.
    return httpx.ASGITransport(create_app(catalog, delay=delay), raise_app_exceptions=False)
