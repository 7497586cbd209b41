"""`doctor` says what is wrong, how bad that is, and what to do next."""

import errno
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
from tui.cli.checks import folders
from tui.session import prepare
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


@pytest.mark.parametrize(
    ("name", "value", "base_url", "words", "step"),
    [
        (
            "HTTPS_PROXY",
            "http://127.0.0.1:9",
            "https://runapi.ai",
            "The proxy of HTTPS_PROXY (http://127.0.0.1:9) can't be reached",
            "Correct or unset HTTPS_PROXY.",
        ),
        (
            "SSL_CERT_FILE",
            "/no/such.pem",
            "https://runapi.ai",
            "SSL_CERT_FILE=/no/such.pem: No safe connection can be made",
            "Correct or unset SSL_CERT_FILE.",
        ),
        (
            "NO_PROXY",
            "corp.example",
            "https://nosuchhost.invalid",
            "nosuchhost.invalid was not found: check its name and the network.",
            "Check the network, and whether a proxy or a firewall is in between.",
        ),
    ],
)
def test_one_cause_is_one_finding_with_its_own_advice(
    name: str, value: str, base_url: str, words: str, step: str
) -> None:
    env = {"RUNAPI_API_KEY": KEY, "RUNAPI_BASE_URL": base_url, name: value}
    code, found = diagnosed(**env)
    (error,) = [one for one in found["findings"] if one["level"] == "error"]
    assert (code, error["topic"], error["next_step"]) == (1, "network", step)
    assert error["text"].startswith(words)


def test_what_changes_nothing_is_no_finding() -> None:
    names = ("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "NO_PROXY")
    env = dict.fromkeys(names, "x") | {"RUNAPI_BASE_URL": "http://127.0.0.1:9"}
    code, found = diagnosed("--offline", RUNAPI_API_KEY=KEY, **env)
    assert (code, about(found, "network")) == (0, [])
    assert len(found["network"]) >= len(names)  # what is set stays among the facts
    assert "SSL_CERT_DIR=x: not used: this base URL is without" in str(found["network"])


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


@pytest.mark.parametrize("place", [".openclaw/openclaw.json", ".hermes/config.yaml"])
def test_a_broken_file_of_another_tool_is_told_where_it_may_matter(
    home: Path, place: str
) -> None:
    path = home / place
    path.parent.mkdir()
    path.write_text("a: {\n  b: [\n}\n")
    level, text, step = about(diagnosed("--offline")[1], "key")[-1]
    assert (level, step) == ("ok", "")
    assert f"~/{place} can't be read: not " in text
    assert "(line " in text
    assert text.endswith("It doesn't mention RunAPI.")
    with_key = about(diagnosed("--offline", RUNAPI_API_KEY=KEY)[1], "key")
    assert len(with_key) == 1
    path.write_text("# runapi\na: {\n  b: [\n}\n")
    *_, (level, text, step) = about(diagnosed("--offline")[1], "key")
    assert (level, f"~/{place} can't be read: not " in text) == ("warning", True)
    assert "(line " in text
    assert step.startswith("Correct that file, in which a key may be")


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
    assert first[2] == (
        f"Move the file that is in its way, or set {variable} to another folder."
    )


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "Change its permissions, or set XDG_STATE_HOME"),
        (errno.ENOENT, "Nothing can be made there: set XDG_STATE_HOME"),
        (errno.ENOSPC, "Make room on that disk, or set XDG_STATE_HOME"),
    ],
)
def test_the_way_out_is_that_of_the_error(
    number: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = OSError(number, os.strerror(number))
    monkeypatch.setattr(writable, "refusal", lambda folder: error)
    found = next(folders.check(prepare(demo=True)))
    assert found.next_step.startswith(words)


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
    said: Said = run("doctor", "--offline")
    *_, finding, step = said.stdout.splitlines()
    assert finding.startswith("error    key: No API key")
    assert step.strip().startswith("-> Set RUNAPI_API_KEY")


def test_the_exit_code_is_that_of_the_worst() -> None:
    levels = [Finding(level, "x", "x") for level in (Level.WARNING, Level.OK)]
    assert worst([]) == Level.OK
    assert doctor.exit_code([]) == 0
    assert doctor.exit_code(levels) == 8
    assert doctor.exit_code([*levels, Finding(Level.ERROR, "x", "x")]) == 1
