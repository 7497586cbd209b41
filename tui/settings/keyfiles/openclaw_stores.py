"""OpenClaw's SQLite databases, to which `openclaw doctor --fix` moves its keys.

The layout is that of OpenClaw 2026.9.6: `store_json` of `auth_profile_store` in the
database of each agent (docs/gateway/config-secrets-env.md there), `authProfiles.store`
of `config_machine_state` in the shared one, before that `auth_profile_stores`, and
`secret_store_entries` for secrets of the source `store`
(docs/gateway/secrets/secret-store-and-egress.md).
"""

from pathlib import Path
from typing import Any

from tui.settings.keyfiles import sqlite_rows
from tui.settings.keyfiles.files import json5
from tui.settings.keyfiles.variables import mentions


def shared(folder: Path) -> Path:
    """Return the database that all agents share."""
    return folder / "state" / "openclaw.sqlite"


def agent_profiles(path: Path) -> dict[str, Any]:
    """Return the store of profiles in an agent's database. Raises Unreadable."""
    with sqlite_rows.opened(path) as rows:
        if rows is None:
            return {}
        text = rows.text("auth_profile_store", "store_json", store_key="primary")
    return _store(text, path)


def shared_profiles(path: Path) -> dict[str, Any]:
    """Return the store of profiles that agents share. Raises Unreadable."""
    with sqlite_rows.opened(path) as rows:
        if rows is None:
            return {}
        text = rows.text(
            "config_machine_state", "value_json", state_key="authProfiles.store"
        ) or rows.text("auth_profile_stores", "store_json", store_key="primary")
    return _store(text, path)


def secret(path: Path, name: str) -> str:
    """Return a secret of the shared database; empty without it. Raises Unreadable."""
    with sqlite_rows.opened(path) as rows:
        if rows is None:
            return ""
        return rows.text(
            "secret_store_entries",
            "value",
            scope_kind="team",
            name=name,
            deleted_at_ms=None,
        )


def _store(text: str, path: Path) -> dict[str, Any]:
    """Return a store, if it mentions RunAPI. Raises Unreadable."""
    store = json5(text, path) if mentions(text) else {}
    return store if isinstance(store, dict) else {}
