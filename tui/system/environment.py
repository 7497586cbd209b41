"""The environment of the programs that this one starts: all of it but the keys."""

import os
import re
from collections.abc import Mapping

_NAMED_AS_KEY = re.compile(r"RUNAPI.*(?:KEY|TOKEN|SECRET)", re.IGNORECASE)
_secrets: set[str] = set()
_variables: set[str] = set()


def hide_secret(secret: str) -> None:
    """Keep a secret that is in use from all programs that are started later."""
    if secret:
        _secrets.add(secret)


def hide_variable(name: str) -> None:
    """Keep a variable, which holds somebody's key, from all programs started later."""
    _variables.add(name)


def child_environment(env: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for a program: without a variable that holds a key.

    Those are what RunAPI's variables call a key, those of profiles, and whatever holds
    a key that is in use.
    """
    own = os.environ if env is None else env
    return {name: value for name, value in own.items() if not _is_secret(name, value)}


def _is_secret(name: str, value: str) -> bool:
    """Return whether a variable is a key, or has one in its value."""
    if name in _variables or _NAMED_AS_KEY.match(name):
        return True
    return any(secret in value for secret in _secrets)
