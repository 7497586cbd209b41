"""The vendor's packages as the package index has them, by pip."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from tests.vendor.wheels import Wheel, read_wheel

_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
_SECONDS = 300
"""How long one call of pip may take."""


class PackageError(Exception):
    """Why a package can't be had, as a sentence."""


class Index(Protocol):
    """Where packages come from."""

    def versions(self, name: str) -> list[str]:
        """Returns all versions of a package, the newest first. Raises PackageError."""

    def wheel(self, name: str, version: str) -> Wheel:
        """Returns what stands in one version of a package. Raises PackageError."""


class PipIndex:
    """The index that pip is set up for."""

    def __init__(self, folder: Path) -> None:
        """`folder` is where the packages are downloaded to."""
        self._folder = folder

    def versions(self, name: str) -> list[str]:
        """Returns all versions of a package, the newest first. Raises PackageError."""
        said = _run("index", "versions", name)
        found = re.search(r"^Available versions: (.+)$", said, re.MULTILINE)
        if not found:
            raise PackageError(f"pip names no version of {name}.")
        return found[1].split(", ")

    def wheel(self, name: str, version: str) -> Wheel:
        """Returns what stands in one version of a package. Raises PackageError."""
        folder = self._folder / f"{name}-{version}"
        if not any(folder.glob("*.whl")):  # nor from the last time
            _run(
                *("download", "--quiet", "--no-deps", "--only-binary", ":all:"),
                *("--dest", str(folder), f"{name}=={version}"),
            )
        for path in folder.glob("*.whl"):
            return read_wheel(path, name, version)
        raise PackageError(f"pip has downloaded no wheel of {name} {version}.")


def _run(*words: str) -> str:
    try:
        ended = subprocess.run(
            [*_PIP, *words], capture_output=True, text=True, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise PackageError(f"pip {words[0]} took longer than {_SECONDS} s.") from None
    if ended.returncode:
        reason = ended.stderr.strip().rpartition("\n")[2]
        raise PackageError(f"pip {words[0]} {words[-1]}: {reason}")
    return ended.stdout


def newest(index: Index, name: str) -> tuple[Wheel, Wheel | None]:
    """Returns the newest version of a package, and the newest that has a contract.

    Since autumn 2026 the packages carry none. Raises PackageError.
    """
    wheels = (index.wheel(name, version) for version in index.versions(name))
    first = next(wheels)
    if first.contract is not None:
        return first, first
    return first, next((old for old in wheels if old.contract is not None), None)
