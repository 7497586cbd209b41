"""What an agent is told of the headless commands: a skill file in its own format, where
it looks for it.

All four read a folder with a `SKILL.md` of YAML front matter and Markdown, by
https://agentskills.io/specification (name up to 64 characters, description up to 1024).
What differs is documented at

- OpenClaw: https://docs.openclaw.ai/tools/skills (`<state-dir>/skills`,
  `metadata.openclaw` on one line),
  https://docs.openclaw.ai/tools/creating-skills (a description of one line, below 160
  characters),
  https://docs.openclaw.ai/help/environment (`OPENCLAW_STATE_DIR`, `OPENCLAW_HOME`)
- Hermes Agent:
  https://hermes-agent.nousresearch.com/docs/developer-guide/creating-skills
  (`metadata.hermes`,
  `required_environment_variables`, which its sandboxes pass on),
  `$HERMES_HOME/skills/<category>/<name>`
- Claude Code: https://code.claude.com/docs/en/skills (`~/.claude/skills`),
  https://code.claude.com/docs/en/env-vars
  (`CLAUDE_CONFIG_DIR`)
- Codex: https://developers.openai.com/codex/skills (`~/.agents/skills`); the older
  `$CODEX_HOME/skills` is still
  read, by codex-rs/core-skills/src/loader.rs in https://github.com/openai/codex

No file asks for leave to run commands unasked (`allowed-tools`): they cost money.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from tui import __version__
from tui.paths import NO_HOME, home
from tui.system import atomic_file
from tui.system.small_file import read_small_file

NAME = "runapi-tui"
_DESCRIPTION = (
    "Make, edit and upscale images through RunAPI with the runapi-tui command: paid"
    " tasks, none of them lost."
)
_EXTRA = {
    "openclaw": (
        'metadata: {"openclaw": {"requires": {"bins": ["runapi-tui"]}, "primaryEnv":'
        ' "RUNAPI_API_KEY", "homepage": "https://runapi.ai"}}\n'
    ),
    "hermes": (
        f"""version: {__version__}
license: MIT
platforms: [macos, linux]
metadata:
  hermes:
    tags: [images, image-generation, runapi]
required_environment_variables:
  - name: RUNAPI_API_KEY
    prompt: RunAPI API key
    help: Make one at https://runapi.ai/api_keys
    optional: true
"""
    ),
    "claude": "",
    "codex": "",
}
AGENTS = tuple(_EXTRA)
_MARK = re.compile(
    r"\n<!-- Written by runapi-tui, sha256 ([0-9a-f]{64})\. A changed file is kept\."
    r" -->\n\Z"
)


class SkillError(Exception):
    """The file can't be put there; a sentence for the user."""


def text(agent: str) -> str:
    """The skill file for one of AGENTS. Its last line tells whether somebody has
    changed it since.
    """
    front = f'---\nname: {NAME}\ndescription: "{_DESCRIPTION}"\n{_EXTRA[agent]}---\n\n'
    whole = front + Path(__file__).with_name("skill.md").read_text("utf-8")
    return (
        f"{whole}\n<!-- Written by runapi-tui, sha256 {_digest(whole)}. A changed file"
        " is kept. -->\n"
    )


def place(agent: str, env: Mapping[str, str] = os.environ) -> Path:
    """Where that agent looks for the file."""

    def folder(variable: str, otherwise: Path) -> Path:
        return (
            home(env[variable].strip()) if env.get(variable, "").strip() else otherwise
        )

    match agent:
        case "openclaw":
            skills = (
                folder(
                    "OPENCLAW_STATE_DIR",
                    folder("OPENCLAW_HOME", home("~")) / ".openclaw",
                )
                / "skills"
            )
        case "hermes":
            skills = folder("HERMES_HOME", home("~/.hermes")) / "skills" / "creative"
        case "claude":
            skills = folder("CLAUDE_CONFIG_DIR", home("~/.claude")) / "skills"
        case _:
            skills = folder("CODEX_HOME", home("~/.agents")) / "skills"
    return skills / NAME / "SKILL.md"


def install(agent: str) -> str:
    """Put the file there, or bring it up to date; answers what was done.

    Raises SkillError, also for a file that was changed or isn't ours: it is kept.
    """
    path, new = place(agent), text(agent)
    if str(path).startswith("~"):
        raise SkillError(f"There is no home folder: {NO_HOME}. Set HOME.")
    try:
        there = _read(path)
        if there == new:
            return f"{path} is up to date."
        if there and not _is_ours(there):
            raise SkillError(
                f"{path} was changed, or is not from runapi-tui: it is kept. For the"
                " new one, move it away first."
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_file.save_small(path, new.encode())
    except OSError as error:
        raise SkillError(
            f"{path} can't be written: {(error.strerror or 'no such file').lower()}."
        ) from error
    return f"{path} was brought up to date." if there else f"{path} was written."


def _read(path: Path) -> str:
    """What is there; empty for nothing. Raises SkillError for what is no plain file,
    OSError.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise SkillError(
            f"{path} is a link or no file: it is kept. Move it away first."
        )
    return (
        read_small_file(path).decode("utf-8", "replace") or "\n"
        if path.exists()
        else ""
    )


def _is_ours(there: str) -> bool:
    mark = _MARK.search(there)
    return mark is not None and mark[1] == _digest(there[: mark.start()])


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()
