"""The embedded service as everybody meets it."""

import pytest


@pytest.fixture(autouse=True)
def quarter_size() -> None:
    """Not here: pictures have the size that is documented."""
