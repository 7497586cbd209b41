"""The inspector: a task's exact request, its timeline and the service's responses."""

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

from tui.screens.share import send
from tui.service.inline_pictures import is_inline
from tui.service.routes import submit_path
from tui.tasks.task import Task
from tui.text import (
    by_count,
    clock,
    duration,
    escaped,
    file_size,
    inert_json,
    one_line,
    plain,
)
from tui.widgets.facts import task_facts
from tui.widgets.footer import Footer
from tui.widgets.messages import TaskActionRequested
from tui.widgets.task_actions import TaskAction, task_bindings

_NAME = re.compile(r' *("(?:[^"\\]|\\.)*": )?')
"""The indentation and the name at the start of a line of formatted JSON."""
_MOST_EVENTS = 200
_LONGEST_RESPONSE = 20_000
_LONGEST_BODY = 1_000_000
"""Characters that are shown of each."""
_LONGEST_FACT = 4000
_MOST_BRACKETS = 1000
"""JSON with more is shown as it is: its indentation alone might fill the memory."""
TextRow = tuple[str, str]
"""A quiet name and the text beside it; an unindented name is a title."""


class InspectScreen(Screen[None]):
    """Shows everything that is known about a task, as text."""

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
            tooltip="Copy the body exactly as it is sent",
        ),
        *task_bindings([TaskAction.COPY_AS], footer=[TaskAction.COPY_AS]),
    ]

    def __init__(self, task: Task, events: list[tuple[float, str, str]]) -> None:
        """`events` are times, descriptions and raw responses, oldest first."""
        super().__init__()
        self._shown = task
        self._body = task.body
        self._page = Page(list(describe(task, events)))

    def compose(self) -> ComposeResult:
        yield self._page
        yield Footer()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "copy" or bool(self._body)

    def action_copy(self) -> None:
        send(self.app, escaped(self._body.decode(errors="replace")))
        size = f"{len(self._body):,} bytes"
        sentence = f"Sent to the terminal's clipboard: the body, {size}."
        self.notify(sentence, markup=False)

    def action_task(self, name: str) -> None:
        """Asks for an action on the task that is shown."""
        self.post_message(TaskActionRequested(TaskAction(name), [self._shown]))


class Page(ScrollView, can_focus=True):
    """Scrolls through rows of text; only those in sight are rendered."""

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

    def __init__(self, rows: list[TextRow]) -> None:
        super().__init__()
        self._rows = self._wrapped = rows

    def on_resize(self) -> None:
        width = self.scrollable_content_region.width
        self._wrapped = [part for row in self._rows for part in wrap_row(row, width)]
        self.virtual_size = Size(width, len(self._wrapped))

    def render_line(self, y: int) -> Strip:
        index = self.scroll_offset.y + y
        width = self.scrollable_content_region.width
        base = self.rich_style
        if index >= len(self._wrapped):
            return Strip.blank(width, base)
        quiet = self.get_component_rich_style("page--quiet")
        name, text = self._wrapped[index]
        if name.startswith(" "):
            segments = [Segment(name, quiet), Segment(text, base)]
        else:
            title = self.get_component_rich_style("page--title")
            rule = self.get_component_rich_style("page--rule")
            segments = [
                Segment(name, title),
                Segment(text, quiet),
                Segment("─" * width, rule),
            ]
        return Strip(segments).adjust_cell_length(width, base)

    def action_scroll_rows(self, count: int, pages: bool = False) -> None:
        rows = max(1, self.size.height - 1) if pages else 1
        self.scroll_relative(y=count * rows, animate=False)


def wrap_row(row: TextRow, width: int) -> Iterator[TextRow]:
    """Yields the row in rows of at most `width` cells, indented below its text.

    Breaks at spaces where there are some.
    """
    name, text = row
    # No character is wider than two cells; a title is cut, not wrapped.
    fits = 2 * (len(name) + len(text)) <= width
    if fits or not name.startswith(" "):
        yield row
        return
    if cell_len(name) > width // 2:
        text = name[2:] + text
        name = "  "
    indent = " " * cell_len(name)
    room = max(8, width - len(indent))
    start = 0
    while start < len(text):
        # One character more than there is room for says whether the text goes on.
        part = _first_part(text[start : start + room + 1], room)
        yield name, part
        start += len(part)
        name = indent


def _first_part(text: str, room: int) -> str:
    """Returns the start of a text that fits in `room` cells, best up to a space."""
    part = text[:room]
    while (excess := cell_len(part) - room) > 0:
        part = part[: -max(1, excess // 2)]
    space = part.rfind(" ")
    if len(part) < len(text) and space > room // 2:
        return part[: space + 1]
    return part


def describe(task: Task, events: list[tuple[float, str, str]]) -> Iterator[TextRow]:
    """Yields all rows of the page, safe to display."""
    latest = events[-_MOST_EVENTS:]
    yield from _describe_task(task)
    yield from _describe_request(task)
    yield from _describe_timeline(task, events, latest)
    yield from _describe_images(task)
    for moment, event, raw in latest:
        if raw:
            yield from _section(f"Response {clock(moment)}", one_line(event))
            yield from format_text(raw)


def _describe_task(task: Task) -> Iterator[TextRow]:
    yield from _section("Task", "")
    for name, text in task_facts(task):
        yield _fact(name, text)
    if task.successor:
        yield _fact("sent again as", task.successor)


def _describe_request(task: Task) -> Iterator[TextRow]:
    facts = {
        "POST": submit_path(task.route, task.service, task.action),
        "base URL": task.base_url,
        "profile": task.profile,
        "Idempotency-Key": "" if task.adopted else task.key or "none yet",
    }
    yield from _section("Request", "", facts)
    if task.adopted:
        yield from _section("Body", "not known: the request was made elsewhere")
        return
    if task.body:
        yield from _section("Body", f"{len(task.body):,} bytes")
        body = task.body
    else:
        yield from _section(
            "Body", "none yet: the files in these values are uploaded first"
        )
        body = msgspec.json.encode(task.values)
    yield from format_text(body.decode(errors="replace"), _LONGEST_BODY)


def _describe_timeline(
    task: Task,
    events: list[tuple[float, str, str]],
    latest: list[tuple[float, str, str]],
) -> Iterator[TextRow]:
    note = by_count(task.polls, "{count} poll", "{count} polls")
    if len(latest) < len(events):
        note += f", the last {len(latest):,} of {len(events):,} events"
    yield from _section("Timeline", note)
    for moment, event, _ in latest:
        seconds = moment - events[0][0]
        name = f"  {clock(moment)} {seconds:+8.1f}s  "
        yield name, one_line(event, _LONGEST_FACT)


def _describe_images(task: Task) -> Iterator[TextRow]:
    for number, result in enumerate(task.results, 1):
        came_with = is_inline(result.url)
        url = "none: it came with the service's answer" if came_with else result.url
        facts = {"URL": url, "part": result.label}
        if result.path:
            facts["file"] = result.path
            size = f"{result.format}, {file_size(result.bytes)}"
            if result.width:
                size = f"{result.width}×{result.height}, {size}"
            facts["size"] = size
        else:
            facts["not saved"] = _expiry(task.expires_at)
        yield from _section(f"Image {number}", "", facts)


def _section(
    title: str, note: str, facts: dict[str, str] | None = None
) -> Iterator[TextRow]:
    """Yields a blank row, the title with its note, and the facts that aren't empty."""
    yield " ", ""
    yield f"{title} ", f"{note} " if note else ""
    for name, text in (facts or {}).items():
        if text:
            yield _fact(name, text)


def _fact(name: str, text: str) -> TextRow:
    return f"  {name:18}  ", one_line(text, _LONGEST_FACT)


def _expiry(moment: float) -> str:
    """Describes until when a result can be fetched from its URL; 0 is unknown."""
    if not moment:
        return "it is unknown when the URL expires"
    date = time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))
    seconds = moment - time.time()
    if seconds <= 0:
        return f"the URL expired at {date}"
    return f"the URL expires at {date}, in {duration(seconds)}"


def format_text(raw: str, limit: int = _LONGEST_RESPONSE) -> Iterator[TextRow]:
    """Yields the rows of a text, at most `limit` characters of it, safe to display.

    JSON is indented, its tokens unchanged and invisible characters as escapes.
    """
    name_pattern: re.Pattern[str] | None = _NAME
    try:
        is_flat = raw.count("[") + raw.count("{") < _MOST_BRACKETS
        whole = msgspec.json.format(raw if is_flat else "")
        shown = re.sub(r"[^\n -~]+", _escape_invisible, whole[:limit])
    except (ValueError, RecursionError):
        whole = raw
        shown = plain(raw[:limit], limit).expandtabs(4)
        name_pattern = None
    for line in shown[:limit].split("\n"):
        found = name_pattern.match(line) if name_pattern else None
        name = found[0] if found else ""
        yield f"  {name}", line[len(name) :]
    if max(len(whole), len(shown)) > limit:
        yield f"  … cut here; {len(raw):,} characters in total", ""


def _escape_invisible(found: re.Match[str]) -> str:
    return inert_json(found[0])[1:-1]
