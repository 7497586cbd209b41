"""Families and models, with a filter over everything that is known of them."""

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
from tui.text import money

Key = tuple[str, str]
"""Action and slug."""
RECENT = 3
"""How many of the latest models stand on top."""


class Sidebar(Vertical):
    """The models to choose from: marked and recent ones on top, then family by family."""

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
            tooltip="Keep the model on top, or no longer",
        ),
        Binding("escape", "clear", "Clear filter", show=False),
    ]

    class Selected(Message):
        """A model was chosen."""

        def __init__(self, model: Model) -> None:
            super().__init__()
            self.model = model

    class Marked(Message):
        """The favourites are these now."""

        def __init__(self, favourites: list[Key]) -> None:
            super().__init__()
            self.favourites = favourites

    def __init__(
        self,
        catalog: Catalog,
        chosen: Model,
        id: str,
        favourites: list[Key] | None = None,
        recent: Iterable[Key] = (),
    ) -> None:
        super().__init__(id=id)
        self._catalog = catalog
        self._chosen = chosen.key
        self._favourites = list(favourites or [])
        self._recent = list(recent)
        self._filter = Input(
            placeholder="filter: name, provider, edit, 4k, $0.05",
            compact=True,
            id="filter",
        )
        self._filter.cursor_blink = False
        self._list = _ModelList(id="models")
        self._rows: list[Key | None] = []
        self.border_title = "Models"

    def furnish(self) -> AwaitMount:
        """Mount what stands in the frame."""
        self._fill()
        return self.mount(self._filter, self._list)

    def choose(self, model: Model) -> None:
        """Mark the model that the form is asking for."""
        before, self._chosen = self._chosen, model.key
        for row, key in enumerate(self._rows):
            known = (
                self._catalog.get(*key) if key in (before, model.key) and key else None
            )
            if known:
                self._list.replace_option_prompt_at_index(row, self._model_line(known))
        if model.key in self._rows:
            self._list.highlighted = self._rows.index(model.key)

    def set_catalog(self, catalog: Catalog) -> None:
        """Fresher facts about the models."""
        self._catalog = catalog
        self._fill()

    def remember(self, recent: Iterable[Key]) -> None:
        """The models of the latest tasks, latest first."""
        latest = list(recent)[:RECENT]
        if latest != self._recent:
            self._recent = latest
            self._fill()

    def mark_favourites(self, favourites: list[Key]) -> None:
        """The models that are kept on top."""
        self._favourites = list(favourites)
        self._fill()

    def focus_filter(self) -> None:
        self._filter.focus()

    def action_filter(self) -> None:
        self._filter.focus()

    def action_mark(self) -> None:
        model = self._highlighted()
        if model:
            kept = [key for key in self._favourites if key != model.key]
            self.mark_favourites(
                kept if len(kept) < len(self._favourites) else [*kept, model.key]
            )
            self.post_message(self.Marked(self._favourites))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape clears a filter; without one it is left to the page."""
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
        key = None if row is None or row >= len(self._rows) else self._rows[row]
        return self._catalog.get(*key) if key else None

    def _fill(self) -> None:
        words = self._filter.value.lower().split()
        options: list[Option] = []
        self._rows = []
        best, at = -1, None
        for title, models in self._sections(words):
            options.append(Option(title, disabled=True))
            self._rows.append(None)
            for model in models:
                # The cursor goes to the model in the form or, while filtering, to the
                # one whose name fits best.
                fit = _fit(model, words) if words else int(model.key == self._chosen)
                if fit > best:
                    best, at = fit, len(options)
                options.append(Option(self._model_line(model)))
                self._rows.append(model.key)
        if not options:
            options = [
                Option(
                    Content.styled("No model has that.", "$text-muted"), disabled=True
                )
            ]
        self._list.clear_options()
        self._list.add_options(options)
        self._list.highlighted = at

    def _sections(self, words: list[str]) -> Iterator[tuple[Content, list[Model]]]:
        """Titles and the models under them; a filter looks through the families alone."""
        if not words:
            for title, keys in (
                ("Favourites", self._favourites),
                ("Recent", self._recent),
            ):
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
        mark = (
            "▸ "
            if model.key == self._chosen
            else "★ "
            if model.key in self._favourites
            else "  "
        )
        price = money(estimate(model, {}).micro) if model.listed else "not listed"
        room = 33 - len(mark) - len(price)
        return Content(f"{mark}{model.title:<{room}.{room}} ") + Content.styled(
            price, "$text-muted"
        )


class _ModelList(OptionList):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
        Binding("l", "select", "Choose", show=False),
        Binding("g", "first", "First", show=False),
        Binding("G", "last", "Last", show=False),
    ]


def _family_line(family: Family) -> Content:
    return Content.assemble(
        (family.name, "bold $text"),
        (f"  {family.provider}"[: 34 - len(family.name)], "$text-muted"),
    )


def _fit(model: Model, words: list[str]) -> int:
    """How well a model's name fits a filter."""
    title = model.title.lower()
    return 2 * title.startswith(" ".join(words)) + all(word in title for word in words)


def _words(model: Model) -> str:
    """Everything by which a model may be found."""
    params = [param for route in model.routes.values() for param in route.params]
    values = [str(value) for param in params for value in param.enum]
    edits = (
        "edit"
        if any(param.kind in (Kind.IMAGE, Kind.IMAGES) for param in params)
        else ""
    )
    price = money(estimate(model, {}).micro)
    names = [param.name for param in params]
    return " ".join(
        [
            model.title,
            model.slug,
            model.family,
            model.provider,
            model.action,
            model.about,
            price,
            edits,
            *values,
            *names,
        ]
    ).lower()
