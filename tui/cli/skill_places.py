"""Where each agent reads skill files: `<folder>/runapi-tui/SKILL.md`.

As documented, and as the agents' packages of November 2026 do it:

- OpenClaw: https://docs.openclaw.ai/tools/skills: `<state-dir>/skills`; in the usual
  folder `~/.agents/skills` comes before it
- Hermes Agent: `$HERMES_HOME/skills/<category>/<name>`, in the active profile
- Claude Code: https://code.claude.com/docs/en/skills (`~/.claude/skills`),
  https://code.claude.com/docs/en/env-vars (`CLAUDE_CONFIG_DIR`)
- Codex: https://developers.openai.com/codex/skills (`~/.agents/skills`); the older
  `$CODEX_HOME/skills` is still read
- Gemini CLI: https://geminicli.com/docs/cli/skills (`~/.gemini/skills`; a skill of the
  same name in `~/.agents/skills` hides it, with a warning at each start)
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tui.paths import home

AGENTS = ("openclaw", "hermes", "claude", "codex", "gemini")
_SHARED = "~/.agents/skills"


class SkillFolders(NamedTuple):
    """The folders in which an agent looks for skills."""

    own: Path
    shared: Path | None = None
    """One that other agents read too: what is there hides what is in `own`."""
    problem: str = ""
    """Why neither can be used."""


def folders(agent: str, env: Mapping[str, str]) -> SkillFolders:
    """Return the folders of one of AGENTS, whether they exist or not."""

    def folder(variable: str, default: Path) -> Path:
        named = env.get(variable, "").strip()
        return home(named) if named else default

    match agent:
        case "openclaw":
            return _openclaw(env)
        case "hermes":
            return _hermes(env)
        case "claude":
            return SkillFolders(
                folder("CLAUDE_CONFIG_DIR", home("~/.claude")) / "skills"
            )
        case "gemini":
            around = folder("GEMINI_CLI_HOME", home("~"))
            return SkillFolders(
                around / ".gemini" / "skills", around / ".agents" / "skills"
            )
        case _:
            return SkillFolders(folder("CODEX_HOME", home("~/.agents")) / "skills")


def _openclaw(env: Mapping[str, str]) -> SkillFolders:
    from tui.settings.keyfiles import openclaw_places

    state, problem = openclaw_places.folder(env)
    shared = home(_SHARED) if openclaw_places.is_usual(env, state) else None
    return SkillFolders(state / "skills", shared, problem)


def _hermes(env: Mapping[str, str]) -> SkillFolders:
    from tui.settings.keyfiles import hermes_places

    places = hermes_places.places(env)
    return SkillFolders(places.folder / "skills" / "creative", None, places.problem)
