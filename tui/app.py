"""The app: owns the engine and the signal that carries its snapshots; themes, keys,
pages.
"""

import asyncio
import contextlib
import gc
import sys
import time
import traceback
from collections.abc import Coroutine, Iterable, Iterator
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual import events, on, work
from textual.app import App, SystemCommand
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.signal import Signal
from textual.timer import Timer

from tui.catalog.batch import BatchError, expand
from tui.catalog.spec import Model, Values
from tui.graphics.probe import Terminal
from tui.images.thumbnails import Thumbnails
from tui.paths import styles_dir
from tui.screens import keymap, share
from tui.screens.detached import apart
from tui.screens.main import MainScreen
from tui.screens.setup import SetupScreen
from tui.session import Session, open_engine, prepare
from tui.settings import credentials, favourites
from tui.settings.config import ConfigError
from tui.spending import quotes
from tui.spending.wallet import Wallet
from tui.system import heartbeat
from tui.tasks.engine_state import EngineState
from tui.tasks.task import LIVE, Status, Task
from tui.terminal.driver import LateDriver, TerminalDriver
from tui.text import counted, one_line
from tui.widgets.form import ParamForm
from tui.widgets.picture import Shrink
from tui.widgets.queue import QueueTable
from tui.widgets.sidebar import Sidebar

if TYPE_CHECKING:
    from tui.screens.viewer import ViewerScreen
    from tui.tasks.engine import Engine

T = TypeVar("T")

FIRST_MODEL = ("text_to_image", "flux-2-pro-text-to-image")
SAME_AGAIN = 0.6
"""Seconds within which the same request is taken for a key that was held down, not for
a second wish to pay.
"""
ONCE_A_PRESS = frozenset({"retry", "grid-retry", "stop"})
"""Ids of keys that do nothing more while they are held down."""
TIDY_ROUNDS = 4
"""How often memory is given back after a page was left: some of it is held by work that
ends later.
"""
TIDY_AFTER = 1.0
"""Seconds after a page was left at which its memory is given back: not while the next
page is painted.
"""


def _left_open(live: list[Task], resume: str) -> str:
    """What goes on without the app, and how to come back to it."""
    waiting = sum(task.status is Status.HELD for task in live)
    sent = len(live) - waiting
    parts = [f"{counted(sent, 'task')} at the service"] if sent else []
    parts += [f"{counted(waiting, 'task')} not sent yet"] if waiting else []
    return f"{', '.join(parts)}: start the app again, or run `{resume}`, to carry on."


class RunApp(App[None]):
    """runapi-tui."""

    TITLE = "runapi-tui"
    CSS_PATH: ClassVar = [
        styles_dir() / f"{name}.tcss"
        for name in (
            *(
                "app",
                "widgets",
                "dialogs",
                "sources",
                "history",
                "inspect",
                "viewer",
                "grid",
                "prompts",
                "money",
            ),
        )
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "Keys", id="help", tooltip="The keys that work here"),
        Binding(
            "ctrl+q",
            "quit",
            "Quit",
            id="quit",
            tooltip="Sent tasks go on at the service",
            priority=True,
        ),
    ]

    def __init__(self, session: Session, terminal: Terminal) -> None:
        super().__init__(driver_class=LateDriver if terminal.late else TerminalDriver)
        self.session = session
        self.terminal = terminal
        self.farewell = ""
        """What is worth saying once the terminal is the user's again."""
        self.engine: Engine | None = None
        self.changes: Signal[Task] = Signal(self, "task changed")
        self._opened = asyncio.Event()
        self._failure = ""
        self._wallet = Wallet(session.config)
        # No model: a job
        self._last_sent: tuple[float, Model | None, Values] = (-SAME_AGAIN, None, {})
        self.main: MainScreen | None = None
        self._is_short = self._short_is_news = False
        self._being_retried: set[str] = set()
        self._last_key = ("", 0.0)
        self._pressed_at = 0.0  # when the last key came, however late it is looked at
        self._shrink: Shrink | None = None
        self._tidying: Timer | None = None
        self._tidy_rounds = 0
        self._outermost = Context()

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and not event.is_forwarded:
            key, moment = self._last_key
            self._last_key = (event.key, event.time)
            if (
                event.key == key
                and event.time - moment < SAME_AGAIN
                and self._works_once(key)
            ):
                return  # held down: what it does next is not what it was pressed for
        if isinstance(event, events.Key | events.MouseDown):
            self._pressed_at = event.time
        await super().on_event(event)

    def _works_once(self, key: str) -> bool:
        """Whether the key means another thing each time, some of which are paid: retry,
        send and stop.
        """
        chain = [
            bindings.key_to_bindings.get(key, ())
            for _, bindings in self.screen._modal_binding_chain
        ]
        return any(
            binding.id in ONCE_A_PRESS for bindings in chain for binding in bindings
        )

    def get_default_screen(self) -> Screen[None]:
        """The first page is the one that is needed: no blank one before it."""
        if self.session.credential.api_key:
            return self._main_page()
        return SetupScreen(self.session, *credentials.everything(), first=True)

    def on_mount(self) -> None:
        heartbeat.start(asyncio.get_running_loop())
        self._outermost = copy_context()
        theme = self.session.config.theme
        if theme in self.available_themes:
            self.theme = theme
        elif theme:
            self.notify(f"There is no theme {one_line(theme, 40)}.", markup=False)
        self.set_keymap(self.session.config.keys)

    async def on_unmount(self) -> None:
        if self.engine:
            live = [task for task in self.engine.tasks.values() if task.live]
            await self.engine.aclose()
            if live and not self.farewell:
                self.farewell = _left_open(live, self.session.command("resume"))

    def _main_page(self) -> MainScreen:
        session = self.session
        model = session.catalog.get(*FIRST_MODEL) or session.catalog.models[0]
        marked = favourites.load(session.folders.state)
        self._shrink = Thumbnails(session.folders.cache / "thumbs").shrink
        self.main = MainScreen(
            session.catalog,
            model,
            self.terminal,
            session.config.api,
            self.changes,
            session.place,
            marked,
            self._search,
            self._shrink,
        )
        return self.main

    @on(MainScreen.Ready)
    def _open_now(self) -> None:
        """The queue and the connection, once the page is painted."""
        gc.freeze()
        # A page's widgets are many objects: fewer, not longer pauses
        gc.set_threshold(20_000, 20, 50)
        gc.enable()
        # A key waits for the threads that draw, again and again, no longer than that
        sys.setswitchinterval(0.0005)
        self._open()

    @work(group="engine", exit_on_error=False)
    async def _open(self) -> None:
        from tui.tasks.options import EngineListener

        if self.engine or not self.main:
            return
        try:
            self.engine = await asyncio.to_thread(
                open_engine,
                self.session,
                EngineListener(self._task_changed, self._state_changed),
            )
            self.engine.queue.on_notice = self._queue_notice
            await self.engine.start()
        except Exception as error:
            # Without a queue nothing may be sent: say so where the queue would be, and
            # at each try to send.
            self._failure = (
                f"{one_line(error, 500)} Nothing can be sent until that is mended;"
                " images are untouched."
            )
            self.main.queue.show_message(self._failure)
        self._opened.set()
        keys = self.session.config.keys
        key_problems = (
            keymap.problems(keys, [*RunApp.BINDINGS, *keymap.page_bindings()])
            if keys
            else ()
        )
        for problem in (*self.session.problems, *key_problems):
            self.notify(
                problem, title="Settings", severity="warning", timeout=15, markup=False
            )
        if self.engine:
            self._state_changed(self.engine.state)
            await self.main.load()
            if await self.engine.can_undo():
                self.main.queue.begin()
            for notice in self.engine.notices:
                self._queue_notice(notice)
        self._look_at_balance()
        self._look_at_prices()

    def _queue_notice(self, notice: str) -> None:
        """What the user should know of the queue file."""
        self.notify(notice, title="Queue", severity="warning", timeout=30, markup=False)

    def _task_changed(self, task: Task) -> None:
        self.changes.publish(task)
        if time.time() - task.updated_at > 2:
            return
        if task.status in (Status.COMPLETED, Status.FAILED):
            self._look_at_balance()
        if self._short_is_news and task.status is Status.HELD and task.note:
            self._short_is_news = False  # once for all tasks of a job
            self._look_at_balance()
            self.notify(
                task.note,
                title="Not sent, not charged",
                severity="error",
                timeout=15,
                markup=False,
            )

    def _state_changed(self, state: EngineState) -> None:
        if self.main:
            if state.refused and not self.main.status.state.refused:
                told = (
                    "The service refused the key from"
                    f" {one_line(self.session.credential.key_from)}."
                )
                kept = (
                    "What was not sent is held: F4 takes another key, then it is sent."
                )
                self.notify(
                    f"{told} {kept}",
                    title="Key refused",
                    severity="error",
                    timeout=15,
                    markup=False,
                )
            self.main.state_changed(state)
        if state.short != self._is_short:
            self._is_short = self._short_is_news = state.short

    @work(group="balance", exit_on_error=False)
    async def _look_at_balance(self) -> None:
        wallet = self._wallet
        if self.engine and self.main:
            with self._told():
                if await wallet.refresh(self.engine) and wallet is self._wallet:
                    self.main.status.spent, self.main.status.balance = (
                        wallet.today,
                        wallet.balance,
                    )

    @work(group="prices", exit_on_error=False)
    async def _look_at_prices(self) -> None:
        """What the service lists now, in place of the snapshot that ships with the
        program.
        """
        from tui.service.errors import ServiceError

        cache, base_url = self.session.folders.cache, self.session.credential.base_url
        known = await asyncio.to_thread(quotes.load, cache, base_url)
        with contextlib.suppress(ServiceError, OSError):
            newer = (
                await quotes.fetch(self.engine.reader, known) if self.engine else None
            )
            if newer and self.main:
                await asyncio.to_thread(quotes.save, cache, base_url, newer)
                self.main.set_catalog(
                    await asyncio.to_thread(quotes.apply, self.session.catalog, newer)
                )

    @on(ParamForm.Settled)
    @work(group="quote", exclusive=True, exit_on_error=False)
    async def _settled(self, event: ParamForm.Settled) -> None:
        """What the service itself would take, in place of the listed price; a later
        wish ends this one.
        """
        from tui.service.errors import ServiceError

        if self.engine and self.main:
            with contextlib.suppress(ServiceError):
                price = await self._wallet.quotes.ask(
                    self.engine.reader, event.model, event.values
                )
                if price:
                    self.main.form.quote(event.model, event.values, price)

    @on(ParamForm.Submitted)
    def _submitted(self, event: ParamForm.Submitted) -> None:
        if self._is_held_down(event.model, event.values):
            return
        try:
            cells = expand(event.model, event.model.routes[event.route], event.values)
        except BatchError as error:
            self.notify(str(error), title="Not sent", severity="error", markup=False)
        else:
            self._submit(event.model, cells)

    @on(ParamForm.BatchWanted)
    @work(group="batch", exit_on_error=False)
    async def _batch_wanted(self, event: ParamForm.BatchWanted) -> None:
        from tui.screens.batch import BatchScreen

        cells = await self.push_screen_wait(
            BatchScreen(event.model, event.route, event.values)
        )
        if cells:
            self._last_sent = (self._pressed_at, None, {})
            self._submit(event.model, cells)

    def _is_held_down(self, model: Model, values: Values) -> bool:
        """Whether this wish to pay comes from a key that is held down: so soon after
        the same one, or after a job's page was left by the same key.
        """
        moment, sent_model, sent_values = self._last_sent
        now = self._pressed_at
        same = sent_model is None or (sent_model, sent_values) == (model, values)
        held_down = same and now - moment < SAME_AGAIN
        self._last_sent = (
            (now, None, {})
            if held_down and sent_model is None
            else (now, model, values)
        )
        return held_down

    @work(group="submit", exit_on_error=False)
    async def _submit(self, model: Model, cells: list[Values]) -> None:
        from tui.tasks.draft import InvalidRequestError

        await self._opened.wait()
        if self._failure or not self.engine or not self.main:
            self.notify(self._failure, title="Not sent", severity="error", markup=False)
            return
        try:
            micros = await self._wallet.prices(model, cells)
            async with self._wallet.spending:
                if not await self._may_spend(micros):
                    return
                tasks = await self._apart(self.engine.submit_job(model, cells, micros))
        except InvalidRequestError as error:
            self.main.form.show_errors(error.errors)
            self.notify(
                str(error),
                title="Not sent, not charged",
                severity="error",
                markup=False,
            )
        except Exception as error:
            self.notify(
                f"{one_line(error)} Nothing was sent.",
                title="Not sent",
                severity="error",
                markup=False,
            )
        else:
            self.main.queue.table.select(tasks[-1].id)

    @on(QueueTable.Requested)
    @work(group="orders", exit_on_error=False)
    async def _requested(self, event: QueueTable.Requested) -> None:
        if self.engine is None or self.main is None:
            return
        tasks = event.tasks
        with self._told():
            from tui.tasks import actions

            match event.what:
                case "view":
                    from tui.screens.viewer import ViewerScreen

                    show = self.terminal, self.changes, self.main.title_of
                    viewer = ViewerScreen(
                        tasks[0], event.index, event.among, *show, event.older
                    )
                    await self.push_screen(
                        viewer, lambda task_id: event.seen(task_id or "")
                    )
                case "inspect":
                    from tui.screens.inspect import InspectScreen

                    await self.push_screen(
                        InspectScreen(
                            tasks[0], await self.engine.queue.events(tasks[0].id)
                        )
                    )
                case "reuse" | "edit":
                    if event.what == "edit" and not await self._apart(
                        self.engine.drop([tasks[0].id])
                    ):
                        self._say(
                            "It is too late: this task is at the service, or another"
                            " window has it."
                        )
                        return
                    await self._use(tasks[0])
                case "copy-as":
                    from tui.exchange.snippets import of_task

                    base_url = self.session.credential.base_url
                    await share.copy_as(
                        self, of_task(tasks[0], self.session.catalog, base_url)
                    )
                case "open" | "fetch":
                    await share.hand_on(
                        self,
                        event.what,
                        tasks[0],
                        event.index,
                        self.session.config.viewer,
                    )
                case "copy" if tasks[0].files:
                    share.copy(
                        self, tasks[0].results[event.index].path or tasks[0].files[0]
                    )
                case "retry":
                    await self._retry(tasks)
                case "send":
                    async with self._wallet.spending:
                        if await self._may_spend(
                            [task.estimate_micro for task in tasks], ask=len(tasks) > 1
                        ):
                            self._say(
                                await self._apart(
                                    actions.carry_out(self.engine, "send", tasks)
                                )
                            )
                case what:
                    self._say(
                        await self._apart(actions.carry_out(self.engine, what, tasks))
                    )

    @work(group="orders", exit_on_error=False)
    async def on_viewer_screen_wanted(self, event: "ViewerScreen.Wanted") -> None:
        with self._told():
            match event.what:
                case "reuse":
                    await self._use(event.task)
                case "copy":
                    share.copy(self, event.task.results[event.index].path)
                case what:
                    await share.hand_on(
                        self, what, event.task, event.index, self.session.config.viewer
                    )

    async def _retry(self, tasks: list[Task]) -> None:
        """Once for a press. A task that was retried already, and is shown so, is sent
        again only after a question; one that was retried since the press is left alone.
        """
        ids = {task.id for task in tasks}
        if ids & self._being_retried:
            return  # the key is held down
        self._being_retried |= ids
        try:
            await self._retry_once(tasks)
        finally:
            self._being_retried -= ids

    async def _retry_once(self, tasks: list[Task]) -> None:
        from tui.tasks import actions

        assert self.engine
        async with self._wallet.spending:
            known = [
                (task, self.engine.queue.latest(task.id) or task) for task in tasks
            ]
            tasks = [
                task
                for task, now in known
                if task.retried_by == now.retried_by and now.status not in LIVE
            ]
            paid = [task for task in tasks if not actions.is_free(task)]
            again = sum(1 for task in paid if task.retried_by)
            amounts = [task.estimate_micro for task in paid]
            told = f"{counted(again, 'task')} retried already." if again else ""
            if paid and not await self._may_spend(amounts, ask=again > 0, told=told):
                return
            self._say(await self._apart(actions.carry_out(self.engine, "retry", tasks)))

    async def _use(self, task: Task) -> None:
        """Back to the form, with a task's values in it."""
        if self.main:
            while self.screen is not self.main:
                await self.pop_screen()
            await self.main.use(task)

    @on(ParamForm.CopyWanted)
    @work(group="orders", exit_on_error=False)
    async def _copy_wanted(self, event: ParamForm.CopyWanted) -> None:
        from tui.exchange.snippets import of_draft

        base_url = self.session.credential.base_url
        with self._told():
            asked = of_draft(
                event.model, event.route, event.values, self.session.catalog, base_url
            )
            await share.copy_as(self, asked)

    @on(QueueTable.Wished)
    @work(group="orders", exit_on_error=False)
    async def _wished(self, event: QueueTable.Wished) -> None:
        if self.engine and self.main:
            with self._told():
                from tui.tasks import actions

                self._say(await self._apart(actions.grant(self.engine, event.what)))

    async def _apart(self, work: Coroutine[Any, Any, T]) -> T:
        """What may begin to carry tasks: that lasts longer than the page that asked for
        it.
        """
        return await apart(work, self._outermost)

    async def _may_spend(
        self, amounts: list[int | None], *, ask: bool = False, told: str = ""
    ) -> bool:
        """Whether so much may be spent. The user is asked where a ceiling says so, or
        with `ask` in any case.

        What is `told` stands above the question.
        """
        question = (
            await self._wallet.question(self.engine, amounts, ask=ask)
            if self.engine
            else ""
        )
        if not question:
            return True
        from tui.screens.confirm import ConfirmScreen

        return await self.push_screen_wait(
            ConfirmScreen(f"{told}\n{question}".strip(), "Send")
        )

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # too late, taken by another process, a full disk
            self.notify(one_line(error), severity="warning", markup=False)

    def _say(self, sentence: str) -> None:
        if sentence:
            self.notify(sentence, markup=False)

    def pop_screen(self) -> AwaitComplete:
        closing = super().pop_screen()
        self._tidy_soon()
        return closing

    @on(MainScreen.FieldsReplaced)
    def _tidy_soon(self) -> None:
        """Widgets that have left are cycles of many objects, and the thresholds of the
        collector are far apart.
        """
        self._tidy_rounds = TIDY_ROUNDS
        if self._tidying is None:
            self._tidying = self.set_timer(TIDY_AFTER, self._tidy)

    def _tidy(self) -> None:
        gc.collect()
        self._tidying = None
        self._tidy_rounds -= 1
        if self._tidy_rounds > 0:  # what was still closing, or in a thread's hands
            self._tidying = self.set_timer(
                TIDY_AFTER * (TIDY_ROUNDS - self._tidy_rounds), self._tidy
            )

    async def _search(self, query: str, limit: int, before: str) -> list[Task]:
        return (
            await self.engine.queue.search(query, limit, before) if self.engine else []
        )

    async def action_money(self) -> None:
        from tui.screens.money import MoneyScreen

        if self.engine and self.main and not isinstance(self.screen, MoneyScreen):
            config = self.session.config
            await self.push_screen(
                MoneyScreen(
                    self.engine.queue.books, self.engine.account, config, self.changes
                )
            )

    async def action_history(self) -> None:
        from tui.screens.history import HistoryScreen

        if self.engine and self.main and not isinstance(self.screen, HistoryScreen):
            title_of = self.main.title_of
            await self.push_screen(
                HistoryScreen(
                    self.engine.queue.search,
                    self.terminal,
                    self.changes,
                    title_of,
                    self._shrink,
                )
            )

    @on(QueueTable.GridWanted)
    async def _grid_wanted(self, event: QueueTable.GridWanted) -> None:
        from tui.screens.grid import GridScreen

        if self.main and not isinstance(self.screen, GridScreen):
            title_of, changes = self.main.title_of, self.changes
            await self.push_screen(
                GridScreen(
                    event.tasks,
                    event.at,
                    self.terminal,
                    changes,
                    title_of,
                    self._shrink,
                    event.older,
                )
            )

    async def action_prompts(self) -> None:
        from tui.screens.prompts import PromptsScreen

        if self.engine and self.main and self.screen is self.main:
            await self.push_screen(
                PromptsScreen(self.engine.reader, self.terminal), self.main.use_prompt
            )

    @on(Sidebar.Marked)
    async def _marked(self, event: Sidebar.Marked) -> None:
        if self.main:
            self.main.mark_favourites(event.favourites)
        with contextlib.suppress(OSError):
            await asyncio.to_thread(
                favourites.save, self.session.folders.state, event.favourites
            )

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        yield from super().get_system_commands(screen)
        if self.main and screen is self.main:
            yield SystemCommand(
                "Prompts",
                "Search the service's library of prompts",
                self.action_prompts,
            )
            yield SystemCommand(
                "Money", "What was spent, by day and by model", self.action_money
            )
            yield SystemCommand(
                "Copy as", "As curl, Python, a command", self.main.form.action_copy_as
            )
        if self.main and not self.session.demo:
            yield SystemCommand(
                "Switch key or profile", "Whose account pays", self.action_switch_key
            )

    @work(group="switch", exclusive=True)
    async def action_switch_key(self) -> None:
        if self.session.demo:
            self.notify(
                "The demo has a key of its own: start without --demo to use yours.",
                markup=False,
            )
        elif self.main and not isinstance(self.screen, SetupScreen):
            found, notes = await asyncio.to_thread(credentials.everything)
            await self.push_screen(SetupScreen(self.session, found, notes, first=False))

    @on(SetupScreen.KeyChosen)
    async def _key_taken(self, event: SetupScreen.KeyChosen) -> None:
        page, session, told = self.screen, event.session, event.summary
        if not isinstance(page, SetupScreen):
            return  # enter was pressed more than once
        try:
            if event.pasted and session.saves_key:
                await asyncio.to_thread(credentials.save, session.credential.api_key)
            next_start = await asyncio.to_thread(session.again)
        except (ConfigError, credentials.CredentialError) as error:
            page.show_problem(str(error))
            return
        if next_start.credential.api_key != session.credential.api_key:
            source = next_start.credential.key_from
            told += (
                " Until you quit: the next start takes the key from"
                f" {source or 'nowhere'}."
            )
        before, self.session = self.session, session
        if self.main is None:
            await self.push_screen(self._main_page())
        else:
            await self.pop_screen()
            self._go_on(before)
        self.notify(told, title="Key", timeout=10, markup=False)

    @work(group="go on", exit_on_error=False)
    async def _go_on(self, before: Session) -> None:
        """With another key; tasks of another service or profile are let go, as on
        leaving, and ours taken up.
        """
        session = self.session
        await self._opened.wait()
        if self.main is None:
            return
        self._wallet = Wallet(session.config)
        self.main.status.balance = None
        if self.engine and session.place == before.place:
            self.engine.use(session.credential.api_key)
            self._look_at_balance()
            return
        self._opened.clear()
        if self.engine:
            engine, self.engine = self.engine, None
            await engine.aclose()
        self._failure = ""
        self.main.status.place = session.place
        self.main.set_catalog(session.catalog)
        self._open()

    @on(SetupScreen.DemoWanted)
    async def _demo_wanted(self) -> None:
        if self.main:
            return
        self.session = prepare(demo=True)
        await self.push_screen(self._main_page())

    def _handle_exception(self, error: Exception) -> None:
        """The last net: a sentence for the user instead of a traceback, which goes to a
        file.
        """
        if self.is_headless:  # tests want to see it
            super()._handle_exception(error)
            return
        log = self.session.folders.state / "crash.log"
        with contextlib.suppress(OSError):
            log.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        self.farewell = (
            "runapi-tui stopped by an error of its own. All tasks are kept: start it"
            f" again. Details: {log}"
        )
        self.exit(return_code=1)

    def action_help(self) -> None:
        from tui.screens.help import HelpScreen

        self.push_screen(HelpScreen(list(self.screen.active_bindings.values())))
