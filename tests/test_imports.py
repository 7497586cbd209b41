"""Who may load what: a deferred import is only proven by a process that did not do it."""

import subprocess
import sys
from pathlib import Path

import pytest

_HEAVY = {"textual", "rich", "PIL", "httpx", "starlette", "uvicorn", "textual_image"}


def loaded_modules(code: str) -> set[str]:
    """The modules that a fresh process has loaded after `code`."""
    script = f"{code}\nimport sys; print(*sys.modules, file=sys.stderr)"
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(said.stderr.split())


def loaded(code: str) -> set[str]:
    """The top-level ones of these."""
    return {name.partition(".")[0] for name in loaded_modules(code)}


COMMANDS = {
    "--version": 12,
    "models": 105,
    "model z-image --json": 107,
    "tasks": 117,
}
"""How many modules a command may load, apart from Python's own. Each one costs time at
every start: raise a number only for a module that the command needs.
"""


@pytest.mark.parametrize("line", COMMANDS)
def test_a_light_command_loads_little(line: str) -> None:
    words = line.split()
    run = "try:\n    import tui.cli.main; tui.cli.main.main()\nexcept SystemExit: pass"
    code = f"import sys; sys.argv = ['runapi-tui', *{words!r}]\n{run}"
    names = {
        name
        for name in loaded_modules(code)
        if name.partition(".")[0] not in sys.stdlib_module_names
    }
    assert not {name.partition(".")[0] for name in names} & _HEAVY
    assert len(names) <= COMMANDS[line], sorted(names)


@pytest.mark.parametrize(
    "module",
    [
        "tui.catalog.load",
        "tui.catalog.request",
        "tui.service.client",
        "tui.tasks.engine",
        "tui.images.files",
        "tui.demo.server",
        "tui.demo.service",
        "tui.demo.paint",
        "tui.cli.follow",
    ],
)
def test_only_the_app_loads_the_ui(module: str) -> None:
    found = loaded(f"import {module}")
    assert not found & {"textual", "textual_image"}
    # httpx brings rich along for a command line of its own.
    assert "rich" not in found or "httpx" in found


def test_the_app_paints_before_it_loads_the_wire() -> None:
    assert not loaded("import tui.app") & {
        "httpx",
        "starlette",
        "uvicorn",
        "PIL",
        "textual_image",
    }


_PARSERS = {"pyjson5", "yaml", "dotenv"}


def test_parsers_of_other_tools_settings_are_loaded_where_there_is_something_to_parse(
    home: Path,
) -> None:
    code = "from tui.settings.credentials import find; find()"
    assert not loaded(code) & _PARSERS
    for name, content in (
        ("openclaw/openclaw.json", "{}"),
        ("hermes/config.yaml", "a: b"),
        ("hermes/.env", "A=b"),
    ):
        path = home / f".{name}"
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    assert not loaded(code) & _PARSERS
    (home / ".openclaw/openclaw.json").write_text("{runapi: 1}")
    assert loaded(code) & _PARSERS == {"pyjson5"}
    (home / ".hermes/config.yaml").write_text("runapi: 1")
    assert loaded(code) & _PARSERS == _PARSERS


def test_the_catalog_does_no_io_of_its_own() -> None:
    assert not loaded(
        "import tui.catalog.request, tui.catalog.price, tui.catalog.route"
    ) & (_HEAVY | {"sqlite3"})
