"""Textual's private parts are used in one module alone, and exist as it expects."""

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.css.stylesheet import Stylesheet
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.screen import Screen
from textual.widget import Widget

import tui
from tui.terminal.textual_private import ParsedOnce

PACKAGE = Path(tui.__file__).parent
ALLOWED = PACKAGE / "terminal/textual_private.py"
SOURCES = sorted(set(PACKAGE.rglob("*.py")) - {ALLOWED})


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def names_of(base: type) -> set[str]:
    """The private names of a class of Textual: methods, and attributes it assigns."""
    assigned = {
        node.attr
        for parent in base.__mro__[:-1]
        if parent.__module__.startswith("textual")
        for node in ast.walk(ast.parse(inspect.getsource(inspect.getmodule(parent))))  # type: ignore[arg-type]
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    return {name for name in {*dir(base), *assigned} if is_private(name)}


TEXTUAL = set[str]().union(
    *map(names_of, (App, Screen, Widget, LinuxDriver, XTermParser))
)


@pytest.mark.parametrize(
    "path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_no_private_part_of_textual_is_used_elsewhere(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.ImportFrom(module=str(module)):
                names = [module, *(alias.name for alias in node.names)]
                is_ours = not module.startswith("textual")
                assert is_ours or not any("._" in f".{name}" for name in names), names
            case ast.Import():
                assert not any("textual._" in alias.name for alias in node.names)
            case ast.Attribute(attr=name, value=owner) if name in TEXTUAL:
                is_own = isinstance(owner, ast.Name) and owner.id in (
                    "self",
                    "cls",
                    "os",
                )
                assert is_own, f"line {node.lineno}: {ast.unparse(node)}"


def test_no_class_uses_a_private_name_of_its_base_in_textual() -> None:
    """Also by chance: such an attribute or method would replace Textual's own."""
    for found in pkgutil.walk_packages([str(PACKAGE)], "tui."):
        if found.name.endswith("__main__"):
            continue
        module = importlib.import_module(found.name)
        if module.__file__ == str(ALLOWED):
            continue
        for name, made in vars(module).items():
            if not inspect.isclass(made) or made.__module__ != module.__name__:
                continue
            if issubclass(made, (App, Screen, Widget, Driver, XTermParser)):
                base = next(
                    parent
                    for parent in made.__mro__
                    if parent.__module__.startswith("textual")
                )
                used = {
                    node.attr
                    for node in ast.walk(ast.parse(inspect.getsource(made).strip()))
                    if isinstance(node, ast.Attribute)
                    and isinstance(node.value, ast.Name)
                    and node.value.id == "self"
                }
                shared = (used | set(vars(made))) & names_of(base)
                # Textual itself adds some to each class.
                written = {word for word in shared if word in inspect.getsource(made)}
                assert not written, f"{found.name}.{name}: {sorted(written)}"


def test_style_sheets_share_rules_of_the_same_colors_alone() -> None:
    def rules(kind: type[Stylesheet], color: str) -> list[str]:
        sheet = kind(variables={"ink": "blue"})
        sheet.add_source("Label { color: $ink; }", ("a.tcss", ""))
        sheet.parse()
        sheet.set_variables({"ink": color})
        sheet.reparse()
        return [rule.css for rule in sheet.rules]

    for color in ("red", "green", "blue", "red"):
        assert rules(ParsedOnce, color) == rules(Stylesheet, color)
    assert rules(ParsedOnce, "red") != rules(ParsedOnce, "green")
