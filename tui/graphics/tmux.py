"""tmux: what gets through it, and which terminals show a pane of it."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from tui.system.environment import child_environment

_SECONDS = 2.0
_FACTS = "#{client_termfeatures}|#{allow-passthrough}|#{client_termtype}|#{version}"
_VIEW = (
    "#{client_pid}|#{client_created}|#{window_id}|#{window_zoomed_flag}|#{pane_id}|"
    "#{client_termname}"
)
_VIEW_FIELDS = 6
_WINDOW = re.compile(r"@\d+")


@dataclass(frozen=True)
class TmuxFacts:
    """What tmux tells of itself; everything is empty where it doesn't answer.

    `features` are those of the terminal around it, `terminal` that one's own name as
    XTVERSION tells it, `passthrough` the option, which tmux has from 3.3 on.
    """

    features: str = ""
    passthrough: str = ""
    terminal: str = ""
    version: str = ""

    @property
    def is_known(self) -> bool:
        return bool(self.version or self.passthrough or self.features)

    @property
    def lets_through(self) -> bool:
        """Whether a question may reach the terminal around it."""
        return self.passthrough not in ("off", "0")


@dataclass(frozen=True)
class TmuxClient:
    """A terminal that is attached to tmux, and shows our pane.

    `terminal` is its TERM; `has_keys`: what it answers reaches our pane, and not another.
    """

    id: str
    terminal: str
    has_keys: bool


def through_tmux(sequence: str) -> str:
    """Returns a sequence wrapped, so that tmux passes it to the terminal around it."""
    escaped = sequence.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{escaped}\x1b\\"


def facts(env: Mapping[str, str]) -> TmuxFacts:
    """Returns what the tmux of our pane tells; it may run on another machine."""
    told = _run(env, "display-message", "-p", _FACTS)
    fields = (told or "").strip().split("|")
    return TmuxFacts(*fields[:4])


def viewers(env: Mapping[str, str]) -> frozenset[TmuxClient] | None:
    """Returns the terminals that show our pane now; None where tmux doesn't tell."""
    pane = env.get("TMUX_PANE", "")
    if not pane:
        return None
    window = ("display-message", "-p", "-t", pane, "#{window_id}")
    told = _run(env, *window, ";", "list-clients", "-F", _VIEW)
    ours, *clients = (told or "").splitlines() or [""]
    if not _WINDOW.fullmatch(ours):
        return None
    found: set[TmuxClient] = set()
    for line in clients:
        fields = line.split("|")
        if len(fields) != _VIEW_FIELDS:
            continue
        pid, created, shown, zoomed, active, terminal = fields
        if shown == ours and (zoomed != "1" or active == pane):
            found.add(TmuxClient(f"{pid} {created}", terminal, active == pane))
    return frozenset(found)


def version_of(name: str) -> tuple[int, ...]:
    """Returns the numbers of a version such as `3.3a` or `next-3.5`."""
    return tuple(int(number) for number in re.findall(r"\d+", name)[:2])


def _run(env: Mapping[str, str], *command: str) -> str | None:
    """Returns what a command of tmux prints; None where it fails."""
    if not env.get("TMUX"):
        return None  # this tmux runs on another machine
    try:
        done = subprocess.run(
            ["tmux", *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            env=child_environment(env),
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None
