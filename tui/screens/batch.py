"""A job of many requests: variations, a prompt file, any param varied; counted and
priced before it is sent.
"""

import asyncio
from collections.abc import Iterator
from itertools import groupby, islice
from pathlib import Path
from typing import ClassVar, NamedTuple

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, OptionList, Static, TextArea

from tui.catalog import batch, prompt_file
from tui.catalog.spec import Model, Route, Values
from tui.paths import home
from tui.text import counted, file_size, money, one_line

SHOWN = 200
"""Rows of requests that are listed, and as many of those that can't be sent."""
_LARGEST_FILE = 10_000_000  # bytes


class BatchScreen(ModalScreen[list[Values] | None]):
    """Answers the values of every request, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back", id="batch-back", show=False),
        Binding("ctrl+j,f5", "send", "Send", id="batch-send", show=False),
    ]
    AUTO_FOCUS = "#batch-count"
    VERTICAL_BREAKPOINTS = [(0, "-low"), (34, "-tall")]

    def __init__(self, model: Model, route: Route, values: Values) -> None:
        super().__init__()
        self._model = model
        self._route = route
        self._values = values
        self._cells: list[Values] = []
        self._count = Input("1", type="integer", id="batch-count", compact=True)
        self._file = Input(
            placeholder="one prompt per line", id="batch-file", compact=True
        )
        self._vary = TextArea(
            id="batch-vary", compact=True, soft_wrap=False, highlight_cursor_line=False
        )
        self._told = Static(id="batch-told", markup=False)
        self._list = OptionList(id="batch-cells")
        self._send = Button("Send", id="batch-send", variant="primary", compact=True)

    def compose(self) -> ComposeResult:
        with Vertical(id="batch") as box:
            box.border_title = Content(f"A job · {self._model.title}")
            box.border_subtitle = "escape goes back, nothing is sent"
            for label, control in (
                ("Of each", self._count),
                ("Prompt file", self._file),
                ("Vary", self._vary),
            ):
                with Horizontal(classes="row"):
                    yield Static(label, classes="label")
                    yield control
            yield Static(self._hint(), classes="quiet", markup=False)
            yield self._told
            yield self._list
            yield self._send

    def _hint(self) -> str:
        varied = [param.name for param in self._route.params if param.name != "prompt"]
        choice = next(
            (param for param in self._route.params if len(param.enum) > 1), None
        )
        example = (
            f"{choice.name} = {choice.enum[0]} | {choice.enum[1]}"
            if choice
            else "seed = 1..4"
        )
        return (
            f"Vary: a line a param, like `{example}`; 1..9 is a range, * every choice."
            f" {{a|b}} in the prompt counts too. Params: {', '.join(varied)}"
        )

    def on_mount(self) -> None:
        self._judge()

    @on(Input.Changed)
    @on(TextArea.Changed)
    def _edited(self) -> None:
        self._judge()

    @on(Input.Submitted)
    def _next(self, event: Input.Submitted) -> None:
        event.stop()
        self.focus_next()

    @work(exclusive=True, exit_on_error=False)
    async def _judge(self) -> None:
        """Count, price and list what would be sent; what can't be sent is listed with
        the reason.
        """
        self._cells = []
        try:
            vary = _vary_lines(self._vary.text)
            verdict = await asyncio.to_thread(
                self._verdict, vary, self._count.value, self._file.value.strip()
            )
        except ValueError as error:
            verdict = _Verdict(
                [], Content.styled(f"! {one_line(error)}", "$text-error"), "Send", []
            )
        self._told.update(verdict.summary)
        self._list.clear_options().add_options(verdict.rows)
        self._send.label = Content(verdict.button)
        self._send.disabled, self._cells = not verdict.legal, verdict.legal

    def _verdict(self, vary: dict[str, str], count: str, file: str) -> "_Verdict":
        if not count.isdecimal() or not 1 <= int(count[:9]) <= batch.MOST:
            raise batch.BatchError(f"Of each: 1 to {batch.MOST:,}.")
        prompts = _prompts(home(file)) if file else []
        variations = batch.Variations(vary=vary, count=int(count), prompts=prompts)
        cells = batch.expand(self._model, self._route, self._values, variations)
        legal, illegal = batch.split_valid(self._model, self._route, cells)
        total = batch.total(self._model, legal)
        price = f"about {money(total)}" if total is not None else "price unknown"
        told = (
            f"{counted(len(legal), 'request')}, {price}"
            if legal
            else "Nothing can be sent"
        )
        rows = [*self._rows(illegal), *self._rows([(cell, "") for cell in legal])]
        return _Verdict(
            legal,
            Content(told + (f"; {len(illegal):,} left out" if illegal else "")),
            f"Send {len(legal):,}  ·  {price}" if legal else "Send",
            rows,
        )

    def _rows(self, cells: list[tuple[Values, str]]) -> Iterator[Content]:
        """What is told of requests, those that are the same in one row."""
        listed = 0
        for (cell, why), same in islice(groupby(cells), SHOWN):
            many = len(list(same))
            listed += many
            name = f"{many:,} × " * (many > 1) + self._told_apart(cell)
            told = " – ".join(filter(None, (name, why)))
            yield (
                Content.styled(f"✗ {told}", "$text-error")
                if why
                else Content(f"  {told}")
            )
        if listed < len(cells):
            yield Content.styled(f"  … and {len(cells) - listed:,} more", "dim")

    def _told_apart(self, cell: Values) -> str:
        """What is particular about a request: the values in which it differs from the
        form, and its prompt.
        """
        differing = (
            f"{name.replace('_', ' ')} {value}"
            for name, value in cell.items()
            if name != "prompt" and value != self._values.get(name)
        )
        return one_line(
            " · ".join(filter(None, (*differing, str(cell.get("prompt", ""))))), 300
        )

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_send()

    def action_send(self) -> None:
        if self._cells and self.is_current:
            self.dismiss(self._cells)


class _Verdict(NamedTuple):
    """What may be sent, and how that is told."""

    legal: list[Values]
    summary: Content
    button: str
    rows: list[Content]


def _vary_lines(text: str) -> dict[str, str]:
    vary: dict[str, str] = {}
    for line in filter(str.strip, text.splitlines()):
        name, _, values = (part.strip() for part in line.partition("="))
        if not name or not values:
            raise batch.BatchError(
                f"{one_line(line, 60)!r} is not of the form name = values."
            )
        if name in vary:
            raise batch.BatchError(
                f"{one_line(name, 60)} stands there twice: its values go on one line, a"
                " | b."
            )
        vary[name] = values
    return vary


def _prompts(path: Path) -> list[str]:
    """The prompts of a file. Raises BatchError with the reason why it has none."""
    told = one_line(path, 10_000)
    told = told if len(told) < 50 else f"…{told[-49:]}"
    try:
        if not path.is_file():  # nor a pipe, which may keep one waiting for ever
            raise batch.BatchError(f"There is no file {told}.")
        if path.stat().st_size > _LARGEST_FILE:
            raise batch.BatchError(f"{told} is larger than {file_size(_LARGEST_FILE)}.")
        with path.open("rb") as file:
            prompts = list(islice(prompt_file.read(file), batch.MOST + 1))
    except prompt_file.PromptFileError as error:
        raise batch.BatchError(f"{told} {error}.") from error
    except OSError as error:
        raise batch.BatchError(f"{told} can't be read: {error.strerror}.") from error
    if not prompts:
        raise batch.BatchError("There is no prompt: all lines are blank.")
    return prompts
