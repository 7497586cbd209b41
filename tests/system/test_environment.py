"""No program that this one starts gets a key by its environment."""

import ast
import os
import re
from pathlib import Path

import pytest

import tui
from tui.session import prepare
from tui.system import environment
from tui.system.environment import child_environment
from tui.system.helper_process import HelperPool, Limits

KEY = "runapi_0123456789abcdef"
STARTS = {"Popen", "run", "call", "check_call", "check_output"}
OTHER_WAYS = {
    "create_subprocess_exec",
    "create_subprocess_shell",
    "execv",
    "execve",
    "execvp",
    "fork",
    "forkpty",
    "getoutput",
    "getstatusoutput",
    "launch",
    "popen",
    "posix_spawn",
    "posix_spawnp",
    "spawnv",
    "spawnve",
    "startfile",
    "system",
}
MODULES = {"os", "asyncio", "subprocess", "pty", "click"}
ANY_START = re.compile(rf"subprocess|webbrowser|\.(?:{'|'.join(OTHER_WAYS)})\(")


@pytest.fixture(autouse=True)
def nothing_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_secrets", set())
    monkeypatch.setattr(environment, "_variables", set())


def test_names_of_keys_are_left_out_and_all_else_stays() -> None:
    keys = ("RUNAPI_API_KEY", "RUNAPI_KEY", "RUNAPI_WORK_API_KEY_2", "runapi_token")
    others = {"PATH": "/bin", "RUNAPI_TUI_VIEWER": "feh", "EMPTY": ""}
    assert child_environment(dict.fromkeys(keys, "x") | others) == others


def test_whatever_holds_the_key_in_use_is_left_out(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    config = home / ".config" / "runapi-tui" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(
        '[profiles.work]\nkey = "env:WORK"\n[profiles.rest]\nkey = "env:REST"\n'
    )
    for name, value in {
        "WORK": KEY,
        "REST": "another",
        "COPY": KEY,
        "HEADER": f"Bearer {KEY}",
        "PLAIN": "fox",
    }.items():
        monkeypatch.setenv(name, value)
    prepare(profile="work")
    left = child_environment()
    assert left["PLAIN"] == "fox"
    assert not left.keys() & {"WORK", "REST", "COPY", "HEADER"}
    prepare(profile="work").with_key("runapi_another_key", "typed")
    assert "X" not in child_environment({"X": "runapi_another_key"})


def test_a_helper_process_has_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNAPI_API_KEY", KEY)
    monkeypatch.setenv("PLAIN", "fox")
    pool = HelperPool("os", Limits())
    assert pool.run(os.getenv, "PLAIN") == "fox"
    assert pool.run(os.getenv, "RUNAPI_API_KEY") is None
    pool.close()


def unsafe_starts(tree: ast.AST) -> list[int]:
    """Lines on which a program is started with another environment than ours."""
    lines = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner, name = node.func.value, node.func.attr
        module = owner.id if isinstance(owner, ast.Name) else ""
        if module == "subprocess" and name in STARTS:
            given = {word.arg: ast.unparse(word.value) for word in node.keywords}
            if not given.get("env", "").startswith("child_environment("):
                lines.append(node.lineno)
        elif module == "webbrowser" or (module in MODULES and name in OTHER_WAYS):
            lines.append(node.lineno)
    return lines


def test_every_program_is_started_without_keys() -> None:
    assert unsafe_starts(ast.parse("subprocess.run(['x'], env=os.environ)")) == [1]
    found = []
    for path in Path(tui.__file__).parent.rglob("*.py"):
        text = path.read_text()
        assert "from subprocess import" not in text, path
        if not ANY_START.search(text):
            continue
        found += [f"{path}:{line}" for line in unsafe_starts(ast.parse(text))]
    assert found == []
