"""The versions that the tests are known to pass with: `tests/constraints.txt` names one
for every dependency.
"""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LINES = (ROOT / "tests/constraints.txt").read_text(encoding="utf-8").splitlines()
CONSTRAINTS = [Requirement(line) for line in LINES]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def declared() -> list[Requirement]:
    """What pyproject.toml asks for, in use and for tests, each once."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]
    extras = project["optional-dependencies"]
    wanted = (*project["dependencies"], *extras["test"], *extras["vendor"])
    return [Requirement(text) for text in dict.fromkeys(wanted)]


@pytest.mark.parametrize("line", LINES)
def test_a_line_is_a_name_and_a_version(line: str) -> None:
    """Neither an address nor a hash: whoever runs the tests has an index of their own."""
    assert re.fullmatch(
        r'[a-z0-9-]+==[0-9][0-9a-z.]*(; python_version (<|>=) "3\.[0-9]+")?', line
    )


def test_lines_are_in_order() -> None:
    assert sorted(LINES) == LINES


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("wanted", declared(), ids=lambda wanted: wanted.name)
def test_a_dependency_has_one_version_that_is_new_enough(
    wanted: Requirement, python: str
) -> None:
    named = [
        constraint
        for constraint in CONSTRAINTS
        if canonicalize_name(constraint.name) == canonicalize_name(wanted.name)
        and (
            constraint.marker is None
            or constraint.marker.evaluate({"python_version": python})
        )
    ]
    assert len(named) == 1, (
        f"tests/constraints.txt names {len(named)} versions of {wanted.name}"
    )
    (version,) = named[0].specifier
    assert wanted.specifier.contains(version.version), (
        f"pyproject.toml asks for {wanted}"
    )


def test_the_documented_command_installs_these_versions() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "pip install -c tests/constraints.txt -e '.[test]' && pytest\n" in readme
