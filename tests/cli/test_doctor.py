"""`doctor` says what is wrong, how bad that is, and what to do next."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.cli.test_commands import Said, run
from tests.loopback import serving
from tui.cli import doctor
from tui.system import writable
from tui.system.finding import Finding, Level, worst

KEY = "runapi_0123456789abcdefghijkl"


class Service:
    """Whose key it is, and what it has: as the tests want it."""

    def __init__(self) -> None:
        self.status = 200
        self.balance = 1_500_000

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/api/v1/me", self._me),
                Route("/api/v1/me/balance", self._balance),
            ]
        )

    async def _me(self, request: Request) -> Response:
        return JSONResponse({"email": "me@example.org"}, self.status)

    async def _balance(self, request: Request) -> Response:
        return JSONResponse({"balance_cents": self.balance // 10_000}, self.status)


@pytest.fixture
def service() -> Iterator[tuple[Service, dict[str, str]]]:
    fake = Service()
    with serving(fake.app()) as url:
        yield fake, {"RUNAPI_API_KEY": KEY, "RUNAPI_BASE_URL": url}


def diagnosed(*words: str, **env: str) -> tuple[int, dict[str, Any]]:
    said = run("doctor", "--json", *words, **env)
    assert said.stderr == ""
    return said.returncode, json.loads(said.stdout)


def about(found: dict[str, Any], topic: str) -> list[tuple[str, str, str]]:
    """Level, text and next step of what is about that."""
    return [
        (one["level"], one["text"], one["next_step"])
        for one in found["findings"]
        if one["topic"] == topic
    ]


def test_the_json_is_as_documented() -> None:
    code, found = diagnosed("--demo")
    assert (code, found["schema"], found["level"]) == (0, 1, "ok")
    for one in found["findings"]:
        assert list(one) == ["level", "topic", "text", "next_step"]
        assert all(isinstance(value, str) for value in one.values())
    assert list(found) == [
        *("schema", "level", "findings", "version", "profile", "key", "keys"),
        *("base_url", "route", "config", "queue", "images", "names", "cache"),
        *("terminal", "drawn_as", "python", "libraries", "network", "notes"),
    ]
    page = (Path(__file__).parents[2] / "docs/headless.md").read_text("utf-8")
    section = page.partition("## `doctor`")[2].partition("\n## ")[0]
    for name in (*found, *found["findings"][0], *Level):
        assert f"`{name}`" in section, name


def test_a_key_that_is_accepted_has_a_balance(
    service: tuple[Service, dict[str, str]],
) -> None:
    fake, env = service
    code, found = diagnosed(**env)
    ((level, text, step),) = about(found, "service")
    assert (code, level, step) == (0, "ok", "")
    assert text.endswith("accepts the key; the balance is $1.50.")
    fake.balance = 0
    code, found = diagnosed(**env)
    ((level, text, step),) = about(found, "service")
    assert (code, found["level"], level) == (8, "warning", "warning")
    assert step.startswith("Add credit")


@pytest.mark.parametrize(
    ("status", "step"),
    [(401, "Make another key"), (429, "Wait a minute"), (503, "Try again later")],
)
def test_what_the_service_refuses_is_an_error(
    service: tuple[Service, dict[str, str]], status: int, step: str
) -> None:
    fake, env = service
    fake.status = status
    code, found = diagnosed(**env)
    ((level, _, told),) = about(found, "service")
    assert (code, level) == (1, "error")
    assert told.startswith(step)
    assert KEY not in json.dumps(found)


def test_offline_asks_nothing() -> None:
    env = {"RUNAPI_API_KEY": KEY, "RUNAPI_BASE_URL": "http://127.0.0.1:9"}
    code, found = diagnosed("--offline", **env)
    assert (code, about(found, "service")) == (0, [])
    code, found = diagnosed(**env)
    ((level, _, step),) = about(found, "service")
    assert (code, level) == (1, "error")
    assert step.startswith("Check the network")


def test_without_a_key_it_says_how_to_get_one() -> None:
    code, found = diagnosed()
    assert code == 1
    assert about(found, "key") == [
        (
            "error",
            "No API key was found.",
            "Set RUNAPI_API_KEY, or run `runapi-tui login`.",
        )
    ]


def test_settings_that_are_wrong_are_warnings(home: Path) -> None:
    folder = home / ".config/runapi-tui"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text('theme = "nrod"\n[keys]\nno-such-id = "x"\n')
    code, found = diagnosed("--demo")
    assert code == 8
    ((level, text, step),) = about(found, "theme")
    assert level == "warning"
    assert "nrod" in text
    assert "nord" in step
    ((level, text, step),) = about(found, "keys")
    assert level == "warning"
    assert "no-such-id" in text
    assert "config.toml" in step


@pytest.mark.parametrize(
    ("variable", "topic", "level", "code"),
    [
        ("XDG_STATE_HOME", "queue", "error", 1),
        ("RUNAPI_TUI_OUTPUT", "images", "error", 1),
        ("XDG_CACHE_HOME", "cache", "warning", 8),
    ],
)
def test_a_folder_that_cannot_be_written_to_is_told(
    tmp_path: Path, variable: str, topic: str, level: str, code: int
) -> None:
    (tmp_path / "file").write_text("")  # root may write to any folder, not below a file
    ended, found = diagnosed("--demo", **{variable: str(tmp_path / "file")})
    assert ended == code
    first = about(found, topic)[0]
    assert first[0] == level
    assert f"set {variable} to another folder" in first[2]


def test_a_queue_file_that_cannot_be_used_is_told(home: Path) -> None:
    folder = home / ".local/state/runapi-tui/demo/queue.db"
    folder.mkdir(parents=True)
    code, found = diagnosed("--demo")
    assert code == 1
    assert about(found, "queue")[-1][0] == "error"


def test_a_folder_is_tried_without_a_trace(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    before = os.stat(folder).st_mtime_ns
    assert writable.refusal(folder / "not" / "there") is None
    assert list(folder.iterdir()) == []
    assert os.stat(folder).st_mtime_ns == before


def test_people_read_the_worst_last(home: Path) -> None:
    said: Said = run("doctor")
    *_, finding, step = said.stdout.splitlines()
    assert finding.startswith("error    key: No API key")
    assert step.strip().startswith("-> Set RUNAPI_API_KEY")


def test_the_exit_code_is_that_of_the_worst() -> None:
    levels = [Finding(level, "x", "x") for level in (Level.WARNING, Level.OK)]
    assert worst([]) == Level.OK
    assert doctor.exit_code([]) == 0
    assert doctor.exit_code(levels) == 8
    assert doctor.exit_code([*levels, Finding(Level.ERROR, "x", "x")]) == 1
