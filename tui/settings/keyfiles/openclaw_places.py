"""Where OpenClaw keeps its files, under each of its names and in each of its profiles."""

import os.path
import re
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from tui.paths import home
from tui.settings.keyfiles.files import shown
from tui.text import one_line

_NAMES = ("openclaw", "clawdbot", "moldbot", "moltbot")
_PROFILE = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.IGNORECASE)
"""Names of profiles, by OpenClaw's src/cli/profile-utils.ts."""
_AGENTS = 50
"""How many agents' keys are read at most."""


class Agent(NamedTuple):
    """Where an agent keeps the profiles that hold its keys."""

    database: Path
    profiles: Path
    """The file that the database replaces."""


def folder(env: Mapping[str, str]) -> tuple[Path, str]:
    """Return OpenClaw's folder, whether it exists or not, and what is wrong with it."""
    named = _first(env, "STATE_DIR")
    if named:
        return path(named, env), ""
    usual = _existing([path(f"~/.{name}", env) for name in _NAMES])
    profile = env.get("OPENCLAW_PROFILE", "").strip()
    if profile.casefold() in ("", "default"):
        return usual, ""
    if not _PROFILE.fullmatch(profile):
        return usual, (
            f"OPENCLAW_PROFILE is no name of a profile: {one_line(profile, 80)}."
            " Correct it, or unset it."
        )
    own = path(f"~/.openclaw-{profile}", env)
    if os.path.isdir(own):
        return own, ""
    # OpenClaw itself takes the usual one then, unless it was started with --profile.
    return usual, (
        f"OPENCLAW_PROFILE is {profile}, and there is no {shown(own)}:"
        f" `openclaw --profile {profile} setup` makes it."
    )


def config(env: Mapping[str, str], folder: Path) -> Path:
    """Return OpenClaw's settings file, whether it exists or not."""
    named = _first(env, "CONFIG_PATH")
    if named:
        return path(named, env)
    return _existing([folder / f"{name}.json" for name in _NAMES])


def is_usual(env: Mapping[str, str], folder: Path) -> bool:
    """Return whether that is the folder of nobody's profile.

    Only then does OpenClaw read `~/.agents/skills`, too.
    """
    return os.path.abspath(folder) == os.path.abspath(path("~/.openclaw", env))


def agents(folder: Path) -> list[Agent]:
    """Return the files of all agents, those of the main agent first."""
    try:
        found = list(islice((folder / "agents").iterdir(), _AGENTS))
    except OSError:
        return []
    found.sort(key=lambda agent: (agent.name != "main", agent))
    return [
        Agent(
            agent / "agent" / "openclaw-agent.sqlite",
            agent / "agent" / "auth-profiles.json",
        )
        for agent in found
    ]


def path(text: str, env: Mapping[str, str]) -> Path:
    """Return a path; `~` is OpenClaw's home, which may differ from the user's."""
    own = env.get("OPENCLAW_HOME", "").strip()
    if own and (text == "~" or text.startswith("~/")):
        return home(own + text[1:])
    return home(text)


def _existing(paths: list[Path]) -> Path:
    """Return the first path that exists, or else the very first."""
    for found in paths:
        if os.path.exists(found):
            return found
    return paths[0]


def _first(env: Mapping[str, str], name: str) -> str:
    """Return a variable of OpenClaw's, by its present or its former name."""
    present = env.get(f"OPENCLAW_{name}", "").strip()
    former = env.get(f"CLAWDBOT_{name}", "").strip()
    return present or former
