"""The page for a job of many requests, which are counted and priced before sending."""

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
from textual.widgets import Button, Input, OptionList, Static, TextArea

from tui.catalog import batch, prompt_file
from tui.catalog.reach import texts_of
from tui.catalog.spec import Model, Route, Values
from tui.paths import home
from tui.screens.modal import Modal
from tui.settings.prompt_files import PromptFiles
from tui.text import by_count, dollars, file_size, one_line
from tui.widgets.footer import Footer

SHOWN = 200
"""Rows of requests that are listed, and as many of those that can't be sent."""
_LARGEST_FILE = 10_000_000
"""Bytes of a prompt file, at most."""
_LONGEST_PATH = 50
"""Characters of a path in an error; the end of a longer one is shown."""


class JobFields(NamedTuple):
    """What stands in the fields of a job's page."""

    copies: str = "1"
    file: str = ""
    vary: str = ""
    is_file_foreign: bool = False
    """Whether the prompt file need not be named by the user's own keys."""
    is_vary_foreign: bool = False


class BatchScreen(Modal[list[Values] | None]):
    """Makes a job from the form's values: copies, prompts of a file, varied params.

    Ends with the values of every request, or None.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+j,f5",
            "send",
            "Send",
            id="batch-send",
            tooltip="Send these requests at the price shown",
        ),
        Binding(
            "escape",
            "dismiss(None)",
            "Back",
            id="batch-back",
            tooltip="To the form, without sending",
        ),
    ]
    AUTO_FOCUS = "#batch-count"
    VERTICAL_BREAKPOINTS = [(0, "-low"), (34, "-tall")]

    def __init__(
        self,
        model: Model,
        route: Route,
        values: Values,
        files: PromptFiles,
        fields: JobFields | None = None,
    ) -> None:
        """`files` has the wildcards that prompts may name; `fields` are those of the
        last time, where one has gone back.
        """
        super().__init__()
        self._files = files
        fields = fields or JobFields()
        self._model = model
        self._route = route
        self._values = values
        self._cells: list[Values] = []
        self._count = Input(
            fields.copies, type="integer", id="batch-count", compact=True
        )
        self._file = _File(
            fields.file,
            placeholder="one prompt per line",
            id="batch-file",
            compact=True,
        )
        self._file.is_foreign = fields.is_file_foreign
        self._vary = _Vary(
            fields.vary,
            id="batch-vary",
            compact=True,
            soft_wrap=False,
            highlight_cursor_line=False,
        )
        self._vary.is_foreign = fields.is_vary_foreign
        self._summary = Static(id="batch-summary", markup=False)
        self._list = OptionList(id="batch-cells", markup=False)
        self._send = Button("Send", id="batch-send", variant="primary", compact=True)

    def compose(self) -> ComposeResult:
        with Vertical(id="batch", classes="frame -always") as box:
            box.border_title = Content(f"Job · {self._model.title}")
            controls = {
                "Copies": self._count,
                "Prompt file": self._file,
                "Vary": self._vary,
            }
            for label, control in controls.items():
                with Horizontal(classes="row"):
                    yield Static(label, classes="label", markup=False)
                    yield control
            yield Static(self._hint(), classes="quiet", markup=False)
            yield self._summary
            yield self._list
            yield self._send
        yield Footer()

    def _hint(self) -> str:
        params = self._route.params
        names = [param.name for param in params if param.name != "prompt"]
        example = "seed = 1..4"
        for param in params:
            if len(param.enum) > 1:
                example = f"{param.name} = {param.enum[0]} | {param.enum[1]}"
                break
        return (
            f"Vary: one param per line, like `{example}`; 1..9 is a range, * is every"
            f" choice. {{a|b}} in the prompt works too. Params: {', '.join(names)}"
        )

    @property
    def fields(self) -> JobFields:
        """What stands in the fields, for when one comes back."""
        return JobFields(
            self._count.value,
            self._file.value,
            self._vary.text,
            self._file.is_foreign,
            self._vary.is_foreign,
        )

    @property
    def foreign_file(self) -> str:
        """The prompt file, if its name need not be typed by the user; or empty."""
        return self._file.value.strip() if self._file.is_foreign else ""

    def foreign_texts(self) -> set[str]:
        """Returns the texts that were added here, and not by keys alone."""
        if not self._vary.is_foreign:
            return set()
        texts = {text for cell in self._cells for text in texts_of(cell.values())}
        return texts - texts_of(self._values.values())

    def on_mount(self) -> None:
        self._update_plan()

    @on(Input.Changed)
    @on(TextArea.Changed)
    def _edited(self) -> None:
        if not self._file.value:
            self._file.is_foreign = False
        self._update_plan()

    @on(Input.Submitted)
    def _next(self, event: Input.Submitted) -> None:
        event.stop()
        self.focus_next()

    @work(exclusive=True, exit_on_error=False)
    async def _update_plan(self) -> None:
        """Counts, prices and lists the requests; invalid ones with the reason."""
        self._cells = []
        count, file = self._count.value, self._file.value.strip()
        try:
            vary = _vary_lines(self._vary.text)
            plan = await asyncio.to_thread(self._plan, vary, count, file)
        except ValueError as error:
            problem = Content.styled(f"! {one_line(error)}", "$text-error")
            plan = _Plan([], problem, "Send", [])
        self._summary.update(plan.summary)
        self._list.clear_options().add_options(plan.rows)
        self._send.label = Content(plan.button)
        self._send.disabled = not plan.valid
        self._cells = plan.valid

    def _plan(self, vary: dict[str, str], count: str, file: str) -> "_Plan":
        if not count.isdecimal() or not 1 <= int(count[:9]) <= batch.MOST:
            raise batch.BatchError(f"Copies: 1 to {batch.MOST:,}.")
        prompts = _prompts(home(file)) if file else []
        named: list[object] = [*prompts] or [self._values.get("prompt")]
        variations = batch.Variations(
            vary=vary,
            count=int(count),
            prompts=prompts,
            wildcards=self._files.wildcards(named),
        )
        cells = batch.expand(self._model, self._route, self._values, variations)
        valid, invalid = batch.split_valid(self._model, self._route, cells)
        total = batch.total(self._model, valid)
        price = "price unknown" if total is None else f"about {dollars(total)}"
        button = f"Send {len(valid):,}  ·  {price}" if valid else "Send"
        rows = [
            *self._rows(invalid),
            *self._rows([(cell, "") for cell in valid]),
        ]
        summary = Content(_count_sentence(len(valid), len(invalid), price))
        return _Plan(valid, summary, button, rows)

    def _rows(self, cells: list[tuple[Values, str]]) -> Iterator[Content]:
        """Yields a row for each request; equal ones share a row."""
        listed = 0
        for (cell, problem), same in islice(groupby(cells), SHOWN):
            count = len(list(same))
            listed += count
            name = self._differences(cell)
            if count > 1:
                name = f"{count:,} × {name}"
            if problem:
                row = f"✗ {name} – {problem}" if name else f"✗ {problem}"
                yield Content.styled(row, "$text-error")
            else:
                yield Content(f"  {name}")
        if listed < len(cells):
            yield Content.styled(f"  … and {len(cells) - listed:,} more", "dim")

    def _differences(self, cell: Values) -> str:
        """Returns what differs from the form's values, and the prompt."""
        parts = []
        for name, value in cell.items():
            if name != "prompt" and value != self._values.get(name):
                parts.append(f"{name.replace('_', ' ')} {value}")
        if cell.get("prompt"):
            parts.append(str(cell["prompt"]))
        return one_line(" · ".join(parts), 300)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_send()

    def action_send(self) -> None:
        if self._cells and self.is_current:
            self.dismiss(self._cells)


class _NotesPastes:
    """Makes a text control note whether any of its text was pasted."""

    is_foreign = False

    def on_paste(self) -> None:
        self.is_foreign = True

    def action_paste(self) -> None:
        self.is_foreign = True
        super().action_paste()  # type: ignore[misc]  # of the control


class _Vary(_NotesPastes, TextArea):
    """The lines of varied params."""


class _File(_NotesPastes, Input):
    """The name of a prompt file."""


class _Plan(NamedTuple):
    """The requests that can be sent, and what the page shows about them."""

    valid: list[Values]
    summary: Content
    button: str
    rows: list[Content]


def _count_sentence(valid: int, invalid: int, price: str) -> str:
    if not valid:
        return by_count(
            invalid,
            "Nothing can be sent: the request is invalid.",
            "Nothing can be sent: all {count} requests are invalid.",
        )
    if not invalid:
        return by_count(
            valid, "{count} request, {price}", "{count} requests, {price}", price=price
        )
    return by_count(
        valid,
        "{count} request, {price}; {invalid} left out",
        "{count} requests, {price}; {invalid} left out",
        price=price,
        invalid=f"{invalid:,}",
    )


def _vary_lines(text: str) -> dict[str, str]:
    """Returns the values by name. Raises BatchError for a line of another form."""
    vary: dict[str, str] = {}
    for line in filter(str.strip, text.splitlines()):
        name, _, values = (part.strip() for part in line.partition("="))
        if not name or not values:
            raise batch.BatchError(
                f"{one_line(line, 60)!r} is not of the form name = values."
            )
        if name in vary:
            raise batch.BatchError(
                f"Listed twice: {one_line(name, 60)}. Use one line: name = a | b."
            )
        vary[name] = values
    return vary


def _prompts(path: Path) -> list[str]:
    """Returns the prompts of a file. Raises BatchError where there are none."""
    shown = one_line(path, 10_000)
    if len(shown) >= _LONGEST_PATH:
        shown = f"…{shown[1 - _LONGEST_PATH :]}"
    try:
        if not path.is_file():  # reading a pipe might never end
            raise batch.BatchError(f"There is no file {shown}.")
        if path.stat().st_size > _LARGEST_FILE:
            limit = file_size(_LARGEST_FILE)
            raise batch.BatchError(f"{shown} is larger than {limit}.")
        with path.open("rb") as file:
            prompts = list(islice(prompt_file.read(file), batch.MOST + 1))
    except prompt_file.PromptFileError as error:
        raise batch.BatchError(f"{shown} {error}.") from error
    except OSError as error:
        raise batch.BatchError(f"{shown} can't be read: {error.strerror}.") from error
    if not prompts:
        raise batch.BatchError("There is no prompt: all lines are blank.")
    return prompts
