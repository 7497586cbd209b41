"""How a task reads in one row: glyph and word, model, prompt, time, cost."""

import time
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from tui.tasks.task import LIVE, Status, Task
from tui.text import duration, money, one_line

# State is never colour alone: a glyph, a word, and the component class that colours
# them.
_LOOKS: dict[Status, tuple[str, str, str]] = {
    Status.HELD: ("○", "held", "held"),
    Status.SUBMITTING: ("◌", "sending", "live"),
    Status.PENDING: ("◔", "pending", "live"),
    Status.PROCESSING: ("◑", "processing", "live"),
    Status.FETCHING: ("◕", "saving", "live"),
    Status.COMPLETED: ("●", "completed", "done"),
    Status.FAILED: ("✗", "failed", "failed"),
    Status.EXPIRED: ("✗", "expired", "failed"),
    Status.REJECTED: ("✗", "rejected", "failed"),
    Status.DROPPED: ("–", "dropped", "held"),
}
COLUMNS = ("status", "model", "prompt", "time", "cost")
COST_WIDTH = 9
"""Cells of the cost column."""
_STATUS_WIDTH = 15
_TIME_WIDTH = 8
_LEAST_PROMPT_WIDTH = 8
_URL_ENDS_SOON = 2 * 86400.0
"""Seconds before the end of a result's URL at which its row says so."""
_FREE = (Status.REJECTED, Status.DROPPED, Status.FAILED)
"""What was never charged, unless the service says otherwise."""


class Row(NamedTuple):
    """The columns of a row; `problem` shares the prompt's."""

    glyph: str
    word: str
    kind: str
    """The component class that colours the state."""
    model: str
    prompt: str
    problem: str
    time: str
    cost: str


def status_look(task: Task) -> tuple[str, str, str]:
    """Returns glyph, word and component class of a task's state."""
    glyph, word, kind = _LOOKS[task.status]
    at_work = task.status in (Status.PENDING, Status.PROCESSING)
    if task.status is Status.HELD and task.error:
        return "!", "needs you", "failed"
    if is_set_aside(task):
        return "◇", "set aside", "held"
    if not task.watched and task.status in LIVE:
        return "◇", "unwatched", "held"
    if task.retried_by and task.status not in LIVE and not task.files:
        return "↻", "retried", "held"
    if task.status is Status.COMPLETED and task.error:
        return "●", "partly done" if task.files else "no picture", "failed"
    if task.quiet and at_work:
        return "◔", "quiet", "held"
    if kind == "live":
        return glyph, task.progress or word, kind
    return glyph, word, kind


def is_set_aside(task: Task) -> bool:
    """Whether it was not sent, and is sent only when asked for."""
    return task.status is Status.HELD and not task.watched


def is_waiting(task: Task) -> bool:
    """Whether it will be sent once its turn comes."""
    return task.status is Status.HELD and task.live


def elapsed(task: Task) -> str:
    """Returns how long the task took, or has taken so far."""
    begun = task.sent_at or task.finished_at
    if task.status is Status.HELD or not begun:
        return ""
    end = task.finished_at or time.time()
    return duration(end - (task.sent_at or task.created_at))


def made(task: Task) -> str:
    """Returns when the task was made.

    That is `14:03` today, `23 Jul` this year, `2025-07` before.
    """
    now, then = time.localtime(), time.localtime(task.created_at)
    if then[:3] == now[:3]:
        return time.strftime("%H:%M", then)
    if then[0] == now[0]:
        return time.strftime(f"{then.tm_mday} %b", then)
    return time.strftime("%Y-%m", then)


def expiry(task: Task) -> str:
    """Returns how long an unsaved result can still be fetched, or nothing."""
    if not task.expires_at:
        return ""
    left = task.expires_at - time.time()
    return f"can be fetched for {duration(left)}" if left > 0 else "its URL has expired"


def row(task: Task, title: str, when: str) -> Row:
    """Returns a task's row.

    `title` is the name of its model, `when` stands in the column of time.
    """
    glyph, word, kind = status_look(task)
    star = "★ " if task.favourite else ""
    prompt = star + one_line(task.prompt or task.model, 400)
    return Row(glyph, word, kind, title, prompt, _problem(task), when, cost(task))


def _problem(task: Task) -> str:
    problem = ""
    if task.error:
        problem = task.error.message
    elif task.status in LIVE:
        problem = task.note
    if is_set_aside(task) and not problem:
        problem = "s sends it, d drops it"
    if task.expires_at and task.expires_at - time.time() < _URL_ENDS_SOON:
        return f"{expiry(task)}. {problem}"
    return problem


def cost(task: Task) -> str:
    """Returns what a task cost, or may cost (`~$0.05`); `?` where nobody knows."""
    if task.cost_micro is not None:
        return money(task.cost_micro)
    if task.status in _FREE:
        return "–"
    return "?" if task.estimate_micro is None else f"~{money(task.estimate_micro)}"


def known_cost(task: Task) -> int | None:
    """Returns what a task adds to a sum, in micro-dollars; None where nobody knows."""
    if task.cost_micro is not None:
        return task.cost_micro
    return 0 if task.status in _FREE else task.estimate_micro


def column_widths(width: int) -> tuple[int, ...]:
    """Returns the cells of status, model, prompt, time and cost in a row of `width`."""
    model = 22 if width >= 100 else 16
    prompt = width - _STATUS_WIDTH - model - _TIME_WIDTH - COST_WIDTH
    prompt = max(_LEAST_PROMPT_WIDTH, prompt)
    return _STATUS_WIDTH, model, prompt, _TIME_WIDTH, COST_WIDTH


def fit(text: str, room: int, right: bool = False) -> str:
    """Returns `text` in exactly `room` cells, the last one free.

    It is cut with an ellipsis, or filled up: at its left where it is set `right`.
    """
    if room <= 0:
        return ""
    space = room - 1
    if cell_len(text) > space:
        text = set_cell_size(text, max(0, space - 1)).rstrip()
        if space:
            text += "…"
    filling = " " * (space - cell_len(text))
    if right:
        return f"{filling}{text} "
    return f"{text}{filling} "
