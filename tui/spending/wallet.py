"""The money of a running app: the balance, prices, and when to ask before spending."""

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from tui.catalog.price import Estimate
from tui.catalog.request import Request
from tui.catalog.spec import Model, Values
from tui.settings.config import Config
from tui.spending import ceilings
from tui.spending.quotes import Quotes
from tui.tasks.ceilings import Verdict, Wanted
from tui.tasks.ledger import CostSum

if TYPE_CHECKING:
    from tui.tasks.engine import Engine

REFRESH_SECONDS = 5.0
"""Least seconds between two requests for the balance."""


class Question(NamedTuple):
    """What the user is asked before paying."""

    text: str
    passes_ceiling: bool
    """Whether a yes allows to pass a ceiling."""


class Wallet:
    """The balance and spending of one account."""

    def __init__(self, config: Config) -> None:
        self.quotes = Quotes()
        self.spending = asyncio.Lock()
        """Held from the question until the tasks are on disk.

        Otherwise two jobs could both spend what is left for one.
        """
        self.balance: int | None = None
        """In micro-dollars; None until the service has answered."""
        self.today = CostSum()
        self._config = config
        self._refreshed_at = -REFRESH_SECONDS
        self._refreshing = False

    async def refresh(self, engine: "Engine") -> bool:
        """Update the balance and what was spent; False if that is under way already.

        Waits between two requests, so that tasks which end together cause one.
        """
        from tui.service.errors import ServiceError

        if self._refreshing:
            return False
        self._refreshing = True
        due = self._refreshed_at + REFRESH_SECONDS
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        self._refreshed_at = time.monotonic()
        self._refreshing = False
        spent = await engine.queue.spent()
        self.today = spent.today
        with suppress(ServiceError):  # the app works without the balance
            account = await engine.account()
            self.balance = account.balance
        return True

    def price(self, model: Model, values: Values) -> Estimate:
        """Return what a request costs, as every page shows it and limits count it."""
        return self.quotes.price(model, values)

    async def priced(self, requests: Iterable[Request]) -> list[Request]:
        """Return the requests with what each costs by now."""
        return await asyncio.to_thread(
            lambda: [
                request._replace(price=self.price(request.model, request.values).micro)
                for request in requests
            ]
        )

    async def question(
        self, engine: "Engine", wanted: list[Wanted], *, ask: bool = False
    ) -> Question | None:
        """Return what to ask before this is spent; None if no question is needed.

        One is needed where a ceiling would be passed, or where several requests cost
        much or an unknown sum; with `ask` in any case.
        """
        total = ceilings.estimated_total([each.estimate_micro for each in wanted])
        is_much = total.unknown or total.micro > self._config.confirm_usd * 1_000_000
        ask = ask or bool(len(wanted) > 1 and is_much)
        verdict = Verdict(total, ())
        if engine.ceilings and wanted:
            verdict = await engine.queue.judge(wanted, engine.ceilings)
        if not ask and not verdict.passed:
            return None
        budget = ""
        if engine.ceilings.day is not None:
            spent = await engine.queue.spent()
            budget = ceilings.budget_left(self._config, spent)
        text = ceilings.question(verdict, self.balance, budget)
        return Question(text, bool(verdict.passed))
