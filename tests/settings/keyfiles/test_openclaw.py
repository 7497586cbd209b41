"""Every form in which OpenClaw may hold a key, and what is made of it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.settings.keyfiles.conftest import KEY, Put
from tui.settings.credentials import confirm, find, find_all

CONFIG = ".openclaw/openclaw.json"
HOME = "https://runapi.ai"


def provider(
    key: Any,
    url: str | None = "https://runapi.ai/v1",
    name: str = "runapi",
    **more: Any,
) -> dict[str, Any]:
    said = {"apiKey": key} | ({"baseUrl": url} if url is not None else {})
    return {"models": {"mode": "merge", "providers": {name: said}}} | more


def found(env: dict[str, str] | None = None) -> list[tuple[str, str]]:
    return [
        (key.api_key, key.base_url)
        for key in find_all(env or {})[0]
        if key.kind == "openclaw"
    ]


def notes(env: dict[str, str] | None = None) -> str:
    return "\n".join(find_all(env or {})[1])


def test_settings_as_runapi_prescribes_them(put: Put) -> None:
    put(
        CONFIG,
        """// mine
        {
          models: {
            mode: "merge",
            providers: {
              runapi: {
                baseUrl: 'https://runapi.ai/v1', /* v1 is OpenAI's */
                apiKey: "${RUNAPI_API_KEY}",
                models: [{ id: "gpt-5.2", reasoning: false, contextWindow: 128000, },],
              },
            },
          },
        }""",
    )
    put(".openclaw/.env", f"# keys\nexport RUNAPI_API_KEY='{KEY}'\n")
    credential = find(env={})
    assert (credential.api_key, credential.base_url) == (KEY, HOME)
    assert (
        credential.key_from
        == credential.url_from
        == "~/.openclaw/openclaw.json (provider runapi)"
    )
    assert credential.notes == ()


@pytest.mark.parametrize(
    ("settings", "env", "expected"),
    [
        (provider(KEY), {}, [(KEY, HOME)]),
        (provider(f" {KEY}\n"), {}, [(KEY, HOME)]),
        (provider(KEY, None), {}, [(KEY, "")]),
        (provider(KEY, name="RunAPI"), {}, [(KEY, HOME)]),
        (provider(KEY, name="images"), {}, [(KEY, HOME)]),
        (
            provider(KEY, "https://api.runapi.ai/v1", name="images"),
            {},
            [(KEY, "https://api.runapi.ai")],
        ),
        (provider("${X_KEY}"), {"X_KEY": KEY}, [(KEY, HOME)]),
        (provider("$X_KEY"), {"X_KEY": KEY}, [(KEY, HOME)]),
        (provider("secretref-env:X_KEY"), {"X_KEY": KEY}, [(KEY, HOME)]),
        (provider("run${A}_${B}"), {"A": "api", "B": "x"}, [("runapi_x", HOME)]),
        (provider("${X_KEY}", env={"X_KEY": KEY}), {}, [(KEY, HOME)]),
        (
            provider(
                "${X_KEY}", env={"vars": {"X_KEY": KEY}, "shellEnv": {"enabled": True}}
            ),
            {},
            [(KEY, HOME)],
        ),
        (provider("${X_KEY}", env={"X_KEY": "other"}), {"X_KEY": KEY}, [(KEY, HOME)]),
        (
            provider({"source": "env", "provider": "default", "id": "X_KEY"}),
            {"X_KEY": KEY},
            [(KEY, HOME)],
        ),
        (provider(KEY, "${X_URL}/v1"), {"X_URL": HOME}, [(KEY, HOME)]),
        ({"env": {"RUNAPI_API_KEY": KEY}}, {}, [(KEY, "")]),
        (
            {
                "env": {
                    "RUNAPI_API_KEY": KEY,
                    "RUNAPI_BASE_URL": "https://api.runapi.ai",
                }
            },
            {},
            [(KEY, "https://api.runapi.ai")],
        ),
        ({"skills": {"entries": {"runapi-cli": {"apiKey": KEY}}}}, {}, [(KEY, "")]),
        (
            {"skills": {"entries": {"flux": {"env": {"RUNAPI_API_KEY": KEY}}}}},
            {},
            [(KEY, "")],
        ),
        # Not RunAPI's: never used.
        (provider(KEY, "https://api.example/v1", name="other", x="runapi"), {}, []),
        (provider(KEY, "https://runapi.ai.evil.example", name="other"), {}, []),
        (provider(KEY, "https://notrunapi.ai", name="other"), {}, []),
        (provider(KEY, "https://evil.example/runapi.ai", name="runapi.ai"), {}, []),
        ({"skills": {"entries": {"gemini": {"apiKey": KEY}}}, "x": "runapi"}, {}, []),
        ({"env": {"OPENAI_API_KEY": KEY}, "x": "runapi"}, {}, []),
        # Nothing that says anything.
        *(
            (provider(nothing), {}, [])
            for nothing in (None, "", "  ", 5, True, [KEY], {}, {"source": 5, "id": []})
        ),
    ],
)
def test_forms(
    put: Put, settings: Any, env: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    put(CONFIG, settings)
    assert found(env) == expected


def test_a_runapi_elsewhere_is_used_there_alone_and_told(put: Put) -> None:
    put(
        CONFIG,
        provider(
            KEY,
            "https://gateway.example/v1",
            env={"RUNAPI_API_KEY": "of-the-gateway-too"},
        ),
    )
    assert "belongs to https://gateway.example" in notes()
    assert {url for _, url in found()} == {"https://gateway.example"}
    refused = find(env={})
    assert (refused.api_key, refused.base_url) == ("", HOME)
    assert "not used before https://gateway.example is confirmed" in refused.notes[1]
    confirm(find_all({})[0][0])
    credential = find(env={})
    assert (credential.api_key, credential.base_url) == (KEY, "https://gateway.example")


def test_an_option_or_the_environment_says_another_base_url(put: Put) -> None:
    put(CONFIG, provider(KEY))
    assert find("https://option.example", {}).base_url == "https://option.example"
    assert (
        find(env={"RUNAPI_BASE_URL": "https://env.example"}).url_from
        == "RUNAPI_BASE_URL"
    )


def test_a_key_brings_its_base_url_past_runapis_own_file(put: Put) -> None:
    put(".config/runapi/config.json", {"base_url": "https://file.example"})
    put(CONFIG, provider(KEY))
    assert find(env={}).base_url == HOME
    put(CONFIG, provider(KEY, None))
    assert find(env={}).base_url == "https://file.example"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (provider("${NOT_SET}"), "${NOT_SET} is not set"),
        (provider("$NOT_SET"), "${NOT_SET} is not set"),
        (provider("secret-part${NOT_SET}"), "${NOT_SET} is not set"),
        (provider("$${NOT_SET}"), "is not set"),
        (provider(KEY, "${NOT_SET}/v1"), "base URL is not set"),
        (provider(KEY, "https://runapi.ai/${NOT_SET}"), "base URL is not set"),
        (provider(KEY, "http://runapi.ai/v1"), "not encrypted"),
        (provider(KEY, "runapi.ai"), "not a base URL"),
        (provider("two words"), "not an API key"),
        (
            provider({"source": "exec", "provider": "vault", "id": "x"}),
            "doesn't run: set RUNAPI_API_KEY.",
        ),
        (provider({"source": "keyring", "provider": "k", "id": "x"}), "`keyring`"),
        (provider({"source": "file", "provider": "f", "id": "value"}), "can't be read"),
        ("{runapi: ", "not JSON5"),
        ('["runapi"]', "not an object"),
        ("runapi " * 200_000, "larger than 1.0 MB"),
        *(
            pytest.param(content, "nested too deeply", id=f"deep {content[:6]!r}")
            for content in (
                "[" * 50_000 + '"runapi"',
                "[\n" * 50_000 + '"runapi"',
                '["runapi", ' * 50_000,
                "{runapi: " * 50_000,
                "[" * 31 + '"runapi"' + "]" * 31,
                "[" * 900 + '"runapi"' + "]" * 900,
                "// 'runapi\n" + "[" * 50_000 + "]" * 50_000,
            )
        ),
        ('["runapi", ' + '"\\' * 300_000, "not JSON5"),
        ('["runapi", ' + "/* " * 300_000, "not JSON5"),
    ],
)
def test_what_cannot_be_used_is_a_note(put: Put, settings: Any, sentence: str) -> None:
    put(CONFIG, settings)
    assert found() == []
    said = notes()
    assert sentence in said
    assert KEY not in said
    assert "secret-part" not in said
    assert "two words" not in said
    assert find(env={}).api_key == ""


def test_nesting_is_no_fault_up_to_a_limit(put: Put) -> None:
    settings = provider(
        KEY, x=["[" * 500, "\"'{{" * 100], y=json.loads("[" * 29 + "]" * 29)
    )
    comments = "/* " + "[{" * 500 + " */\n// '" + "{" * 500 + "\n"
    put(CONFIG, comments + json.dumps(settings))
    assert found() == [(KEY, HOME)]


def test_included_settings_have_the_same_limit(put: Put) -> None:
    put(CONFIG, provider(KEY) | {"$include": "deep.json"})
    put(".openclaw/deep.json", "[" * 31 + "]" * 31)
    assert found() == []
    assert "~/.openclaw/deep.json can't be read: nested too deeply." in notes()


def test_a_command_is_not_run(put: Put, home: Path) -> None:
    script = put("bin/vault", f"#!/bin/sh\ntouch {home}/ran\necho {KEY}\n")
    script.chmod(0o755)
    vault = {"source": "exec", "command": str(script), "jsonOnly": False}
    put(
        CONFIG,
        provider(
            {"source": "exec", "provider": "vault", "id": "x"},
            secrets={"providers": {"vault": vault}},
        ),
    )
    assert found() == []
    assert not (home / "ran").exists()


@pytest.mark.parametrize(
    ("name", "content", "filed", "reference", "key"),
    [
        ("keys.json", {"a": {"x/y": {"k~": KEY}}}, {}, "/a/x~1y/k~0", KEY),
        ("key.txt", f"{KEY}\n", {"mode": "singleValue"}, "value", KEY),
        ("keys.json", {"a": 5}, {}, "/a", ""),
        ("keys.json", {"a": {}}, {}, "/b/c", ""),
        ("keys.json", f"{{a: '{KEY}'}}", {}, "/a", KEY),
    ],
)
def test_a_secret_in_a_file(
    put: Put, name: str, content: Any, filed: Any, reference: str, key: str
) -> None:
    put(f".openclaw/{name}", content)
    secrets = {
        "providers": {
            "main": {"source": "file", "path": f"~/.openclaw/{name}", **filed}
        },
        "defaults": {"file": "main"},
    }
    for value in (
        {"source": "file", "provider": "main", "id": reference},
        {"source": "file", "id": reference},
    ):
        put(CONFIG, provider(value, secrets=secrets))
        assert [api_key for api_key, _ in found()] == [key] * bool(key)


@pytest.mark.parametrize(
    "path",
    [
        "~/elsewhere.txt",
        "~/.openclaw/../elsewhere.txt",
        "~/.openclaw/link",
        "\0",
        "\ud800",
    ],
)
def test_a_secret_file_outside_openclaws_folder_is_not_read(
    put: Put, home: Path, path: str
) -> None:
    put("elsewhere.txt", KEY)
    (home / ".openclaw").mkdir()
    (home / ".openclaw/link").symlink_to(home / "elsewhere.txt")
    secrets = {
        "providers": {"main": {"source": "file", "path": path, "mode": "singleValue"}}
    }
    put(
        CONFIG,
        provider(
            {"source": "file", "provider": "main", "id": "value"}, secrets=secrets
        ),
    )
    assert found() == []
    assert "outside OpenClaw's folder" in notes()


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ({"type": "api_key", "provider": "runapi", "key": KEY}, [(KEY, "")]),
        (
            {
                "type": "api_key",
                "provider": "RunAPI",
                "keyRef": {"source": "env", "id": "X_KEY"},
            },
            [(KEY, "")],
        ),
        ({"type": "token", "provider": "runapi", "token": KEY}, [(KEY, "")]),
        (
            {"type": "api_key", "provider": "images", "key": KEY},
            [(KEY, "https://api.runapi.ai")],
        ),
        ({"type": "api_key", "provider": "openai", "key": KEY}, []),
        ({"type": "api_key", "key": KEY}, []),
        ([KEY], []),
    ],
)
def test_auth_profiles(put: Put, profile: Any, expected: list[tuple[str, str]]) -> None:
    put(CONFIG, provider(None, "https://api.runapi.ai/v1", name="images"))
    put(
        ".openclaw/agents/main/agent/auth-profiles.json",
        {"version": 1, "profiles": {"runapi:default": profile}},
    )
    assert found({"X_KEY": KEY}) == expected


def test_the_main_agent_comes_first(put: Put) -> None:
    for agent in ("aaa", "main", "zzz"):
        profile = {"type": "api_key", "provider": "runapi", "key": f"key-of-{agent}"}
        put(
            f".openclaw/agents/{agent}/agent/auth-profiles.json",
            {"profiles": {"runapi:default": profile}},
        )
    assert [key for key, _ in found()] == ["key-of-main", "key-of-aaa", "key-of-zzz"]


def test_nothing_is_used_beside_settings_that_cannot_be_read(put: Put) -> None:
    """They could say that its RunAPI is at another host."""
    put(CONFIG, '{"runapi": ')
    put(".openclaw/.env", f"RUNAPI_API_KEY={KEY}")
    profile = {"type": "api_key", "provider": "runapi", "key": KEY}
    put(
        ".openclaw/agents/main/agent/auth-profiles.json",
        {"profiles": {"runapi:default": profile}},
    )
    assert found() == []
    assert "not JSON5" in notes()


# ---- where the files are


@pytest.mark.parametrize(
    ("name", "env"),
    [
        (".clawdbot/clawdbot.json", {}),
        (".moltbot/moltbot.json", {}),
        (".openclaw/clawdbot.json", {}),
        ("work/openclaw.json", {"OPENCLAW_STATE_DIR": "~/work"}),
        ("work/clawdbot.json", {"CLAWDBOT_STATE_DIR": "~/work"}),
        ("my.json5", {"OPENCLAW_CONFIG_PATH": "~/my.json5"}),
        ("service/.openclaw/openclaw.json", {"OPENCLAW_HOME": "~/service"}),
        (
            "service/my.json",
            {"OPENCLAW_HOME": "~/service", "OPENCLAW_CONFIG_PATH": "~/my.json"},
        ),
    ],
)
def test_places(put: Put, name: str, env: dict[str, str]) -> None:
    put(name, provider(KEY))
    assert found(env) == [(KEY, HOME)]


def test_the_env_file_of_the_current_folder_is_not_read(
    put: Put, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("project/.env", f"RUNAPI_API_KEY={KEY}")
    monkeypatch.chdir(home / "project")
    assert find_all({}) == ([], [])


# ---- includes


def test_includes_are_merged_and_what_stands_beside_wins(put: Put) -> None:
    put(CONFIG, {"$include": ["a.json5", "sub/b.json5"], "env": {"X_KEY": KEY}})
    put(
        ".openclaw/a.json5",
        "{models: {providers: {runapi: {apiKey: 'old', baseUrl: 'https://old.example'}}}}",
    )
    put(".openclaw/sub/b.json5", "{models: {$include: './c.json5'}}")
    put(
        ".openclaw/sub/c.json5",
        "{providers: {runapi: {$include: 'd.json5', apiKey: '${X_KEY}'}}}",
    )
    put(".openclaw/sub/d.json5", {"apiKey": "below", "baseUrl": "https://runapi.ai/v1"})
    assert found() == [(KEY, HOME)]


@pytest.mark.parametrize(
    "include",
    [
        "missing.json",
        "../outside.json",
        "link.json",
        "openclaw.json",
        "loop",
        "broken.json",
        "\0",
        5,
        None,
        [["a"]],
        ".",
    ],
)
def test_settings_that_lack_a_part_are_not_used(
    put: Put, home: Path, include: Any
) -> None:
    put(CONFIG, provider(KEY) | {"$include": include})
    put("outside.json", "{}")
    put(".openclaw/broken.json", f"{{apiKey: '{KEY}'")
    (home / ".openclaw/link.json").symlink_to(home / "outside.json")
    (home / ".openclaw/loop").symlink_to(home / ".openclaw/loop")
    assert found() == []
    assert "~/.openclaw" in notes()
    assert KEY not in notes()


def test_includes_that_go_too_deep_or_multiply_come_to_an_end(put: Put) -> None:
    put(CONFIG, {"$include": "0.json"})
    for level in range(12):
        put(f".openclaw/{level}.json", {"$include": f"{level + 1}.json"})
    assert "too deep" in notes()
    for level in range(9):
        put(f".openclaw/{level}.json", {"$include": [f"{level + 1}.json"] * 9})
    put(".openclaw/9.json", provider(KEY))
    assert "too deep" in notes()


# ---- odd files


def odd(path: Path, kind: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "binary":
        path.write_bytes(b"\xff\xfe\x00runapi")
    elif kind == "closed":
        path.write_text(json.dumps(provider(KEY)))
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("root reads all")


@pytest.mark.parametrize("kind", ["folder", "pipe", "loop", "binary", "closed"])
@pytest.mark.parametrize(
    "name",
    [
        CONFIG,
        ".openclaw/.env",
        ".hermes/config.yaml",
        ".hermes/.env",
        ".config/runapi/config.json",
    ],
)
def test_odd_files_are_a_note_each(home: Path, name: str, kind: str) -> None:
    odd(home / name, kind)
    assert find_all({})[0] == []
    assert Path(name).name in notes()
    assert find(env={"RUNAPI_API_KEY": KEY}).api_key == KEY
