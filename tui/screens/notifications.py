"""Tells once that a job has ended, while the user looks at something else."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from tui.exchange.notify_command import CommandProblem, NotifyCommand
from tui.graphics.probe import Terminal
from tui.graphics.tmux import through_tmux
from tui.screens.shell import Shell
from tui.settings.choices import NotifyChoice
from tui.tasks.task import Status, Task
from tui.terminal.textual_private import driver_of
from tui.text import by_count, one_line

_BELL = "\a"
# What terminals show as a notification of the desktop, by the beginning of their name.
# Sources: the documentation of each. Those that know both show the one that is listed.
_OSC_9 = ("iterm", "kitty", "warp")
_OSC_777 = ("contour", "foot", "ghostty", "rxvt", "urxvt", "wezterm")
_LONGEST_PROMPT = 80
_LONGEST = 200
"""Characters of a sentence."""


def sequence(sentence: str, choice: NotifyChoice, terminal: Terminal) -> str:
    """Returns what is written to a terminal, so that it notifies of a sentence."""
    text = one_line(sentence, _LONGEST)
    iterm = f"\x1b]9;{text}\x1b\\"
    urxvt = f"\x1b]777;notify;runapi-tui;{text.replace(';', ',')}\x1b\\"
    name = terminal.name.lower()
    osc = ""
    if name.startswith(_OSC_9):
        osc = iterm
    elif name.startswith(_OSC_777):
        osc = urxvt
    elif choice == "osc":
        osc = iterm + urxvt
    if terminal.multiplexer == "tmux" and osc:
        osc = through_tmux(osc)
    return {"bell": _BELL, "osc": osc, "auto": _BELL + osc}.get(choice, "")


class Notifications:
    """Follows the jobs that are open, and tells of each one's end."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._open: dict[str, dict[str, Task]] = {}
        """By job, or by a single task's id: tasks that were seen unfinished."""
        self._command = NotifyCommand()
        self._complained = False
        self._untold: list[str] = []
        """Sentences that wait for the command before."""
        self._is_running = False
        self._thread: ThreadPoolExecutor | None = None

    def task_changed(self, task: Task) -> None:
        """Notes a task's snapshot; the last one of its job to end is news."""
        key = task.job or task.id
        if task.live:
            self._open.setdefault(key, {})[task.id] = task
            return
        job = self._open.get(key, {})
        if task.id not in job:
            return
        job[task.id] = task
        if not any(other.live for other in job.values()):
            del self._open[key]
            sentence = describe(list(job.values()))
            if sentence and not self._shell.app_focus:
                self._tell(sentence)

    def _tell(self, sentence: str) -> None:
        config = self._shell.session.config
        if config.notify_command.strip() and config.notify in ("auto", "command"):
            self._untold.append(sentence)
            if not self._is_running:
                self._is_running = True
                work = self._run(config.notify_command)
                self._shell.run_worker(work, group="notify", exit_on_error=False)
            return
        written = sequence(sentence, config.notify, self._shell.terminal)
        driver = driver_of(self._shell)
        if driver and written:
            driver.write(written)

    async def _run(self, command: str) -> None:
        """Runs the command for all that waits, one at a time."""
        if self._thread is None:
            # Not one of those that paid requests need, too.
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="notify")
        loop = asyncio.get_running_loop()
        try:
            while self._untold:
                sentence = by_count(
                    len(self._untold),
                    "{first}",
                    "{count} jobs have ended.",
                    first=self._untold[0],
                )
                self._untold.clear()
                text = one_line(sentence, _LONGEST)
                run = self._command.run
                await loop.run_in_executor(self._thread, run, command, text)
        except CommandProblem as problem:
            if not self._complained:
                self._complained = True
                self._shell.show_problem(str(problem))
        finally:
            self._is_running = False

    def close(self) -> None:
        """Ends the command that still runs; no other is started."""
        if self._thread:
            self._thread.shutdown(wait=False, cancel_futures=True)
        self._command.close()


def describe(tasks: list[Task]) -> str:
    """Returns the outcome of a job, or of a single task; empty where nothing was made."""
    saved = sum(task.status is Status.COMPLETED for task in tasks)
    dropped = sum(task.status is Status.DROPPED for task in tasks)
    failed = len(tasks) - saved - dropped
    if len(tasks) == 1:
        prompt = one_line(tasks[0].caption, _LONGEST_PROMPT)
        if saved:
            return f"Done: {prompt}"
        return f"Not done: {prompt}" if failed else ""
    if not failed:
        return by_count(saved, "Job done: 1 task.", "Job done: {count} tasks.")
    return by_count(
        len(tasks),
        "Job ended: {saved} of {count} done, {failed} not.",
        "Job ended: {saved} of {count} done, {failed} not.",
        saved=f"{saved:,}",
        failed=f"{failed:,}",
    )
