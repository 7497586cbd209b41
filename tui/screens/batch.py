"""A job of many requests: variations, a prompt file, any param varied; counted and priced before it is sent."""

import asyncio
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from tui.catalog import batch
from tui.catalog.spec import Model, Route, Values
from tui.paths import home
from tui.text import money, one_line

SHOWN = 200
_LARGEST_FILE = 10_000_000  # bytes


class Batch(ModalScreen[list[Values] | None]):
    """Answers the values of every request, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back", id="batch-back", show=False),
        Binding("ctrl+j,f5", "send", "Send", id="batch-send", show=False),
    ]
    AUTO_FOCUS = "#batch-count"

    def __init__(self, model: Model, route: Route, values: Values) -> None:
        super().__init__()
        self._model = model
        self._route = route
        self._values = values
        self._cells: list[Values] = []
        self._count = Input("1", type="integer", id="batch-count", compact=True)
        self._file = Input(placeholder="a prompt a line", id="batch-file", compact=True)
        self._vary = TextArea(id="batch-vary", compact=True, soft_wrap=False)
        self._told = Static(id="batch-told", markup=False)
        self._list = OptionList(id="batch-cells")
        self._send = Button("Send", id="batch-send", variant="primary", compact=True)

    def compose(self) -> ComposeResult:
        with Vertical(id="batch") as box:
            box.border_title = Content(f"A job · {self._model.title}")
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
        choice = next((param for param in self._route.params if len(param.enum) > 1), None)
        example = f"{choice.name} = {choice.enum[0]} | {choice.enum[1]}" if choice else "seed = 1..4"
        return (
            f"Vary: a line a param, like `{example}`; 1..9 is a range, * every choice. {{a|b}} in the prompt"
            f" counts too. Params: {', '.join(varied)}"
        )

    def on_mount(self) -> None:
        self._judge()

    @on(Input.Changed)
    @on(TextArea.Changed)
    def _edited(self) -> None:
        self._judge()

    @work(exclusive=True, exit_on_error=False)
    async def _judge(self) -> None:
        """Count, price and list what would be sent; what can't be sent is listed with the reason."""
        self._send.disabled, self._cells = True, []
        try:
            vary = dict(_vary_lines(self._vary.text))
            count = int(self._count.value or 0)
            if not 1 <= count <= batch.MOST:
                raise batch.BatchError(f"Of each: 1 to {batch.MOST:,}.")
            legal, illegal = await asyncio.to_thread(self._expand, vary, count)
        except (ValueError, OSError) as error:
            self._told.update(f"! {one_line(error)}")
            self._list.clear_options()
            return
        total = batch.total(self._model, legal)
        price = f"about {money(total)}" if total is not None else "price unknown"
        told = f"{len(legal):,} requests, {price}" if legal else "Nothing can be sent"
        self._told.update(told + (f"; {len(illegal):,} left out" if illegal else ""))
        rows = [(self._told_apart(cell), "") for cell in legal[:SHOWN]]
        rows += [(self._told_apart(cell), why) for cell, why in illegal[:SHOWN]]
        options = [Option(_line(name, why), disabled=bool(why)) for name, why in rows]
        self._list.clear_options().add_options(options)
        self._send.label = Content(f"Send {len(legal):,}  ·  {price}")
        self._send.disabled, self._cells = not legal, legal

    def _expand(self, vary: dict[str, str], count: int) -> tuple[list[Values], list[tuple[Values, str]]]:
        prompts: list[str] = []
        if self._file.value.strip():
            path = home(self._file.value.strip())
            if not path.is_file() or path.stat().st_size > _LARGEST_FILE:
                raise batch.BatchError(f"There is no text file {one_line(path)}.")
            prompts = Path(path).read_text(encoding="utf-8").splitlines()
        cells = batch.expand(self._model, self._route, self._values, vary=vary, count=count, prompts=prompts)
        return batch.check_all(self._model, self._route, cells)

    def _told_apart(self, cell: Values) -> str:
        """What is particular about a request: the values in which it differs from the form."""
        differing = (
            f"{name.replace('_', ' ')} {value}"
            for name, value in cell.items()
            if name != "prompt" and value != self._values.get(name)
        )
        return one_line("  ·  ".join([*differing, str(cell.get("prompt", ""))]), 300)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_send()

    def action_send(self) -> None:
        if self._cells and self.is_current:
            self.dismiss(self._cells)


def _vary_lines(text: str) -> list[tuple[str, str]]:
    pairs = []
    for line in text.splitlines():
        name, equals, values = line.partition("=")
        if not line.strip():
            continue
        if not equals or not values.strip():
            raise batch.BatchError(f"{one_line(line, 60)!r} is not of the form name = values.")
        pairs.append((name.strip(), values.strip()))
    return pairs


def _line(name: str, why: str) -> Content:
    return Content(f"✗ {name}  {why}" if why else f"  {name}")
