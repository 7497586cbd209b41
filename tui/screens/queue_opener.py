"""Opens the queue once the page is painted, and shows what the engine reports."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from tui.screens.shell import Shell
from tui.session import open_engine
from tui.tasks.durations import LEARNED
from tui.tasks.engine_state import EngineState
from tui.tasks.store_errors import StoreError
from tui.tasks.task import SetAside, Status, Task
from tui.text import by_count, one_line
from tui.widgets.key_texts import key_text

_FRESH = 2.0
"""Seconds after a change for which it is news."""


class QueueOpener:
    """Owns the engine's life in the app.

    `refresh_balance` is called whenever the money may have changed.
    """

    def __init__(self, shell: Shell, refresh_balance: Callable[[], object]) -> None:
        self._shell = shell
        self._refresh_balance = refresh_balance
        self._is_short = False
        self._short_is_news = False
        self._past_ceiling = ""
        """The job, or the task, that was last stopped by a spending limit."""

    async def open(self) -> None:
        """Opens the queue file and the connection, and resumes what is unfinished."""
        from tui.tasks.options import EngineListener

        shell = self._shell
        if shell.engine or not shell.main:
            return
        try:
            shell.engine = await asyncio.to_thread(
                open_engine,
                shell.session,
                EngineListener(shell.task_changed, self._state_changed),
            )
            shell.engine.queue.on_notice = self._show_notice
            await shell.engine.start()
        except Exception as error:
            # Without a queue nothing may be sent: this is shown in its place, and when
            # the user tries to send.
            shell.failure = (
                f"{one_line(error, 500)} Nothing can be sent; images are untouched. Fix"
                " this, then start the app again."
            )
            shell.main.queue.show_message(shell.failure)
        shell.opened.set()
        if shell.engine:
            with shell.problems_shown():
                await self._show_queue()

    async def close(self) -> str:
        """Closes the queue; returns how to continue unfinished tasks, or nothing."""
        engine = self._shell.engine
        if engine is None:
            return ""
        live = [task for task in engine.tasks.values() if task.live]
        await engine.aclose()
        if not live:
            return ""
        return _unfinished(live, self._shell.session.command("resume"))

    def news(self, task: Task) -> None:
        """Shows what a task's new snapshot changes outside its row."""
        if time.time() - task.updated_at > _FRESH:
            return
        if task.status in (Status.COMPLETED, Status.FAILED):
            self._refresh_balance()
        if task.set_aside is SetAside.CEILING:
            self._show_past_ceiling(task)
        if self._short_is_news and task.status is Status.HELD and task.note:
            self._short_is_news = False  # once for all tasks of a job
            self._refresh_balance()
            self._shell.show_problem(task.note, "Not sent, not charged", "error", 15)

    def _show_past_ceiling(self, task: Task) -> None:
        stopped = task.job or task.id
        if stopped != self._past_ceiling:
            self._past_ceiling = stopped  # once for all tasks of a job
            self._shell.show_problem(task.note, "Spending limit", "warning", 15)

    async def _show_queue(self) -> None:
        shell = self._shell
        assert shell.engine
        assert shell.main
        self._state_changed(shell.engine.state)
        await shell.main.load()
        with suppress(StoreError):
            completed = shell.engine.queue.search("status:completed", LEARNED)
            shell.durations.learn(await completed)
        if await shell.engine.marker.can_undo():
            shell.main.queue.show_table()
        for notice in shell.engine.notices:
            self._show_notice(notice)

    def _show_notice(self, notice: str) -> None:
        self._shell.show_problem(notice, "Queue", "warning", 30)

    def _state_changed(self, state: EngineState) -> None:
        shell = self._shell
        if shell.main:
            if state.refused and not shell.main.status.state.refused:
                self._show_refused_key()
            shell.main.state_changed(state)
        if state.short != self._is_short:
            self._is_short = state.short
            self._short_is_news = state.short

    def _show_refused_key(self) -> None:
        source = one_line(self._shell.session.credential.key_from)
        key = key_text(self._shell, "switch-key")
        sentence = (
            f"The service refused the key from {source}. Unsent tasks are held."
            f" Press {key} to use another key and send them."
        )
        self._shell.show_problem(sentence, "Key refused", "error", 15)


def _unfinished(live: list[Task], resume: str) -> str:
    """Describes what continues without the app, and how to continue the rest."""
    unsent = sum(task.status is Status.HELD for task in live)
    sent = len(live) - unsent
    if not unsent:
        return by_count(
            sent,
            "{count} task continues at the service."
            " Start the app again, or run `{resume}`, to save its images.",
            "{count} tasks continue at the service."
            " Start the app again, or run `{resume}`, to save their images.",
            resume=resume,
        )
    if not sent:
        return by_count(
            unsent,
            "{count} task was not sent yet."
            " Start the app again, or run `{resume}`, to send it.",
            "{count} tasks were not sent yet."
            " Start the app again, or run `{resume}`, to send them.",
            resume=resume,
        )
    return by_count(
        sent,
        "{count} task continues at the service; not sent yet: {unsent}."
        " Start the app again, or run `{resume}`, to continue.",
        "{count} tasks continue at the service; not sent yet: {unsent}."
        " Start the app again, or run `{resume}`, to continue.",
        unsent=f"{unsent:,}",
        resume=resume,
    )
