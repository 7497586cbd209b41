"""A home with other tools' settings in it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Put = Callable[[str, Any], Path]
KEY = "runapi_0123456789abcdefghijklmnop"


@pytest.fixture
def put(home: Path) -> Put:
    """Write a file below the home: text as it is, anything else as JSON."""

    def write(name: str, content: Any) -> Path:
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            content if isinstance(content, str) else json.dumps(content),
            encoding="utf-8",
        )
        return path

    return write
