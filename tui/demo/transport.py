"""The embedded service, reached in process."""

import httpx

from tui.catalog.load import Catalog
from tui.demo.service import create_app


def in_process(catalog: Catalog) -> httpx.AsyncBaseTransport:
    """What carries the client's requests to the embedded service instead of a network."""
    # An error of the stand-in is a server error to the client, as it would be over a network.
    return httpx.ASGITransport(create_app(catalog), raise_app_exceptions=False)
