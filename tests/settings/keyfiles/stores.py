"""Databases as OpenClaw 2026.9.6 writes them, with keys in them."""

import json
import sqlite3
from pathlib import Path
from typing import Any

_AGENT = """
create table auth_profile_store (
  store_key text not null primary key,
  store_json text not null,
  updated_at integer not null
) strict;
"""
_SHARED = """
create table config_machine_state (
  state_key text not null primary key,
  value_json text not null,
  updated_at_ms integer not null
) strict;
create table secret_store_entries (
  scope_kind text not null check (scope_kind in ('team', 'identity')),
  scope_id text not null,
  name text not null,
  value text not null,
  kind text not null check (kind in ('secret', 'env')),
  created_at_ms integer not null,
  updated_at_ms integer not null,
  updated_by text,
  deleted_at_ms integer,
  allowed_hosts text,
  primary key (scope_kind, scope_id, name)
) strict;
"""


def profile(key: Any, provider: str = "runapi", **more: Any) -> dict[str, Any]:
    return {"type": "api_key", "provider": provider, "key": key, **more}


def agent_database(path: Path, **profiles: Any) -> sqlite3.Connection:
    """Make an agent's database; it stays open, with its log beside it."""
    db = _made(path, _AGENT)
    store = json.dumps({"version": 1, "profiles": profiles})
    db.execute("insert into auth_profile_store values ('primary', ?, 0)", (store,))
    return db


def shared_database(
    path: Path, secrets: dict[str, str] | None = None, **profiles: Any
) -> sqlite3.Connection:
    """Make the database that all agents share; it stays open."""
    db = _made(path, _SHARED)
    store = json.dumps({"version": 1, "profiles": profiles})
    db.execute(
        "insert into config_machine_state values ('authProfiles.store', ?, 0)", (store,)
    )
    for name, value in (secrets or {}).items():
        db.execute(
            "insert into secret_store_entries values"
            " ('team', '', ?, ?, 'secret', 0, 0, 'cli', null, null)",
            (name, value),
        )
    return db


def _made(path: Path, schema: str) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("pragma journal_mode = wal")
    db.executescript(schema)
    return db
