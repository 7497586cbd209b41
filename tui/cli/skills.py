"""The skill file that teaches an agent the headless commands: one for all agents.

All read a folder with a `SKILL.md` of YAML front matter and Markdown, by
https://agentskills.io/specification (name up to 64 characters, description up to 1024),
and ignore the fields of others:

- OpenClaw: https://docs.openclaw.ai/tools/skills (`metadata.openclaw`, which has to be on
  one line), https://docs.openclaw.ai/tools/creating-skills (a description of one line,
  below 160 characters)
- Hermes Agent:
  https://hermes-agent.nousresearch.com/docs/developer-guide/creating-skills
  (`metadata.hermes`, `platforms`, `required_environment_variables`, which its sandboxes
  pass on)

It doesn't request permission to run commands unasked (`allowed-tools`): they cost money.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from tui import __version__
from tui.cli import skill_places
from tui.paths import NO_HOME
from tui.system import atomic_file
from tui.system.small_file import read_small_file

NAME = "runapi-tui"
_DESCRIPTION = (
    "Make, edit and upscale images through RunAPI with the runapi-tui command: paid"
    " tasks, none of them lost."
)
_METADATA = {
    "openclaw": {
        "requires": {"bins": [NAME]},
        "primaryEnv": "RUNAPI_API_KEY",
        "homepage": "https://runapi.ai",
    },
    "hermes": {"tags": ["images", "image-generation", "runapi"]},
}
_FRONT = f"""---
name: {NAME}
description: "{_DESCRIPTION}"
license: MIT
version: {__version__}
platforms: [macos, linux]
metadata: {json.dumps(_METADATA)}
required_environment_variables:
  - name: RUNAPI_API_KEY
    prompt: RunAPI API key
    help: Make one at https://runapi.ai/api_keys
    optional: true
---

"""
_MARK = re.compile(
    r"\n<!-- Written by runapi-tui, sha256 ([0-9a-f]{64})\. A changed file is kept\."
    r" -->\n\Z"
)


class SkillError(Exception):
    """The file can't be written; the text is for the user."""


def text() -> str:
    """Return the skill file; its last line has a digest of the rest."""
    whole = _FRONT + Path(__file__).with_name("skill.md").read_text("utf-8")
    return (
        f"{whole}\n<!-- Written by runapi-tui, sha256 {_digest(whole)}. A changed file"
        " is kept. -->\n"
    )


def place(agent: str, env: Mapping[str, str] = os.environ) -> Path:
    """Return the path at which that agent reads the file.

    Where it is in a folder that several agents read, that one is the path: a second
    file of the same name would only be hidden by it. Raises SkillError.
    """
    found = skill_places.folders(agent, env)
    if found.problem:
        raise SkillError(found.problem)
    if found.shared and os.path.lexists(_file(found.shared)):
        return _file(found.shared)
    return _file(found.own)


def install(agent: str, target: Path | None = None) -> str:
    """Write or update the file, in the folder of skills `target` or in the agent's own.

    Returns a sentence on what was done. Raises SkillError, also for a file that somebody
    changed or made: it is kept.
    """
    path = _file(target.absolute()) if target else place(agent)
    new = text()
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


def _file(skills: Path) -> Path:
    """Return the path of the file in a folder of skills."""
    return skills / NAME / "SKILL.md"


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
