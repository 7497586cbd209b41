"""No text of the app is read as markup: a `[` from outside is only a `[`."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import tui

PACKAGE = Path(tui.__file__).parent
SOURCES = sorted(
    [*PACKAGE.glob("widgets/*.py"), *PACKAGE.glob("screens/*.py"), PACKAGE / "app.py"]
)
LITERAL = {"Static", "Label", "OptionList", "_ModelList", "notify"}
"""What reads its text as markup, unless `markup=False` is said."""
LABELLED = {"Button", "Checkbox", "Tab", "SystemCommand"}
"""What always reads its first argument as markup, if it is a string."""
TITLES = {"border_title", "border_subtitle", "label", "tooltip"}
"""Attributes that read a string as markup."""
WITH_A_LINK = {("share.py", "notify")}
"""The one message with a link in it: the rest of it is escaped."""


def is_inert(node: ast.expr) -> bool:
    """Whether it is a fixed text without a bracket, or made as `Content`."""
    match node:
        case ast.Constant(value=value):
            return value is None or "[" not in str(value)
        case ast.IfExp(body=body, orelse=other):
            return is_inert(body) and is_inert(other)
        case ast.Call(func=ast.Attribute(value=ast.Name(id="Content"), attr=name)):
            return name in ("styled", "assemble")
        case ast.Call(func=ast.Name(id=name)):
            return name == "Content"
    return False


def name_of(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def says_no_markup(call: ast.Call) -> bool:
    return any(
        word.arg == "markup" and getattr(word.value, "value", None) is False
        for word in call.keywords
    )


def suspects(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        match node:
            case ast.Call() if name_of(node) in LITERAL and not says_no_markup(node):
                yield node
            case ast.Call(args=[first, *_]) if name_of(node) in LABELLED:
                if not is_inert(first) and not isinstance(first, ast.Name):
                    yield node
            case ast.Assign(targets=[ast.Attribute(attr=name)], value=value):
                if name in TITLES and not is_inert(value):
                    yield node
            case ast.Attribute(attr="from_markup"):
                yield node


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_text_is_read_as_markup(path: Path) -> None:
    found = [
        ast.unparse(node)
        for node in suspects(ast.parse(path.read_text(encoding="utf-8")))
        if not (
            isinstance(node, ast.Call) and (path.name, name_of(node)) in WITH_A_LINK
        )
    ]
    assert found == []
