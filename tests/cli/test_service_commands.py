"""`account`, `login`, `prices`, `prompts`, `upload`: real HTTP, exact codes, JSON."""

import io
import json
import os
import pty
import sys
from pathlib import Path

import httpx
import pytest
from PIL import Image
from starlette.responses import JSONResponse, Response

from tests.cli.test_money import Tell, env, heard, tell
from tests.loopback import serving
from tests.screens.test_money import Heard
from tui.catalog.load import bundled
from tui.demo import DEMO_KEY

__all__ = ["env", "heard", "tell"]


# ---- account


def test_the_account_says_whose_key_it_is(tell: Tell, env: dict[str, str]) -> None:
    said = tell("account", "--json")
    assert json.loads(said.out) == {
        "account": "Demo",
        "name": "Demo",
        "email": "demo@runapi.invalid",
        "balance_usd": 50.0,
        "spent_today_usd": 0.0,
        "spent_total_usd": 0.0,
        "base_url": env["RUNAPI_BASE_URL"],
        "profile": None,
        "key_from": "RUNAPI_API_KEY",
    }
    said = tell("account")
    assert "demo@runapi.invalid" in said.out
    assert "$50.00" in said.out
    assert DEMO_KEY not in said.out
    assert tell("account", RUNAPI_API_KEY="runapi_wrong").code == 2
    said = tell("account", RUNAPI_API_KEY="")
    assert said.code == 2
    assert (
        "Set RUNAPI_API_KEY, or run `runapi-tui login`; --demo needs none." in said.err
    )


# ---- prices


def test_prices_are_those_of_the_live_list(tell: Tell, heard: Heard) -> None:
    said = tell("prices", "--json", RUNAPI_API_KEY="")
    rows = json.loads(said.out)
    assert (said.code, len(rows)) == (0, len(bundled().models))
    (found,) = [row for row in rows if row["model"] == "flux-2-pro-text-to-image"]
    assert found | {"as_of": ""} == {
        "service": "flux_2",
        "action": "text_to_image",
        "model": "flux-2-pro-text-to-image",
        "catalog_status": "active",
        "cents": 5,
        "by": "output_resolution",
        "cases": {"1k": 5, "2k": 7},
        "as_of": "",
        "in_catalog": True,
    }
    said = tell("prices", "FLUX-2-pro")
    assert [line.split()[0] for line in said.out.splitlines()] == [
        "flux-2-pro-text-to-image",
        "flux-2-pro-remix-image",
    ]
    assert "by output_resolution: 1k $0.05, 2k $0.07" in said.out
    # The list that is known already is not fetched again, and is shown all the same
    assert [path for path, _ in heard.asked] == ["GET /api/v1/price_schedules"] * 2
    said = tell("prices", "nothing-like-it", "--json")
    assert (said.code, said.out) == (0, "[]\n")
    assert "No entry" in said.err


def test_prices_of_what_the_catalog_lacks_are_marked(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [
        {"service": "flux_9", "action": "text_to_image", "model": "flux-9\x1b[2J"},
        {
            "service": "z_image",
            "action": "text_to_image",
            "model": "z-image",
            "catalog_status": "inactive",
            "unit_price_cents": 2,
        },
        "none",
    ]

    async def app(scope: object, receive: object, send: object) -> None:
        body = {"as_of": "2026-11-27T00:00:00Z", "price_schedules": items}
        await JSONResponse(body)(scope, receive, send)  # type: ignore[arg-type]

    with serving(app) as url:
        said = tell("prices", RUNAPI_BASE_URL=url)
        new, old = said.out.splitlines()
        assert new.endswith("unknown  text_to_image     not in the catalog")
        rows = json.loads(tell("prices", "--json", RUNAPI_BASE_URL=url).out)
        assert {row["as_of"] for row in rows} == {"2026-11-27"}
        assert "\x1b" not in new
        assert old.split() == ["z-image", "$0.02", "text_to_image", "inactive"]
        items.clear()
        items.append({})
        assert tell("prices", RUNAPI_BASE_URL=url).code == 0


def test_a_price_list_that_is_none_is_an_error(tell: Tell) -> None:
    async def app(scope: object, receive: object, send: object) -> None:
        await Response("<html>")(scope, receive, send)  # type: ignore[arg-type]

    with serving(app) as url:
        said = tell("prices", RUNAPI_BASE_URL=url)
    assert (said.code, said.out) == (1, "")
    assert said.err == "The service's price list can't be read.\n"


# ---- prompts


def test_prompts_are_searched(tell: Tell) -> None:
    said = tell("prompts", "fox", "--json")
    found = [json.loads(line) for line in said.out.splitlines()]
    assert said.code == 0
    assert found
    assert all("fox" in json.dumps(entry).lower() for entry in found)
    assert set(found[0]) == {
        *("title", "prompt", "action", "model", "category"),
        *("source", "source_url", "preview_url", "params"),
    }
    first = tell("prompts")
    second = tell("prompts", "--page", "2")
    assert "--page 2 has more." in first.err
    assert "this is page 2." in second.err
    assert first.out.splitlines()[0] not in second.out
    said = tell("prompts", "--page", "99")
    assert said.out == ""
    assert said.err.startswith("Page 99 is empty: there are ")
    said = tell("prompts", "fox", "--category", "landscape")
    assert said.err.startswith("No prompt of the category landscape. Without")
    assert tell("prompts", "fox", "--category", "animal").out
    said = tell("prompts", "nothing", "like", "it")
    assert (said.code, said.out, said.err) == (
        0,
        "",
        "0 prompts; this is page 1.\n",
    )


def test_a_service_without_a_library_says_so(tell: Tell) -> None:
    async def app(scope: object, receive: object, send: object) -> None:
        answer = JSONResponse({"error": "none"}, 404)
        await answer(scope, receive, send)  # type: ignore[arg-type]

    with serving(app) as url:
        said = tell("prompts", "fox", RUNAPI_BASE_URL=url)
    assert (said.code, said.err) == (4, "This service has no prompt library.\n")


# ---- upload


@pytest.mark.hands_over("photo.png")
def test_a_picture_is_uploaded_for_an_hour(
    tell: Tell, env: dict[str, str], tmp_path: Path, heard: Heard
) -> None:
    picture = tmp_path / "photo.png"
    Image.new("RGB", (64, 64), "red").save(picture)
    link = tmp_path / "link.png"
    link.symlink_to(picture)
    said = tell("upload", str(link), "--json")
    told = json.loads(said.out)
    assert said.code == 0
    assert (told["file"], told["bytes"]) == (str(picture), picture.stat().st_size)
    assert httpx.get(told["url"]).content == picture.read_bytes()
    assert told["expires_at"] > "2026"
    assert (
        f"{picture} was uploaded: whoever knows the URL can read it until" in said.err
    )
    url = tell("upload", str(picture)).out
    # A task that names the file takes the upload that is there.
    uploads = [path for path, _ in heard.asked if path.endswith("/prepare")]
    words = ("generate", "flux-kontext-pro", "in snow", "-s", f"image_url={picture}")
    assert tell(*words, "-s", "aspect_ratio=1:1").code == 0
    again = [path for path, _ in heard.asked if path.endswith("/prepare")]
    assert again == uploads
    assert url.startswith(env["RUNAPI_BASE_URL"])


def test_what_is_no_picture_is_not_uploaded(
    tell: Tell, tmp_path: Path, heard: Heard
) -> None:
    secret = tmp_path / "key.png"
    secret.write_text("runapi_secret")
    for path in (secret, tmp_path / "nothing.png", tmp_path):
        said = tell("upload", str(path))
        assert (said.code, said.out) == (4, "")
        assert said.err.count("\n") == 1
    assert heard.asked == []


# ---- login


@pytest.fixture
def config(home: Path) -> Path:
    return home / ".config/runapi/config.json"


def fed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_a_key_is_checked_and_saved(
    tell: Tell,
    monkeypatch: pytest.MonkeyPatch,
    config: Path,
    heard: Heard,
    env: dict[str, str],
) -> None:
    fed(monkeypatch, f"{DEMO_KEY}\n")
    said = tell("login", "--token", "-", RUNAPI_API_KEY="")
    assert (said.code, said.out) == (0, "Demo, demo@runapi.invalid: balance $50.00\n")
    place = env["RUNAPI_BASE_URL"]
    assert said.err == f"The key is saved in {config}, for {place}.\n"
    saved = json.loads(config.read_text())
    assert (saved["api_key"], saved["base_url"]) == (DEMO_KEY, place)
    assert config.stat().st_mode & 0o777 == 0o600
    assert ("GET /api/v1/me", b"") in heard.asked
    assert tell("account").code == 0


def test_another_key_is_lost_only_with_a_word(
    tell: Tell, monkeypatch: pytest.MonkeyPatch, config: Path, heard: Heard
) -> None:
    config.parent.mkdir(parents=True)
    other = {"api_key": "runapi_other_0123456789", "base_url": "https://runapi.ai"}
    config.write_text(json.dumps(other | {"x": 1}))
    fed(monkeypatch, DEMO_KEY)
    said = tell("login", "--token", "-", RUNAPI_API_KEY="")
    assert (said.code, said.out, heard.asked) == (4, "", [])
    assert (
        "has another key, …89 for https://runapi.ai. Nothing was changed:" in said.err
    )
    assert json.loads(config.read_text()) == other | {"x": 1}
    fed(monkeypatch, DEMO_KEY)
    said = tell("login", "--token", "-", "--replace", RUNAPI_API_KEY="")
    assert said.code == 0
    assert "It replaces …89 for https://runapi.ai." in said.err
    saved = json.loads(config.read_text())
    assert (saved["api_key"], saved["x"]) == (DEMO_KEY, 1)
    # It is in force where it was checked, and nowhere else.
    monkeypatch.delenv("RUNAPI_BASE_URL")
    assert tell("account").code == 0
    fed(monkeypatch, DEMO_KEY)
    assert tell("login", "--token", "-").code == 0


def test_a_key_that_another_one_precedes_is_told(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    fed(monkeypatch, DEMO_KEY)
    said = tell("login", "--token", "-", RUNAPI_API_KEY="runapi_other")
    assert said.code == 0
    assert "It is not used yet: RUNAPI_API_KEY has another key" in said.err


def test_a_refused_key_is_not_saved(
    tell: Tell, monkeypatch: pytest.MonkeyPatch, config: Path
) -> None:
    fed(monkeypatch, "runapi_wrong")
    said = tell("login", "--token", "-")
    assert (said.code, said.out) == (2, "")
    assert said.err.endswith("The key was not saved.\n")
    fed(monkeypatch, DEMO_KEY)
    said = tell("login", "--token", "-", "--base-url", "http://127.0.0.1:9")
    assert (said.code, said.out) == (5, "")
    for text, why in (
        ("", "No key was given."),
        (" \n", "No key was given."),
        ("two words", "That is not an API key"),
        ("x" * 5_000, ""),
    ):
        fed(monkeypatch, text)
        said = tell("login", "--token", "-")
        assert (said.code, said.out) == (4, "")
        assert why in said.err
        assert "Nothing was changed." in said.err
    assert not config.exists()


def test_a_key_is_never_an_argument(tell: Tell, config: Path) -> None:
    said = tell("login", "--token", "runapi_secret_key")
    assert said.code == 4
    assert "give it on standard input" in said.err.replace("\n", " ")
    assert "runapi_secret_key" not in said.err
    assert tell("login", "--demo", "--token", "-").code == 4
    assert not config.exists()


def test_a_profile_with_a_key_of_its_own_keeps_it(
    tell: Tell, monkeypatch: pytest.MonkeyPatch, home: Path, config: Path
) -> None:
    own = home / ".config/runapi-tui/config.toml"
    own.parent.mkdir(parents=True)
    own.write_text('[profiles.work]\nkey = "env:WORK_KEY"\n')
    fed(monkeypatch, DEMO_KEY)
    said = tell("login", "--token", "-", "--profile", "work")
    assert (said.code, said.out) == (4, "")
    assert "Profile work takes its key from elsewhere" in said.err
    assert not config.exists()


def test_a_key_is_typed_unseen_in_a_terminal(
    env: dict[str, str], config: Path, home: Path
) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.environ |= env | {"RUNAPI_API_KEY": ""}
        os.execv(sys.executable, [sys.executable, "-m", "tui", "login"])
    shown = b""
    while b"API key: " not in shown:
        shown += os.read(terminal, 1000)
    os.write(terminal, f"{DEMO_KEY}\n".encode())
    try:
        while chunk := os.read(terminal, 1000):
            shown += chunk
    except OSError:  # the terminal's end on Linux
        pass
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert DEMO_KEY.encode() not in shown
    assert json.loads(config.read_text())["api_key"] == DEMO_KEY
