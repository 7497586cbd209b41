"""docs/design.md shows the code as it is."""

import importlib.util
import re
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


def test_the_life_of_a_task_names_functions_that_exist() -> None:
    text = (ROOT / "docs/design.md").read_text("utf-8")
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", text)
    assert len(named) > 20
    for file, name in named:
        code = (ROOT / "tui" / file).read_text("utf-8")
        assert re.search(rf"^ *(async )?(def|class) {name}\b", code, re.MULTILINE), name
