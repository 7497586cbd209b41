"""Whatever comes in through any door is inert at every exit."""

import os
import re
from pathlib import Path

import click
import pytest

from tests.hostile.commands import Said, run
from tests.hostile.doors import DOORS, Stage
from tests.hostile.payloads import MARK, TOGETHER, obeyed
from tui.cli.commands import cli
from tui.tasks.store import Store

_ROOT = Path(__file__).parent.parent.parent
_EXITS = {
    "tasks": ["tasks"],
    "tasks as JSON": ["tasks", "--json"],
    "a search": ["tasks", "--search", "h0stile"],
    "spent": ["spent"],
    "spent by model": ["spent", "--by", "model", "--json"],
    "models": ["models"],
    "models as JSON": ["models", "--json"],
    "a model": ["model", "z-image"],
    "doctor": ["doctor"],
    "doctor as JSON": ["doctor", "--json"],
    "an export": ["export", "-"],
    "a quote": ["quote", "z-image", "-p", "x"],
    "balance": ["balance"],
}
_SHOWN_BY_NO_COMMAND = {"preferences", "variables refused", "favourites and prices"}
"""Doors to what the app alone shows, or what a sentence names without its value."""
_stages: dict[str, Stage] = {}
_said: dict[str, dict[str, Said]] = {}


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


def _stage(door: str, homes: Path) -> Stage:
    """Returns a door's stage, which all tests of this process share."""
    if door not in _stages:
        home = homes / str(len(_stages))
        home.mkdir()
        _stages[door] = DOORS[door](home)
    return _stages[door]


def _all_said(door: str, homes: Path) -> dict[str, Said]:
    """Returns what all commands say behind a door, by their exits."""
    if door not in _said:
        stage = _stage(door, homes)
        commands = dict(_EXITS)
        for number, task_id in enumerate(_ids(stage)):
            commands[f"task {number}"] = ["task", task_id, "--events"]
        for number, image in enumerate(sorted(stage.home.glob("image-*.png"))):
            commands[f"recipe {number}"] = ["recipe", str(image)]
        words = [[*command, *stage.options] for command in commands.values()]
        _said[door] = dict(zip(commands, run(words, stage.env), strict=True))
    return _said[door]


def _ids(stage: Stage) -> list[str]:
    """Returns the ids of all tasks that a door has let in."""
    if not stage.queue.exists():
        return []
    store = Store(stage.queue)
    try:
        return [task.id for task in store.search("", 500, "~")]
    finally:
        store.close()


def _is_inert(said: Said) -> None:
    assert obeyed(said.out) == []
    assert obeyed(said.err) == []
    assert b"Traceback" not in said.err
    assert b"bug in runapi-tui" not in said.err


@pytest.mark.parametrize("way_out", [*_EXITS, "each task", "each recipe"])
@pytest.mark.parametrize("door", DOORS)
def test_commands_print_nothing_that_a_terminal_obeys(
    door: str, way_out: str, homes: Path
) -> None:
    said = _all_said(door, homes)
    kind = way_out.removeprefix("each ")
    for name, words in said.items():
        if name == way_out or (kind != way_out and name.startswith(f"{kind} ")):
            _is_inert(words)


@pytest.mark.parametrize("door", DOORS)
def test_what_comes_through_a_door_is_shown(door: str, homes: Path) -> None:
    """A row whose payloads get nowhere would prove nothing."""
    said = _all_said(door, homes)
    is_shown = any(MARK.encode() in words.out + words.err for words in said.values())
    assert is_shown == (door not in _SHOWN_BY_NO_COMMAND)


@pytest.mark.parametrize("door", DOORS)
def test_files_are_named_harmlessly_and_no_command_is_run(
    door: str, homes: Path
) -> None:
    stage = _stage(door, homes)
    _all_said(door, homes)
    for path in (stage.home / "Pictures").rglob("*"):
        assert obeyed(os.fsencode(path.name)) == []
    # The name of what a payload touches, or of where it leads by way of "../.."
    assert list(homes.rglob(MARK)) == []


@pytest.mark.parametrize("door", DOORS)
def test_the_log_and_the_queue_hold_nothing_that_a_terminal_obeys(
    door: str, homes: Path
) -> None:
    stage = _stage(door, homes)
    for log in stage.queue.parent.glob("*.log*"):
        assert obeyed(log.read_bytes()) == []
    if door == "rows of the queue file" or not stage.queue.exists():
        return  # it was filled past the door
    store = Store(stage.queue)
    for task in store.search("", 500, "~"):
        for text in _texts(task.values):
            assert obeyed(text.encode("utf-8", "replace")) == [], task.values
    store.close()


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [
            text for pair in value.items() for part in pair for text in _texts(part)
        ]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) and "/" not in value else []


# ---- arguments: every command, every option


def _argument_lists(text: str) -> list[list[str]]:
    """Returns command lines with a payload for each argument and option that there is."""
    lists = [[text], [f"--{text}"], [f"--profile={text}", "tasks"]]
    for name, command in cli.commands.items():
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
        _is_inert(said)


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
        "spending/quotes.py": "favourites and prices",
        "settings/keyfiles/files.py": "keys of other tools",
        "tasks/submit.py": "names of source files",
    }
    own = {"system/small_file.py", "system/toml_file.py", "cli/skills.py"}
    assert _modules_that(r"\bread_small_file\(|\bread_toml\(") - own == set(behind)
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
    }
    compared_only = {"COLORTERM", "DISPLAY", "WAYLAND_DISPLAY", "SSH_CLIENT", "STY"}
    compared_only |= {"TERM", "TMUX", "RUNAPI_TUI_DEBUG", "PATH", "SSLKEYLOGFILE"}
    of_preferences = {"RUNAPI_TUI_PROFILE", "RUNAPI_TUI_VIEWER"}
    secret = {"RUNAPI_API_KEY"}
    assert used <= as_values | as_folders | compared_only | of_preferences | secret
