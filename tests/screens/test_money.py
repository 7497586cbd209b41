"""Money in sight in the app: the quote on the button, ceilings, the money page, a
balance that is too low.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.app import TestApp, past
from tests.loopback import serving
from tui.catalog.load import bundled
from tui.catalog.spec import Values
from tui.demo import DEMO_KEY
from tui.demo.service import create_app
from tui.screens.confirm import ConfirmScreen
from tui.screens.main import MainScreen
from tui.screens.money import MoneyScreen
from tui.spending import wallet
from tui.tasks.task import Status, Task
from tui.widgets import form


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNAPI_API_KEY", DEMO_KEY)
    monkeypatch.setattr(form, "REST", 0.01)
    monkeypatch.setattr(wallet, "REFRESH_SECONDS", 0.5)


def asking_for(prompt: str) -> Callable[[Task], bool]:
    return lambda task: task.prompt == prompt


class Heard:
    """A service that writes down what was asked of it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.asked: list[tuple[str, Any]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""

        async def heard() -> Message:
            nonlocal body
            message = await receive()
            body += message.get("body", b"")
            return message

        await self._app(scope, heard, send)
        self.asked.append((f"{scope['method']} {scope['path']}", body))

    @property
    def quotes(self) -> list[Any]:
        return [
            json.loads(body or "{}")
            for path, body in self.asked
            if path == "POST /api/v1/price_quotes"
        ]

    @property
    def submits(self) -> int:
        return sum(
            path.startswith("POST") and "image" in path for path, _ in self.asked
        )


@asynccontextmanager
async def app_at(service: Heard, **options: Any) -> AsyncIterator[tuple[TestApp, Any]]:
    with serving(service) as url:
        app = TestApp(demo=False, base_url=url, **options)
        async with app.running(80, 24) as pilot:
            yield app, pilot


def service(**options: Any) -> Heard:
    return Heard(create_app(bundled(), **{"delay": 0, **options}))


# ---- the button


async def test_the_button_says_what_the_service_would_take_for_just_this() -> None:
    heard = service()
    async with app_at(heard) as (app, pilot):
        assert app.main
        await app.sees("$0.05", "balance $50.00", without="quoted")
        assert heard.quotes == []
        await pilot.press(*"fox")
        await app.sees("$0.05 quoted")
        await pilot.press(*" cub")  # no price hangs on that: nothing is asked anew
        larger: Values = {"prompt": "x y z", "output_resolution": "2k"}
        await app.main.show_model(bundled().find("flux-2-pro-text-to-image"), larger)
        await pilot.pause()
        await app.sees("$0.07 quoted")
        # Asked again only where a later wish has ended an earlier one before its
        # answer.
        kinds = [asked["params"] for asked in heard.quotes]
        assert [kind for at, kind in enumerate(kinds) if kind not in kinds[:at]] == [
            {"prompt": "fox"},
            larger,
        ]
        assert {asked["service"] for asked in heard.quotes} == {"flux_2"}
        assert heard.submits == 0


async def test_a_price_that_is_on_no_list_is_quoted_and_kept_with_the_task() -> None:
    async with app_at(service()) as (app, pilot):
        assert app.main
        await app.main.show_model(
            bundled().find("flux-2-max-text-to-image"),
            {"prompt": "a fox", "aspect_ratio": "1:1"},
        )
        await pilot.pause()
        await app.sees("$0.10 quoted")
        await pilot.press("ctrl+j")
        task = await app.until_task(pilot, lambda task: task.status is Status.COMPLETED)
        assert (task.estimate_micro, task.cost_micro) == (100_000, 100_000)
        await app.sees("today $0.10")


async def test_where_nothing_is_quoted_the_list_is_good_enough() -> None:
    app_without = create_app(bundled(), delay=0)
    app_without.router.routes[:] = [
        route
        for route in app_without.router.routes
        if "quotes" not in getattr(route, "path", "")
    ]
    heard = Heard(app_without)
    async with app_at(heard) as (app, pilot):
        await pilot.press(*"fox")
        await app.sees("$0.05 listed")
        await app.until(lambda: heard.quotes)
        await pilot.pause()
        assert app.told == []
        assert "$0.05 listed" in app.text()


# ---- ceilings


async def test_what_is_not_checked_has_one_price_and_is_named_past_a_ceiling() -> None:
    values: Values = {"prompt": "a fox", "+": {"style": "ink"}}
    app = TestApp(delay=0, job_usd=0.05)
    app.remember(
        past(
            "a fox",
            Status.HELD,
            action="text_to_image",
            model="z-image",
            service="z_image",
            values=values,
            estimate_micro=None,
        ),
        paused=True,
    )
    async with app.running(80, 24) as pilot:
        assert app.main
        assert app.engine
        await app.main.show_model(bundled().find("z-image"), values)
        await app.sees("$0.10 quoted, not checked")
        for key in ("ctrl+j", "ctrl+b"):
            await pilot.press(key)
            if key == "ctrl+b":
                await app.sees("1 request, about $0.10, not checked")
                await pilot.press("ctrl+j")
            await app.sees("Not checked: style.", "costs about $0.10.", "job_usd")
            await pilot.press("n")
            await app.until(lambda: not isinstance(app.screen, ConfirmScreen))
            await pilot.press("escape")
        assert len(app.engine.tasks) == 1


@pytest.mark.parametrize(
    ("ceilings", "told"),
    [
        (
            {"job_usd": 0.04},
            ["This request costs about $0.05.", "A job may cost $0.04 (job_usd)."],
        ),
        ({"day_usd": 0.12}, ["Today $0.08 of $0.12 is spent or on its way (day_usd)."]),
    ],
)
async def test_past_a_ceiling_nothing_is_sent_without_a_yes(
    ceilings: dict[str, Any], told: list[str]
) -> None:
    app = TestApp(delay=0, **ceilings)
    app.remember(
        past("a cat", cost_micro=80_000),
        past("a dog", Status.FAILED, estimate_micro=900_000),
    )
    async with app.running(80, 24) as pilot:
        assert app.main
        assert app.engine
        app.main.form.set_prompt("a fox")
        await pilot.press("ctrl+j")
        await app.sees(*told, "Balance $50.00.", "Send anyway?")
        await pilot.press("n")
        await app.until(lambda: isinstance(app.screen, MainScreen))
        assert len(app.engine.tasks) == 2
        await pilot.press("ctrl+j")
        await app.until(lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await app.until_task(
            pilot,
            lambda task: task.prompt == "a fox" and task.status is Status.COMPLETED,
        )


async def test_what_is_on_its_way_counts_and_a_retry_is_a_request_too() -> None:
    app = TestApp(delay=3600, poll_seconds=5, day_usd=0.12)
    app.remember(past("a dog demo:fail", Status.FAILED, error=None))
    async with app.running(80, 24) as pilot:
        assert app.main
        assert app.engine
        for prompt in ("a fox", "an owl"):
            app.main.form.set_prompt(prompt)
            await pilot.press("ctrl+j")
            await app.until_task(pilot, asking_for(prompt))
        dog = next(
            task for task in app.engine.tasks.values() if task.status is Status.FAILED
        )
        app.main.queue.table.select(dog.id)
        await pilot.press("ctrl+t", "r")
        await app.sees("Today $0.10 of $0.12 is spent or on its way (day_usd).")
        await pilot.press("n")
        await app.until(lambda: isinstance(app.screen, MainScreen))
        assert len(app.engine.tasks) == 3


async def test_what_is_charged_above_its_price_stops_the_job_until_a_yes() -> None:
    app = TestApp(delay=0, job_usd=0.15, concurrency=1)
    async with app.running(120, 40) as pilot:
        assert app.main
        assert app.engine
        app.main.form.set_prompt("{red|blue|green} fox demo:dear")
        await pilot.press("ctrl+j")
        await app.sees("1 of 3", "2 set aside", "$5.00")
        await app.until(lambda: app.told)
        job = next(iter(app.engine.tasks.values())).job
        assert [told for told in app.told if "job_usd" in told] == [
            "Not sent, not charged: it would cost about $5.00. This job may cost $0.15,"
            " and $5.00 is spent or on its way (job_usd). Raise that limit and start an"
            " open app again, or send it anyway: `s` in the app, or"
            f" `runapi-tui resume --over-budget {job}`."
        ]
        await pilot.press("ctrl+t", "s")
        await app.sees(
            "These 2 requests cost about $10.00.",
            "This job may cost $0.15, and $5.00 is spent or on its way (job_usd).",
            "Send anyway?",
        )
        await pilot.press("y")
        await app.sees("3 of 3")


async def test_what_another_program_spends_during_the_question_is_asked_about() -> None:
    app = TestApp(delay=0, day_usd=0.12, confirm_usd=0.01)
    async with app.running(80, 24) as pilot:
        assert app.main
        app.main.form.set_prompt("{red|blue} fox")
        await pilot.press("ctrl+j")
        await app.sees("Send 2 requests, about $0.10?")
        app.remember(past("a cat", cost_micro=30_000))
        await pilot.press("y")
        await app.sees("Today $0.03 of $0.12 is spent", "Send anyway?")
        await pilot.press("n")
        await app.until(lambda: isinstance(app.screen, MainScreen))
        assert app.engine
        assert [task.prompt for task in app.engine.tasks.values()] in ([], ["a cat"])


# ---- the page


async def test_the_money_page_is_legible_at_80_by_24() -> None:
    app = TestApp(delay=0, day_usd=1.0)
    app.remember(
        *(past(f"a fox {number}", cost_micro=70_000) for number in range(3)),
        past("an owl", model="imagen-4", cost_micro=None, estimate_micro=80_000),
        past(
            "a hare",
            model="flux-2-max-text-to-image",
            cost_micro=None,
            estimate_micro=None,
        ),
        past("a toad", model="[b]\x1b[31mno model", created_at=1.0),
    )
    async with app.running(80, 24) as pilot:
        await app.sees("today ~$0.29 + ?")
        await pilot.press("ctrl+t", "$")
        await app.sees(
            "today           $0.29 and 1 of unknown price ($0.08 estimated)",
            "total           $0.34 and 1 of unknown price ($0.08 estimated), 6 tasks",
            "on the way      nothing",
            "today's budget  at most $0.71 of $1.00 left (day_usd)",
            "balance         $50.00",
            "service reports $0.00 today, $0.00 in total",
            "The last 30 days, up to $0.29 a day",
            "· █",
            "Imagen 4                                1     ~$0.08     $0.08",
            "[b]no model",
            "Flux 2 Max                              1          ?         ?  1 unknown",
        )
        assert app.main
        app.main.form.set_prompt("a fox at night")
        app.main.form.action_generate()
        await app.sees(
            "Today $0.29 and 1 of unknown price of $1.00 is spent or on its way",
            "(day_usd).",
        )
        await pilot.press("y")
        await app.sees("total           $0.39")  # kept up to date
        await pilot.press("escape")
        await app.until(lambda: isinstance(app.screen, MainScreen))


async def test_the_money_page_says_what_counts_for_the_day() -> None:
    app = TestApp(delay=0, day_usd=1.0)
    app.remember(
        past("a fox", cost_micro=70_000),
        past("an owl", cost_micro=200_000, base_url="https://WWW.runapi.ai."),
    )
    async with app.running(80, 24) as pilot:
        await app.sees("today $0.07")
        await pilot.press("ctrl+t", "$")
        await app.sees(
            "today           $0.07",
            "counts today    about $0.27, all services together",
            "today's budget  $0.73 of $1.00 left (day_usd)",
        )


async def test_the_money_page_of_an_empty_queue() -> None:
    app = TestApp(delay=0)
    async with app.running(80, 24) as pilot:
        await pilot.press("ctrl+t")
        await app.run_action("money")
        await app.sees(
            "total           $0.00, 0 tasks",
            "The last 30 days",
            "· · ·",
            without="model  ",
        )
        assert isinstance(app.screen, MoneyScreen)
        await pilot.press("q")


# ---- no credit


async def test_a_balance_that_is_too_low_is_told_once_with_what_is_missing() -> None:
    heard = service(balance_cents=6)
    async with app_at(heard, confirm_usd=9) as (app, pilot):
        assert app.main
        app.main.form.set_prompt("{red|blue|green} fox")
        await pilot.press("ctrl+j")

        def held() -> list[str]:
            tasks = app.engine.tasks.values() if app.engine else []
            return [
                task.note
                for task in tasks
                if task.status is Status.HELD and "too low" in task.note
            ]

        await app.until(lambda: len(held()) == 2)
        sentence = "The balance is too low: $0.05 needed, $0.01 left. Top up at the service's website."
        assert all(note.startswith(f"{sentence} Trying again in ") for note in held())
        assert sum(told.startswith(sentence) for told in app.told) == 1
        await app.sees("! no credit")
        await app.sees("balance $0.01")
