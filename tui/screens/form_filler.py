"""Fills the form: with another model, a past task, a pasted command or a file's request."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

from tui.catalog.extra import EXTRA
from tui.catalog.load import Catalog, UnknownModel
from tui.catalog.reach import reached_by, texts_of
from tui.catalog.request import is_callback
from tui.catalog.route import Api, choose, translate
from tui.catalog.spec import Kind, Model, RouteName, Values
from tui.paths import short
from tui.screens.form_history import Filled, FormHistory
from tui.service.prompt_library import PromptEntry
from tui.settings.remembered import Draft
from tui.tasks.models import known_model
from tui.tasks.task import Task
from tui.text import by_count, one_line
from tui.widgets.form import ParamForm
from tui.widgets.key_texts import key_text

_MOST_UNUSED = 8
"""Values that weren't used and are named in a message, at most."""


class FormFiller:
    """Decides which model the form shows, on which route, and with which values."""

    def __init__(
        self,
        catalog: Catalog,
        model: Model,
        api: Api,
        on_shown: Callable[[Model], None],
        drafts: Iterable[Draft] = (),
    ) -> None:
        """`on_shown` is called with each model that the form shows.

        `drafts` are what stood in the forms of models when the last run ended.
        """
        self.catalog = catalog
        self.model = model
        self.learnt: RouteName | None = None
        """The route that the service is known to have."""
        self._api: Api = api
        self._on_shown = on_shown
        self._history = FormHistory()
        drafts = list(drafts)
        names = [
            name for draft in drafts if draft.key == model.key for name in draft.values
        ]
        self.form = ParamForm("form", model, self.route(model, names), drafts)

    def route(self, model: Model, names: Iterable[str] = ()) -> RouteName:
        """Returns the route that a request with those params takes now."""
        return choose(model, names, self._api, self.learnt)

    async def show_model(
        self, model: Model, values: Values | None = None, foreign: Iterable[str] = ()
    ) -> None:
        """Shows the form of another model, filled in with `values`.

        `foreign` are texts of the values that are not the user's own words. Undo brings
        back what stood in the form before.
        """
        before = self._filled()
        model = self.model = self.catalog.get(*model.key) or model
        route = self.route(model, values or ())
        carried = await self.form.show(model, route, values, foreign)
        self._on_shown(model)
        if self.form.content() != before.draft:
            self._history.note(before)
        lost = carried.describe(model.title)
        if lost:
            self._tell(f"{lost} {self._way_back()}")

    def _filled(self) -> Filled:
        form = self.form
        return Filled(self.model, form.route, form.content(), form.prompt_history)

    async def undo(self) -> None:
        """Brings back what stood in the form before it was filled in."""
        found = self._history.undo(self._filled())
        redo = key_text(self.form, "redo-form")
        back = f"Brought back what was in the form. {redo} fills it in again."
        await self._restore(found, back, "Nothing to undo.")

    async def redo(self) -> None:
        """Fills in again what was undone."""
        found = self._history.redo(self._filled())
        again = f"Filled in again. {self._way_back()}"
        await self._restore(found, again, "Nothing to redo.")

    async def _restore(
        self, filled: Filled | None, sentence: str, otherwise: str
    ) -> None:
        if filled is None:
            self._tell(otherwise)
            return
        self.model = self.catalog.get(*filled.model.key) or filled.model
        await self.form.restore(self.model, filled.route, filled.draft, filled.history)
        self._on_shown(self.model)
        self.form.focus_first()
        self._tell(sentence)

    def set_catalog(self, catalog: Catalog) -> None:
        """Replaces the facts about the models with newer ones."""
        self.catalog = catalog
        self.model = catalog.get(*self.model.key) or self.model
        self.form.update_prices(self.model)

    async def follow_route(self) -> None:
        """Shows the params of the route that the service has."""
        if self.route(self.model) != self.form.route:
            await self.show_model(self.model)

    async def use(self, task: Task) -> None:
        """Fills the form with a task's values."""
        try:
            model = known_model(self.catalog, task)
        except UnknownModel as error:
            self._warn(str(error))
            return
        foreign = texts_of(task.values.values()) if task.imported else ()
        await self.show_model(model, task.values, foreign)
        self._tell(
            f"{model.title}: filled in with the task's values. {self._way_back()}"
        )
        self.form.focus_first()

    async def use_as_source(self, model: Model, files: list[str]) -> None:
        """Fills the form of a model with pictures to work from, and nothing else.

        Where the model takes one picture, the others are left out.
        """
        from tui.catalog.sources import source_param, source_value

        model = self.catalog.get(*model.key) or model
        param = source_param(model.routes[self.route(model)])
        if param is None:
            return
        taken = 1 if param.kind is Kind.IMAGE else int(param.max_items or len(files))
        paths = [short(file) for file in files[:taken]]
        await self.show_model(model, {param.name: source_value(param, paths)})
        sentence = f"{model.title}: the picture is the source."
        if len(files) > taken:
            left_out = len(files) - taken
            sentence = by_count(
                left_out,
                "{title}: 1 picture is left out, it takes no more.",
                "{title}: {count} pictures are left out, it takes no more.",
                title=model.title,
            )
        self._tell(f"{sentence} {self._way_back()}")
        self.form.focus_first()

    async def use_command(self, text: str) -> None:
        """Fills the form with the request of a pasted command."""
        from tui.exchange import pasted_command

        try:
            found = await asyncio.to_thread(
                pasted_command.read, text, self.catalog, self._api
            )
        except pasted_command.PasteError as error:
            self._warn(str(error), title="Not pasted")
        else:
            await self.fill_in(found.model, found.route, found.values, found.unused)

    async def use_entry(self, entry: PromptEntry) -> None:
        """Fills the form with an entry of the prompt library.

        Only its prompt is used where the catalog doesn't have its model.
        """
        from tui.exchange.pasted_command import fitting

        model = self.catalog.get(entry.action, entry.model)
        if model is None:
            self.form.set_prompt(entry.prompt)
            self._tell(
                "The entry's model isn't in the catalog. Only its prompt was used."
            )
            return
        params: Values = {**entry.params, "prompt": entry.prompt}
        params.pop("model", None)
        values: Values = {"prompt": entry.prompt} | params
        route = self.route(model, values)
        for param in filter(is_callback, model.routes[route].params):
            values.pop(param.name, None)
        await self.fill_in(model, route, *fitting(model, route, values))

    async def use_file(self, file: str) -> None:
        """Fills the form with the request that is saved in an image."""
        from tui.exchange.recipe_to_form import FormContent, refill
        from tui.images import files, metadata

        name = one_line(Path(file).name, 40)
        try:
            recipe = await asyncio.to_thread(metadata.read, Path(file))
        except files.ImageError as error:
            self._warn(str(error))
            return
        if recipe is None:
            self._warn(
                f"No request is saved in {name}. Drop it into an image field to use it"
                " as a source."
            )
            return
        shown = FormContent(self.model, self.form.values())
        found = refill(recipe, self.catalog, shown, self._api, self.learnt)
        if found.used:
            await self._fill(found.model, found.values)
        self._tell(found.describe(name), timeout=10)

    async def fill_in(
        self, model: Model, route: RouteName, values: Values, unused: tuple[str, ...]
    ) -> None:
        """Fills the form with a request, and lists what was filled in and what wasn't.

        `unused` are names of values that the request had, but that can't be used.
        """
        form_route = self.route(model, values)
        if form_route != route:
            values, untranslated = translate(model, values, form_route)
            unused = (*unused, *untranslated)
        await self._fill(model, values)
        named = ["extra parameters" if name == EXTRA else name for name in values]
        names = ", ".join(named) or "no values"
        sentences = [f"{model.title}: {names}."]
        if len(unused) > _MOST_UNUSED:
            listed = ", ".join(unused[:_MOST_UNUSED])
            sentences.append(f"Left out: {listed} and more.")
        elif unused:
            sentences.append(f"Left out: {', '.join(unused)}.")
        sentences.append(self._way_back())
        self._tell(" ".join(sentences), title="Form filled in")

    async def _fill(self, model: Model, values: Values) -> None:
        """Fills the form with another request."""
        before = self.form.values()
        own = {reached.text for reached in reached_by(self.model, before)}
        foreign = texts_of(values.values()) - own
        await self.show_model(model, values, foreign)
        self.form.focus_first()

    def _way_back(self) -> str:
        return f"{key_text(self.form, 'undo-form')} brings back what was there."

    def _tell(
        self, sentence: str, title: str = "", timeout: float | None = None
    ) -> None:
        self.form.notify(sentence, title=title, timeout=timeout, markup=False)

    def _warn(self, sentence: str, title: str = "") -> None:
        self.form.notify(sentence, title=title, severity="warning", markup=False)
