"""The way out: a result in a viewer here or, where there is no display, its public URL,
an `scp` line or its path.

Nothing here writes to the terminal: the app sends the texts and shows the sentences.
"""

import ipaddress
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Literal, NamedTuple
from urllib.parse import quote

from tui.system.ssh import is_over_ssh
from tui.tasks.task import URL_LIVES, Task
from tui.text import duration, one_line, plain

_PUBLIC = re.compile(r"https?://([\w.-]+)(?::\d{1,5})?(?:[/?#].*)?", re.ASCII)
_OF_THIS_MACHINE = re.compile(
    r"(?:.*\.)?(?:localhost|demo)|127\..*|0\.0\.0\.0", re.IGNORECASE
)


class OpenError(Exception):
    """Why a result can't be opened or handed on, as a sentence for the user."""


class Ways(NamedTuple):
    """The ways out that a result has; what is empty isn't one. `viewer` is the command
    for `show`.
    """

    viewer: tuple[str, ...] = ()
    path: str = ""
    url: str = ""
    ends_at: float = 0
    """When the URL ends; 0 where that isn't known."""
    scp: str = ""

    def clip(self, *order: Literal["url", "scp", "path"]) -> tuple[str, str]:
        """The first that there is: a text for the terminal's clipboard, what to say of
        it. Raises HandoffError.
        """
        left = (
            duration(self.ends_at - time.time())
            if self.ends_at
            else "seven days at most"
        )
        more = {
            "url": f" (ends in {left})",
            "scp": " (for a shell of your own machine)",
            "path": "",
        }
        for way in order:
            if text := getattr(self, way):
                return text, plain(
                    f"Sent to the terminal's clipboard: {one_line(text, 400)}{more[way]}"
                )
        raise OpenError(
            "There is nothing to hand on: no file is saved, and no public address is left."
        )


def ways(
    task: Task, index: int, viewer: str = "", env: Mapping[str, str] = os.environ
) -> Ways:
    """The ways out of the task's result at `index`; `viewer` is the command that the
    user prefers, if any.
    """
    if not 0 <= index < len(task.results):
        return Ways()
    result, ends_at = (
        task.results[index],
        task.made_at + URL_LIVES if task.made_at else 0,
    )
    url = "" if 0 < ends_at <= time.time() else public(result.url)
    if not (result.path and os.path.isfile(result.path)):
        return Ways(url=url, ends_at=ends_at)
    path = os.path.abspath(result.path)
    return Ways(_viewer(viewer, env), path, url, ends_at, scp(path, env))


def _viewer(wanted: str, env: Mapping[str, str]) -> tuple[str, ...]:
    if wanted := wanted.strip() or env.get("RUNAPI_TUI_VIEWER", "").strip():
        try:
            return tuple(shlex.split(wanted))
        except ValueError:  # a quote without an end: told when no such program is found
            return (wanted,)
    mac = sys.platform == "darwin" and not is_over_ssh(env)
    display = env.get("DISPLAY") or env.get("WAYLAND_DISPLAY")
    names = (
        ["wslview"] * ("WSL_DISTRO_NAME" in env)
        + ["open"] * mac
        + ["xdg-open"] * bool(display)
    )
    return next(
        ((name,) for name in names if shutil.which(name, path=env.get("PATH"))), ()
    )


def show(viewer: Sequence[str], path: str, patience: float = 1.0) -> None:
    """Open a file in a program that outlives this one. Blocks for up to `patience`
    seconds. Raises HandoffError.
    """
    name, none = one_line(viewer[0], 80), subprocess.DEVNULL
    # Which begins with a slash: never taken for an option
    command = [*viewer, os.path.abspath(path)]
    try:
        process = subprocess.Popen(
            command, stdin=none, stdout=none, stderr=none, start_new_session=True
        )
        if code := process.wait(patience):
            raise OpenError(
                f"{name} could not open the image: it ended with code {code}."
            )
    except subprocess.TimeoutExpired:
        # No zombie is left of it
        threading.Thread(target=process.wait, daemon=True).start()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or one_line(error)
        raise OpenError(f"{name} can't be started: {reason}.") from error


def public(url: str) -> str:
    """A URL that others can open, harmless in escape sequences and between quotes or
    brackets; or nothing.
    """
    quoted = quote(url, safe="%:/?#@!$&()*+,;=") if plain(url) == url else ""
    found = _PUBLIC.fullmatch(quoted)
    # Terminals take links of up to 2083 bytes.
    return (
        quoted
        if found and not _OF_THIS_MACHINE.fullmatch(found[1]) and len(quoted) <= 2083
        else ""
    )


def scp(path: str, env: Mapping[str, str] = os.environ) -> str:
    """The line that fetches a file over SSH, by what this machine knows of itself;
    nothing without SSH.
    """
    if not is_over_ssh(env) or plain(path) != path or {"\n", "\t"} & {*path}:
        return ""
    # Client's address and port, server's address and port
    fields = env.get("SSH_CONNECTION", "").split()
    address, port = (
        fields[2:]
        if len(fields) == 4
        else ("", env.get("SSH_CLIENT", "").rpartition(" ")[2])
    )
    user = env.get("USER") or env.get("LOGNAME") or ""
    # The shell over there takes backslashes off and, with newer scp, its wildcards do;
    # quotes only the former.
    source = f"{user}@{_host(address)}:" + re.sub(
        r"[^\w@%+=:,./-]", r"\\\g<0>", os.path.abspath(path)
    )
    options = ["-P", port] if port.isascii() and port.isdigit() and port != "22" else []
    return shlex.join(["scp", *options, source.removeprefix("@").lstrip("-"), "."])


def _host(address: str) -> str:
    with suppress(ValueError):
        ip = ipaddress.ip_address(address.removeprefix("::ffff:"))
        # Over there, another machine
        if not (ip.is_loopback or ip.is_link_local or ip.is_unspecified):
            return f"[{ip}]" if ip.version == 6 else str(ip)
    return socket.gethostname()
