"""The rail of models: favourites, recent ones and families, with a filter over all."""

from collections.abc import Iterable, Iterator
from typing import ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import AwaitMount
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from tui.catalog.load import Catalog
from tui.catalog.price import list_price
from tui.catalog.spec import LISTING_WORDS, Family, Kind, Model
from tui.text import dollars
from tui.widgets.taskrow import fit, fit_name

ModelKey = tuple[str, str]
"""Action and slug."""
RECENT = 3
"""How many of the latest models are listed on top."""
_LINE_WIDTH = 24
"""Columns of a line until the list has a size."""
_SCROLLBAR = 1
_BESIDE_TITLE = 11
"""Columns for indent, mark and price beside a model's title."""


_Line = tuple[ModelKey | Family | None, Content]
"""What a row stands for, None for a heading, and how it reads."""


class _ModelList(OptionList):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter",
            "select",
            "Choose",
            id="choose-model",
            tooltip="Show the model's form, or open its family",
        ),
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
        Binding("right,l", "fold(False)", "Open a family", show=False),
        Binding("left,h", "fold(True)", "Close a family", show=False),
        Binding("g", "first", "First", show=False),
        Binding("G", "last", "Last", show=False),
    ]

    class FoldRequested(Message):
        """The family under the cursor is to be opened, or with `folded`, closed."""

        def __init__(self, folded: bool) -> None:
            super().__init__()
            self.folded = folded

    def action_fold(self, folded: bool) -> None:
        self.post_message(self.FoldRequested(folded))


class Sidebar(Vertical):
    """The models to choose from: favourites, recent ones, then the families.

    A family of several models is one line until it is opened; a filter shows all models
    that it finds.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "slash",
            "filter",
            "Filter",
            id="filter-models",
            tooltip="Find a model by any word",
        ),
        Binding(
            "f",
            "mark",
            "Favourite",
            id="favourite",
            tooltip="Add the model to the favourites, or remove it",
        ),
        Binding("escape", "clear", "Clear filter", show=False),
    ]

    class Selected(Message):
        """A model was chosen."""

        def __init__(self, model: Model) -> None:
            super().__init__()
            self.model = model

    class FavouritesChanged(Message):
        """The user has changed the favourites."""

        def __init__(self, favourites: list[ModelKey]) -> None:
            super().__init__()
            self.favourites = favourites

    def __init__(
        self,
        catalog: Catalog,
        chosen: Model,
        id: str,
        favourites: list[ModelKey] | None = None,
        recent: Iterable[ModelKey] = (),
    ) -> None:
        super().__init__(id=id, classes="frame")
        self._catalog = catalog
        self._chosen = chosen.key
        self._favourites = list(favourites or [])
        self._recent = list(recent)
        self._latest = self._recent
        """The recent models as they are by now, listed at the user's next move."""
        self._open = {chosen.family}
        """Names of the families whose models are listed."""
        self._filter = Input(
            placeholder="Filter: edit, 4k",
            compact=True,
            id="filter",
        )
        self._filter.cursor_blink = False
        self._list = _ModelList(id="models", markup=False)
        self._rows: list[ModelKey | Family | None] = []
        self._line_width = _LINE_WIDTH
        self.border_title = "Models"

    def mount_content(self) -> AwaitMount:
        """Mounts the widgets within the frame."""
        self._fill()
        return self.mount(self._filter, self._list)

    def choose(self, model: Model) -> None:
        """Marks the model that the form shows."""
        self._chosen = model.key
        self._open = {model.family}
        self._recent = self._latest
        self._fill()

    def set_catalog(self, catalog: Catalog) -> None:
        """Shows the models of a newer catalog."""
        self._catalog = catalog
        self._fill()

    def set_recent(self, recent: Iterable[ModelKey]) -> None:
        """Sets the models of the latest tasks, latest first.

        They are listed as soon as the user turns to the list: a task that is sent moves
        no row under the mouse.
        """
        self._latest = list(recent)[:RECENT]

    def list_recent(self) -> None:
        """Lists the recent models as they are by now."""
        if self._recent != self._latest:
            self._recent = self._latest
            self._fill()

    def set_favourites(self, favourites: list[ModelKey]) -> None:
        """Lists the models that the user has marked, on top."""
        self._favourites = list(favourites)
        self._fill()

    def focus_filter(self) -> None:
        self.list_recent()
        self._filter.focus()

    def action_filter(self) -> None:
        self.focus_filter()

    def action_mark(self) -> None:
        model = self._highlighted()
        if model is None:
            return
        favourites = list(self._favourites)
        if model.key in favourites:
            favourites.remove(model.key)
        else:
            favourites.append(model.key)
        self.set_favourites(favourites)
        self.post_message(self.FavouritesChanged(self._favourites))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Returns whether a key does something; if not, the page gets it."""
        if action == "mark":
            return self._highlighted() is not None
        return action != "clear" or bool(self._filter.value)

    @on(OptionList.OptionHighlighted)
    def _moved(self) -> None:
        self.refresh_bindings()  # a family can't be marked

    def action_clear(self) -> None:
        self._filter.value = ""
        self._list.focus()

    @on(Input.Changed)
    def _filtered(self, event: Input.Changed) -> None:
        event.stop()
        self._recent = self._latest
        self._fill()

    @on(Input.Submitted)
    def _first(self, event: Input.Submitted) -> None:
        event.stop()
        self._list.action_select()

    def on_key(self, event: events.Key) -> None:
        if event.key in ("down", "up") and self._filter.has_focus:
            event.stop()
            self._list.focus()

    @on(OptionList.OptionSelected)
    def _picked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        row = self._highlighted_row()
        if isinstance(row, Family):
            self._toggle(row)
        elif model := self._highlighted():
            self._filter.value = ""
            self.post_message(self.Selected(model))

    @on(_ModelList.FoldRequested)
    def _fold(self, event: _ModelList.FoldRequested) -> None:
        event.stop()
        row = self._highlighted_row()
        model = self._highlighted()
        family = row if isinstance(row, Family) else self._family_of(model)
        if family and (family.name in self._open) is event.folded:
            self._toggle(family)

    def _toggle(self, family: Family) -> None:
        """Lists the models of a family, or no longer."""
        self._open ^= {family.name}
        self._fill()
        self._list.highlighted = self._rows.index(family)

    def _family_of(self, model: Model | None) -> Family | None:
        """Returns a model's family where that is a line of the list."""
        families = [row for row in self._rows if isinstance(row, Family)]
        return next((row for row in families if model in row.models), None)

    def _highlighted_row(self) -> ModelKey | Family | None:
        row = self._list.highlighted
        return self._rows[row] if row is not None and row < len(self._rows) else None

    def _highlighted(self) -> Model | None:
        row = self._highlighted_row()
        return self._catalog.get(*row) if isinstance(row, tuple) else None

    def on_resize(self) -> None:
        width = self.content_size.width - _SCROLLBAR
        if width != self._line_width:
            self._line_width = width
            self._fill()

    def _fill(self) -> None:
        """Lists what the filter finds, or everything; the cursor stays where it was."""
        words = self._filter.value.lower().split()
        before = self._highlighted_row()
        lines = list(self._found(words) if words else self._everything())
        if not lines:
            lines = [(None, Content.styled("No matching models.", "$text-muted"))]
        self._rows = [row for row, _ in lines]
        self._list.clear_options()
        self._list.add_options(
            Option(content, disabled=row is None) for row, content in lines
        )
        self._list.highlighted = self._best_row(words, before)

    def _best_row(
        self, words: list[str], before: ModelKey | Family | None
    ) -> int | None:
        """Returns the row for the cursor.

        That is the model in the form or, while filtering, the one whose name fits best.
        """
        if words:
            fits = {
                row: _fit(model, words)
                for row, key in enumerate(self._rows)
                if isinstance(key, tuple) and (model := self._catalog.get(*key))
            }
            return max(fits, key=lambda row: fits[row], default=None)
        for wanted in (self._chosen, before):
            if wanted in self._rows:
                return self._rows.index(wanted)
        return 0

    def _found(self, words: list[str]) -> Iterator[_Line]:
        """Yields the models that a filter finds, under the names of their families."""
        for family in self._catalog.families:
            models = [
                model
                for model in family.models
                if all(word in _words(model) for word in words)
            ]
            if models:
                yield None, self._heading(family)
            keys = [model.key for model in family.models]
            titles = dict(zip(keys, self._titles(family), strict=True))
            for model in models:
                yield model.key, self._model_line(model, title=titles[model.key])

    def _everything(self) -> Iterator[_Line]:
        """Yields favourites, recent models and, below a rule, the families."""
        shortcuts = dict.fromkeys(self._favourites, "★ ")
        for key in self._recent:
            shortcuts.setdefault(key, "↺ ")
        for key, mark in shortcuts.items():
            model = self._catalog.get(*key)
            if model:
                yield key, self._model_line(model, mark)
        if shortcuts:
            rule = "─" * self._line_width
            yield None, Content.styled(rule, "$frame")
        for family in self._catalog.families:
            yield from self._family_lines(family)

    def _family_lines(self, family: Family) -> Iterator[_Line]:
        if len(family.models) == 1 and family.models[0].described:
            model = family.models[0]
            yield model.key, self._model_line(model)
            return
        is_open = family.name in self._open
        yield family, self._family_line(family, is_open)
        if is_open:
            for title, model in zip(self._titles(family), family.models, strict=True):
                yield model.key, self._model_line(model, title=title, indent="  ")

    def _titles(self, family: Family) -> list[str]:
        """Returns the models' titles, without the family's name if they are too long."""
        titles = [model.title for model in family.models]
        if max(map(len, titles)) <= self._line_width - _BESIDE_TITLE:
            return titles
        return [title.removeprefix(family.name).strip() or title for title in titles]

    def _family_line(self, family: Family, is_open: bool) -> Content:
        count = f"{len(family.models)} {'⌄' if is_open else '›'}"
        name = fit(f"  {family.name}", self._line_width - len(count))
        return Content(name) + Content.styled(count, "$text-muted")

    def _heading(self, family: Family) -> Content:
        provider = f"  {family.provider}"[: max(0, self._line_width - len(family.name))]
        return Content.assemble((family.name, "bold $text"), (provider, "$text-muted"))

    def _model_line(
        self, model: Model, mark: str = "  ", title: str = "", indent: str = ""
    ) -> Content:
        """Returns mark, title and price of a model; `title` replaces its own."""
        if model.key == self._chosen:
            mark = "▸ "
        price = LISTING_WORDS.get(model.listing) or dollars(list_price(model).micro)
        start = f"{indent}{mark}"
        room = self._line_width - len(start) - len(price)
        name = fit_name(title or model.title, room)
        return Content(f"{start}{name}") + Content.styled(price, "$text-muted")


def _fit(model: Model, words: list[str]) -> int:
    """Returns how well a model's name fits a filter, from 0 to 3."""
    title = model.title.lower()
    fit = 0
    if title.startswith(" ".join(words)):
        fit += 2
    if all(word in title for word in words):
        fit += 1
    return fit


def _words(model: Model) -> str:
    """Returns all text by which a model can be found, in lower case."""
    params = [param for route in model.routes.values() for param in route.params]
    words = [
        model.title,
        model.slug,
        model.family,
        model.provider,
        model.action,
        model.about,
        dollars(list_price(model).micro),
    ]
    if any(param.kind in (Kind.IMAGE, Kind.IMAGES) for param in params):
        words.append("edit")
    for param in params:
        words.append(param.name)
        words.extend(map(str, param.enum))
    return " ".join(words).lower()
