"""docs/design.md shows the code as it is."""

import importlib.util
import re
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    ("page", "most"), [("docs/design.md", 20), ("SECURITY.md", 10)]
)
def test_a_page_names_functions_that_exist(page: str, most: int) -> None:
    text = (ROOT / page).read_text("utf-8")
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", text)
    assert len(named) > most
    for file in re.findall(r"(?<!docs/)\b(tests/[\w/]+\.py)", text):
        assert (ROOT / file).exists(), file
    for file in re.findall(r"`([a-z]+/\w+\.py)", text):
        assert (ROOT / "tui" / file).exists(), file
    for file, name in named:
        code = (ROOT / "tui" / file).read_text("utf-8")
        assert re.search(rf"^ *(async )?(def|class) {name}\b", code, re.MULTILINE), name
