"""Whatever comes in through any door is inert at every exit."""

import re
from pathlib import Path

import click
import pytest

from tests.every_command import every_command
from tests.hostile.commands import run
from tests.hostile.doors import DOORS
from tests.hostile.exits import EXITS, Behind
from tests.hostile.payloads import MARK, TOGETHER, obeyed

_ROOT = Path(__file__).parent.parent.parent
_FILLED_PAST_THE_DOOR = {("rows of the queue file", "the queue")}
_SHOWN_BY_NO_COMMAND = {"variables refused", "favourites and prices", "searches"}
"""Doors to what the app alone shows, or what a sentence names without its value."""
_opened: dict[str, Behind] = {}
"""What is behind each door that this process has opened."""


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


def _behind(door: str, homes: Path) -> Behind:
    if door not in _opened:
        home = homes / str(len(_opened)) / "home"
        home.mkdir(parents=True)
        _opened[door] = Behind(DOORS[door](home))
    return _opened[door]


# The last varies most slowly: so most doors are opened by one process alone.
@pytest.mark.parametrize("way_out", EXITS)
@pytest.mark.parametrize("door", DOORS)
def test_what_comes_in_acts_nowhere(door: str, way_out: str, homes: Path) -> None:
    if (door, way_out) not in _FILLED_PAST_THE_DOOR:
        assert EXITS[way_out](_behind(door, homes)) == []


@pytest.mark.parametrize("door", DOORS)
def test_what_comes_through_a_door_is_shown(door: str, homes: Path) -> None:
    """A row whose payloads get nowhere would prove nothing."""
    said = _behind(door, homes).said.values()
    is_shown = any(MARK.encode() in words.out + words.err for words in said)
    assert is_shown == (door not in _SHOWN_BY_NO_COMMAND)


# ---- arguments: every command, every option


def _argument_lists(text: str) -> list[list[str]]:
    """Returns command lines with a payload for each argument and option that there is."""
    lists = [[text], [f"--{text}"], [f"--profile={text}", "tasks"]]
    for name, command in every_command().items():
        if name == "demo-server":  # it serves until it is stopped
            continue
        needed = [
            "z-image" if param.name == "model" else text
            for param in command.params
            if isinstance(param, click.Argument) and param.required
        ]
        lists.append([name, *needed, "--demo"])
        lists += [
            [name, *needed, f"{param.opts[-1]}={text}", "--demo"]
            for param in command.params
            if isinstance(param, click.Option) and not param.is_flag
        ]
    return lists


@pytest.mark.parametrize("payload", TOGETHER)
def test_arguments_are_repeated_harmlessly(payload: str, tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "RUNAPI_TUI_POLL_SECONDS": "0.05"}
    lists = _argument_lists(TOGETHER[payload])
    for words, said in zip(lists, run(lists, home), strict=True):
        assert said.code != 99, words
        assert obeyed(said.out + said.err) == [], words
        assert b"Traceback" not in said.err, words
        assert b"bug in runapi-tui" not in said.err, words


# ---- nothing is left out


def _modules_that(pattern: str) -> set[str]:
    return {
        str(path.relative_to(_ROOT / "tui"))
        for path in (_ROOT / "tui").rglob("*.py")
        if re.search(pattern, path.read_text("utf-8"))
    }


def test_every_module_that_reads_a_file_has_its_doors() -> None:
    """A new one needs a door, or a reason why nobody else writes that file."""
    behind = {
        "catalog/load.py": "own models",
        "settings/config.py": "preferences",
        "settings/favourites.py": "favourites and prices",
        "settings/remembered.py": "favourites and prices",
        "settings/presets.py": "presets",
        "settings/prompt_files.py": "wildcards",
        "settings/searches.py": "searches",
        "spending/quotes.py": "favourites and prices",
        "settings/keyfiles/files.py": "keys of other tools",
        "settings/confirmed_hosts.py": "favourites and prices",
        "tasks/uploads.py": "names of source files",
    }
    # The last two read back what is this program's: a text of the user's own editor, made
    # inert (test_editor.py), and the catalog, beside the text that it was made of.
    own = {"system/toml_file.py", "cli/skills.py"}
    own |= {"exchange/editor.py", "catalog/compiled.py"}
    assert _modules_that(r"import .*\bread_(small_file|toml)\b") - own == set(behind)
    assert set(behind.values()) <= set(DOORS)


def test_every_variable_of_the_environment_is_known_here() -> None:
    used = set[str]()
    for path in (_ROOT / "tui").rglob("*.py"):
        used |= set(
            re.findall(
                r'env(?:iron)?(?:\.get\(|\[)"([A-Z_]+)"', path.read_text("utf-8")
            )
        )
    as_values = {"TERM_PROGRAM", "TERM_PROGRAM_VERSION", "LOGNAME", "USER"}
    as_values |= {"SSH_CONNECTION", "RUNAPI_BASE_URL"}
    as_folders = {
        "HERMES_HOME",
        "OPENCLAW_HOME",
        "XDG_CONFIG_HOME",
        "RUNAPI_CONFIG_DIR",
        "RUNAPI_TUI_OUTPUT",
        "OPENCLAW_PROFILE",
    }
    compared_only = {"COLORTERM", "DISPLAY", "WAYLAND_DISPLAY", "SSH_CLIENT", "STY"}
    compared_only |= {"CODEX_SANDBOX", "CODEX_SANDBOX_NETWORK_DISABLED"}
    compared_only |= {"CODEX_THREAD_ID", "SANDBOX_RUNTIME"}
    compared_only |= {"TERM", "TMUX", "RUNAPI_TUI_DEBUG", "PATH", "SSLKEYLOGFILE"}
    compared_only |= {"PYTHONIOENCODING", "LC_CTYPE"}
    of_preferences = {"RUNAPI_TUI_PROFILE", "RUNAPI_TUI_VIEWER"}
    arguments = {"TMUX_PANE"}  # of tmux, which takes it for the name of a pane
    commands = {"VISUAL", "EDITOR"}  # the app alone names them, on one line
    secret = {"RUNAPI_API_KEY"}
    known = as_values | as_folders | compared_only | of_preferences
    known |= arguments | commands | secret
    assert used <= known
