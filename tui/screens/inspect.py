"""Everything that is kept of one task: its exact request, what happened when, and the
service's own words.
"""

import re
import time
from collections.abc import Iterator
from typing import ClassVar

import msgspec
from rich.cells import cell_len
from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.service.routes import submit_path
from tui.tasks.task import Task
from tui.text import clock, duration, file_size, inert_json, money, one_line, plain
from tui.widgets.footer import Footer
from tui.widgets.messages import TaskActionRequested
from tui.widgets.task_actions import TaskAction, task_bindings
from tui.widgets.taskrow import status_style

_NAMED = re.compile(r' *("(?:[^"\\]|\\.)*": )?')
# A quiet name and the text beside it; a title where the name is not set in
Row = tuple[str, str]


class InspectScreen(Screen[None]):
    """One task on a page of text."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q",
            "dismiss",
            "Back",
            id="inspect-back",
            tooltip="To the previous page",
        ),
        Binding(
            "y",
            "copy",
            "Copy request",
            id="copy-request",
            tooltip="Its body, as it is sent",
        ),
        *task_bindings("inspect-", [TaskAction.COPY_AS], footer=[TaskAction.COPY_AS]),
    ]

    def __init__(self, task: Task, events: list[tuple[float, str, str]]) -> None:
        """`events`: when, what, and the service's own words, oldest first."""
        super().__init__()
        self._shown = task
        self._body = task.body
        self._page = Page(list(describe(task, events)))

    def compose(self) -> ComposeResult:
        yield self._page
        yield Footer(show_command_palette=False, compact=True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "copy" or bool(self._body)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self._body.decode(errors="replace"))
        self.notify(
            f"Sent to the terminal's clipboard: the body, {len(self._body):,} bytes.",
            markup=False,
        )

    def action_task(self, name: str) -> None:
        """Asks for an action on the task that is shown."""
        self.post_message(TaskActionRequested(TaskAction(name), [self._shown]))


class Page(ScrollView, can_focus=True):
    """Rows to read; only those in sight are drawn."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"page--title", "page--quiet", "page--rule"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_rows(-1)", "Up", id="inspect-up", show=False),
        Binding("down,j", "scroll_rows(1)", "Down", id="inspect-down", show=False),
        Binding(
            "pageup",
            "scroll_rows(-1, True)",
            "Page up",
            id="inspect-page-up",
            show=False,
        ),
        Binding(
            "pagedown,space",
            "scroll_rows(1, True)",
            "Page down",
            id="inspect-page-down",
            show=False,
        ),
        Binding(
            "home,g", "scroll_rows(-10000000)", "Top", id="inspect-top", show=False
        ),
        Binding("end,G", "scroll_rows(10000000)", "End", id="inspect-end", show=False),
    ]

    def __init__(self, rows: list[Row]) -> None:
        super().__init__()
        self._rows = self._wrapped = rows

    def on_resize(self) -> None:
        width = self.scrollable_content_region.width
        self._wrapped = [piece for row in self._rows for piece in wrapped(row, width)]
        self.virtual_size = Size(width, len(self._wrapped))

    def render_line(self, y: int) -> Strip:
        at, width, base = (
            self.scroll_offset.y + y,
            self.scrollable_content_region.width,
            self.rich_style,
        )
        name, text = self._wrapped[at] if at < len(self._wrapped) else (" ", "")
        title, quiet, rule = map(
            self.get_component_rich_style, ("page--title", "page--quiet", "page--rule")
        )
        drawn = [Segment(name, quiet), Segment(text, base)]
        if not name.startswith(" "):
            drawn = [
                Segment(name, title),
                Segment(text, quiet),
                Segment("─" * width, rule),
            ]
        return Strip(drawn).adjust_cell_length(width, base)

    def action_scroll_rows(self, count: int, pages: bool = False) -> None:
        self.scroll_relative(
            y=count * max(1, self.size.height - 1 if pages else 1), animate=False
        )


def wrapped(row: Row, width: int) -> Iterator[Row]:
    """The row in rows of at most `width` cells, set in below its text; broken at spaces
    where there are some.
    """
    name, text = row
    # Fits, however wide; a title is cut
    if 2 * (len(name) + len(text)) <= width or not name.startswith(" "):
        yield row
        return
    if cell_len(name) > width // 2:
        name, text = "  ", name[2:] + text
    room, at = max(8, width - cell_len(name)), 0
    while at < len(text):
        piece = text[at : at + room]
        while (over := cell_len(piece) - room) > 0:
            piece = piece[: -max(1, over // 2)]
        if at + len(piece) < len(text) and piece.rfind(" ") > room // 2:
            piece = piece[: piece.rfind(" ") + 1]
        yield name, piece
        at, name = at + len(piece), " " * cell_len(name)


def describe(task: Task, events: list[tuple[float, str, str]]) -> Iterator[Row]:
    """The whole page, harmless."""
    last, why = events[-200:], task.error.message if task.error else task.note
    known = {
        "status": " ".join(status_style(task)[:2]),
        "": why,
        "model": task.model,
        "id": task.id,
    }
    cost = "" if task.cost_micro is None else money(task.cost_micro)
    yield from section(
        "Task", "", known | {"at the service": task.remote_id, "cost": cost}
    )
    sent = {
        "POST": submit_path(task.route, task.service, task.action),
        "base URL": task.base_url,
        "profile": task.profile,
    }
    yield from section(
        "Request", "", sent | {"Idempotency-Key": task.key or "none yet"}
    )
    size = (
        f"{len(task.body):,} bytes"
        if task.body
        else "none yet: files of these values are uploaded first"
    )
    yield from section("Body", size)
    yield from words(
        (task.body or msgspec.json.encode(task.values)).decode(errors="replace"),
        1_000_000,
    )
    cut = (
        f", the last {len(last)} of {len(events)} events"
        if len(last) < len(events)
        else ""
    )
    yield from section("Timeline", f"{task.polls} poll{'s' * (task.polls != 1)}{cut}")
    for at, event, _ in last:
        yield f"  {clock(at)} {at - events[0][0]:+8.1f}s  ", one_line(event, 4000)
    for number, result in enumerate(task.results, 1):
        size = f"{result.width} × {result.height}, {result.format}, {file_size(result.bytes)}"
        saved = (
            {"file": result.path, "size": size}
            if result.path
            else {"not saved": lasts(task.expires_at)}
        )
        yield from section(f"Image {number}", "", {"URL": result.url} | saved)
    for at, event, raw in last:
        if raw:
            yield from section(f"Answer {clock(at)}", one_line(event))
            yield from words(raw)


def section(
    title: str, note: str, facts: dict[str, str] | None = None
) -> Iterator[Row]:
    yield " ", ""
    yield f"{title} ", note and f"{note} "
    yield from (
        (f"  {name:18}  ", one_line(text, 4000))
        for name, text in (facts or {}).items()
        if text
    )


def lasts(moment: float) -> str:
    """Until when a result can be fetched by its URL."""
    left, day = (
        moment - time.time(),
        time.strftime("%Y-%m-%d %H:%M", time.localtime(moment)),
    )
    known = (
        f"its URL lasts until {day}, {duration(left)} more"
        if left > 0
        else f"its URL ended at {day}"
    )
    return known if moment else "nobody said how long its URL lasts"


def words(raw: str, most: int = 20_000) -> Iterator[Row]:
    """JSON spread out, its tokens untouched and what hides as escapes; anything else as
    it is, but harmless.
    """
    named: re.Pattern[str] | None = _NAMED
    try:
        # Or else the insets alone may fill the memory
        flat = raw.count("[") + raw.count("{") < 1000
        whole = msgspec.json.format(raw if flat else "")
        shown = re.sub(
            r"[^\n -~]+", lambda found: inert_json(found[0])[1:-1], whole[:most]
        )
    except (ValueError, RecursionError):
        whole, shown, named = raw, plain(raw[:most], most).expandtabs(4), None
    for line in shown[:most].split("\n"):
        name = next(named.finditer(line))[0] if named else ""
        yield f"  {name}", line[len(name) :]
    if max(len(whole), len(shown)) > most:
        yield f"  … cut here; {len(raw):,} characters in all", ""
