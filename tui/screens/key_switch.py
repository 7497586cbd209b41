"""Changes the key, the profile or to the demo while the app runs."""

import asyncio
from collections.abc import Awaitable, Callable

from tui.screens.payments import Payments
from tui.screens.setup import SetupScreen
from tui.screens.shell import Shell
from tui.session import prepare
from tui.settings import credentials
from tui.settings.config import ConfigError
from tui.spending.wallet import Wallet


class KeySwitch:
    """Asks for a key, and continues with the one that was chosen.

    `show_main` shows the main page for the first time; `reopen` opens the queue again.
    """

    def __init__(
        self,
        shell: Shell,
        payments: Payments,
        show_main: Callable[[], Awaitable[object]],
        reopen: Callable[[], object],
    ) -> None:
        self._shell = shell
        self._payments = payments
        self._show_main = show_main
        self._reopen = reopen

    async def ask(self) -> None:
        """Shows the setup page over the main one."""
        shell = self._shell
        if shell.session.demo:
            shell.show_sentence(
                "The demo has a key of its own. Start without --demo to use yours."
            )
        elif shell.main and not isinstance(shell.screen, SetupScreen):
            with shell.problems_shown():
                found, notes = await asyncio.to_thread(credentials.find_all)
                page = SetupScreen(shell.session, found, notes, first=False)
                await shell.push_screen(page)

    async def use(self, chosen: SetupScreen.KeyChosen) -> None:
        """Saves the key where it was pasted, and continues with it."""
        shell, session, summary = self._shell, chosen.session, chosen.summary
        page = shell.screen
        if not isinstance(page, SetupScreen):
            return  # enter was pressed more than once
        try:
            if chosen.pasted and session.saves_key:
                found = session.credential
                await asyncio.to_thread(credentials.save, found.api_key, found.base_url)
            next_start = await asyncio.to_thread(session.reload)
        except (ConfigError, credentials.CredentialError) as error:
            page.show_problem(str(error))
            return
        if next_start.credential.api_key != session.credential.api_key:
            source = next_start.credential.key_from
            if source:
                note = (
                    f"Used until you quit; the next start takes the key from {source}."
                )
            else:
                note = "Used until you quit; the next start finds no key."
            summary = f"{summary}\n{note}"
        await asyncio.to_thread(session.read_catalog)
        place_before = shell.session.place
        shell.session = session
        if shell.main is None:
            await self._show_main()
        else:
            await shell.pop_screen()
            shell.run_worker(
                self._continue(place_before), group="switch key", exit_on_error=False
            )
        shell.notify(summary, title="Key", timeout=10, markup=False)

    async def use_demo(self) -> None:
        """Starts the demo from the setup page."""
        if self._shell.main is None:
            self._shell.session = prepare(demo=True)
            await self._show_main()

    async def _continue(self, place_before: str) -> None:
        """Continues with another key.

        Tasks of another service or profile are released, as when the app is closed, and
        those of this one are resumed.
        """
        shell = self._shell
        session = shell.session
        await shell.opened.wait()
        if shell.main is None:
            return
        shell.wallet = Wallet(session.config)
        shell.main.status.balance = None
        if shell.engine and session.place == place_before:
            shell.engine.set_api_key(session.credential.api_key)
            await self._payments.refresh_balance()
            return
        shell.opened.clear()
        if shell.engine:
            engine, shell.engine = shell.engine, None
            await engine.aclose()
        shell.failure = ""
        shell.main.status.place = session.place
        shell.main.set_catalog(session.catalog)
        self._reopen()
