"""Another tool's settings name a host: no variable of somebody else's is sent there, and
no key before the user has agreed.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_commands import run
from tests.settings.keyfiles.conftest import KEY, Put
from tui.cli.doctor import facts
from tui.session import prepare
from tui.settings.credentials import confirm, find, find_all
from tui.settings.keyfiles.found import is_home

EVIL = "https://evil.example"
SECRET = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY"
ENV = {"AWS_SECRET_ACCESS_KEY": SECRET, "PATH": "/bin", "RUNAPIKEY": SECRET}
CLAW, HERMES = ".openclaw/openclaw.json", ".hermes/config.yaml"


def claw(url: str, key: Any, name: str = "runapi") -> tuple[str, Any]:
    entry = {"baseUrl": url, "apiKey": key, "headers": {"x": key}}
    return CLAW, {"models": {"providers": {name: entry}}}


def hermes(url: str, **key: Any) -> tuple[str, Any]:
    return HERMES, {"custom_providers": [{"name": "runapi", "base_url": url, **key}]}


def newer(url: str, **key: Any) -> tuple[str, Any]:
    return HERMES, {"providers": {"runapi": {"api": url, **key}}}


def model(url: str, **key: Any) -> tuple[str, Any]:
    return HERMES, {"model": {"provider": "custom:runapi", "base_url": url, **key}}


FORMS: dict[str, Callable[[str, str], tuple[str, Any]]] = {
    "claw ${}": lambda url, name: claw(url, f"${{{name}}}"),
    "claw part": lambda url, name: claw(url, f"x-${{{name}}}-y"),
    "claw $": lambda url, name: claw(url, f"${name}"),
    "claw secretref": lambda url, name: claw(url, f"secretref-env:{name}"),
    "claw __env__": lambda url, name: claw(url, f"__env__:{name}"),
    "claw env": lambda url, name: claw(url, {"source": "env", "id": name}),
    "claw name": lambda url, name: claw(url, f"${{{name}}}", "RunAPI"),
    "hermes key_env": lambda url, name: hermes(url, key_env=name),
    "hermes keyEnv": lambda url, name: hermes(url, keyEnv=name),
    "hermes api_key_env": lambda url, name: newer(url, api_key_env=name),
    "hermes apiKeyEnv": lambda url, name: model(url, apiKeyEnv=name),
    "hermes ${}": lambda url, name: hermes(url, api_key=f"${{{name}}}"),
    "hermes ${env:}": lambda url, name: newer(url, apiKey=f"x${{env:{name}}}"),
    "hermes model": lambda url, name: model(url, api_key=f"${{{name}}}"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "RUNAPIKEY", "PATH"])
def test_no_variable_of_others_goes_to_another_host(
    put: Put, form: str, name: str
) -> None:
    put(*FORMS[form](EVIL, name))
    found, notes = find_all(ENV)
    assert found == []
    assert any("isn't named RUNAPI_" in note for note in notes)
    assert not any(SECRET in note for note in notes)
    assert find(env=ENV).api_key == ""
    # Not even with the user's own word for the address
    assert find(EVIL, ENV).api_key == ""


@pytest.mark.parametrize("form", FORMS)
def test_runapis_own_variables_go_there_once_that_is_confirmed(
    put: Put, form: str
) -> None:
    path = put(*FORMS[form](EVIL, "RUNAPI_GATEWAY"))
    before = path.read_bytes()
    env = {"RUNAPI_GATEWAY": KEY}
    (key,), _ = find_all(env)
    assert (key.base_url, KEY in key.api_key, key.asks_first) == (EVIL, True, True)
    assert find(env=env).api_key == find(env=env, source=key.source).api_key == ""
    assert find(EVIL, env).api_key == key.api_key
    assert find(env=env | {"RUNAPI_BASE_URL": EVIL}).api_key == key.api_key
    confirm(key)
    credential = find(env=env)
    assert (credential.api_key, credential.base_url) == (key.api_key, EVIL)
    assert path.read_bytes() == before


@pytest.mark.parametrize("form", FORMS)
def test_any_variable_goes_to_runapi_and_nowhere_else(put: Put, form: str) -> None:
    put(*FORMS[form]("https://runapi.ai/v1", "X_KEY"))
    env = {"X_KEY": KEY}
    assert KEY in find(env=env).api_key
    assert find(env=env).base_url == "https://runapi.ai"
    elsewhere = find(EVIL, env)
    assert elsewhere.api_key == ""
    assert "sent to runapi.ai only" in elsewhere.notes[-1]


def test_a_literal_key_beside_a_variable_of_others_is_that_hosts(put: Put) -> None:
    put(*hermes(EVIL, key_env="AWS_SECRET_ACCESS_KEY", api_key=KEY))
    assert [key.api_key for key in find_all(ENV)[0]] == [KEY]
    assert find(EVIL, ENV).api_key == KEY
    confirm(find_all(ENV)[0][0])
    assert (find(env=ENV).api_key, find(env=ENV).base_url) == (KEY, EVIL)


def test_a_dotenv_names_no_variable_of_others_for_another_host(put: Put) -> None:
    put(
        ".hermes/.env",
        "RUNAPI_API_KEY=${AWS_SECRET_ACCESS_KEY}\n"
        f"RUNAPI_BASE_URL={EVIL}\nRUNAPI_X=${{AWS_SECRET_ACCESS_KEY}}\n",
    )
    assert find_all(ENV)[0] == []
    put(*hermes(EVIL, key_env="RUNAPI_X"))
    assert find_all(ENV)[0] == []


URLS = [
    "https://evil.example/${AWS_SECRET_ACCESS_KEY}",
    "https://${AWS_SECRET_ACCESS_KEY}.evil.example",
    "https://evil.example/${RUNAPI_API_KEY}",
    "https://${RUNAPI_API_KEY}.runapi.ai",
    "https://runapi.ai/${RUNAPI_API_KEY}",
    "https://runapi.ai/${AWS_SECRET_ACCESS_KEY}",
    "${RUNAPI_OTHER_KEY}/v1",
]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("tool", [claw, hermes])
def test_no_variable_of_others_is_a_part_of_a_url(
    put: Put, url: str, tool: Any
) -> None:
    place = tool(url, KEY) if tool is claw else tool(url, api_key=KEY)
    put(*place)
    env = ENV | {"RUNAPI_OTHER_KEY": f"{EVIL}/{SECRET}"}
    inner = {".hermes/.env": f"RUNAPI_API_KEY={SECRET}", ".openclaw/.env": ""}
    for name, text in inner.items():
        put(name, text or f"RUNAPI_API_KEY={SECRET}")
    found, notes = find_all(env)
    shown = json.dumps([notes, [(key.source, key.base_url) for key in found]])
    assert SECRET.casefold() not in shown.casefold()
    assert "in its base URL is not set" in shown


@pytest.mark.parametrize("tool", [claw, hermes])
def test_a_url_may_be_in_a_variable_for_it(put: Put, tool: Any) -> None:
    url = "${RUNAPI_GATEWAY_URL}/v1"
    put(*(tool(url, KEY) if tool is claw else tool(url, api_key=KEY)))
    (key,), _ = find_all({"RUNAPI_GATEWAY_URL": EVIL})
    assert key.base_url == EVIL


@pytest.mark.parametrize(
    ("url", "home"),
    [
        ("https://runapi.ai", True),
        ("https://runapi.ai/v1", True),
        ("https://RunAPI.ai:443/", True),
        ("https://api.runapi.ai", True),
        ("http://runapi.ai", False),
        ("https://runapi.ai.evil.com", False),
        ("https://runapi.ai.", False),
        ("https://evil.com/runapi.ai", False),
        ("https://evil.com#runapi.ai", False),
        ("https://evil.com?.runapi.ai", False),
        ("https://runapi.ai@evil.com", False),
        ("https://evil.com@runapi.ai", False),
        ("https://evil.com\\@runapi.ai", False),
        ("https://runapi.ai\\.evil.com", False),
        ("https://runapi.ai\n.evil.com", False),
        ("https://notrunapi.ai", False),
        ("https://xn--runpi-3ve.ai", False),
        ("https://run\u0430pi.ai", False),
        ("https://\uff52unapi.ai", False),
        ("//runapi.ai", False),
        ("runapi.ai", False),
        ("", False),
    ],
)
def test_which_hosts_are_runapis_own(url: str, home: bool) -> None:
    assert is_home(url) is home


# ---- what is remembered


def test_what_is_confirmed_is_one_url_in_one_file(put: Put, home: Path) -> None:
    put(*claw(EVIL, KEY))
    (key,), _ = find_all({})
    confirm(key)
    confirm(key)
    remembered = home / ".local/state/runapi-tui/confirmed.json"
    assert json.loads(remembered.read_text()) == [[str(home / CLAW), EVIL]]
    assert remembered.stat().st_mode & 0o777 == 0o600
    put(*claw(f"{EVIL}/other", KEY))
    assert find(env={}).api_key == ""
    put(*claw(EVIL, KEY))
    assert find(env={}).api_key == KEY
    put(*hermes(EVIL, api_key=KEY))
    (home / CLAW).unlink()
    assert find(env={}).api_key == ""


@pytest.mark.parametrize("content", ["", "{", "{}", "5", "[" * 50_000, '["x", 5]'])
def test_what_cannot_be_read_confirms_nothing(put: Put, content: str) -> None:
    put(*claw(EVIL, KEY))
    put(".local/state/runapi-tui/confirmed.json", content)
    assert find(env={}).api_key == ""
    confirm(find_all({})[0][0])
    assert find(env={}).api_key == KEY


def test_a_key_that_may_be_sent_comes_before_one_that_may_not(put: Put) -> None:
    put(*claw(EVIL, KEY))
    put(*hermes("https://runapi.ai/v1", api_key="of-hermes"))
    found = find(env={})
    assert (found.api_key, found.base_url) == ("of-hermes", "https://runapi.ai")
    assert len(found.notes) >= 1


# ---- providers that look alike


def in_force() -> list[tuple[str, str]]:
    """Source and base URL of the keys that doctor calls used."""
    keys = facts(prepare())["keys"]
    assert len({key["source"] for key in keys}) == len(keys)
    for key in keys:
        assert key["in_force"] or key["state"].startswith("not used")
    return [(key["source"], key["base_url"]) for key in keys if key["in_force"]]


ALIKE = [
    ["runapi", "RunAPI"],
    ["RunAPI", "runapi"],
    ["runapi", " runapi "],
    ["a\u202eb", "ab"],
    ["x" * 70, "x" * 80],
    ["run\u0430pi", "runapi"],
    ["runapi", "runapi\u200b"],
]


@pytest.mark.parametrize("names", ALIKE, ids=lambda names: ascii(names)[:30])
@pytest.mark.parametrize("first", [EVIL, "https://runapi.ai"])
def test_of_providers_that_look_alike_one_is_in_force(
    put: Put, names: list[str], first: str
) -> None:
    urls = {EVIL, "https://runapi.ai"}
    places = [first, *(urls - {first})]
    providers = {
        name: {"baseUrl": f"{url}/v1", "apiKey": f"key-for-{url[8:]}"}
        for name, url in zip(names, places, strict=True)
    }
    put(CLAW, {"models": {"providers": providers}, "x": "runapi"})
    ((_, url),) = in_force()
    assert url == "https://runapi.ai"
    assert find(env={}).api_key == "key-for-runapi.ai"
    for key in find_all({})[0]:
        chosen = find(key.base_url, {}, key.source)
        assert (chosen.api_key, chosen.key_from) == (key.api_key, key.source)
        assert key.api_key == f"key-for-{key.base_url[8:]}"


@pytest.mark.parametrize("names", ALIKE[:3], ids=lambda names: ascii(names)[:30])
def test_a_profile_takes_the_provider_that_is_spelled_like_it(
    put: Put, names: list[str]
) -> None:
    providers = {name: {"baseUrl": EVIL} for name in names}
    providers["runapi"] = {"baseUrl": "https://runapi.ai"}
    put(CLAW, {"models": {"providers": providers}})
    profile = {"type": "api_key", "provider": "runapi", "key": KEY}
    put(
        ".openclaw/agents/main/agent/auth-profiles.json",
        {"profiles": {"runapi:default": profile}},
    )
    assert [(key.api_key, key.base_url) for key in find_all({})[0]] == [
        (KEY, "https://runapi.ai")
    ]


def test_one_file_for_two_tools_is_two_sources(
    put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("both/.env", f"RUNAPI_API_KEY={KEY}")
    monkeypatch.setenv("OPENCLAW_STATE_DIR", "~/both")
    monkeypatch.setenv("HERMES_HOME", "~/both")
    assert [source for source, _ in in_force()] == ["~/both/.env (RUNAPI_API_KEY)"]
    assert [key.kind for key in find_all()[0]] == ["openclaw", "hermes"]


def test_doctor_says_what_is_not_confirmed(put: Put) -> None:
    put(*claw(EVIL, KEY))
    said = run("doctor").stdout
    assert f"({EVIL}): not used: its base URL is not RunAPI" in said


TWICE = {
    "json": '{"models": {"providers": {"runapi": A, "x": [{}], "run\\u0061pi": B}}}',
    "json5": "{models: {/* runapi: */ providers: {runapi: A, 'runapi': B}}}",
    "yaml": "providers:\n  runapi: A\n  'runapi': B\n",
}


@pytest.mark.parametrize("form", TWICE)
def test_a_provider_that_is_set_twice_is_the_last_one_and_told(
    put: Put, form: str
) -> None:
    entries = [
        json.dumps({"baseUrl": url, "apiKey": f"key-for-{url[8:]}"})
        for url in (EVIL, "https://runapi.ai")
    ]
    text = TWICE[form].replace("A", entries[0]).replace("B", entries[1])
    put(HERMES if form == "yaml" else CLAW, text)
    ((_, url),) = in_force()
    assert url == "https://runapi.ai"
    assert find(env={}).api_key == "key-for-runapi.ai"
    assert "sets runapi twice: the last counts." in "".join(facts(prepare())["notes"])


@pytest.mark.parametrize(
    "text",
    [
        "{a: {runapi: 1}, b: {runapi: 2}, c: [{a: 1}, {a: 2}], d: ':', e: '\"d\":'}",
        "{'': 1, a: '', b: '//', c: 'runapi', 'c:': 2} // c: 3",
        '{"a\\"": 1, "a": "{", "b": "runapi"}',
    ],
)
def test_what_is_set_once_is_not_told(put: Put, text: str) -> None:
    put(CLAW, text)
    put(HERMES, "a: {x: runapi}\nb: {x: runapi}\nc: [{x: 1}, {x: 2}]\n")
    assert find_all({})[1] == []
