"""How a task reads in one row: glyph and word, model, prompt, time, cost."""

import time
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from tui.catalog.extra import short_mark
from tui.tasks.durations import Span
from tui.tasks.task import LIVE, REJECTED, SENT, Status, Task
from tui.text import dollars, duration, one_line, steady


class StatusStyle(NamedTuple):
    """How a state is shown, which is never by colour alone."""

    glyph: str
    word: str
    kind: str
    """The component class that colours the state."""


_STATUS_STYLES: dict[Status, StatusStyle] = {
    Status.HELD: StatusStyle("○", "held", "held"),
    Status.SUBMITTING: StatusStyle("◌", "sending", "live"),
    Status.PENDING: StatusStyle("◔", "pending", "live"),
    Status.PROCESSING: StatusStyle("◑", "processing", "live"),
    Status.FETCHING: StatusStyle("◕", "saving", "live"),
    Status.COMPLETED: StatusStyle("●", "completed", "done"),
    Status.FAILED: StatusStyle("✗", "failed", "failed"),
    Status.EXPIRED: StatusStyle("✗", "expired", "failed"),
    Status.REJECTED: StatusStyle("✗", "rejected", "failed"),
    Status.DROPPED: StatusStyle("–", "dropped", "held"),
}
_NEEDS_USER = StatusStyle("!", "needs you", "failed")
_SET_ASIDE = StatusStyle("◇", "set aside", "held")
_UNWATCHED = StatusStyle("◇", "unwatched", "held")
_RETRIED = StatusStyle("↻", "retried", "held")
_PARTLY_DONE = StatusStyle("●", "partly done", "failed")
_NO_IMAGE = StatusStyle("●", "no image", "failed")
_QUIET = StatusStyle("◔", "quiet", "held")
COST_WIDTH = 9
"""Cells of the cost column."""
_STATUS_WIDTH = 15
_MIN_PROMPT_WIDTH = 8
_LEAST_CUT_NAME = 6
"""Cells in which a name can be cut in the middle."""
_TIME_WIDTH = 8
_PROGRESS_WIDTH = 14
"""Cells of the time where it stands beside how long such a task usually takes."""
_MODEL_WIDTHS = 13, 22
"""Cells of the model, at most: in a row of `_MEDIUM`, and in one of `_WIDE`."""
_NARROW = 52
_MEDIUM = 72
_WIDE = 100
_LONGEST_MARK = 16
"""Cells for what isn't checked."""
_LONGEST_VARIATION = 24
"""Cells for what is different in the tasks of a job."""
_URL_WARNING_TIME = 2 * 86400.0
"""Seconds before a result's URL expires at which its row starts to warn."""
_FREE = (Status.REJECTED, Status.DROPPED, Status.FAILED)
"""Never charged, unless the service says otherwise."""


class Needs(NamedTuple):
    """What the rows of a table need room for."""

    model: int = _MODEL_WIDTHS[-1]
    """Cells of the longest title of a model."""
    models: int = 2
    """How many models there are."""
    progress: bool = True
    """Whether a task is running, so that two times may stand in its row."""


_MOST_NEEDS = Needs()


class Columns(NamedTuple):
    """The cells of each column."""

    status: int
    model: int
    prompt: int
    """What the others leave: for the prompt, and what is wrong beside it."""
    time: int
    cost: int


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


def status_style(task: Task) -> StatusStyle:
    """Returns glyph, word and component class of a task's state."""
    style = _special_style(task)
    if style:
        return style
    style = _STATUS_STYLES[task.status]
    if style.kind == "live" and task.progress:
        return style._replace(word=task.progress)
    return style


def _special_style(task: Task) -> StatusStyle | None:
    """Returns how a state is shown to which more than its status belongs."""
    is_live = task.status in LIVE
    if task.status is Status.HELD and task.error:
        return _NEEDS_USER
    if is_set_aside(task):
        return _SET_ASIDE
    if is_live and not task.watched:
        return _UNWATCHED
    if task.retried_by and not is_live and not task.files:
        return _RETRIED
    if task.status is Status.COMPLETED and task.error:
        return _PARTLY_DONE if task.files else _NO_IMAGE
    if task.quiet and task.status in (Status.PENDING, Status.PROCESSING):
        return _QUIET
    return None


def is_set_aside(task: Task) -> bool:
    """Returns whether a task is unsent, and is sent only when the user says so."""
    return task.status is Status.HELD and not task.watched


def is_waiting(task: Task) -> bool:
    """Returns whether a task will be sent automatically when its turn comes."""
    return task.status is Status.HELD and task.live


def elapsed(task: Task) -> str:
    """Returns how long the task took, or has taken so far."""
    was_sent = bool(task.sent_at or task.finished_at)
    if task.status is Status.HELD or not was_sent:
        return ""
    start = task.sent_at or task.created_at
    end = task.finished_at or time.time()
    return duration(end - start)


def progress_time(task: Task, usual: Span | None, room: int) -> str:
    """Returns how long the task took or, while it runs, `9s of 9–14 s`.

    In a column of `room` cells that is too narrow for both, it is the time alone.
    """
    taken = elapsed(task)
    is_running = task.live and task.status in SENT
    if not (is_running and taken and usual):
        return taken
    whole = f"{taken} of {usual.short}"
    return whole if len(whole) < room else taken


def made(task: Task) -> str:
    """Returns when the task was created.

    That is `14:03` today, `23 Jul` this year, `2025-07` before.
    """
    now = time.localtime()
    then = time.localtime(task.created_at)
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
    return f"expires in {duration(left)}" if left > 0 else "its URL has expired"


def stars(rating: int) -> str:
    """Returns a rating as it is shown; empty for none."""
    return "✗" if rating == REJECTED else "★" * rating


def row(task: Task, title: str, when: str, variation: str = "", ways: str = "") -> Row:
    """Returns a task's row.

    `title` is the name of its model, `when` stands in the column of time, and
    `variation` is what is different in it from others of its job, `ways` what one can
    do with a task that isn't sent.
    """
    prompt = one_line(task.caption, 400)
    if variation:
        prompt = f"{fit(variation, _LONGEST_VARIATION).rstrip()} · {prompt}"
    mark = short_mark(task.values)
    if mark:
        prompt = f"{fit(mark, _LONGEST_MARK).rstrip()} · {prompt}"
    if len(task.results) > 1:
        prompt = f"×{len(task.results)} {prompt}"
    if task.rating:
        prompt = f"{stars(task.rating)} {prompt}"
    if task.favourite:
        prompt = f"♥ {prompt}"
    return Row(
        *status_style(task), title, prompt, _problem(task, ways), when, cost(task)
    )


def _problem(task: Task, ways: str) -> str:
    problem = ""
    if task.error:
        problem = task.error.message
    elif task.status in LIVE:
        problem = task.note
    return f"{_expiry_warning(task)} {problem or ways}".strip()


def _expiry_warning(task: Task) -> str:
    if not task.expires_at:
        return ""
    left = task.expires_at - time.time()
    if left >= _URL_WARNING_TIME:
        return ""
    return f"Expires in {duration(left)}." if left > 0 else "Its URL has expired."


def cost(task: Task) -> str:
    """Returns what a task cost, or may cost (`~$0.05`); `?` if that is unknown."""
    if task.cost_micro is not None:
        return dollars(task.cost_micro)
    if task.status in _FREE:
        return "–"
    if task.estimate_micro is None:
        return "?"
    return f"~{dollars(task.estimate_micro)}"


def known_cost(task: Task) -> int | None:
    """Returns what a task adds to a sum, in micro-dollars; None if that is unknown."""
    if task.cost_micro is not None:
        return task.cost_micro
    return 0 if task.status in _FREE else task.estimate_micro


def column_widths(width: int, needs: Needs = _MOST_NEEDS) -> Columns:
    """Returns the columns of a row of `width` cells.

    Each is as wide as what stands in it; prompt and reason have the rest. A narrow row
    has no model, nor has one of medium width where all are the same; a very narrow one
    has no cost: the prompt says more.
    """
    cost = COST_WIDTH if width >= _NARROW else 0
    time_taken = _TIME_WIDTH
    if needs.progress and width >= _MEDIUM:
        time_taken = _PROGRESS_WIDTH
    model = _model_width(width, needs)
    prompt = width - _STATUS_WIDTH - model - time_taken - cost
    prompt = max(_MIN_PROMPT_WIDTH, prompt)
    return Columns(_STATUS_WIDTH, model, prompt, time_taken, cost)


def _model_width(width: int, needs: Needs) -> int:
    medium, wide = _MODEL_WIDTHS
    if width >= _WIDE:
        return min(needs.model + 1, wide)
    if width >= _MEDIUM and needs.models > 1:
        return min(needs.model + 1, medium)
    return 0


def fit_name(name: str, room: int) -> str:
    """Returns a name in exactly `room` cells, the last one free.

    A longer one is cut in the middle: the ends of names are what tells models apart.
    """
    space = room - 1
    name = steady(name)
    excess = cell_len(name) - space
    if excess <= 0 or space < _LEAST_CUT_NAME:
        return fit(name, room)
    head = name[: space // 4].rstrip()
    tail = name[len(head) :]
    while cell_len(f"{head}…{tail}") > space:
        tail = tail[1:]
    return fit(f"{head}…{tail.lstrip()}", room)


def fit(text: str, room: int, right: bool = False) -> str:
    """Returns `text` in exactly `room` cells, the last one free.

    Longer text is cut with an ellipsis; shorter text is padded, on the left if `right`.
    """
    if room <= 0:
        return ""
    space = room - 1
    text = steady(text)
    if cell_len(text) > space:
        text = set_cell_size(text, max(0, space - 1)).rstrip()
        if space:
            text += "…"
    padding = " " * (space - cell_len(text))
    if right:
        return f"{padding}{text} "
    return f"{text}{padding} "
