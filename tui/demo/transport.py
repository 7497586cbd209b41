"""The embedded service, reached in process."""

import os
from pathlib import Path

import httpx

from tui.catalog.load import Catalog
from tui.demo.service import create_app

DELAY_VARIABLE = "RUNAPI_TUI_DEMO_DELAY"
"""Environment variable with the seconds that a task takes, for tests of whole processes."""


def in_process(catalog: Catalog, delay: float, file: Path | None = None) -> httpx.AsyncBaseTransport:
    """Carries the client's requests to the embedded service, where a task takes `delay` seconds.

    What it made is kept in `file`, which all processes share, or else in memory.
    """
    app = create_app(catalog, delay=_wished(delay), file=file)
    # An error of the stand-in is a server error to the client, as it would be over a network.
    return httpx.ASGITransport(app, raise_app_exceptions=False)


def _wished(delay: float) -> float:
    """What the environment says, where it says a number."""
    try:
        return max(0.0, float(os.environ[DELAY_VARIABLE]))
    except (KeyError, ValueError):
        return delay
