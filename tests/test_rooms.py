"""The picture of the rooms in docs/design.md is that of the code."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_picture_of_the_rooms_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location(
        "make_rooms", ROOT / "docs/make_rooms.py"
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    drawn = (ROOT / "docs/rooms.svg").read_text("utf-8")
    assert module.draw() == drawn, "run `python docs/make_rooms.py`"
