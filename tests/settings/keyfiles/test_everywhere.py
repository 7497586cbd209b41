"""All sources side by side: which is used, what is told, and that nothing is ever
changed or raised.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.pretty import pretty_repr

from tests.cli.test_commands import lines, run
from tests.loopback import serving
from tests.settings.keyfiles.conftest import Put
from tui.catalog.load import bundled
from tui.demo import DEMO_KEY
from tui.demo.service import create_app
from tui.settings.credentials import confirm, find, find_all, save

KEYS = {
    kind: f"runapi_{kind}_0123456789abcdef"
    for kind in ("environment", "runapi", "openclaw", "hermes")
}
ENV = {"RUNAPI_API_KEY": KEYS["environment"]}


@pytest.fixture
def full(put: Put, home: Path) -> Path:
    """A home in which every tool knows a key."""
    put(
        ".config/runapi/config.json",
        {"api_key": KEYS["runapi"], "base_url": "https://own.example"},
    )
    provider = {"baseUrl": "https://runapi.ai/v1", "apiKey": KEYS["openclaw"]}
    put(".openclaw/openclaw.json", {"models": {"providers": {"runapi": provider}}})
    put(
        ".hermes/config.yaml",
        "providers:\n  runapi: {api: 'https://runapi.ai/v1', key_env: RUNAPI_API_KEY}\n",
    )
    put(".hermes/.env", f"RUNAPI_API_KEY={KEYS['hermes']}\n")
    return home


def snapshot(folder: Path) -> dict[str, Any]:
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mtime_ns,
            path.is_file() and path.read_bytes(),
        )
        for path in sorted(folder.rglob("*"))
        if ".cache" not in path.parts
    }


def test_the_order_of_precedence(full: Path) -> None:
    found, notes = find_all(ENV)
    assert list(dict.fromkeys(key.kind for key in found)) == [
        "environment",
        "runapi",
        "openclaw",
        "hermes",
    ]
    assert notes == []
    assert find(env=ENV).api_key == KEYS["environment"]
    assert (find(env={}).api_key, find(env={}).base_url) == (
        KEYS["runapi"],
        "https://own.example",
    )
    (full / ".config/runapi/config.json").unlink()
    assert find(env={}).api_key == KEYS["openclaw"]
    (full / ".openclaw/openclaw.json").unlink()
    assert find(env={}).api_key == KEYS["hermes"]


@pytest.mark.parametrize("kind", list(KEYS))
def test_another_source_can_be_asked_for(full: Path, kind: str) -> None:
    assert find(env=ENV, source=kind).api_key == KEYS[kind]
    exact = next(key.source for key in find_all(ENV)[0] if key.kind == kind)
    assert find(env=ENV, source=exact).key_from == exact


def test_a_key_of_a_tool_keeps_its_own_host(full: Path) -> None:
    """RunAPI's own file names another base URL; the tools' keys don't go there."""
    assert find(env={}, source="runapi").base_url == "https://own.example"
    assert (
        find(env={}, source="openclaw").base_url
        == find(env={}, source="hermes").base_url
        == "https://runapi.ai"
    )


def test_a_source_that_has_none_is_told(full: Path) -> None:
    found = find(env=ENV, source="keyring")
    assert (found.api_key, found.notes) == ("", ("No key comes from keyring.",))


def test_no_key_shows_itself(full: Path) -> None:
    found, _ = find_all(ENV)
    for text in (repr(found), str(found[0]), pretty_repr(found)):
        assert not any(key in text for key in KEYS.values())


def test_a_source_that_cannot_be_used_is_a_note_among_all(put: Put) -> None:
    put(".hermes/.env", f"RUNAPI_API_KEY={KEYS['hermes']}")
    found, notes = find_all({"RUNAPI_API_KEY": "two words"})
    assert [key.kind for key in found] == ["hermes"]
    assert notes[0].startswith("RUNAPI_API_KEY is not used: That is not an API key")


def test_later_sources_are_not_read_without_need(full: Path) -> None:
    (full / ".hermes/.env").write_text("RUNAPI_API_KEY=two words")
    assert find(env={}, source="openclaw").notes == ()
    assert find(env=ENV).notes == ()
    assert len(find_all(ENV)[1]) == 1


def test_only_runapis_own_file_is_ever_written(full: Path) -> None:
    before = snapshot(full)
    find_all(ENV)
    find(env={}, source="hermes")
    assert run("doctor", "--offline").returncode == 0
    assert snapshot(full) == before
    save(KEYS["environment"])
    changed = {
        name for name, state in snapshot(full).items() if before.get(name) != state
    }
    assert changed == {".config/runapi", ".config/runapi/config.json"}


def test_doctor_tells_every_key_and_which_is_in_force(full: Path) -> None:
    said = run("doctor", "--json", "--offline", **ENV)
    told = json.loads(said.stdout)["keys"]
    assert [(key["kind"], key["in_force"]) for key in told[:3]] == [
        ("environment", True),
        ("runapi", False),
        ("openclaw", False),
    ]
    assert told[0]["state"] == "in force"
    assert {key["state"] for key in told[1:]} == {
        "not used: RUNAPI_API_KEY comes first"
    }
    assert told[2]["source"] == "~/.openclaw/openclaw.json (provider runapi)"
    assert told[2]["base_url"] == "https://runapi.ai"
    text = run("doctor", "--offline", **ENV).stdout
    assert "(https://runapi.ai): not used: RUNAPI_API_KEY comes first" in text
    assert not any(key in said.stdout + text for key in KEYS.values())


def test_doctor_tells_what_is_broken(put: Put) -> None:
    put(".openclaw/openclaw.json", "{runapi: \x1b]0;x\x07")
    said = run("doctor")
    assert said.returncode == 1  # there is no key
    assert "~/.openclaw/openclaw.json can't be read: not JSON5 (line 1)." in said.stdout


# ---- a real request with a key of another tool


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving(create_app(bundled(), delay=0)) as url:
        yield url


@pytest.mark.parametrize("tool", ["openclaw", "hermes"])
def test_generate_with_a_key_of_another_tool(
    put: Put, home: Path, server: str, tool: str
) -> None:
    if tool == "openclaw":
        put(
            ".openclaw/openclaw.json",
            f"{{models: {{providers: {{runapi: {{baseUrl: '{server}/v1', apiKey: '$RUNAPI_API_KEY'}}}}}}}} // mine",
        )
        put(".openclaw/.env", f"RUNAPI_API_KEY={DEMO_KEY}")
    else:
        put(
            ".hermes/config.yaml",
            f"custom_providers:\n- {{name: runapi, base_url: {server}/v1, key_env: RUNAPI_MINE}}\n",
        )
        put(".hermes/.env", f"RUNAPI_MINE={DEMO_KEY}")
    settings_folder = home / f".{tool}"
    before = snapshot(settings_folder)
    refused = run("generate", "z-image", "-p", "a lake", "--json")
    assert refused.returncode == 2
    assert f"not used before {server} is confirmed: choose this key" in refused.stderr
    confirm(find_all({})[0][0])
    said = run("generate", "z-image", "-p", "a lake", "--json")
    assert (said.returncode, lines(said)[0]["status"]) == (0, "completed"), said.stderr
    assert snapshot(settings_folder) == before
    assert not any(
        DEMO_KEY.encode() in path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and not path.is_relative_to(settings_folder)
    )


# ---- junk

_FILES = (
    *(
        ".openclaw/openclaw.json",
        ".openclaw/.env",
        ".openclaw/agents/main/agent/auth-profiles.json",
    ),
    *(".hermes/config.yaml", ".hermes/.env", ".config/runapi/config.json"),
)
_WORDS = st.sampled_from(
    (
        *(
            "runapi",
            "models",
            "providers",
            "custom_providers",
            "model",
            "provider",
            "custom:runapi",
            "name",
            "id",
        ),
        *(
            "apiKey",
            "api_key",
            "key_env",
            "key",
            "keyRef",
            "baseUrl",
            "base_url",
            "$include",
            "env",
            "vars",
        ),
        *(
            "skills",
            "entries",
            "secrets",
            "source",
            "file",
            "exec",
            "path",
            "profiles",
            "openclaw.json",
            ".",
            "/",
        ),
        *(
            "RUNAPI_API_KEY",
            "RUNAPI_BASE_URL",
            "${X}",
            "$X",
            "<<",
            "~",
            "https://[",
            "\ud800",
            "\0",
        ),
        "https://runapi.ai/v1",
    )
)
_VALUES = st.recursive(
    _WORDS | st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
@given(
    content=st.binary(max_size=60) | _VALUES,
    name=st.sampled_from(_FILES),
    cut=st.integers(0, 400),
)
def test_junk_in_any_file_never_raises(
    home: Path, content: Any, name: str, cut: int
) -> None:
    for other in _FILES:
        path = home / other
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("RUNAPI_API_KEY=x" if other.endswith(".env") else "{}")
    # JSON is JSON5 and YAML, and in a .env file it is as good a junk as any.
    whole = content if isinstance(content, bytes) else json.dumps(content).encode()
    (home / name).write_bytes(whole[:cut] if cut < 200 else whole)
    found, notes = find_all({"X": "x"})
    assert all(
        "\n" not in text and text.isprintable()
        for text in [*notes, *(key.source for key in found)]
    )


def test_bytes_flipped_in_good_files_never_raise(full: Path) -> None:
    chance = random.Random(6)
    files = [path for path in full.rglob("*") if path.is_file()]
    for _ in range(100):
        path = chance.choice(files)
        good = path.read_bytes()
        bad = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            bad[chance.randrange(len(bad))] = chance.randrange(256)
        path.write_bytes(bad)
        find_all({})
        path.write_bytes(good)
