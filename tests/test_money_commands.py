"""`quote`, `balance`, `spent`, and ceilings without a screen: real processes, exact exit codes, nothing submitted."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.loopback import serving
from tests.test_cli import Said, lines, run
from tests.test_money import Heard, service
from tui.demo import DEMO_KEY


@pytest.fixture
def heard() -> Heard:
    return service()


@pytest.fixture
def env(heard: Heard) -> Iterator[dict[str, str]]:
    with serving(heard) as url:
        yield {"RUNAPI_API_KEY": DEMO_KEY, "RUNAPI_BASE_URL": url}


def told(said: Said) -> Any:
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


def test_a_quote_asks_once_a_kind_and_makes_nothing(env: dict[str, str], heard: Heard) -> None:
    words = ["quote", "flux-2-pro-text-to-image", "-p", "{red|blue} fox", "--expand", "-n", "5"]
    answer = told(run(*words, "--vary", "output_resolution=1k|2k", "--json", **env))
    assert answer == {
        "model": "flux-2-pro-text-to-image",
        "action": "text_to_image",
        "requests": 20,
        "total_usd": 1.2,
        "basis": "quoted",
        "as_of": None,
    }
    assert len(heard.quotes) == 2
    assert heard.submits == 0


def test_where_nothing_answers_the_list_does(env: dict[str, str]) -> None:
    away = {**env, "RUNAPI_BASE_URL": "http://127.0.0.1:9"}
    said = run("quote", "z-image", "-p", "x", "-n", "2", "--json", **away)
    assert (told(said)["total_usd"], told(said)["basis"], told(said)["as_of"]) == (0.02, "snapshot", "2026-07-23")
    assert said.stderr.startswith("Not quoted: ")
    said = run("quote", "flux-2-max-text-to-image", "-p", "a fox", "-s", "aspect_ratio=1:1", **away)
    assert (said.returncode, said.stdout) == (0, "1 request, price unknown\n")


@pytest.mark.parametrize(
    ("words", "extra", "code"),
    [
        (["quote", "nope", "-p", "x"], {}, 4),
        (["quote", "z-image"], {}, 4),
        (["balance"], {"RUNAPI_API_KEY": ""}, 2),
        (["balance"], {"RUNAPI_API_KEY": "runapi_wrong"}, 2),
        (["balance"], {"RUNAPI_BASE_URL": "http://127.0.0.1:9"}, 5),
    ],
)
def test_codes(words: list[str], extra: dict[str, str], code: int, env: dict[str, str]) -> None:
    said = run(*words, **(env | extra))
    assert (said.returncode, said.stdout) == (code, "")
    assert said.stderr
    assert "Traceback" not in said.stderr


def test_ceilings_keep_scripts_from_submitting_anything(env: dict[str, str], heard: Heard) -> None:
    limited = {**env, "RUNAPI_TUI_DAY_USD": "0.03"}
    assert run("generate", "z-image", "-p", "a lake", "-n", "2", **limited).returncode == 0
    assert run("generate", "z-image", "-p", "a lake demo:fail", **limited).returncode == 7  # not billed
    assert run("generate", "z-image", "-p", "a lake", "--no-wait", **limited).returncode == 0
    before = heard.submits
    said = run("generate", "z-image", "-p", "a lake", **limited)
    assert (said.returncode, said.stdout) == (4, "")
    assert said.stderr == (
        "This request costs about $0.01. Today $0.03 of $0.03 is spent or on its way (day_usd)."
        " Nothing was submitted; --over-budget sends it all the same.\n"
    )
    words = ["generate", "flux-2-max-text-to-image", "-p", "a fox", "-s", "aspect_ratio=1:1", "-n", "2"]
    said = run(*words, **env, RUNAPI_TUI_JOB_USD="5")
    assert said.returncode == 4
    assert said.stderr.startswith("These 2 requests cost an unknown sum. A job may cost $5.00 (job_usd).")
    assert heard.submits == before
    assert len(lines(run("tasks", "--json", **env))) == 4
    assert run("generate", "z-image", "-p", "a lake", "--over-budget", **limited).returncode == 0
    answer = told(run("balance", "--json", **env))
    assert answer["balance_usd"] == 49.97
    assert answer["service"] == {"today_usd": 0.03, "total_usd": 0.03}
    assert answer["ledger"]["today"] == {"tasks": 3, "usd": 0.03, "estimated_usd": 0.0, "unknown": 0}
    assert answer["ledger"]["on_the_way"]["usd"] == 0.01
    (model,) = lines(run("spent", "--json", **env))
    assert model == {"model": "z-image", "tasks": 3, "usd": 0.03, "estimated_usd": 0.0, "unknown": 0}
    days = lines(run("spent", "--by", "day", "--json", **env))
    assert [day["usd"] for day in days] == [0.0] * 29 + [0.03]
    assert "balance     $49.97\n" in run("balance", **env).stdout
