"""The skill file that teaches an agent the headless commands, in the agent's own format.

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

No file requests permission to run commands unasked (`allowed-tools`): they cost money.
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
    """The file can't be written; the text is for the user."""


def text(agent: str) -> str:
    """Return the skill file for one of AGENTS; its last line has a digest of it."""
    front = f'---\nname: {NAME}\ndescription: "{_DESCRIPTION}"\n{_EXTRA[agent]}---\n\n'
    whole = front + Path(__file__).with_name("skill.md").read_text("utf-8")
    return (
        f"{whole}\n<!-- Written by runapi-tui, sha256 {_digest(whole)}. A changed file"
        " is kept. -->\n"
    )


def place(agent: str, env: Mapping[str, str] = os.environ) -> Path:
    """Return the path at which that agent reads the file."""

    def folder(variable: str, default: Path) -> Path:
        named = env.get(variable, "").strip()
        return home(named) if named else default

    match agent:
        case "openclaw":
            own = folder("OPENCLAW_HOME", home("~")) / ".openclaw"
            skills = folder("OPENCLAW_STATE_DIR", own) / "skills"
        case "hermes":
            skills = folder("HERMES_HOME", home("~/.hermes")) / "skills" / "creative"
        case "claude":
            skills = folder("CLAUDE_CONFIG_DIR", home("~/.claude")) / "skills"
        case _:
            skills = folder("CODEX_HOME", home("~/.agents")) / "skills"
    return skills / NAME / "SKILL.md"


def install(agent: str) -> str:
    """Write or update the file; returns a sentence on what was done.

    Raises SkillError, also for a file that somebody changed or made: it is kept.
    """
    path = place(agent)
    new = text(agent)
    if str(path).startswith("~"):
        raise SkillError(f"There is no home folder: {NO_HOME}. Set HOME.")
    try:
        there = _read(path)
        if there == new:
            return f"{path} is up to date."
        if there and not _is_unchanged(there):
            raise SkillError(
                f"{path} was changed, or is not from runapi-tui: it is kept. Move it"
                " away first to get the new one."
            )
        atomic_file.make_folder(path.parent)
        atomic_file.save_small(path, new.encode())
    except OSError as error:
        raise SkillError(
            f"{path} can't be written: {(error.strerror or 'no such file').lower()}."
        ) from error
    return f"{path} was updated." if there else f"{path} was written."


def _read(path: Path) -> str:
    """Return the content of a file; empty without one.

    Raises SkillError for anything but a regular file, and OSError.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise SkillError(
            f"{path} is a link or not a regular file: it is kept. Move it away first."
        )
    if not path.exists():
        return ""
    return read_small_file(path).decode("utf-8", "replace") or "\n"


def _is_unchanged(there: str) -> bool:
    mark = _MARK.search(there)
    return mark is not None and mark[1] == _digest(there[: mark.start()])


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()
