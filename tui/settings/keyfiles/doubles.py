"""Finds names that a file sets twice: all readers but people overlook the first one."""

import json
import re

_TOKEN = re.compile(
    r"""
    (?P<string>"(?:[^"\\]|\\.)*+"?|'(?:[^'\\]|\\.)*+'?)
    | (?://[^\n\r]*+|/\*.*?(?:\*/|\Z))
    | (?P<mark>[\[\]{}:,])
    | (?P<bare>[^\s\[\]{}:,"'/]++)
    """,
    re.DOTALL | re.VERBOSE,
)


def in_json5(text: str) -> str:
    """Return the first name that an object has twice; empty if there is none."""
    objects: list[set[str]] = []
    last = ""
    for found in _TOKEN.finditer(text):
        mark = found["mark"]
        if mark in ("{", "["):
            objects.append(set())
        elif mark in ("}", "]") and objects:
            objects.pop()
        elif mark == ":" and objects:
            if last in objects[-1]:
                return last
            objects[-1].add(last)
        if found["string"]:
            last = _name(found["string"])
        elif found["bare"]:
            last = found["bare"]
    return ""


def _name(string: str) -> str:
    """Return what a string in quotes says; without its escapes where they are odd."""
    if "\\" in string and string.startswith('"'):
        try:
            return str(json.loads(string))
        except ValueError:
            pass
    return string[1:-1]


def in_yaml(text: str) -> str:
    """Return the first name that a mapping has twice; empty if there is none.

    The text is YAML that was read before.
    """
    from yaml import MappingNode, compose

    from tui.settings.keyfiles.files import yaml_loader

    nodes = [compose(text, yaml_loader())]
    seen: set[int] = set()
    while nodes:
        node = nodes.pop()
        if node is None or id(node) in seen or isinstance(node.value, str):
            continue
        seen.add(id(node))
        if isinstance(node, MappingNode):
            names: set[str] = set()
            for key, value in node.value:
                if str(key.value) in names:
                    return str(key.value)
                names.add(str(key.value))
                nodes.append(value)
        else:
            nodes += node.value
    return ""
