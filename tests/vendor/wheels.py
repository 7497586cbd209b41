"""What a package of the vendor says about models, read as literals: none of its code is
imported or run.
"""

import ast
import re
import zipfile
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

from msgspec import Struct

Contract = dict[str, Any]
"""By action, as `edit-image`: its models, their fields, and rules."""
_MOST_BYTES = 2_000_000
"""Of one file; the largest contract so far has a twentieth of that."""
_ENDPOINT = re.compile(r"/api/v1/([a-z0-9_]+)/([a-z0-9_]+)")
_SAMPLE = re.compile(r"""\bmodel=["']([\w.-]+)["']""")


class WheelError(Exception):
    """Why a package can't be read, as a sentence."""


class Wheel(Struct, frozen=True, kw_only=True):
    """What stands in one version of a package."""

    name: str
    version: str
    release_page: str = ""
    contract: Contract | None = None
    endpoints: frozenset[tuple[str, str]] = frozenset()
    """Service and action of each address that it sends to."""
    samples: frozenset[str] = frozenset()
    """Models that its texts use as examples."""


def read_wheel(path: Path, name: str, version: str) -> Wheel:
    """Reads a wheel. Raises WheelError."""
    contract: Contract | None = None
    endpoints: set[tuple[str, str]] = set()
    samples: set[str] = set()
    release_page = ""
    try:
        for file, text in _texts(path):
            samples.update(_SAMPLE.findall(text))
            if file.endswith("/METADATA"):
                release_page = _release_page(text)
            elif file.endswith("/contract_gen.py"):
                contract = _assigned(text, "CONTRACT")
            else:
                endpoints.update(_endpoints(text))
    except (OSError, ValueError, SyntaxError, zipfile.BadZipFile) as error:
        raise WheelError(f"{path.name} can't be read: {error}") from error
    return Wheel(
        name=name,
        version=version,
        release_page=release_page,
        contract=contract,
        endpoints=frozenset(endpoints),
        samples=frozenset(samples),
    )


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    """Yields the names and texts of Python files and metadata."""
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if not info.filename.endswith((".py", "/METADATA")):
                continue
            if info.file_size > _MOST_BYTES:
                raise ValueError(f"{info.filename} is too large")
            yield info.filename, archive.read(info).decode()


def _release_page(metadata: str) -> str:
    """Returns the address of the version's release page, or nothing."""
    urls = HeaderParser().parsestr(metadata).get_all("Project-URL", [])
    pages = dict(str(url).split(", ", 1) for url in urls if ", " in str(url))
    return pages.get("Release Notes", pages.get("Changelog", ""))


def _assigned(source: str, name: str) -> Contract:
    """Returns the literal that a module assigns to a name. Raises ValueError."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and _is_name(node.targets, name):
            value = ast.literal_eval(node.value)
            if isinstance(value, dict):
                return value
    raise ValueError(f"it assigns no literal to {name}")


def _endpoints(source: str) -> Iterator[tuple[str, str]]:
    """Yields service and action of the addresses that classes have as constants."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Assign) or not _is_name(node.targets, "ENDPOINT"):
            continue
        if isinstance(node.value, ast.Constant):
            found = _ENDPOINT.fullmatch(str(node.value.value))
            if found:
                yield found[1], found[2]


def _is_name(targets: list[ast.expr], name: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)
