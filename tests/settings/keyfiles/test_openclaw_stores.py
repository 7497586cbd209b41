"""Keys in OpenClaw's databases: found, and nothing there is changed by looking."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.settings.keyfiles.conftest import KEY, Put
from tests.settings.keyfiles.stores import agent_database, profile, shared_database
from tests.settings.keyfiles.test_openclaw import CONFIG, found, notes, provider
from tui.settings.credentials import find, find_all
from tui.settings.keyfiles import sqlite_rows

AGENT = ".openclaw/agents/main/agent/openclaw-agent.sqlite"
SHARED = ".openclaw/state/openclaw.sqlite"

_FIND = """
from tui.settings.credentials import find_all
print(*[key.api_key for key in find_all({})[0]])
"""


def traces(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file's time of change, size and content."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mtime_ns,
            path.stat().st_size,
            path.read_bytes(),
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_keys_of_an_agent_and_of_all_agents_are_found(home: Path) -> None:
    agent_database(
        home / AGENT, **{"runapi:default": profile(KEY), "x": profile("other", "x")}
    ).close()
    shared_database(home / SHARED, shared=profile("shared_key")).close()
    keys, told = find_all({})
    assert [(key.source, key.api_key) for key in keys] == [
        (f"~/{AGENT} (runapi:default)", KEY),
        (f"~/{SHARED} (shared)", "shared_key"),
    ]
    assert told == []


@pytest.mark.parametrize("is_open", [True, False])
def test_a_database_and_its_log_stay_as_they_are(home: Path, is_open: bool) -> None:
    db = agent_database(home / AGENT, a=profile("first"))
    if not is_open:
        db.close()
    else:  # the newest key is in the log alone
        db.execute(
            "update auth_profile_store"
            " set store_json = replace(store_json, 'first', 'second')"
        )
        assert (home / f"{AGENT}-wal").stat().st_size
    before = traces(home)
    # In another process: connections of one process share what they know of the log.
    said = subprocess.run(
        [sys.executable, "-c", _FIND], capture_output=True, text=True, timeout=30
    )
    assert said.stdout == f"{'second' if is_open else 'first'}\n"
    assert traces(home) == before
    db.close()


def test_a_folder_that_may_not_be_written_to_is_read(home: Path) -> None:
    agent_database(home / AGENT, a=profile(KEY)).close()
    folder = (home / AGENT).parent
    folder.chmod(0o500)
    try:
        assert found() == [(KEY, "")]
    finally:
        folder.chmod(0o700)


def test_a_log_that_a_crash_left_behind_is_told_and_kept(home: Path) -> None:
    db = agent_database(home / AGENT, a=profile(KEY))
    db.execute("update auth_profile_store set updated_at = 1")
    left = {
        path.name: path.read_bytes()
        for path in (home / AGENT).parent.iterdir()
        if not path.name.endswith("-shm")
    }
    db.close()
    for name, content in left.items():
        ((home / AGENT).parent / name).write_bytes(content)
    before = traces(home)
    assert found() == []
    assert "was left behind by a crash: start OpenClaw once" in notes()
    assert traces(home) == before


def test_a_secret_of_the_store_is_found(home: Path, put: Put) -> None:
    reference = {"source": "store", "provider": "default", "id": "RUNAPI_API_KEY"}
    put(CONFIG, provider(reference))
    assert "the secret RUNAPI_API_KEY, which OpenClaw's store doesn't have" in notes()
    shared_database(home / SHARED, {"RUNAPI_API_KEY": KEY}).close()
    assert found() == [(KEY, "https://runapi.ai")]
    assert notes() == ""


def test_a_sign_in_is_told_with_its_cure(home: Path) -> None:
    agent_database(
        home / AGENT, a={"type": "oauth", "provider": "runapi", "access": "secret"}
    ).close()
    assert found() == []
    assert "`openclaw models auth paste-api-key --provider runapi`" in notes()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", ""),
        (b"not SQLite", "not a database of SQLite"),
        (b"SQLite format 3\0" + b"\xff" * 4000, "it is damaged, or not as expected"),
    ],
)
def test_a_broken_database_is_told(home: Path, content: bytes, reason: str) -> None:
    path = home / AGENT
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert found() == []
    assert reason in notes()
    assert bool(reason) == bool(notes())


def test_what_is_no_file_is_told(home: Path) -> None:
    path = home / AGENT
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    assert found() == []
    assert "it is not a regular file" in notes()


def test_a_view_or_endless_rows_take_no_time(home: Path) -> None:
    path = home / AGENT
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as db:
        db.execute(
            "create view auth_profile_store as with recursive r(n) as (select 1 union"
            " all select n + 1 from r) select 'primary' store_key, max(n) store_json"
            " from r"
        )
    assert found() == []


def test_slow_and_large_rows_are_given_up(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = home / AGENT
    agent_database(path, a=profile(KEY, note="x" * 1_500_000)).close()
    assert found() == []
    assert "a text in it is larger than" in notes()
    path.unlink()
    db = agent_database(path, a=profile(KEY))
    db.execute("drop table auth_profile_store")
    db.execute("create table auth_profile_store (store_key, store_json)")
    db.execute(
        "with recursive r(n) as (select 1 union all select n + 1 from r where n < 20000)"
        " insert into auth_profile_store select 'x', n from r"
    )
    db.close()
    monkeypatch.setattr(sqlite_rows, "_SECONDS", 0.0)
    assert found() == []
    assert "reading it takes too long" in notes()


def test_a_profile_of_openclaw_has_its_own_folder(home: Path, put: Put) -> None:
    put(CONFIG, provider("usual_key"))
    put(".openclaw-work/openclaw.json", provider(KEY))
    for name, key in (("work", KEY), ("default", "usual_key"), ("", "usual_key")):
        assert find(env={"OPENCLAW_PROFILE": name}).api_key == key
    moved = {"OPENCLAW_PROFILE": "work", "OPENCLAW_STATE_DIR": "~/.openclaw"}
    assert find(env=moved).api_key == "usual_key"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("away", "there is no ~/.openclaw-away"),
        ("../../etc", "is no name of a profile"),
    ],
)
def test_a_profile_that_is_not_there_is_told(put: Put, name: str, reason: str) -> None:
    put(CONFIG, provider(KEY))
    env: dict[str, Any] = {"OPENCLAW_PROFILE": name}
    assert found(env) == [(KEY, "https://runapi.ai")]
    assert reason in notes(env)
