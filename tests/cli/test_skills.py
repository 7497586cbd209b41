"""The skill files are what their agents read, and tell the truth; the README's agent
does what it says.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.every_command import every_command
from tests.loopback import serving
from tests.tasks.faults import booked, small_pictures
from tui.cli import skills
from tui.cli.skill_places import AGENTS
from tui.demo import DEMO_KEY

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(autouse=True)
def no_agents(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "GEMINI_CLI_HOME"):
        monkeypatch.delenv(name, raising=False)


def agent(*words: str) -> tuple[int, str, str]:
    said = subprocess.run(
        [sys.executable, "-m", "tui", "agent", *words],
        capture_output=True,
        text=True,
        timeout=30,
    )
    return said.returncode, said.stdout, said.stderr


def test_the_front_matter_is_what_the_agents_document() -> None:
    opened, front, body = skills.text().split("---\n", 2)
    assert opened == ""
    assert body.startswith("\n# ")
    lines = front.splitlines()
    for line in lines:
        assert re.fullmatch(r"(  )*(- )?[\w-]+:( [^\s#].*)?", line), line
    top = dict(
        line.split(": ", 1) for line in lines if ": " in line and line[0] not in " -"
    )
    description = json.loads(top["description"])
    assert top["name"] == "runapi-tui"  # also the folder's name
    assert len(description) < 160
    metadata = json.loads(top["metadata"])  # OpenClaw wants it on one line
    assert metadata["openclaw"]["requires"] == {"bins": ["runapi-tui"]}
    # Any YAML says the same, and has nothing that a reader of plain fields would miss.
    read = yaml.safe_load(front)
    assert {name: read[name] for name in ("name", "description", "metadata")} == {
        "name": "runapi-tui",
        "description": description,
        "metadata": metadata,
    }


def test_every_agent_gets_the_same_file() -> None:
    assert {agent(name)[1] for name in AGENTS} == {skills.text()}


def test_every_command_that_is_taught_is_one() -> None:
    words = (
        skills.text() + README.read_text("utf-8").partition("## Without a screen")[2]
    )
    fenced = "".join(re.findall(r"^```sh\n(.*?)^```$", words, re.DOTALL | re.MULTILINE))
    commands = re.findall(r"^\s*runapi-tui (.*?)(?: [|>&].*)?$", fenced, re.MULTILINE)
    assert len(commands) > 15
    for command in commands:
        name, *rest = shlex.split(command, comments=True)
        known = every_command()[name]
        rest = [
            os.devnull if word in ("prompts.txt", "history.jsonl") else word
            for word in rest
        ]
        with known.make_context(name, rest):
            pass  # UsageError for an option, a choice or a count that there isn't


def test_a_skill_goes_where_its_agent_looks(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = {
        "openclaw": ".openclaw/skills/runapi-tui/SKILL.md",
        "hermes": ".hermes/skills/creative/runapi-tui/SKILL.md",
        "claude": ".claude/skills/runapi-tui/SKILL.md",
        "gemini": ".gemini/skills/runapi-tui/SKILL.md",
        "codex": ".agents/skills/runapi-tui/SKILL.md",
    }
    assert set(places) == set(AGENTS)
    for name, place in places.items():
        assert skills.install(name) == f"{home / place} was written."
        assert (home / place).read_text("utf-8") == skills.text()
        assert [path.name for path in (home / place).parent.iterdir()] == ["SKILL.md"]
    shutil.rmtree(home / ".agents")
    moved = {
        "OPENCLAW_HOME": ("openclaw", "moved/.openclaw/skills"),
        "OPENCLAW_STATE_DIR": ("openclaw", "moved/skills"),
        "HERMES_HOME": ("hermes", "moved/skills/creative"),
        "CLAUDE_CONFIG_DIR": ("claude", "moved/skills"),
        "CODEX_HOME": ("codex", "moved/skills"),
        "GEMINI_CLI_HOME": ("gemini", "moved/.gemini/skills"),
    }
    for variable, (name, place) in moved.items():
        with monkeypatch.context() as alone:
            alone.setenv(variable, "~/moved")
            assert skills.place(name) == home / place / "runapi-tui" / "SKILL.md"


@pytest.mark.parametrize("name", ["openclaw", "gemini"])
def test_a_file_that_an_agent_reads_already_is_not_made_twice(
    home: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = home / ".agents/skills/runapi-tui/SKILL.md"
    assert skills.install("codex") == f"{shared} was written."
    assert skills.install(name) == f"{shared} is up to date."
    assert sorted(home.rglob("SKILL.md")) == [shared]
    # OpenClaw reads it in its usual folder alone.
    monkeypatch.setenv("OPENCLAW_STATE_DIR", "~/other")
    own = home / "other/skills/runapi-tui/SKILL.md"
    assert skills.place("openclaw") == own


def test_a_skill_goes_into_the_active_profile(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".hermes/profiles/work").mkdir(parents=True)
    (home / ".hermes/active_profile").write_text("work")
    file = home / ".hermes/profiles/work/skills/creative/runapi-tui/SKILL.md"
    assert skills.install("hermes") == f"{file} was written."
    (home / ".hermes/active_profile").write_text("gone")
    with pytest.raises(skills.SkillError, match="`hermes profile use default`"):
        skills.install("hermes")
    monkeypatch.setenv("OPENCLAW_PROFILE", "work")
    with pytest.raises(skills.SkillError, match="`openclaw --profile work setup`"):
        skills.install("openclaw")
    (home / ".openclaw-work").mkdir()
    file = home / ".openclaw-work/skills/runapi-tui/SKILL.md"
    assert skills.install("openclaw") == f"{file} was written."


def test_a_folder_of_skills_can_be_named(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / ".claude/skills/runapi-tui/SKILL.md"
    words = ("claude", "--target-dir", ".claude/skills")
    assert agent(*words) == (0, f"{file} was written.\n", "")
    assert file.read_text("utf-8") == skills.text()
    assert list(home.rglob("SKILL.md")) == []


def test_a_changed_file_is_kept_and_an_older_one_of_ours_is_not(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, printed, _ = agent("claude")
    assert (code, printed) == (0, skills.text())
    path = skills.place("claude")
    with monkeypatch.context() as older:
        older.setattr(skills, "_FRONT", "---\nname: runapi-tui\n---\n\n")
        old = skills.text()
    path.parent.mkdir(parents=True)
    path.write_text(old, "utf-8")
    assert agent("claude", "--install") == (0, f"{path} was updated.\n", "")
    assert path.read_text("utf-8") == printed
    assert skills.install("claude") == f"{path} is up to date."

    for changed in (
        printed.replace("Never", "Always"),
        printed + "\nMine.\n",
        "Mine.\n",
        "",
    ):
        path.write_text(changed, "utf-8")
        with pytest.raises(skills.SkillError, match="it is kept"):
            skills.install("claude")
        assert path.read_text("utf-8") == changed
    code, out, err = agent("claude", "--install")
    assert (code, out, err.count("\n")) == (4, "", 1)


def test_what_is_no_plain_file_is_a_sentence(home: Path) -> None:
    path = skills.place("hermes")
    path.mkdir(parents=True)
    with pytest.raises(skills.SkillError, match="not a regular file"):
        skills.install("hermes")
    path.rmdir()
    path.symlink_to(home / "mine.md")
    with pytest.raises(skills.SkillError, match="a link"):
        skills.install("hermes")
    assert not (home / "mine.md").exists()
    (home / ".agents").write_text("")
    with pytest.raises(skills.SkillError, match="can't be written: not a directory"):
        skills.install("codex")


def test_the_agent_of_the_readme_does_its_errand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    section = README.read_text("utf-8").partition("### Agents")[2]
    script = section.partition("```sh\n")[2].partition("```")[0]
    assert set(re.findall(r"runapi-tui (\w+)", script)) == {"generate", "task", "tasks"}
    small_pictures(monkeypatch)
    app, book = booked(delay=0)
    with serving(app) as url:
        env = {
            "RUNAPI_API_KEY": DEMO_KEY,
            "RUNAPI_BASE_URL": url,
            "RUNAPI_TUI_POLL_SECONDS": "0.05",
        }
        env["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        said = subprocess.run(
            ["bash", "-c", script],
            env=os.environ | env,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert (said.returncode, said.stderr) == (0, "")
    *files, first, second = said.stdout.splitlines()
    assert [first, second] == ["0.01", "0.01"]
    paths = [Path(found) for line in files for found in re.findall(r"'(.+?)'", line)]
    assert len(set(paths)) == len(book.made) == 2
    assert all(path.is_file() for path in paths)
