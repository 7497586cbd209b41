"""The app as its pages see it: what they share, and how they show messages."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from contextvars import Context
from typing import TYPE_CHECKING, Any, TypeVar

from textual import on
from textual.driver import Driver
from textual.signal import Signal

from tui.catalog.price import Estimate
from tui.catalog.spec import Model, Values
from tui.graphics.probe import Terminal
from tui.screens.detached import run_detached
from tui.screens.main import MainScreen
from tui.screens.messages import Messages
from tui.session import Session
from tui.spending.wallet import Wallet
from tui.tasks.durations import Durations
from tui.tasks.task import Task
from tui.terminal.keyboard import MOST_PASTED, PasteCut
from tui.terminal.textual_private import OpenApp, driver_of
from tui.text import one_line
from tui.widgets import themes
from tui.widgets.message_line import Notice, Severity
from tui.widgets.picture import Picture

if TYPE_CHECKING:
    from tui.tasks.engine import Engine

T = TypeVar("T")
_CLEAR = "\x1b[2J"


class Shell(OpenApp):
    """Holds what the pages of one app share."""

    def __init__(
        self, session: Session, terminal: Terminal, driver_class: type[Driver]
    ) -> None:
        super().__init__(driver_class=driver_class)
        for theme in themes.OWN:
            self.register_theme(theme)
        self.theme = themes.DEFAULT
        self.messages = Messages(self)
        self.session = session
        self.terminal = terminal
        self.engine: Engine | None = None
        self.main: MainScreen | None = None
        self.wallet = Wallet(session.config)
        self.changes: Signal[Task] = Signal(self, "task changed")
        self.durations = Durations()
        """How long the tasks of this queue take."""
        self.opened = asyncio.Event()
        """Set once the queue is open, or has failed to open."""
        self.failure = ""
        """Why nothing can be sent, or empty."""
        self.copied = ""
        """The text that was copied last."""
        self._outermost = Context()

    async def return_to_main(self) -> None:
        """Leaves all pages that lie over the main one."""
        while self.screen is not self.main:
            await self.pop_screen()

    async def run_detached(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs work that may start asyncio tasks, which outlast the page."""
        return await run_detached(work, self._outermost)

    def call_detached(self, work: Callable[[], None]) -> None:
        """Calls what may start asyncio tasks, which outlast the page."""
        self._outermost.copy().run(work)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: Severity = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Shows a message at the foot of the page, as data, for `timeout` seconds."""
        text = f"{title}: {message}" if title else message
        self.messages.show(Notice(text, severity), timeout)

    def get_css_variables(self) -> dict[str, str]:
        generated = super().get_css_variables()
        return generated | themes.variables(self.current_theme, generated)

    def show_sentence(self, sentence: str) -> None:
        """Shows the outcome of an action, unless it is empty."""
        if sentence:
            self.notify(sentence, markup=False)

    def show_problem(
        self,
        sentence: str,
        title: str = "",
        severity: Severity = "warning",
        seconds: float | None = None,
    ) -> None:
        """Shows what went wrong, for some seconds."""
        self.notify(
            sentence, title=title, severity=severity, timeout=seconds, markup=False
        )

    @contextlib.contextmanager
    def problems_shown(self) -> Iterator[None]:
        """Shows any error as a sentence, such as that of a full disk."""
        try:
            yield
        except Exception as error:
            self.show_problem(one_line(error))

    def change_terminal(self, terminal: Terminal) -> None:
        """Draws all pictures anew, for another terminal or another size of its cells."""
        self.terminal = terminal
        if self.main:
            self.main.use_terminal(terminal)
        for screen in self.screen_stack:
            for picture in screen.query(Picture):
                picture.use_terminal(terminal)
        driver = driver_of(self)
        if driver:
            driver.write(_CLEAR)  # old pixels can be anywhere
        self.refresh(layout=True)

    def send_pictures_again(self) -> None:
        """Sends what the terminal should have kept, and paints all that it shows."""
        self.app_resume_signal.publish(self)
        self.refresh(layout=True)

    def price_of(self, model: Model, values: Values) -> Estimate:
        """Returns what a request costs with the key in use."""
        return self.wallet.price(model, values)

    def title_of(self, task: Task) -> str:
        """Returns the name of a task's model."""
        return self.main.title_of(task) if self.main else task.model

    @on(PasteCut)
    def _paste_cut(self) -> None:
        self.show_problem(
            f"Only the first {MOST_PASTED:,} characters were pasted; the rest is left"
            " out."
        )

    def until_sent(self, task: Task) -> float:
        """Returns the seconds for which a new task can still be taken back."""
        return self.engine.until_sent(task) if self.engine else 0

    def task_changed(self, task: Task) -> None:
        """Sends a task's new snapshot to all pages."""
        self.durations.note(task)
        self.changes.publish(task)
