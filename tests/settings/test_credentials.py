"""Where the key and base URL come from, how they are saved, and that they never show."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from rich.pretty import pretty_repr

from tui.service.base_url import DEFAULT_BASE_URL
from tui.settings.credentials import (
    Credential,
    CredentialError,
    find,
    find_all,
    runapi_config,
    save,
)
from tui.settings.key_text import valid_key

KEY = "runapi_0123456789abcdefghijklmnop"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"RUNAPI_CONFIG_DIR": str(tmp_path / "runapi")}


def write(env: dict[str, str], content: str) -> Path:
    path = runapi_config(env)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# ---- where the file is


def test_the_file_lies_where_runapis_own_tools_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert runapi_config({}) == tmp_path / ".config/runapi/config.json"
    assert runapi_config({"XDG_CONFIG_HOME": "/x"}) == Path("/x/runapi/config.json")
    assert runapi_config({"XDG_CONFIG_HOME": "/x", "RUNAPI_CONFIG_DIR": "/y"}) == Path(
        "/y/config.json"
    )
    assert runapi_config({"RUNAPI_CONFIG_DIR": "~/y"}) == tmp_path / "y/config.json"
    assert runapi_config(
        {"RUNAPI_CONFIG_DIR": "  ", "XDG_CONFIG_HOME": ""}
    ) == runapi_config({})


def test_a_folder_of_nobody_is_no_crash() -> None:
    assert find(env={"RUNAPI_CONFIG_DIR": "~nosuchuser9/x"}).api_key == ""


# ---- precedence


def test_nothing_at_all_is_an_empty_key_and_the_default_url(
    env: dict[str, str],
) -> None:
    assert find(env=env) == Credential("", DEFAULT_BASE_URL, "", "default")


def test_the_environment_comes_before_the_file(env: dict[str, str]) -> None:
    write(env, json.dumps({"api_key": "from-file", "base_url": "https://file.example"}))
    found = find(
        env=env
        | {"RUNAPI_API_KEY": "from-env", "RUNAPI_BASE_URL": "https://env.example"}
    )
    assert (found.api_key, found.key_from) == ("from-env", "RUNAPI_API_KEY")
    assert (found.base_url, found.url_from) == (
        "https://env.example",
        "RUNAPI_BASE_URL",
    )


def test_the_option_comes_before_all(env: dict[str, str]) -> None:
    found = find(
        "https://option.example", env | {"RUNAPI_BASE_URL": "https://env.example"}
    )
    assert (found.base_url, found.url_from) == ("https://option.example", "--base-url")


def test_key_and_url_are_found_separately(env: dict[str, str]) -> None:
    path = write(env, json.dumps({"base_url": "https://file.example"}))
    found = find(env=env | {"RUNAPI_API_KEY": KEY})
    assert (found.api_key, found.base_url, found.url_from) == (
        KEY,
        "https://file.example",
        str(path),
    )


@pytest.mark.parametrize(
    ("saved", "key", "url"),
    [
        ({"api_key": "a", "base_url": "https://a.example"}, "a", "https://a.example"),
        ({"apiKey": "b", "baseUrl": "https://b.example/v1"}, "b", "https://b.example"),
        ({"api_key": "a", "apiKey": "b"}, "a", DEFAULT_BASE_URL),
        ({"api_key": " ", "apiKey": "b"}, "b", DEFAULT_BASE_URL),
        ({"api_key": 5, "base_url": ["https://a.example"]}, "", DEFAULT_BASE_URL),
        ({"api_key": None, "base_url": None}, "", DEFAULT_BASE_URL),
        ({"api_key": " padded \n"}, "padded", DEFAULT_BASE_URL),
    ],
)
def test_names_and_aliases_in_the_file(
    env: dict[str, str], saved: Any, key: str, url: str
) -> None:
    write(env, json.dumps(saved))
    found = find(env=env)
    assert (found.api_key, found.base_url) == (key, url)


def test_a_blank_variable_is_an_absent_one(env: dict[str, str]) -> None:
    write(env, json.dumps({"api_key": "from-file"}))
    assert find(env=env | {"RUNAPI_API_KEY": " \n"}).api_key == "from-file"


# ---- broken files


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '"key"',
        "null",
        "",
        "\ufeff{}",
        '{"api_key": "',
        pytest.param("[" * 100_000, id="deep"),
    ],
)
def test_a_broken_file_is_a_note_and_not_a_failure(
    env: dict[str, str], content: str
) -> None:
    path = write(env, content)
    found = find(env=env | {"RUNAPI_API_KEY": KEY})
    assert found.api_key == KEY
    assert len(found.notes) == 1
    assert str(path) in found.notes[0]


def test_bytes_that_are_no_text_are_a_note(env: dict[str, str]) -> None:
    write(env, "").write_bytes(b"\xff\xfe\x00")
    assert len(find(env=env).notes) == 1


def test_an_unreadable_file_is_a_note(env: dict[str, str]) -> None:
    runapi_config(env).mkdir(parents=True)
    assert "can't be read" in find(env=env).notes[0]


def test_a_bad_key_names_its_source_and_hides_itself(env: dict[str, str]) -> None:
    with pytest.raises(CredentialError) as caught:
        find(env=env | {"RUNAPI_API_KEY": "secret with spaces"})
    assert "RUNAPI_API_KEY" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_bad_url_names_its_source(env: dict[str, str]) -> None:
    path = write(
        env, json.dumps({"api_key": KEY, "base_url": "http://not-here.example"})
    )
    with pytest.raises(CredentialError, match="not encrypted") as caught:
        find(env=env)
    assert str(path) in str(caught.value)


# ---- keys


@pytest.mark.parametrize(
    "key",
    [
        "",
        "  ",
        "two words",
        "two\nlines",
        "tab\there",
        "nul\0",
        "naïve",
        "zero\u200bwidth",
        "x" * 513,
    ],
)
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="not an API key"):
        valid_key(key)


@pytest.mark.parametrize(
    "pasted",
    [
        f'"{KEY}"',
        f"'{KEY}'",
        f"`{KEY}`",
        f"“{KEY}”",
        f"RUNAPI_API_KEY={KEY}",
        f"export RUNAPI_API_KEY='{KEY}'",
        f'"RUNAPI_API_KEY = {KEY}"',
        f"Bearer {KEY}",
        f"Authorization: Bearer {KEY}",
    ],
)
def test_what_stands_around_a_key_is_taken_off(pasted: str) -> None:
    assert valid_key(pasted) == KEY
    found = find(env={"RUNAPI_API_KEY": pasted})
    assert (found.api_key, found.notes) == (KEY, ())
    assert [key.api_key for key in find_all({"RUNAPI_API_KEY": pasted})[0]] == [KEY]


@pytest.mark.parametrize(
    ("pasted", "reason"),
    [
        (f'"{KEY}', "it has quotes"),
        (f"{KEY}'", "it has quotes"),
        ("$RUNAPI_KEY", "names a variable"),
        ("${RUNAPI_KEY}", "names a variable"),
        ("RUNAPI_API_KEY=", "no key has"),
    ],
)
def test_what_stands_around_a_key_and_is_not_whole_is_told(
    pasted: str, reason: str
) -> None:
    with pytest.raises(CredentialError, match=reason) as told:
        find(env={"RUNAPI_API_KEY": pasted})
    assert KEY not in str(told.value)


@pytest.mark.parametrize("key", ["runapi_abc", "sk-...", "x", "x" * 512])
def test_a_key_is_trimmed_and_its_look_not_judged(key: str) -> None:
    assert valid_key(f" {key}\n") == key


@pytest.mark.parametrize("key", [KEY, "short-key", "sixteen-long-key"])
def test_a_key_is_in_no_representation(key: str) -> None:
    credential = Credential(key, DEFAULT_BASE_URL, "RUNAPI_API_KEY", "default")
    for shown in (
        repr(credential),
        str(credential),
        f"{credential}",
        pretty_repr(credential),
    ):
        assert key not in shown


# ---- saving


def test_a_saved_key_is_found_again(env: dict[str, str]) -> None:
    path = save(f" {KEY}\n", env=env)
    assert path == runapi_config(env)
    assert (find(env=env).api_key, find(env=env).key_from) == (KEY, str(path))


def test_saving_keeps_what_else_the_file_says(env: dict[str, str]) -> None:
    path = write(
        env,
        json.dumps(
            {"base_url": "https://a.example", "x": {"y": [1, None]}, "apiKey": "old"}
        ),
    )
    save(KEY, env=env)
    saved = json.loads(path.read_text(encoding="utf-8"))
    assert saved.pop("created_at").endswith("Z")
    assert saved == {
        "base_url": "https://a.example",
        "x": {"y": [1, None]},
        "api_key": KEY,
    }


@pytest.mark.parametrize(
    ("former", "place", "kept"),
    [
        ({"base_url": "https://a.example"}, "https://runapi.ai", {}),
        ({"baseUrl": "https://a.example"}, "https://runapi.ai", {}),
        ({}, "https://runapi.ai", {}),
        ({"baseUrl": "https://A.example/"}, "https://a.example", None),
        ({"base_url": "%%"}, "https://b.example", {"base_url": "https://b.example"}),
        (
            {"baseUrl": "https://a.example"},
            "https://b.example",
            {"base_url": "https://b.example"},
        ),
    ],
)
def test_a_key_is_saved_for_the_place_that_accepted_it(
    env: dict[str, str], former: dict[str, str], place: str, kept: dict[str, str] | None
) -> None:
    path = write(env, json.dumps(former))
    save(KEY, place, env)
    saved = json.loads(path.read_text(encoding="utf-8"))
    assert find(env=env).base_url == place
    places = {name: saved[name] for name in saved if name.startswith("base")}
    assert places == (former if kept is None else kept)


def test_saving_keeps_even_odd_text(env: dict[str, str]) -> None:
    path = write(env, '{"name": "\\ud800 Ünï"}')
    save(KEY, env=env)
    assert json.loads(path.read_text(encoding="utf-8"))["name"] == "\ud800 Ünï"


def test_a_saved_key_is_for_its_owner_alone(env: dict[str, str]) -> None:
    before = os.umask(0)
    try:
        path = save(KEY, env=env)
    finally:
        os.umask(before)
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700


def test_a_file_that_all_could_read_becomes_private(env: dict[str, str]) -> None:
    path = write(env, "{}")
    path.chmod(0o644)
    save(KEY, env=env)
    assert mode(path) == 0o600


def test_saving_leaves_no_other_file(env: dict[str, str]) -> None:
    path = save(KEY, env=env)
    save(KEY + "2", env=env)
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_save_changes_nothing_and_leaves_no_file(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(env, '{"api_key": "old"}')

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CredentialError, match="No space left"):
        save(KEY, env=env)
    assert path.read_text() == '{"api_key": "old"}'
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("content", ["{", "[]", "api_key = 'toml'"])
def test_a_broken_file_is_not_overwritten(env: dict[str, str], content: str) -> None:
    path = write(env, content)
    with pytest.raises(CredentialError, match="Repair or move"):
        save(KEY, env=env)
    assert path.read_text() == content


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CredentialError):
        save(KEY, env={"RUNAPI_CONFIG_DIR": str(tmp_path / "file" / "below")})


@pytest.mark.parametrize("key", ["", "two words", "two\nlines"])
def test_a_key_that_cannot_be_one_is_not_saved(env: dict[str, str], key: str) -> None:
    path = write(env, '{"api_key": "old"}')
    with pytest.raises(CredentialError):
        save(key, env=env)
    assert path.read_text() == '{"api_key": "old"}'
