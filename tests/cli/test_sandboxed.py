"""Every headless command where agents run it: bound as in their sandboxes, it works, or
ends within seconds with a sentence on the sandbox's rule and the way out.
"""

from pathlib import Path

import click
import pytest

from tests import sandbox
from tests.cli.bound import Ended, run
from tests.every_command import every_command
from tui.cli.blame import sandbox_rule
from tui.system import sandbox as rules

pytestmark = pytest.mark.skipif(bool(sandbox.why_not()), reason=sandbox.why_not())

CODEX = {"CODEX_SANDBOX_NETWORK_DISABLED": "1"}
CLAUDE = {"SANDBOX_RUNTIME": "1"}
NOBODYS = dict.fromkeys((*CODEX, *CLAUDE, "CODEX_SANDBOX", "CODEX_THREAD_ID"), "")
KEY = {"RUNAPI_API_KEY": "runapi_0123456789abcdefghijkl"}
_WORDS = {
    "generate": ["z-image", "-p", "x"],
    "quote": ["-p", "x"],
    "export": ["-"],
    "agent": ["claude", "--install"],
    "rate": ["x", "--stars", "3"],
    "strip": ["x", "--out", "y"],
    "export-picks": ["--all", "--out", "picks"],
    **{name: ["--all"] for name in ("drop", "stop", "retry", "delete", "sheet")},
}
_NEED_NO_FILE = ("models", "model")
_NEED_THE_SERVICE_ALONE = ("account", "login", "prices", "prompts", "upload", "quote")


def command_lines() -> list[list[str]]:
    """Every command with what it can't do without; new ones come by themselves."""
    lines = []
    for name, command in every_command().items():
        if name == "demo-server":  # it serves until it is stopped
            continue
        given = _WORDS.get(name, [])
        needed = [
            "z-image" if param.name == "model" else "x"
            for param in command.params
            if isinstance(param, click.Argument) and param.required and name != "agent"
        ]
        if name == "export":
            needed = []
        lines.append([name, *needed, *given])
    lines.append(["generate", "z-image", "-p", "x", "--no-wait"])
    # What pauses the queue, or takes from it, comes last.
    return sorted(lines, key=lambda words: words[0] in ("drop", "delete", "pause"))


def sound(ended: Ended, words: list[str]) -> None:
    """What holds for every command, whatever is denied."""
    assert ended.code >= 0, (words, "was killed", ended)
    assert ended.code != 99, (words, ended)
    assert "Traceback" not in ended.err, words
    assert "bug in runapi-tui" not in ended.err, (words, ended)
    assert ended.code == 0 or (ended.out + ended.err).strip(), words


@pytest.mark.parametrize(
    ("env", "rule"),
    [
        (CODEX, "writable_roots under [sandbox_workspace_write]"),
        (CLAUDE, "sandbox.filesystem.allowWrite"),
        (NOBODYS, "read-only, as in a sandbox"),
    ],
    ids=["codex", "claude", "unknown"],
)
def test_where_nothing_can_be_written(
    home: Path, env: dict[str, str], rule: str
) -> None:
    lines = command_lines()
    at = NOBODYS | KEY | {"HOME": str(home)} | env
    ended = run(lines, ["deny_network", "deny_writing"], at)
    refused = set()
    for words, how in zip(lines, ended, strict=True):
        sound(how, words)
        told = how.out + how.err
        if how.code == 5 and words[0] in _NEED_THE_SERVICE_ALONE:
            continue  # the other rule, of the network, is in their way first
        if how.code in (1, 5):
            assert rule in told, (words, how)
            assert "XDG_STATE_HOME" in told, (words, how)
            refused.add(words[0])
        if words[0] in _NEED_NO_FILE:
            assert (how.code, how.err) == (0, ""), (words, how)
    assert {"generate", "tasks", "balance", "resume", "export", "doctor"} <= refused


@pytest.mark.parametrize(
    ("env", "rule"),
    [
        (CODEX, "network_access = true under [sandbox_workspace_write]"),
        (CLAUDE, "sandbox.network.allowedDomains"),
        (NOBODYS, "open no connection, as in a sandbox"),
    ],
    ids=["codex", "claude", "unknown"],
)
def test_where_the_network_is_denied(
    home: Path, env: dict[str, str], rule: str
) -> None:
    lines = command_lines()
    at = NOBODYS | KEY | {"HOME": str(home), "RUNAPI_TUI_POLL_SECONDS": "0.05"} | env
    ended = run(lines, ["deny_network"], at)
    refused = set()
    for words, how in zip(lines, ended, strict=True):
        sound(how, words)
        if how.code == 5 or words[0] == "doctor":
            assert rule in how.out + how.err, (words, how)
            refused.add(words[0])
    assert {"generate", "balance", "resume", "doctor"} <= refused
    # What waits is kept, and needs no network to be seen.
    codes = {words[0]: how.code for words, how in zip(lines, ended, strict=True)}
    assert codes["tasks"] == codes["spent"] == codes["quote"] == 0


def test_where_everything_is_allowed_nothing_is_blamed(home: Path) -> None:
    assert rules.around(NOBODYS) is None
    assert not rules.blocks_network(NOBODYS)
    assert rules.why_not_connected(NOBODYS) == ""
    assert sandbox_rule(1, FileNotFoundError(2, "No such file", str(home))) == ""


def test_a_refusal_by_permissions_alone_is_no_sandbox_s(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = PermissionError(13, "Permission denied", str(home / "x"))
    for name in NOBODYS:
        monkeypatch.delenv(name, raising=False)
    assert rules.why_not_written(home, refusal) == ""
    monkeypatch.setenv("CODEX_THREAD_ID", "01a")  # with or without a sandbox
    assert rules.why_not_written(home, refusal) == ""
    read_only = OSError(30, "Read-only file system", str(home / "x"))
    assert "writable_roots" in rules.why_not_written(home, read_only)
    monkeypatch.setenv("CODEX_SANDBOX", "seatbelt")
    assert "writable_roots" in rules.why_not_written(home, refusal)
