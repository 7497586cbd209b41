"""Families and models, with a filter over everything that describes them."""

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
from tui.catalog.price import estimate
from tui.catalog.spec import Family, Kind, Model
from tui.text import dollars

ModelKey = tuple[str, str]
"""Action and slug."""
RECENT = 3
"""How many of the latest models are listed on top."""


_LINE_WIDTH = 34


class Sidebar(Vertical):
    """The models to choose from: favourites, recent ones, then family by family."""

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
        super().__init__(id=id)
        self._catalog = catalog
        self._chosen = chosen.key
        self._favourites = list(favourites or [])
        self._recent = list(recent)
        self._filter = Input(
            placeholder="Filter: name, provider, edit, 4k, $0.05",
            compact=True,
            id="filter",
        )
        self._filter.cursor_blink = False
        self._list = _ModelList(id="models", markup=False)
        self._rows: list[ModelKey | None] = []
        self.border_title = "Models"

    def mount_content(self) -> AwaitMount:
        """Mounts the widgets within the frame."""
        self._fill()
        return self.mount(self._filter, self._list)

    def choose(self, model: Model) -> None:
        """Marks the model that the form shows."""
        changed = {self._chosen, model.key}
        self._chosen = model.key
        for row, key in enumerate(self._rows):
            if key is None or key not in changed:
                continue
            known = self._catalog.get(*key)
            if known:
                self._list.replace_option_prompt_at_index(row, self._model_line(known))
        if model.key in self._rows:
            self._list.highlighted = self._rows.index(model.key)

    def set_catalog(self, catalog: Catalog) -> None:
        """Shows the models of a newer catalog."""
        self._catalog = catalog
        self._fill()

    def set_recent(self, recent: Iterable[ModelKey]) -> None:
        """Lists the models of the latest tasks, latest first."""
        latest = list(recent)[:RECENT]
        if latest != self._recent:
            self._recent = latest
            self._fill()

    def set_favourites(self, favourites: list[ModelKey]) -> None:
        """Lists the models that the user has marked, on top."""
        self._favourites = list(favourites)
        self._fill()

    def focus_filter(self) -> None:
        self._filter.focus()

    def action_filter(self) -> None:
        self._filter.focus()

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
        """Returns whether escape clears a filter; if not, the page gets the key."""
        return action != "clear" or bool(self._filter.value)

    def action_clear(self) -> None:
        self._filter.value = ""
        self._list.focus()

    @on(Input.Changed)
    def _filtered(self, event: Input.Changed) -> None:
        event.stop()
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
        model = self._highlighted()
        if model:
            self._filter.value = ""
            self.post_message(self.Selected(model))

    def _highlighted(self) -> Model | None:
        row = self._list.highlighted
        if row is None or row >= len(self._rows):
            return None
        key = self._rows[row]
        return self._catalog.get(*key) if key else None

    def _fill(self) -> None:
        words = self._filter.value.lower().split()
        options: list[Option] = []
        self._rows = []
        best_fit = -1
        best_row = None
        for title, models in self._sections(words):
            options.append(Option(title, disabled=True))
            self._rows.append(None)
            for model in models:
                # The cursor goes to the model in the form or, while filtering, to the
                # one whose name fits best.
                fit = _fit(model, words) if words else int(model.key == self._chosen)
                if fit > best_fit:
                    best_fit = fit
                    best_row = len(options)
                options.append(Option(self._model_line(model)))
                self._rows.append(model.key)
        if not options:
            sentence = Content.styled("No matching models.", "$text-muted")
            options.append(Option(sentence, disabled=True))
        self._list.clear_options()
        self._list.add_options(options)
        self._list.highlighted = best_row

    def _sections(self, words: list[str]) -> Iterator[tuple[Content, list[Model]]]:
        """Yields titles and their models; with a filter, those of the families only."""
        if not words:
            shortcuts = {"Favourites": self._favourites, "Recent": self._recent}
            for title, keys in shortcuts.items():
                known = [model for key in keys if (model := self._catalog.get(*key))]
                if known:
                    yield Content.styled(title, "bold $text-accent"), known
        for family in self._catalog.families:
            models = [
                model
                for model in family.models
                if all(word in _words(model) for word in words)
            ]
            if models:
                yield _family_line(family), models

    def _model_line(self, model: Model) -> Content:
        mark = "  "
        if model.key == self._chosen:
            mark = "▸ "
        elif model.key in self._favourites:
            mark = "★ "
        price = dollars(estimate(model, {}).micro) if model.listed else "not listed"
        room = _LINE_WIDTH - len(mark) - len(price) - 1
        title = Content(f"{mark}{model.title:<{room}.{room}} ")
        return title + Content.styled(price, "$text-muted")


class _ModelList(OptionList):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
        Binding("l", "select", "Choose", show=False),
        Binding("g", "first", "First", show=False),
        Binding("G", "last", "Last", show=False),
    ]


def _family_line(family: Family) -> Content:
    provider = f"  {family.provider}"[: _LINE_WIDTH - len(family.name)]
    return Content.assemble((family.name, "bold $text"), (provider, "$text-muted"))


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
        dollars(estimate(model, {}).micro),
    ]
    if any(param.kind in (Kind.IMAGE, Kind.IMAGES) for param in params):
        words.append("edit")
    for param in params:
        words.append(param.name)
        words.extend(map(str, param.enum))
    return " ".join(words).lower()
