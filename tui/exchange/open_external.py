"""Opens a result in a viewer or, without a display, finds its URL, `scp` line or path.

Nothing here writes to the terminal: the app copies the texts and shows the sentences.
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

from tui.system import shell
from tui.system.environment import child_environment
from tui.system.ssh import is_over_ssh
from tui.tasks.task import URL_LIVES, Task
from tui.text import duration, is_inert_line, one_line, plain

_PUBLIC = re.compile(r"https?://([\w.-]+)(?::\d{1,5})?(?:[/?#].*)?", re.ASCII)
_OF_THIS_MACHINE = re.compile(
    r"(?:.*\.)?(?:localhost|demo)|127\..*|0\.0\.0\.0", re.IGNORECASE
)

_LONGEST_LINK = 2083
"""Bytes of a link that terminals accept."""


class OpenError(Exception):
    """A result can't be opened or copied; the text is for the user."""


class Ways(NamedTuple):
    """How a result can be opened or copied; an empty field stands for no way.

    `viewer` is the command for `show`.
    """

    viewer: tuple[str, ...] = ()
    path: str = ""
    url: str = ""
    ends_at: float = 0
    """When the URL expires, in seconds since the epoch; 0 where that isn't known."""
    scp: str = ""

    def clip(self, *order: Literal["url", "scp", "path"]) -> tuple[str, str]:
        """Return the first text that exists, and a sentence that it was copied.

        Raises OpenError.
        """
        for way in order:
            text: str = getattr(self, way)
            # A line break in a path would end a command where it is pasted
            if text and is_inert_line(text):
                sentence = f"Sent to the terminal's clipboard: {one_line(text, 400)}"
                return text, plain(f"{sentence}{self._note(way)}")
        raise OpenError(
            "There is nothing to copy: no file is saved, and no public address is left."
        )

    def _note(self, way: str) -> str:
        if way == "scp":
            return " (for a shell of your own machine)"
        if way == "path":
            return ""
        if not self.ends_at:
            return " (expires within seven days)"
        return f" (expires in {duration(self.ends_at - time.time())})"


def ways(
    task: Task, index: int, viewer: str = "", env: Mapping[str, str] = os.environ
) -> Ways:
    """Return how the task's result at `index` can be opened or copied.

    `viewer` is the command that the user prefers, if any.
    """
    if not 0 <= index < len(task.results):
        return Ways()
    result = task.results[index]
    ends_at = task.made_at + URL_LIVES if task.made_at else 0
    url = "" if 0 < ends_at <= time.time() else public(result.url)
    if not (result.path and os.path.isfile(result.path)):
        return Ways(url=url, ends_at=ends_at)
    path = os.path.abspath(result.path)
    return Ways(_viewer(viewer, env), path, url, ends_at, scp(path, env))


def _viewer(wanted: str, env: Mapping[str, str]) -> tuple[str, ...]:
    """Return the command that shows images, the user's or this system's; or nothing."""
    wanted = wanted.strip() or env.get("RUNAPI_TUI_VIEWER", "").strip()
    if wanted:
        try:
            return tuple(shlex.split(wanted))
        except ValueError:  # a quote without an end: then no such program is found
            return (wanted,)
    return folder_viewer(env)


def folder_viewer(env: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the command of this system that opens any file or folder; or nothing."""
    display = env.get("DISPLAY") or env.get("WAYLAND_DISPLAY")
    opens = {
        "wslview": "WSL_DISTRO_NAME" in env,
        "open": sys.platform == "darwin" and not is_over_ssh(env),
        "xdg-open": bool(display),
    }
    for name, may_open in opens.items():
        if may_open and shutil.which(name, path=env.get("PATH")):
            return (name,)
    return ()


def show(viewer: Sequence[str], path: str, patience: float = 1.0) -> None:
    """Open a file in a program that outlives this one.

    Blocks for up to `patience` seconds. Raises OpenError.
    """
    name = one_line(viewer[0], 80)
    none = subprocess.DEVNULL
    # A full path begins with a slash: no program takes it for an option
    command = [*viewer, os.path.abspath(path)]
    try:
        process = subprocess.Popen(
            command,
            stdin=none,
            stdout=none,
            stderr=none,
            start_new_session=True,
            env=child_environment(),
        )
        code = process.wait(patience)
        if code:
            raise OpenError(
                f"{name} could not open the image: it ended with code {code}."
            )
    except subprocess.TimeoutExpired:
        # Waits for it, so that no zombie process is left
        threading.Thread(target=process.wait, daemon=True).start()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or one_line(error)
        raise OpenError(f"{name} can't be started: {reason}.") from error


def public(url: str) -> str:
    """Return the URL if others can open it, quoted for a terminal; or nothing.

    Of what means something to a shell, only `&`, `?` and `#` are left: they divide a URL.
    """
    if plain(url) != url:
        return ""
    quoted = quote(url, safe="%:/?#@&+,=")
    found = _PUBLIC.fullmatch(quoted)
    if not found or _OF_THIS_MACHINE.fullmatch(found[1]):
        return ""
    return quoted if len(quoted) <= _LONGEST_LINK else ""


def scp(path: str, env: Mapping[str, str] = os.environ) -> str:
    """Return a command that copies a file over SSH, if this machine knows its address.

    Returns nothing without SSH.
    """
    if not is_over_ssh(env) or not is_inert_line(path):
        return ""
    address = ""
    _, _, port = env.get("SSH_CLIENT", "").rpartition(" ")
    # Client's address and port, server's address and port
    fields = env.get("SSH_CONNECTION", "").split()
    if len(fields) == 4:
        _, _, address, port = fields
    user = env.get("USER") or env.get("LOGNAME") or ""
    # The remote shell removes backslashes, as do the wildcards of newer versions of
    # scp; only the shell removes quotes.
    escaped = re.sub(r"[^\w@%+=:,./-]", r"\\\g<0>", os.path.abspath(path))
    source = f"{user}@{_host(address)}:{escaped}"
    source = source.removeprefix("@").lstrip("-")
    if port.isascii() and port.isdigit() and port != "22":
        return f"scp -P {port} {shell.word(source)} ."
    return f"scp {shell.word(source)} ."


def _host(address: str) -> str:
    """Return this machine's address as the other side knows it, or else its name."""
    with suppress(ValueError):
        ip = ipaddress.ip_address(address.removeprefix("::ffff:"))
        # On the other side, these mean another machine
        if not (ip.is_loopback or ip.is_link_local or ip.is_unspecified):
            return f"[{ip}]" if ip.version == 6 else str(ip)
    return socket.gethostname()
