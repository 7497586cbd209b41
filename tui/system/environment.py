"""The environment of the programs that this one starts: all of it but the keys."""

import os
import re
from collections.abc import Mapping

_NAMED_AS_KEY = re.compile(r"RUNAPI_.*(?:KEY|TOKEN|SECRET)", re.IGNORECASE)
_secrets: set[str] = set()


def hide_secret(secret: str) -> None:
    """Keep a secret that is in use from all programs that are started later."""
    if secret:
        _secrets.add(secret)


def child_environment(env: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for a program: without a variable that holds a key.

    Those are what the name of RunAPI's variables calls a key, and whatever holds one
    that is in use.
    """
    own = os.environ if env is None else env
    return {name: value for name, value in own.items() if not _is_secret(name, value)}


def _is_secret(name: str, value: str) -> bool:
    """Return whether a variable is a key, or has one in its value."""
    return bool(_NAMED_AS_KEY.fullmatch(name)) or any(
        secret in value for secret in _secrets
    )
