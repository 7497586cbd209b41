"""The picture pane: the result of the selected task, as large as there is room for."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from textual import events, on
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Region
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from tui.tasks.task import Task
from tui.text import plain
from tui.widgets.facts import facts_line, placeholder, running_line
from tui.widgets.key_texts import key_text, working_key_text
from tui.widgets.messages import Browsing, TaskActionRequested
from tui.widgets.picture import Picture
from tui.widgets.results import Results, Shown, is_under_way
from tui.widgets.strip import Key, NumberLine, Thumbnail, ThumbnailStrip
from tui.widgets.task_actions import (
    MOVES_ON,
    ON_ONE_PICTURE,
    QUEUE_ORDER,
    TASK_ACTIONS,
    TaskAction,
    allowed_actions,
    task_bindings,
)
from tui.widgets.taskrow import expiry, status_style
from tui.widgets.view_context import ViewContext

_ACTIONS = frozenset(TaskAction) - QUEUE_ORDER
"""What can be done with the task that is shown."""
_FOOTER = (
    TaskAction.VIEW,
    TaskAction.AGAIN,
    TaskAction.USE_AS_SOURCE,
    TaskAction.THEN,
    TaskAction.REUSE,
    TaskAction.RETRY,
    TaskAction.INSPECT,
)
_WAYS_ON = (
    TaskAction.RETRY,
    TaskAction.SEND,
    TaskAction.WATCH,
    TaskAction.EDIT,
    TaskAction.DROP,
    TaskAction.REUSE,
    TaskAction.INSPECT,
)
"""What one may do about a task without an image."""
_STATE_STYLES = {"failed": "bold $text-error", "live": "bold $text-warning"}
_LOW = 16
"""Rows of a pane below which a line of numbers tells which of several is shown."""
_HIGH = 28
"""Rows from which the strip is one row higher, if all pictures have room in it."""
_HIGH_STRIP = 5
"""Rows of the higher strip."""
_STRIP_PADDING = 2
_FRAME_COLUMNS = 4
"""Columns of the last line that the frame keeps for itself."""


def result_bindings() -> list[Binding]:
    """Returns the keys that step through results, for a page with a preview."""
    return [
        Binding(
            "left_square_bracket",
            "step_result(-1)",
            "Previous",
            id="previous-result",
            tooltip="Show the previous result, then those of the task above",
            show=False,
        ),
        Binding(
            "right_square_bracket",
            "step_result(1)",
            "Next",
            id="next-result",
            tooltip="Show the next result, then those of the task below",
            show=False,
        ),
    ]


class Preview(Vertical, can_focus=True):
    """One result, its facts in the frame, and a strip of all where there are several.

    While a task is under way, the picture before it stays, dimmed.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", show=False),
        Binding("up,k", "scroll_text(-1)", "Up", show=False),
        Binding("down,j", "scroll_text(1)", "Down", show=False),
        Binding("pageup", "scroll_text(-1, True)", "Page up", show=False),
        Binding("pagedown,space", "scroll_text(1, True)", "Page down", show=False),
        *task_bindings(actions=_ACTIONS, footer=_FOOTER),
    ]
    DEFAULT_CSS = """
    Preview {
        border-subtitle-align: left;
        border-subtitle-color: $text-muted;
        #picture { height: 1fr; }
        .text {
            display: none; height: 1fr; padding: 0 1;
            align: center middle; scrollbar-size-vertical: 1;
        }
        .text Static { width: auto; max-width: 100%; height: auto; }
        ThumbnailStrip, NumberLine { display: none; }
        ThumbnailStrip { height: 4; padding: 0 1; }
        &.-high ThumbnailStrip { height: 5; }
        &.-text #picture { display: none; }
        &.-text .text { display: block; }
        &.-several ThumbnailStrip { display: block; }
        &.-low ThumbnailStrip { display: none; }
        &.-low.-several NumberLine { display: block; }
    }
    """

    @dataclass
    class Moved(Message):
        """The pane shows another task."""

        task_id: str

    class Left(Message):
        """The user wants to leave the pane."""

    def __init__(self, context: ViewContext, id: str, *, follows: bool = False) -> None:
        """With `follows`, the last picture stays until the next one is there.

        Then the page is also told when the user leaves, and of news.
        """
        super().__init__(id=id, classes="frame")
        self._view = context
        self._follows = follows
        self.picture = Picture(
            context.terminal, id="picture", swift=True, above_others=True
        )
        self._text = Static(markup=False)
        self._scroll = VerticalScroll(self._text, classes="text", can_focus=False)
        self._strip = ThumbnailStrip(context, "results")
        self._numbers = NumberLine()
        self.results = Results()
        """Which result is shown, and what came unseen."""
        self.browsing: Callable[[], Browsing] = Browsing
        """Returns the tasks among which the viewer steps."""
        self._moved_to = ""
        self._allowed: Collection[TaskAction] = ()
        self._has_news = False
        self._title = ""
        self._line = ""
        self._shown_text = Content("")
        self._frame: tuple[Region, ...] = ()
        self.border_title = "Result"

    async def mount_content(self) -> None:
        """Mounts the widgets within the frame."""
        await self.mount(self.picture, self._scroll, self._strip, self._numbers)
        self._view.changes.subscribe(self, self._changed, immediate=True)

    def on_mount(self) -> None:
        self._clock = self.set_interval(1, self._update_frame, pause=True)
        # The title names a key only where it works: not while a text is edited.
        self.screen.bindings_updated_signal.subscribe(self, self._keys_changed)

    def on_unmount(self) -> None:
        self._view.changes.unsubscribe(self)  # or it would hold the page for ever

    def show(self, task: Task, among: Iterable[Task] = ()) -> None:
        """Shows a task's results; for a job those of all its tasks, `among`."""
        self.results.select(task, among)
        self._update()

    def show_latest(self, tasks: Iterable[Task]) -> None:
        """Shows the newest of some tasks of earlier runs if no task is selected.

        Without any, it shows how to begin.
        """
        self.results.select_latest(tasks)
        self._update()

    def step(self, by: int, select_next: Callable[[int], bool]) -> None:
        """Shows the next result; after the last one, that of the next task.

        `select_next` selects this task; it returns False if there is none.
        """
        results = self.results
        if not results.step(by):
            results.enters_at_end = by < 0
            if not select_next(by):
                results.enters_at_end = False
        self._update()

    def choose(self, key: Key) -> None:
        """Shows a result; that of another task as soon as it is selected."""
        self.results.choose(key)
        self._update()

    def show_news(self) -> Task | None:
        """Shows the newest unseen result; returns its task, which has to be selected."""
        task = self.results.show_news()
        self._update()
        return task

    def _keys_changed(self, _page: Screen[Any]) -> None:
        self._update_frame()

    def _changed(self, task: Task) -> None:
        if self.results.change(task):
            self._update()

    def _update(self) -> None:
        shown = self.results.shown
        self._show_picture(shown)
        self._show_strip(shown)
        self._update_frame()
        task_id = shown.task.id if shown else ""
        if task_id != self._moved_to:
            self._moved_to = task_id
            self.post_message(self.Moved(task_id))
        allowed = allowed_actions(shown.task) if shown else set()
        has_news = bool(self.results.news)
        if (allowed, has_news) != (self._allowed, self._has_news):
            self._allowed, self._has_news = allowed, has_news
            self.refresh_bindings()

    def _show_picture(self, shown: Shown | None) -> None:
        before = self.results.before if self._follows else None
        if shown is None:
            self._show_text(Content(self._welcome()))
        elif shown.path:
            self._show_file(shown.path)
        elif before:
            self._show_file(before.path, dim=not self.results.is_before_new)
        elif is_under_way(shown.task):
            self._show_text(Content(plain(placeholder(shown.task)).strip()))
        else:
            self._show_text(self._problem(shown.task))

    def _show_file(self, path: str, dim: bool = False) -> None:
        self.remove_class("-text")
        self.picture.show(Path(path), "", self._view.shrink, dim=dim)

    def _show_text(self, text: Content) -> None:
        self.add_class("-text")
        self.picture.show(None)
        if text != self._shown_text:
            self._shown_text = text
            self._text.update(text)
            self._scroll.scroll_home(animate=False)

    def _welcome(self) -> str:
        """Returns how to begin, in three lines."""
        sentences = (
            f"Describe an image, then press {key_text(self, 'generate')}.",
            f"Press {key_text(self, 'prompts')} to choose from the prompt library.",
            "Drop an image file here to edit it.",
        )
        return "\n".join(sentences)

    def _problem(self, task: Task) -> Content:
        """Returns why a task has no image, and what one may do about it."""
        glyph, word, kind = status_style(task)
        state = Content.styled(f"{glyph} {word}", _STATE_STYLES.get(kind, "bold"))
        reason = task.error.message if task.error else task.note
        texts = [Content(plain(text)) for text in (reason, expiry(task)) if text]
        parts = [state, *texts, self._ways_on(task)]
        return Content("\n\n").join(part for part in parts if part)

    def _ways_on(self, task: Task) -> Content:
        allowed = allowed_actions(task)
        lines = []
        if self._follows:  # these letters write into a text that is edited
            queue = key_text(self, "queue")
            lines.append(
                Content.styled(f"Here and in the queue ({queue}):", "$text-muted")
            )
        for action in _WAYS_ON:
            if action in allowed:
                entry = TASK_ACTIONS[action]
                key = Content.styled(key_text(self, entry.id or action), "bold")
                lines.append(key + f"  {entry.tooltip}")
        return Content("\n").join(lines)

    # The frame and the strip

    def _show_strip(self, shown: Shown | None) -> None:
        stops = self.results.stops
        self.set_class(len(stops) > 1, "-several")
        if shown and len(stops) > 1:
            numbered = enumerate(stops, 1)
            thumbnails = [self._thumbnail(key, number) for number, key in numbered]
            self._strip.show(thumbnails, shown.key)
            labels = [thumbnail.label for thumbnail in thumbnails]
            self._numbers.show(labels, stops.index(shown.key))
        self._choose_strip()

    def _choose_strip(self) -> None:
        """Shows the highest strip in which all pictures fit, or a line of numbers."""
        rows = self.size.height
        room = self.size.width - _STRIP_PADDING
        needed = self._strip.width_of(len(self.results.stops), _HIGH_STRIP)
        self.set_class(rows < _LOW, "-low")
        self.set_class(rows >= _HIGH and needed <= room, "-high")

    def _thumbnail(self, key: Key, number: int) -> Thumbnail:
        shown = Shown(self.results.tasks[key[0]], key[1])
        sign = "" if shown.path else status_style(shown.task).glyph
        return Thumbnail(key, shown.path, sign, str(number))

    def _update_frame(self) -> None:
        """Updates title and facts, and runs the clock while the time goes on."""
        shown = self.results.shown
        width = max(0, self.size.width - _FRAME_COLUMNS)
        line = self._facts(shown, width) if shown else ""
        title = self._title_text()
        if (title, line) != (self._title, self._line):
            self._title, self._line = title, line
            self._write_frame()
        is_running = shown is not None and is_under_way(shown.task)
        if is_running and shown and shown.task.sent_at:
            self._clock.resume()
        else:
            self._clock.pause()

    def _facts(self, shown: Shown, width: int) -> str:
        if is_under_way(shown.task):
            return running_line(shown.task, self._view.usual(shown.task), width)
        stops = self.results.stops
        place = ""
        if len(stops) > 1:
            place = f"{stops.index(shown.key) + 1}/{len(stops)}"
        return facts_line(shown.task, shown.index, place, width)

    def _title_text(self) -> str:
        count = len(self.results.news) if self._follows else 0
        if not count:
            return "Result"
        key = working_key_text(self, "show-newest")
        return f"Result · {count} new: {key}" if key else f"Result · {count} new"

    def _write_frame(self) -> None:
        """Changes the texts of the frame without sending the picture again."""
        width, height = self.outer_size
        self._frame = (Region(-1, -1, width, 1), Region(-1, height - 2, width, 1))
        self.border_title = Content(self._title)
        self.border_subtitle = Content(self._line)
        self._frame = ()

    def refresh(self, *regions: Region, **options: Any) -> Self:
        return super().refresh(*(regions or self._frame), **options)

    def on_resize(self) -> None:
        self._choose_strip()
        self._update_frame()

    # Keys and clicks

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "task":
            return parameters[0] in self._allowed
        if action == "leave":
            return self._follows
        if action == "scroll_text":
            return self.has_class("-text") and self._scroll.max_scroll_y > 0
        return True

    def action_leave(self) -> None:
        self.post_message(self.Left())

    def action_scroll_text(self, count: int, pages: bool = False) -> None:
        rows = max(1, self._scroll.size.height - 1) if pages else 1
        self._scroll.scroll_relative(y=count * rows, animate=False)

    def action_task(self, name: str) -> None:
        """Requests an action on the task that is shown."""
        shown = self.results.shown
        if shown:
            action = TaskAction(name)
            is_view = action is TaskAction.VIEW
            browsing = self.browsing() if is_view else Browsing()
            pictures = {shown.task.id: [shown.index]}
            request = TaskActionRequested(action, [shown.task], pictures, browsing)
            self.post_message(request)

    def follow(
        self, request: TaskActionRequested, beyond: Callable[[int], bool]
    ) -> None:
        """Narrows a request to the picture shown; after a mark, shows the next one.

        `beyond` moves to the next row of the list beside it; see `step`.
        """
        self._aim(request)
        if request.action in MOVES_ON and len(request.tasks) == 1:
            self.step(1, beyond)

    def _aim(self, request: TaskActionRequested) -> None:
        shown = self.results.shown
        if request.pictures or request.action not in ON_ONE_PICTURE:
            return
        ids = {task.id for task in request.tasks}
        if shown and shown.path and shown.task.id in ids:
            request.tasks = [shown.task]
            request.pictures = {shown.task.id: [shown.index]}

    def on_click(self, event: events.Click) -> None:
        if event.chain == 2:
            self.action_task(TaskAction.VIEW)

    @on(ThumbnailStrip.Chosen)
    def _thumbnail_chosen(self, event: ThumbnailStrip.Chosen) -> None:
        event.stop()
        self.choose(event.key)
