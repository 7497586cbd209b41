"""Opens the pages of the app, each loaded when it is first needed."""

import asyncio
import contextlib
from inspect import isawaitable
from typing import TYPE_CHECKING

from textual.screen import Screen

from tui.exchange.consent import WantedJob
from tui.images.thumbnails import ThumbnailCache
from tui.screens.main import MainScreen
from tui.screens.setup import SetupScreen
from tui.screens.shell import Shell
from tui.settings import credentials, favourites
from tui.settings.prompt_files import PromptFiles
from tui.tasks.durations import Durations
from tui.tasks.past_prompts import PromptPage
from tui.tasks.store_errors import StoreError
from tui.tasks.task import Task
from tui.widgets.form import ParamForm
from tui.widgets.messages import GridRequested
from tui.widgets.sidebar import ModelKey
from tui.widgets.view_context import ViewContext

if TYPE_CHECKING:
    from tui.screens.batch import JobFields


class Pages:
    """Opens each page above the current one, unless it is open already."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._view: ViewContext | None = None
        self._job_fields: dict[tuple[str, str], JobFields] = {}
        """By model, what stood on the page of a job when it was left."""

    @property
    def view(self) -> ViewContext:
        """The context for pages that show images."""
        shell = self._shell
        if self._view is None:
            thumbnails = ThumbnailCache(shell.session.folders.cache / "thumbs")
            self._view = ViewContext(
                shell.terminal,
                shell.changes,
                shell.title_of,
                thumbnails.shrink,
                shell.durations.usual,
                shell.until_sent,
            )
        return self._view

    def first(self) -> Screen[None]:
        """Returns the first page: the main page, or setup where there is no key."""
        if self._shell.session.credential.api_key:
            return self.main()
        found, notes = credentials.find_all()
        return SetupScreen(self._shell.session, found, notes, first=True)

    def main(self) -> MainScreen:
        """Returns a new main page for the session."""
        shell = self._shell
        # Another session may have other folders, and another queue.
        self._view = None
        shell.durations = Durations()
        marked = favourites.load(shell.session.folders.state)
        shell.main = MainScreen(
            shell.session, self.view, marked, self._search, self._find_prompts
        )
        shell.main.form.price_of = shell.price_of
        return shell.main

    async def save_favourites(self, models: list[ModelKey]) -> None:
        """Shows the models that the user marked on top, and remembers them."""
        shell = self._shell
        if shell.main:
            shell.main.set_favourites(models)
        with contextlib.suppress(OSError):
            await asyncio.to_thread(
                favourites.save, shell.session.folders.state, models
            )

    async def show_money(self) -> None:
        from tui.screens.money import MoneyScreen

        shell = self._shell
        if shell.engine and shell.main and not isinstance(shell.screen, MoneyScreen):
            page = MoneyScreen(
                shell.engine.queue.spending_report,
                shell.engine.account,
                shell.session.config,
                shell.changes,
                shell.main.title_of_slug,
            )
            await shell.push_screen(page)

    async def show_history(self, line: str = "") -> None:
        """Shows the history, or what a search line finds in it."""
        from tui.screens.history import HistoryScreen

        shell = self._shell
        if isinstance(shell.screen, HistoryScreen):
            if line:
                shell.screen.search_for(line)
        elif shell.engine and shell.main:
            page = HistoryScreen(self.view, shell.engine.queue.search, line)
            await shell.push_screen(page)

    async def show_searches(self) -> None:
        """Shows saved searches, and what the chosen one finds. Runs in a worker."""
        from tui.screens import searches
        from tui.screens.history import HistoryScreen

        page = self._shell.screen
        current = page.line if isinstance(page, HistoryScreen) else ""
        line = await searches.choose(self._shell, current)
        if line:
            await self.show_history(line)

    async def show_grid(self, request: GridRequested) -> None:
        from tui.screens.grid import GridScreen

        shell = self._shell
        if shell.main and not isinstance(shell.screen, GridScreen):
            page = GridScreen(self.view, request.tasks, request.start, request.older)
            await shell.push_screen(page)

    async def show_prompts(self) -> None:
        from tui.screens.prompts import PromptsScreen

        shell = self._shell
        if shell.engine and shell.main and shell.screen is shell.main:
            page = PromptsScreen(shell.engine.reader, shell.terminal)
            await shell.push_screen(page, shell.main.use_prompt)

    async def ask_for_job(self, request: ParamForm.JobRequested) -> WantedJob | None:
        """Returns the user's job, or None. Runs in a worker."""
        from tui.catalog.matrix import FilledModel
        from tui.screens.batch import BatchScreen

        key = request.model.key
        fields = self._job_fields.get(key)
        files = PromptFiles(self._shell.session.folders.config)
        main = self._shell.main
        assert main
        filled = FilledModel(request.model, request.route, request.values)
        page = BatchScreen(
            filled, main.filler.catalog, files, self._shell.price_of, fields
        )
        wanted = await self._shell.push_screen_wait(page)
        self._job_fields[key] = page.fields
        if not wanted:
            return None
        foreign = request.foreign | page.foreign_texts()
        return WantedJob(wanted.requests, foreign, page.foreign_file, wanted.probe)

    def show_messages(self) -> None:
        from tui.screens.messages_log import MessagesScreen

        shell = self._shell
        if not isinstance(shell.screen, MessagesScreen):
            shell.push_screen(MessagesScreen(shell.messages.kept))

    def forget_job(self, request: ParamForm.JobRequested) -> None:
        """Forgets what stood on the page of a job that was sent."""
        self._job_fields.pop(request.model.key, None)

    def show_help(self) -> None:
        from tui.screens.help import HelpScreen

        shell = self._shell
        if isinstance(shell.screen, HelpScreen):
            shell.screen.dismiss()
        else:
            shell.push_screen(HelpScreen(shell.screen))

    def show_palette(self) -> None:
        from tui.screens.commands import commands
        from tui.screens.palette import Command, PaletteScreen

        shell = self._shell

        async def run(command: Command | None) -> None:
            if command:
                with shell.problems_shown():
                    result = command.run()
                    if isawaitable(result):
                        await result

        if isinstance(shell.screen, PaletteScreen):
            shell.screen.dismiss(None)
        else:
            shell.push_screen(PaletteScreen(commands(shell)), run)

    async def _search(self, query: str, limit: int, last: Task | None) -> list[Task]:
        engine = self._shell.engine
        return await engine.queue.search(query, limit, last) if engine else []

    async def _find_prompts(self, query: str, before: str) -> PromptPage:
        """Returns past prompts, once the queue is open. Raises StoreError."""
        shell = self._shell
        await shell.opened.wait()
        if shell.engine is None:
            raise StoreError(shell.failure)
        return await shell.engine.queue.prompts(query, before)
