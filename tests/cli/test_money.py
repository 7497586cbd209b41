"""`quote`, `balance`, `spent`, and ceilings without a screen: exact codes, and nothing
is submitted.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.app import past
from tests.cli.test_commands import run
from tests.loopback import serving
from tests.screens.test_money import Heard, service
from tui.cli.main import main
from tui.demo import DEMO_KEY
from tui.tasks.store import Store
from tui.tasks.task import Status, Task

Tell = Callable[..., "Told"]


@pytest.fixture
def heard() -> Heard:
    return service()


@pytest.fixture
def env(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    with serving(heard) as url:
        found = {"RUNAPI_API_KEY": DEMO_KEY, "RUNAPI_BASE_URL": url}
        for name, value in found.items():
            monkeypatch.setenv(name, value)
        yield found


class Told(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def tell(
    env: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Tell:
    """Runs a command in this process, which is as good for those that only ask."""

    def tell(*words: str, **env: str) -> Told:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["runapi-tui", *words])
        with pytest.raises(SystemExit) as end:
            main()
        assert isinstance(end.value.code, int)
        return Told(end.value.code, *capsys.readouterr())

    return tell


def test_a_quote_asks_once_a_kind_and_makes_nothing(tell: Tell, heard: Heard) -> None:
    words = [
        "quote",
        "flux-2-pro-text-to-image",
        "-p",
        "{red|blue} fox",
        "--expand",
        "-n",
        "5",
    ]
    said = tell(*words, "--vary", "output_resolution=1k|2k", "--json")
    assert json.loads(said.out) == {
        "model": "flux-2-pro-text-to-image",
        "action": "text_to_image",
        "requests": 20,
        "total_usd": 1.2,
        "basis": "quoted",
        "as_of": None,
    }
    assert len(heard.quotes) == 2
    assert heard.submits == 0


def test_where_nothing_answers_the_list_does(tell: Tell) -> None:
    said = tell(
        "quote",
        "z-image",
        "-p",
        "x",
        "-n",
        "2",
        "--json",
        RUNAPI_BASE_URL="http://127.0.0.1:9",
    )
    answer = json.loads(said.out)
    assert (answer["total_usd"], answer["basis"], answer["as_of"]) == (
        0.02,
        "snapshot",
        "2026-07-23",
    )
    assert said.err.startswith("Not quoted: ")
    said = tell(
        "quote", "flux-2-max-text-to-image", "-p", "a fox", "-s", "aspect_ratio=1:1"
    )
    assert said[:2] == (0, "1 request, price unknown\n")


@pytest.mark.parametrize(
    ("words", "extra", "code"),
    [
        (["quote", "nope", "-p", "x"], {}, 4),
        (["quote", "z-image"], {}, 4),
        # Asks for no key
        (["quote", "z-image", "-p", "x"], {"RUNAPI_API_KEY": "runapi_wrong"}, 0),
        (["balance"], {"RUNAPI_API_KEY": ""}, 2),
        (["balance"], {"RUNAPI_API_KEY": "runapi_wrong"}, 2),
        (["balance"], {"RUNAPI_BASE_URL": "http://127.0.0.1:9"}, 5),
    ],
)
def test_codes(words: list[str], extra: dict[str, str], code: int, tell: Tell) -> None:
    said = tell(*words, **extra)
    assert said.code == code
    assert bool(said.out) == (code == 0)
    assert bool(said.err) == (code != 0)


def test_ceilings_keep_scripts_from_submitting_anything(
    env: dict[str, str], tell: Tell, heard: Heard, home: Path
) -> None:
    def earlier(**fields: Any) -> Task:
        url = env["RUNAPI_BASE_URL"]
        return past(
            "a lake",
            **{"base_url": url, "model": "z-image", "estimate_micro": 10_000, **fields},
        )

    store = Store(home / ".local" / "state" / "runapi-tui" / "queue.db")
    known = [
        earlier(cost_micro=20_000),
        earlier(cost_micro=500_000, base_url="https://runapi.ai"),
        earlier(status=Status.FAILED),  # not billed
        earlier(status=Status.HELD),
    ]
    store.add_missing((task, []) for task in known)
    store.close()
    # Another address counts too: it may be another spelling of the same one.
    limited = {**env, "RUNAPI_TUI_DAY_USD": "0.53"}
    said = run("generate", "z-image", "-p", "a lake", **limited)
    assert (said.returncode, said.stdout) == (4, "")
    assert said.stderr == (
        "This request costs about $0.01. Today $0.53 of $0.53 is spent or on its way (day_usd)."
        " Nothing was submitted; --over-budget sends it anyway.\n"
    )
    words = [
        "generate",
        "flux-2-max-text-to-image",
        "-p",
        "a fox",
        "-s",
        "aspect_ratio=1:1",
        "-n",
        "2",
    ]
    said = run(*words, **env, RUNAPI_TUI_JOB_USD="5")
    assert said.returncode == 4
    assert said.stderr.startswith(
        "These 2 requests cost an unknown sum. A job may cost $5.00 (job_usd)."
    )
    assert heard.asked == []
    assert (
        run(
            "generate", "z-image", "-p", "a lake", "--over-budget", **limited
        ).returncode
        == 0
    )
    answer = json.loads(tell("balance", "--json").out)
    assert answer["balance_usd"] == 49.99
    assert answer["service"] == {"today_usd": 0.01, "total_usd": 0.01}
    assert answer["ledger"]["today"] == {
        "tasks": 2,
        "usd": 0.03,
        "estimated_usd": 0.0,
        "unknown": 0,
    }
    assert answer["ledger"]["on_the_way"] == {
        "tasks": 1,
        "usd": 0.01,
        "estimated_usd": 0.01,
        "unknown": 0,
    }
    assert "on the way  $0.01 ($0.01 estimated)\n" in tell("balance").out
    days = [
        json.loads(line)["usd"]
        for line in tell("spent", "--by", "day", "--json").out.splitlines()
    ]
    assert days == [0.0] * 29 + [0.03]
    assert tell("spent").out.split() == ["z-image", "2", "$0.03"]


def test_a_charge_above_the_list_price_stops_a_command_and_resume_needs_a_word(
    env: dict[str, str], heard: Heard
) -> None:
    limited = {**env, "RUNAPI_TUI_JOB_USD": "0.05", "RUNAPI_TUI_CONCURRENCY": "1"}
    said = run("generate", "z-image", "a lake demo:dear", "-n", "4", **limited)
    assert (said.returncode, heard.submits) == (4, 1)
    stopped, completed = sorted(said.stdout.splitlines(), reverse=True)
    assert completed.startswith("completed")
    # One line tells it of all three.
    assert "This job may cost $0.05, and $5.00 is spent or on its way" in stopped
    command, job = re.findall(r"`(.*) (\w+)`", said.stderr)[0]
    assert command == "runapi-tui resume --over-budget"
    assert "3 tasks were not sent because of a spending limit" in said.stderr
    # Not by itself, not by a word that doesn't name it, not within the limit.
    for names, code in (([], 1), ([job], 4)):
        said = run("resume", *names, **limited)
        assert said.returncode == code
        assert "spending limit" in said.stderr or "job_usd" in said.stderr
    assert heard.submits == 1
    said = run("resume", job, "--over-budget", **limited)
    assert said.returncode == 0
    assert "Sending 3 tasks set aside unsent, about $15.00." in said.stderr
    assert heard.submits == 4
