"""Saved searches of the history: to choose, to delete, and to save the current one."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.screens.chooser import ChooserScreen
from tui.screens.shell import Shell
from tui.settings.searches import SavedSearches, SearchProblem
from tui.text import one_line

_SAVE = ""
"""Chosen to save the current search."""


async def choose(shell: Shell, current: str) -> str | None:
    """Returns the saved search that the user chooses, or None.

    Offers to save the `current` one, unless it is empty.
    """
    searches = SavedSearches(shell.session.folders.config)
    try:
        saved = await asyncio.to_thread(searches.load)
    except SearchProblem as problem:
        shell.show_problem(str(problem))
        return None
    current = current.strip()
    delete = partial(_delete, shell, searches, saved)
    page = SearchesScreen(saved, delete, may_save=bool(current))
    name = await shell.push_screen_wait(page)
    if name == _SAVE:
        await _save(shell, searches, current)
        return None
    return saved[name] if name else None


async def _save(shell: Shell, searches: SavedSearches, line: str) -> None:
    """Saves a search under a name that the user types."""
    from tui.screens.line_prompt import LinePromptScreen

    async def save(name: str) -> str:
        try:
            await asyncio.to_thread(searches.save, name.strip(), line)
        except SearchProblem as problem:
            return str(problem)
        return ""

    hint = "A name: letters, digits, - and _. One of the same name is replaced."
    page = LinePromptScreen("Save this search", "", hint, save)
    name = await shell.push_screen_wait(page)
    if name is not None:
        shell.show_sentence(f"Saved: {one_line(f'{name.strip()}: {line}')}")


async def _delete(
    shell: Shell, searches: SavedSearches, saved: dict[str, str], name: str
) -> bool:
    """Deletes a search; returns whether it could."""
    try:
        await asyncio.to_thread(searches.delete, name)
    except SearchProblem as problem:
        shell.show_problem(str(problem))
        return False
    shell.show_sentence(f"Deleted: {one_line(f'{name}: {saved[name]}')}")
    return True


class SearchesScreen(ChooserScreen):
    """Ends with the name of the chosen search, an empty one to save another, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "x,delete",
            "delete",
            "Delete",
            id="searches-delete",
            tooltip="Delete the saved search",
        )
    ]

    def __init__(
        self,
        saved: dict[str, str],
        delete: Callable[[str], Awaitable[bool]],
        *,
        may_save: bool,
    ) -> None:
        """Lists searches by name; `delete` returns whether one is deleted."""
        options = [(name, f"{name}: {line}") for name, line in saved.items()]
        if may_save:
            options.insert(0, (_SAVE, "Save this search as …"))
        empty = "There are none yet: type a search in the history, then save it here."
        super().__init__("Searches", options, empty)
        self._delete = delete

    @on(OptionList.OptionHighlighted)
    def _moved(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "delete" or bool(self._chosen)

    @property
    def _chosen(self) -> str:
        """The name under the cursor; empty where that is no saved search."""
        listed = self.query_one_optional(OptionList)  # none while the page opens
        at = listed.highlighted if listed else None
        return self._options[at][0] if at is not None and self._options else _SAVE

    async def action_delete(self) -> None:
        name = self._chosen
        if not name or not await self._delete(name):
            return
        listed = self.query_one(OptionList)
        listed.remove_option_at_index([key for key, _ in self._options].index(name))
        self._options = [each for each in self._options if each[0] != name]
        if not self._options:
            listed.add_option(Option(Content(self._empty), disabled=True))
        self.refresh_bindings()
