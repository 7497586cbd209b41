"""Checks the user's own settings: keys of the app, theme, models."""

from collections.abc import Iterator

from tui.session import Session
from tui.system.finding import Finding, Level
from tui.text import did_you_mean, one_line


def check(session: Session) -> Iterator[Finding]:
    """Yield what is wrong with the settings, or that nothing is."""
    problems = [*_families(session), *_keys(session), *_theme(session)]
    yield from problems
    if not problems:
        yield Finding(Level.OK, "settings", "Settings, keys and theme are valid.")


def _families(session: Session) -> Iterator[Finding]:
    for problem in session.problems:
        yield Finding(Level.WARNING, "models", problem)


def _keys(session: Session) -> Iterator[Finding]:
    for problem in key_problems(session):
        yield Finding(
            Level.WARNING,
            "keys",
            problem,
            f"Correct it under [keys] in {session.folders.config_file}.",
        )


def key_problems(session: Session) -> list[str]:
    """Return what is wrong with the user's own keys in the app."""
    if not session.config.keys:
        return []
    import tui.app  # noqa: F401  (its keys are among all)
    from tui.screens import keymap

    return list(keymap.check(session.config.keys).problems)


def _theme(session: Session) -> Iterator[Finding]:
    wanted = session.config.theme
    if not wanted:
        return
    from textual.theme import BUILTIN_THEMES

    from tui.widgets.themes import OWN

    known = [*BUILTIN_THEMES, *(theme.name for theme in OWN)]
    if wanted not in known:
        meant = did_you_mean(wanted, known)
        yield Finding(
            Level.WARNING,
            "theme",
            f"There is no theme {one_line(wanted, 40)}.{meant}",
            f"`theme` in {session.folders.config_file} can be one of:"
            f" {', '.join(sorted(known))}.",
        )
