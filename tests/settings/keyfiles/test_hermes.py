"""Every form in which Hermes Agent may hold a key, and what is made of it."""

from pathlib import Path

import pytest

from tests.settings.keyfiles.conftest import KEY, Put
from tui.settings.credentials import confirm, find, find_all

CONFIG, DOTENV = ".hermes/config.yaml", ".hermes/.env"
HOME = "https://runapi.ai"
OTHER = "runapi_of_another_place_0123456789"


def found(env: dict[str, str] | None = None) -> list[tuple[str, str]]:
    return [(key.api_key, key.base_url) for key in find_all(env or {})[0]]


def notes() -> str:
    return "\n".join(find_all({})[1])


def test_settings_as_runapi_prescribes_them(put: Put) -> None:
    put(
        CONFIG,
        """
# mine
custom_providers:
  - name: runapi
    base_url: "https://runapi.ai/v1"
    key_env: RUNAPI_API_KEY
    api_mode: chat_completions
model:
  provider: custom:runapi
  default: gpt-5.2
""",
    )
    put(DOTENV, f"RUNAPI_API_KEY={KEY}  # from the site\n")
    credential = find(env={})
    assert (credential.api_key, credential.base_url) == (KEY, HOME)
    assert credential.key_from == "~/.hermes/config.yaml (custom provider runapi)"
    assert credential.notes == ()


def listed(rest: str, name: str = "runapi", url: str = "https://runapi.ai/v1") -> str:
    return f"custom_providers:\n  - {{name: {name}, base_url: '{url}', {rest}}}\n"


@pytest.mark.parametrize(
    ("config", "dotenv", "env", "expected"),
    [
        (listed(f"api_key: {KEY}"), "", {}, [(KEY, HOME)]),
        (listed(f"apiKey: {KEY}", "RunAPI"), "", {}, [(KEY, HOME)]),
        (listed(f"api_key: {KEY}", "pictures"), "", {}, [(KEY, HOME)]),
        (listed(f"key_env: X, api_key: {KEY}"), "", {}, [(KEY, HOME)]),
        (listed("key_env: X, api_key: inline"), "", {"X": KEY}, [(KEY, HOME)]),
        (listed("key_env: X"), f"X='{KEY}'", {}, [(KEY, HOME)]),
        (listed("key_env: X"), f"X='{KEY}'", {"X": "stale"}, [(KEY, HOME)]),
        (listed("api_key: '${X}'"), f"X={KEY}", {}, [(KEY, HOME)]),
        (
            listed("api_key: '${env:A}${B}'"),
            "",
            {"A": "run", "B": "api_x"},
            [("runapi_x", HOME)],
        ),
        (
            listed("api_mode: chat_completions"),
            f"RUNAPI_API_KEY={KEY}",
            {},
            [(KEY, HOME)],
        ),
        (listed("api_key: null"), f"RUNAPI_API_KEY={KEY}", {}, [(KEY, HOME)]),
        (listed(f"api_key: {KEY}", url="${U}/v1"), f"U={HOME}", {}, [(KEY, HOME)]),
        (
            f"providers:\n  runapi: {{api: '{HOME}/v1', api_key: {KEY}}}",
            "",
            {},
            [(KEY, HOME)],
        ),
        (
            f"providers:\n  runapi: {{url: '{HOME}/v1', key_env: X}}",
            "",
            {"X": KEY},
            [(KEY, HOME)],
        ),
        (
            f"providers:\n  mine: {{name: RunAPI, base_url: '{HOME}', api_key: {KEY}}}",
            "",
            {},
            [(KEY, HOME)],
        ),
        (f"providers:\n  runapi: {{api_key: {KEY}}}", "", {}, [(KEY, "")]),
        (
            f"model: {{provider: custom, base_url: '{HOME}/v1', api_key: {KEY}}}",
            "",
            {},
            [(KEY, HOME)],
        ),
        ("", f"RUNAPI_API_KEY={KEY}", {}, [(KEY, "")]),
        (
            "",
            f'\ufeffexport RUNAPI_API_KEY="{KEY}"\nRUNAPI_BASE_URL=https://api.runapi.ai/v1',
            {},
            [(KEY, "https://api.runapi.ai")],
        ),
        ("", f"A={KEY}\nRUNAPI_API_KEY=${{A}}", {}, [(KEY, "")]),
        # Newer before older.
        (
            f"providers:\n  runapi: {{api: '{HOME}', api_key: {KEY}}}\n{listed('api_key: older')}",
            "",
            {},
            [(KEY, HOME), ("older", HOME)],
        ),
        # Not RunAPI's: never used.
        (
            listed(f"api_key: {KEY}", "other", "https://other.example/v1")
            + "x: runapi",
            "",
            {},
            [],
        ),
        (
            listed(f"api_key: {KEY}", "other", "https://runapi.ai.evil.example"),
            "",
            {},
            [],
        ),
        (
            f"model: {{provider: openrouter, base_url: '{HOME}/v1', api_key: {KEY}}}",
            "",
            {},
            [],
        ),
        (f"model: {{provider: custom:runapi, api_key: {KEY}}}", "", {}, []),
        (
            f"custom_providers:\n  runapi: {{base_url: '{HOME}', api_key: {KEY}}}",
            "",
            {},
            [],
        ),
        ("", f"OPENAI_API_KEY={KEY}\nX=runapi", {}, []),
        ("runapi", "", {}, []),
    ],
)
def test_forms(
    put: Put,
    config: str,
    dotenv: str,
    env: dict[str, str],
    expected: list[tuple[str, str]],
) -> None:
    put(CONFIG, config)
    put(DOTENV, dotenv)
    assert found(env) == expected


def test_no_key_of_runapi_goes_to_another_host_by_its_name(put: Put) -> None:
    put(CONFIG, listed("api_mode: x", url="https://gateway.example/v1"))
    put(DOTENV, f"OTHER={KEY}")
    assert found({"OTHER": KEY}) == []
    put(CONFIG, listed(f"api_key: {KEY}", url="https://gateway.example/v1"))
    confirm(find_all({})[0][0])
    assert find(env={}).base_url == "https://gateway.example"
    assert "belongs to https://gateway.example" in notes()


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (listed("api_key: '${NOT_SET}'"), "${NOT_SET} is not set"),
        (
            listed("api_key: '${vault:secret/runapi}'"),
            "${vault:secret/runapi} is not set",
        ),
        (
            listed(f"api_key: {KEY}", url="${{NOT_SET}}/v1"),
            "base URL is not set",
        ),
        (listed("api_key: two words"), "not an API key"),
        (
            f"base: &b {{base_url: 'https://x.example'}}\nproviders:\n  runapi: {{<<: *b, api_key: {KEY}}}",
            "merge keys",
        ),
        (f"runapi: [{KEY}", "not YAML (line"),
        (f"runapi: {KEY}\n" * 10_000, "larger than 250 KB"),
        *(
            pytest.param(
                f"runapi: {'é' * 99}\nx: {content}",
                "nested too deeply",
                id=f"deep {content[:6]!r}",
            )
            for content in (
                "[" * 100_000,
                "{" * 100_000,
                "[{" * 50_000,
                "[\n" * 50_000,
                "[a, " * 25_000,
                "{a: " * 25_000,
                "[" * 31 + "]" * 31,
                "[" * 900 + "]" * 900,
                "[" * 3_000 + "]" * 3_000,
                "\n" + "- " * 100_000,
                "\n" + "? " * 100_000,
                "".join(f"\n{' ' * level}a:" for level in range(1, 600)),
                "".join(f"\n{'  ' * level}- a:" for level in range(1, 300)),
            )
        ),
        (f"runapi: {'[' * 20}\n", "not YAML (line"),
        (f"runapi: {'[], ' * 500}", "not YAML (line"),
        ("- runapi", "not a mapping"),
        ("runapi: *nothing", "not YAML"),
    ],
)
def test_what_cannot_be_used_is_a_note(put: Put, config: str, sentence: str) -> None:
    put(CONFIG, config)
    assert found() == []
    assert sentence in notes()
    assert KEY not in notes()
    assert find(env={}).api_key == ""


def test_nesting_is_no_fault_up_to_a_limit(put: Put) -> None:
    put(
        CONFIG,
        f"{listed(f'api_key: {KEY}')}more: {'[' * 29}{']' * 29}\ntext: '{'[' * 500}' # {'{' * 500}\n",
    )
    assert found() == [(KEY, HOME)]


def test_aliases_that_multiply_take_no_time(put: Put) -> None:
    bomb = "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40)
    )
    put(CONFIG, f"a0: &a0 [x]\n{bomb}{listed(f'api_key: {KEY}')}")
    assert found() == [(KEY, HOME)]


def test_the_folder_may_be_elsewhere(put: Put) -> None:
    put("work/config.yaml", listed(f"api_key: {KEY}"))
    assert found({"HERMES_HOME": "~/work"}) == [(KEY, HOME)]
    assert found({"HERMES_HOME": "~nosuchuser9/x"}) == []


def test_openclaw_comes_before_hermes(put: Put, home: Path) -> None:
    put(DOTENV, f"RUNAPI_API_KEY={OTHER}")
    put(".openclaw/.env", f"RUNAPI_API_KEY={KEY}")
    assert find(env={}).api_key == KEY
    assert [key.kind for key in find_all({})[0]] == ["openclaw", "hermes"]
