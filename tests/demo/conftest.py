"""The embedded service as everybody meets it."""

from typing import Any

import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def quarter_size() -> None:
    """Not here: pictures have the size that is documented."""


@pytest.fixture
def painted(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the painter was asked for, in place of a real painting."""
    asked: list[dict[str, Any]] = []

    def paint(**wishes: Any) -> Image.Image:
        asked.append(wishes)
        return Image.new("RGB", wishes["size"], "teal")

    monkeypatch.setattr("tui.demo.paint.paint", paint)
    return asked
