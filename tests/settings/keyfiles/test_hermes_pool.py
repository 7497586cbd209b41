"""Keys in the pool of Hermes' `auth.json`, and those of its active profile."""

from typing import Any

import pytest

from tests.settings.keyfiles.conftest import KEY, Put
from tests.settings.keyfiles.test_hermes import found, listed, notes
from tui.settings.credentials import find, find_all

AUTH = ".hermes/auth.json"
HOME = "https://runapi.ai"


def pooled(key: str, name: str = "custom:runapi", **more: Any) -> dict[str, Any]:
    entry = {
        "id": "4c3bf1",
        "label": "mine",
        "auth_type": "api_key",
        "priority": 0,
        "source": "manual",
        "access_token": key,
        "base_url": "https://runapi.ai/v1",
        "request_count": 0,
    }
    return {"version": 1, "providers": {}, "credential_pool": {name: [entry | more]}}


@pytest.mark.parametrize(
    ("store", "expected"),
    [
        (pooled(KEY), [(KEY, HOME)]),
        (pooled(KEY, "runapi", base_url=""), [(KEY, "")]),
        (pooled(KEY, "custom:pictures"), [(KEY, HOME)]),
        (pooled(KEY, "openrouter", base_url="https://openrouter.ai/runapi"), []),
        (pooled("", source="env:RUNAPI_API_KEY"), []),
    ],
)
def test_the_keys_of_the_pool_are_found(
    put: Put, store: Any, expected: list[tuple[str, str]]
) -> None:
    put(AUTH, store)
    assert found() == expected
    assert notes() == ""


def test_keys_come_in_the_order_of_their_priority(put: Put) -> None:
    store = pooled("later", priority=2)
    first = pooled(KEY)["credential_pool"]["custom:runapi"]
    store["credential_pool"]["custom:runapi"] += first
    put(AUTH, store)
    assert found() == [(KEY, HOME), ("later", HOME)]
    assert find(env={}).key_from == "~/.hermes/auth.json (custom:runapi, mine)"


def test_a_key_of_another_host_is_asked_about(put: Put) -> None:
    put(AUTH, pooled(KEY, base_url="https://elsewhere.example/v1"))
    (key,), _ = find_all({})
    assert key.asks_first
    assert find(env={}).api_key == ""


def test_a_sign_in_is_told_with_its_cure(put: Put) -> None:
    put(AUTH, pooled("secret", auth_type="oauth"))
    assert found() == []
    assert "`hermes auth add custom:runapi --type api-key`" in notes()


@pytest.mark.parametrize("content", ["{runapi", "[]", '{"credential_pool": "runapi"}'])
def test_a_broken_store_is_no_key(put: Put, content: str) -> None:
    put(AUTH, content)
    assert found() == []


def test_the_active_profile_has_its_own_keys_and_else_those_of_all(put: Put) -> None:
    put(AUTH, pooled("root_key"))
    put(".hermes/config.yaml", listed("api_key: root_config"))
    put(".hermes/active_profile", "work\n")
    put(".hermes/profiles/work/config.yaml", "")
    assert found() == [("root_key", HOME)]
    put(".hermes/profiles/work/auth.json", pooled(KEY))
    assert found() == [(KEY, HOME)]
    put(".hermes/profiles/work/.env", "RUNAPI_API_KEY=of_the_profile")
    assert [key for key, _ in found()] == [KEY, "of_the_profile"]
    put(".hermes/active_profile", "default")
    assert [key for key, _ in found()] == ["root_config", "root_key"]


def test_a_home_that_is_a_profile_is_that_one(put: Put) -> None:
    put(".hermes/active_profile", "other")
    put(".hermes/profiles/other/auth.json", pooled("other"))
    put(".hermes/profiles/work/auth.json", pooled(KEY))
    assert found({"HERMES_HOME": "~/.hermes/profiles/work"}) == [(KEY, HOME)]
    put("data/auth.json", pooled("of_all"))
    put("data/profiles/work/.env", "")
    assert found({"HERMES_HOME": "~/data/profiles/work"}) == [("of_all", HOME)]
    put("data/active_profile", "work")
    assert found({"HERMES_HOME": "~/data"}) == [("of_all", HOME)]


@pytest.mark.parametrize("name", ["gone", "../../elsewhere", "x" * 2000])
def test_a_profile_that_is_not_there_is_told(put: Put, name: str) -> None:
    put(AUTH, pooled(KEY))
    put(".hermes/active_profile", name)
    assert found() == [(KEY, HOME)]
    assert "active_profile" in notes()
