"""Whether this program runs in an SSH session."""

from collections.abc import Mapping

_VARIABLES = ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")


def is_over_ssh(env: Mapping[str, str]) -> bool:
    """Return whether the terminal is on another machine, by what sshd sets."""
    return any(env.get(name) for name in _VARIABLES)
