"""The sandboxes in which agents run commands: their rules, and the way out.

What tells them apart is what their own packages set, and what they refuse:

- Codex (codex-cli 0.171): `CODEX_SANDBOX=seatbelt` on macOS, and everywhere
  `CODEX_SANDBOX_NETWORK_DISABLED=1` where `network_access` is off: then seccomp refuses
  sockets with EPERM. With the network on, only `CODEX_THREAD_ID` tells of Codex. Files
  outside the project and the temporary folder are on a read-only file system.
- Claude Code and its sandbox runtime (0.0.83): `SANDBOX_RUNTIME=1`; a proxy on this
  machine refuses hosts that were not allowed, and there is no other way out.
"""

import errno
import os
import socket
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from tui.text import one_line

_REFUSALS = (errno.EROFS, errno.EACCES, errno.EPERM)
"""How a sandbox says no."""
_SURE = ("CODEX_SANDBOX", "CODEX_SANDBOX_NETWORK_DISABLED", "SANDBOX_RUNTIME")
"""Variables that only a sandbox sets; Codex sets `CODEX_THREAD_ID` without one, too."""
_MOVE = (
    "Set XDG_STATE_HOME, XDG_CACHE_HOME and RUNAPI_TUI_OUTPUT to folders in the project"
)


class Sandbox(Struct, frozen=True):
    """A known sandbox."""

    name: str
    writing: str
    """Where it lets commands write, and what to do, for a path that is elsewhere."""
    network: str
    """What it lets commands reach, and what to do."""


_CODEX = Sandbox(
    "Codex's sandbox",
    "Codex's sandbox lets commands write in the project and the temporary folder alone."
    f" {_MOVE}, or add {{}} to writable_roots under [sandbox_workspace_write] in"
    " ~/.codex/config.toml.",
    "Codex's sandbox blocks the network. Set network_access = true under"
    " [sandbox_workspace_write] in ~/.codex/config.toml, or let Codex run this command"
    " outside its sandbox.",
)
_CLAUDE = Sandbox(
    "Claude's sandbox",
    "Claude's sandbox lets commands write in the project and the temporary folder alone."
    f" {_MOVE}, or add {{}} to sandbox.filesystem.allowWrite in .claude/settings.json.",
    "Claude's sandbox lets commands reach the domains alone that were allowed. Add"
    " runapi.ai, *.runapi.ai and the host of the images to sandbox.network.allowedDomains"
    " in .claude/settings.json.",
)
_UNKNOWN = Sandbox(
    "a sandbox",
    "The file system there is read-only, as in a sandbox. Set XDG_STATE_HOME,"
    " XDG_CACHE_HOME and RUNAPI_TUI_OUTPUT to folders that can be written to, instead of"
    " {}.",
    "This machine lets the command open no connection, as in a sandbox. Run it outside,"
    " or allow the network there.",
)


def around(env: Mapping[str, str] = os.environ) -> Sandbox | None:
    """Return the known sandbox in which this process runs, or seems to."""
    if env.get("CODEX_SANDBOX") or env.get("CODEX_SANDBOX_NETWORK_DISABLED"):
        return _CODEX
    if env.get("SANDBOX_RUNTIME"):
        return _CLAUDE
    if env.get("CODEX_THREAD_ID"):
        return _CODEX
    return None


def blocks_network(env: Mapping[str, str] = os.environ) -> bool:
    """Return whether no connection at all can be opened; tries to make a socket."""
    if env.get("CODEX_SANDBOX_NETWORK_DISABLED") == "1":
        return True
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()
    except OSError as error:
        return error.errno in _REFUSALS
    return False


def why_not_connected(env: Mapping[str, str] = os.environ) -> str:
    """Return the rule that keeps commands from the network, and the way out.

    Empty where there seems to be none.
    """
    found = around(env)
    if blocks_network(env):
        return (found or _UNKNOWN).network
    # Codex with its network on is as good as no sandbox; Claude's lets some hosts pass.
    return found.network if found is _CLAUDE else ""


def why_not_written(place: Path, error: OSError) -> str:
    """Return the rule that keeps commands from writing there, and the way out.

    `error` is what writing ended with. Empty where it is no sandbox's: permissions are
    told by errors of their own.
    """
    env = os.environ
    is_sure = any(map(env.get, _SURE))
    if error.errno not in (_REFUSALS if is_sure else (errno.EROFS,)):
        return ""
    return (around(env) or _UNKNOWN).writing.replace("{}", one_line(place, 200))
