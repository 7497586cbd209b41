"""The money of a running app: what is left, what requests cost, and whether that may be
spent unasked.
"""

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from tui.catalog.spec import Model, Values
from tui.settings.config import Config
from tui.spending import ceilings
from tui.spending.quotes import Quotes
from tui.tasks.ledger import Total

if TYPE_CHECKING:
    from tui.tasks.engine import Engine

LOOK_EVERY = 5.0
"""Seconds between two looks at the balance, at least."""


class Wallet:
    """Of one account; another one has another purse."""

    def __init__(self, config: Config) -> None:
        self.quotes = Quotes()
        self.spending = asyncio.Lock()
        """Held from the question whether to spend until that is on disk: two jobs can't
        share what one may take.
        """
        self.balance: int | None = None
        """In micro-dollars; None until the service has told."""
        self.today = Total()
        self._config = config
        self._looked_at = -LOOK_EVERY
        self._looking = False

    async def refresh(self, engine: "Engine") -> bool:
        """How much is left and what was spent; False if another look is under way,
        which sees the same. Not too often: once for all tasks that end together.
        """
        from tui.service.errors import ServiceError

        if self._looking:
            return False
        self._looking = True
        await asyncio.sleep(max(0.0, self._looked_at + LOOK_EVERY - time.monotonic()))
        self._looked_at, self._looking = time.monotonic(), False
        self.today = (await engine.queue.spent()).today
        with suppress(ServiceError):  # the balance is a comfort, not a need
            self.balance = (await engine.account()).balance
        return True

    async def prices(self, model: Model, cells: list[Values]) -> list[int | None]:
        """What each request costs, in micro-dollars, as far as anybody knows."""
        return await asyncio.to_thread(
            lambda: [self.quotes.price(model, cell).micro for cell in cells]
        )

    async def question(
        self, engine: "Engine", prices: list[int | None], *, ask: bool = False
    ) -> str:
        """What to ask before so much is spent: where a ceiling would be passed, or
        where many requests cost much or an unknown sum; with `ask` in any case. Empty
        if it may be spent unasked.
        """
        config, wish = self._config, ceilings.wanted(prices)
        many = len(prices) > 1 and (
            wish.unknown or wish.micro > config.confirm_usd * 1_000_000
        )
        if not (ask or many or ceilings.limited(config)):
            return ""
        spent = await engine.queue.spent()
        if not (ask or many or ceilings.against(config, wish, spent)):
            return ""
        return ceilings.question(config, wish, spent, self.balance)
