"""What the agents' current packages make of our skill file, what we make of the keys
that they write, and our commands in their own sandboxes.

Skipped without `make check-agents`.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.agents.conftest import Agent, command
from tests.settings.keyfiles.test_openclaw_stores import traces
from tui.cli import skills
from tui.settings.credentials import find_all

KEY = "runapi_0123456789abcdefghijkl"
HERMES_LIST = """
from tools.skills_tool import skill_view, skills_list
print(skills_list())
print(skill_view("runapi-tui"))
"""
ASK_CODEX = "\n".join(
    json.dumps(message)
    for message in (
        {
            "id": 1,
            "method": "initialize",
            "params": {"clientInfo": {"name": "runapi-tui", "version": "1"}},
        },
        {"method": "initialized"},
        {"id": 2, "method": "skills/list", "params": {"cwds": ["."]}},
    )
)


def found() -> list[tuple[str, str]]:
    return [(key.source, key.api_key) for key in find_all({})[0]]


# ---- the skill file


def test_openclaw_reads_the_skill(agent: Agent, tui: Path) -> None:
    skills.install("openclaw")
    path = f"{tui.parent}:{os.environ['PATH']}"
    told = agent("openclaw", "skills", "info", "runapi-tui", "--json", PATH=path)
    read = json.loads(told[told.index("{") : told.rindex("}") + 1])
    assert read["filePath"] == str(skills.place("openclaw"))
    assert (read["eligible"], read["primaryEnv"]) == (True, "RUNAPI_API_KEY")


def test_what_hides_another_skill_in_openclaw_is_the_one_that_is_kept(
    agent: Agent, tui: Path
) -> None:
    skills.install("openclaw")
    skills.install("codex")
    path = f"{tui.parent}:{os.environ['PATH']}"
    told = agent("openclaw", "skills", "info", "runapi-tui", "--json", PATH=path)
    assert str(skills.place("openclaw")) in told
    assert skills.place("openclaw") == skills.place("codex")


def test_hermes_reads_the_skill(agent: Agent, home: Path) -> None:
    skills.install("hermes")
    told = agent("hermes", "-c", HERMES_LIST, HERMES_HOME=str(home / ".hermes"))
    assert '"name": "runapi-tui"' in told
    assert '"name": "RUNAPI_API_KEY"' in told


@pytest.mark.parametrize("others", [(), ("codex",)])
def test_gemini_reads_the_skill_without_a_conflict(
    agent: Agent, others: tuple[str, ...]
) -> None:
    for name in (*others, "gemini"):
        skills.install(name)
    told = agent("gemini", "skills", "list")
    assert "runapi-tui [Enabled]" in told
    assert str(skills.place("gemini")) in told
    assert "conflict" not in told.lower()


def test_codex_reads_the_skill(project: Path) -> None:
    skills.install("codex")
    server = subprocess.Popen(
        [*command("codex"), "app-server"],
        cwd=project,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with server:
        assert server.stdin
        assert server.stdout
        server.stdin.write(f"{ASK_CODEX}\n")
        server.stdin.flush()
        told = next(line for line in server.stdout if json.loads(line).get("id") == 2)
        server.terminate()
    assert str(skills.place("codex")) in told


def test_claude_accepts_the_skill(agent: Agent, tmp_path: Path) -> None:
    """Listing skills needs an account; a plugin that has the skill can be validated."""
    plugin = tmp_path / "plugin"
    (plugin / ".claude-plugin").mkdir(parents=True)
    (plugin / ".claude-plugin/plugin.json").write_text(
        json.dumps({"name": "p", "version": "1.0.0", "description": "x"})
    )
    skills.install("claude", plugin / "skills")
    told = agent("claude", "plugin", "validate", str(plugin))
    assert "Validation passed" in told
    assert "SKILL.md" not in told  # a fault would name it


# ---- keys


def test_a_key_that_openclaw_saves_is_found(agent: Agent, home: Path) -> None:
    words = ("models", "auth", "paste-api-key", "--provider", "runapi")
    agent("openclaw", *words, said=f"{KEY}\n")
    store = "~/.openclaw/state/openclaw.sqlite (runapi:manual)"
    before = traces(home)
    assert found() == [(store, KEY)]
    assert traces(home) == before


def test_the_store_and_the_profiles_of_openclaw_are_found(
    agent: Agent, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("secrets", "store", "set", "RUNAPI_API_KEY", "--value-file", "-")
    agent("openclaw", "--profile", "work", *words, said=KEY)
    file = home / ".openclaw-work/openclaw.json"
    settings = json.loads(file.read_text()) if file.exists() else {}
    reference = {"source": "store", "provider": "default", "id": "RUNAPI_API_KEY"}
    provider = {"baseUrl": "https://runapi.ai/v1", "apiKey": reference}
    settings["models"] = {"providers": {"runapi": provider}}
    file.write_text(json.dumps(settings))
    keys, _ = find_all({"OPENCLAW_PROFILE": "work"})
    assert [(key.api_key, key.base_url) for key in keys] == [(KEY, "https://runapi.ai")]


def test_a_key_that_hermes_saves_is_found(agent: Agent, home: Path) -> None:
    config = home / ".hermes/config.yaml"
    config.parent.mkdir()
    config.write_text(
        "custom_providers:\n  - {name: RunAPI, base_url: 'https://runapi.ai/v1'}\n"
    )
    hermes = ("-m", "hermes_cli.main")
    add = ("auth", "add", "custom:runapi", "--type", "api-key", "--api-key")
    agent("hermes", *hermes, *add, KEY, "--label", "mine")
    assert found() == [("~/.hermes/auth.json (custom:runapi, mine)", KEY)]
    agent("hermes", *hermes, "profile", "create", "work")
    agent("hermes", *hermes, "profile", "use", "work")
    agent("hermes", *hermes, *add, "key_of_work", "--label", "own")
    assert (
        "~/.hermes/profiles/work/auth.json (custom:runapi, own)",
        "key_of_work",
    ) in (found())
    assert ".hermes/profiles/work/skills" in str(skills.place("hermes"))


# ---- sandboxes


def _in_project(folder: Path) -> dict[str, str]:
    return {
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "RUNAPI_TUI_OUTPUT": str(folder / "images"),
        "RUNAPI_API_KEY": KEY,
    }


def test_in_codex_s_sandbox(agent: Agent, tui: Path, project: Path) -> None:
    bound = ["sandbox", "-c", 'sandbox_mode="workspace-write"']
    # The home is below /tmp here.
    bound += ["-c", "sandbox_workspace_write.exclude_slash_tmp=true", "--", "sh", "-c"]
    try:
        agent("codex", *bound, "true")
    except AssertionError as error:
        pytest.skip(f"Codex's sandbox can't be had here: {str(error)[-200:]}")
    there = _in_project(project)
    wait = f"{tui} generate z-image -p x --no-wait; echo code $?"
    assert "code 0" in agent("codex", *bound, wait, **there)
    told = agent("codex", *bound, f"{tui} balance; echo code $?", **there)
    assert "code 5" in told
    assert "network_access = true under [sandbox_workspace_write]" in told
    there.pop("XDG_STATE_HOME")
    told = agent("codex", *bound, f"{tui} tasks; echo code $?", **there)
    assert "code 1" in told
    assert "writable_roots under [sandbox_workspace_write]" in told


def test_in_claude_s_sandbox(agent: Agent, tui: Path, project: Path) -> None:
    settings = project / "srt.json"
    settings.write_text(
        json.dumps(
            {
                "filesystem": {"denyRead": [], "allowWrite": ["."], "denyWrite": []},
                "network": {"allowedDomains": [], "deniedDomains": []},
            }
        )
    )
    bound = ("--settings", str(settings), "-c")
    try:
        agent("srt", *bound, "true")
    except AssertionError as error:
        pytest.skip(f"Claude's sandbox can't be had here: {str(error)[-200:]}")
    there = _in_project(project)
    wait = f"{tui} generate z-image -p x --no-wait; echo code $?"
    assert "code 0" in agent("srt", *bound, wait, **there)
    told = agent("srt", *bound, f"{tui} balance; echo code $?", **there)
    assert "code 5" in told
    assert "sandbox.network.allowedDomains" in told
    there.pop("XDG_STATE_HOME")
    told = agent("srt", *bound, f"{tui} tasks; echo code $?", **there)
    assert "code 1" in told
    assert "sandbox.filesystem.allowWrite" in told
