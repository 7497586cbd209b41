"""The app: receives keys and messages, and hands them to those who act on them."""

import asyncio
import shlex
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import Any, ClassVar

from textual import events, on
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.theme import Theme

from tui.graphics.probe import Terminal
from tui.paths import styles_dir
from tui.screens import keymap, memory
from tui.screens.crash import save_crash
from tui.screens.key_repeat import KeyRepeat
from tui.screens.key_switch import KeySwitch
from tui.screens.main import MainScreen
from tui.screens.notifications import Notifications
from tui.screens.pages import Pages
from tui.screens.payments import Payments
from tui.screens.queue_opener import QueueOpener
from tui.screens.setup import SetupScreen
from tui.screens.shell import Shell
from tui.screens.task_dispatcher import TaskDispatcher
from tui.screens.terminal_title import TerminalTitle
from tui.screens.terminal_watch import TerminalWatch
from tui.screens.text_editing import TextEditing
from tui.session import Session
from tui.system import heartbeat
from tui.tasks.task import Task
from tui.terminal.driver import TerminalDriver
from tui.text import by_count, inert, one_line
from tui.widgets.form import ParamForm
from tui.widgets.key_texts import is_function_key, key_name
from tui.widgets.messages import (
    GridRequested,
    QueueActionRequested,
    TaskActionRequested,
)
from tui.widgets.path_completion import read_drop
from tui.widgets.picture import Picture
from tui.widgets.sidebar import Sidebar
from tui.widgets.text_fields import TextField

STYLES = (
    "app main widgets dialogs sources history inspect viewer compare grid prompts money"
)
"""Names of the style sheets, in the order in which they apply."""


_SHOWN_PROBLEMS = 5
"""Problems with settings that are shown one by one."""
_SENT_ALREADY = "Already sent. Press again to send another."
_DROP_TIME = 1.0
"""Seconds after which an odd paste counts as text: a folder may be out of reach."""


class RunApp(Shell):
    """runapi-tui."""

    TITLE = "runapi-tui"
    ENABLE_COMMAND_PALETTE = False  # there is another one
    CSS_PATH: ClassVar = [styles_dir() / f"{name}.tcss" for name in STYLES.split()]
    BINDINGS: ClassVar[list[BindingType]] = [
        # With priority where it types nothing: pages over others hide the app's keys.
        Binding(
            "f1",
            "help",
            "Help",
            id="help",
            tooltip="Show the keys of this page",
            show=False,
            priority=True,
        ),
        Binding(
            "question_mark",
            "help",
            "Help",
            id="help",
            tooltip="Show the keys of this page",
            show=False,
        ),
        Binding(
            "ctrl+p",
            "palette",
            "Commands",
            id="palette",
            tooltip="Find any action, model, task or setting",
            show=False,
            priority=True,
        ),
        Binding(
            "ctrl+q",
            "quit",
            "Quit",
            id="quit",
            tooltip="Sent tasks continue at the service",
            priority=True,
        ),
    ]

    def __init__(self, session: Session, terminal: Terminal) -> None:
        super().__init__(session, terminal, TerminalDriver)
        self.farewell = ""
        """What to say once the terminal is the user's again."""
        self.key_repeat = KeyRepeat()
        self.payments = Payments(self)
        self.pages = Pages(self)
        self.actions = TaskDispatcher(self, self.payments, lambda: self.pages.view)
        self.text_editing = TextEditing(self)
        self.notifications = Notifications(self)
        self.window_title = TerminalTitle(self)
        self.terminal_watch = TerminalWatch(self)
        self.queue_opener = QueueOpener(self, self.refresh_balance)
        self.key_switch = KeySwitch(
            self, self.payments, self._show_main_page, self.open_queue
        )
        self._memory = memory.MemoryCollector(self.set_timer)
        self._checked_keys = keymap.check(session.config.keys)
        self.set_keymap(dict(self._checked_keys.keys))  # before any text names a key

    # Life of the app

    def get_default_screen(self) -> Screen[None]:
        """The first page is the one that is needed: no blank one before it."""
        return self.pages.first()

    def on_mount(self) -> None:
        heartbeat.start(asyncio.get_running_loop())
        self._outermost = copy_context()
        self.screen_change_signal.subscribe(self, self._page_changed)
        self._choose_theme()
        self.theme_changed_signal.subscribe(self, self._theme_changed)

    def _choose_theme(self) -> None:
        """Uses the theme of the settings or, without one, that of the last run."""
        wanted = self.session.config.theme
        if wanted and wanted not in self.available_themes:
            self.notify(f"There is no theme {one_line(wanted, 40)}.", markup=False)
        last = self.main.remembering.current.theme if self.main else ""
        for theme in (wanted, last):
            if theme in self.available_themes:
                self.theme = theme
                break

    def _theme_changed(self, theme: Theme) -> None:
        if self.main:
            self.main.remembering.change(theme=theme.name)

    def _page_changed(self, _page: Screen[Any]) -> None:
        self.messages.page_changed()

    async def on_unmount(self) -> None:
        self.notifications.close()
        unfinished = await self.queue_opener.close()
        self.farewell = self.farewell or unfinished

    async def _show_main_page(self) -> None:
        await self.push_screen(self.pages.main())

    @on(MainScreen.Ready)
    def _start_work(self) -> None:
        """Opens queue and connection once the page is painted."""
        memory.tune()
        self.window_title.update()
        self.terminal_watch.start()
        self.open_queue()

    def open_queue(self) -> None:
        """Opens the queue in the background, and asks the service about money."""
        self._run(self._open_queue, "engine")

    async def _open_queue(self) -> None:
        if self.engine or not self.main:
            return
        await self.queue_opener.open()
        problems = [*self.session.problems, *self._checked_keys.problems]
        for problem in problems[:_SHOWN_PROBLEMS]:
            self.show_problem(problem, "Settings", "warning", 15)
        if len(problems) > _SHOWN_PROBLEMS:
            self.show_problem(_more(len(problems) - _SHOWN_PROBLEMS), "Settings")
        self.refresh_balance()
        self._run(self.payments.refresh_prices, "prices")

    def handle_crash(self, error: Exception) -> None:
        """The last net: a sentence for the user; the traceback goes to a file."""
        if self.is_headless:  # tests want to see it
            super().handle_crash(error)
            return
        self.farewell = save_crash(error, self.session.folders.state)
        self.exit(return_code=1)

    # Keys

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Paste):
            event.text = await self._cleaned_paste(event.text)
        self.terminal_watch.note(event)
        if not self.key_repeat.is_held_down(event, self):
            await super().on_event(event)

    async def _cleaned_paste(self, text: str) -> str:
        """Returns a pasted text as it may be used anywhere.

        Of dropped files with names that can't stand in it, a sentence tells.
        """
        cleaned = inert(text)
        if cleaned == text:
            return text
        drop = None
        with suppress(TimeoutError):
            async with asyncio.timeout(_DROP_TIME):
                drop = await asyncio.to_thread(read_drop, text)
        if drop is None or not drop.problem:
            return cleaned
        self.notify(drop.problem, severity="warning", markup=False)
        return "\n".join(map(shlex.quote, drop.images))

    # Tasks

    def task_changed(self, task: Task) -> None:
        super().task_changed(task)
        self.queue_opener.news(task)
        self.notifications.task_changed(task)
        self.window_title.update()

    @on(TaskActionRequested)
    def _act_on_tasks(self, event: TaskActionRequested) -> None:
        self._run(partial(self.actions.run, event), "actions")

    @on(QueueActionRequested)
    def _act_on_queue(self, event: QueueActionRequested) -> None:
        self._run(partial(self.actions.run_on_queue, event), "actions")

    @on(TextField.EditRequested)
    def _edit_text(self, event: TextField.EditRequested) -> None:
        self._run(partial(self.text_editing.edit, event.field), "editor")

    @on(ParamForm.CopyRequested)
    def _copy_draft(self, event: ParamForm.CopyRequested) -> None:
        self._run(partial(self.actions.copy_draft, event), "actions")

    @on(Picture.Shown)
    def _check_picture(self) -> None:
        self.terminal_watch.note_picture()

    # Money

    def refresh_balance(self) -> None:
        """Asks in the background what was spent, and what is left."""
        self._run(self.payments.refresh_balance, "balance")

    @on(ParamForm.Settled)
    def _quote(self, event: ParamForm.Settled) -> None:
        self._run(partial(self.payments.quote, event), "quote", exclusive=True)

    @on(ParamForm.Submitted)
    def _submit(self, event: ParamForm.Submitted) -> None:
        if not self.key_repeat.is_repeated_request(event.model, event.values):
            self._run(partial(self._submit_form, event), "submit")
        elif self.key_repeat.is_news:  # once, however long the key is held down
            self.show_sentence(_SENT_ALREADY)

    async def _submit_form(self, event: ParamForm.Submitted) -> None:
        if not await self.payments.submit_form(event):
            self.key_repeat.note_unsent()

    @on(ParamForm.JobRequested)
    def _make_job(self, event: ParamForm.JobRequested) -> None:
        self._run(partial(self._submit_job, event), "job")

    async def _submit_job(self, event: ParamForm.JobRequested) -> None:
        job = await self.pages.ask_for_job(event)
        if job:
            self.key_repeat.note_job()
            if await self.payments.submit(job):
                self.pages.forget_job(event)
            else:
                self.key_repeat.note_unsent()

    # Pages

    def pop_screen(self) -> AwaitComplete:
        closing = super().pop_screen()
        self._memory.schedule()
        return closing

    @on(MainScreen.FieldsReplaced)
    def _collect_memory(self) -> None:
        self._memory.schedule()

    @on(GridRequested)
    async def _show_grid(self, event: GridRequested) -> None:
        await self.pages.show_grid(event)

    async def action_money(self) -> None:
        await self.pages.show_money()

    async def action_history(self) -> None:
        await self.pages.show_history()

    def action_searches(self) -> None:
        self._run(self.pages.show_searches, "searches")

    async def action_prompts(self) -> None:
        await self.pages.show_prompts()

    def action_messages(self) -> None:
        self.pages.show_messages()

    def action_help(self) -> None:
        self.pages.show_help()

    def action_palette(self) -> None:
        self.pages.show_palette()

    def get_key_display(self, binding: Binding) -> str:
        # ^j is short; of two modifiers, and of F1, the name is easier to read.
        modifiers, _ = binding.parse_key()
        if modifiers == ["ctrl"] or not (modifiers or is_function_key(binding.key)):
            return super().get_key_display(binding)
        return key_name(binding.key)

    # Settings

    def action_switch_key(self) -> None:
        self._run(self.key_switch.ask, "switch", exclusive=True)

    @on(SetupScreen.KeyChosen)
    async def _use_key(self, event: SetupScreen.KeyChosen) -> None:
        await self.key_switch.use(event)

    @on(SetupScreen.DemoRequested)
    async def _use_demo(self) -> None:
        await self.key_switch.use_demo()

    @on(Sidebar.FavouritesChanged)
    async def _save_favourites(self, event: Sidebar.FavouritesChanged) -> None:
        await self.pages.save_favourites(event.favourites)

    def _run(
        self,
        work: Callable[[], Awaitable[None]],
        group: str,
        *,
        exclusive: bool = False,
    ) -> None:
        """Runs work in the background; an error in it does not end the app."""
        self.run_worker(work, group=group, exclusive=exclusive, exit_on_error=False)


def _more(count: int) -> str:
    return by_count(
        count,
        "1 more problem: `runapi-tui doctor` lists those of files.",
        "{count} more problems: `runapi-tui doctor` lists those of files.",
    )
