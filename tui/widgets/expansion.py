"""What the prompt of a form makes: one request, or one for each of its alternatives."""

import asyncio

from tui.catalog.batch import MOST, BatchError, count_alternatives
from tui.catalog.spec import Values
from tui.catalog.wildcards import NONE, Wildcards, names_in
from tui.settings.prompt_files import PromptFiles


class Expansion:
    """Knows what `{a|b}` and the names of wildcards stand for, as last read."""

    def __init__(self) -> None:
        self.files: PromptFiles | None = None
        """Where wildcards are read; None: there are none."""
        self.wildcards = NONE
        self._counted_for: tuple[str, Wildcards] = ("", NONE)
        self._counted: int | str = 1
        """It takes a while to count, and is asked for again with each key."""

    def names_wildcards(self, values: Values) -> bool:
        """Returns whether the prompt names any wildcard."""
        return bool(names_in(values.get("prompt")))

    def is_unread(self, values: Values) -> bool:
        """Returns whether the prompt names a wildcard that wasn't looked for yet."""
        names = names_in(values.get("prompt"))
        return bool(self.files) and not self.wildcards.have_read(names)

    async def read(self, values: Values) -> bool:
        """Reads the wildcards that the prompt names; returns whether any has changed."""
        before = self.wildcards
        if self.files:
            read = self.files.wildcards
            self.wildcards = await asyncio.to_thread(read, [values.get("prompt")])
        return self.wildcards != before

    def problem(self, values: Values) -> str:
        """Returns why the prompt can't be sent; empty where it can, or isn't read yet."""
        if not self.names_wildcards(values) or self.is_unread(values):
            return ""
        try:
            self._count(values)
        except BatchError as error:
            return str(error)
        return ""

    def count(self, values: Values) -> int:
        """Returns how many requests the prompt makes; `MOST` + 1 for more."""
        try:
            return self._count(values)
        except BatchError:
            return 1 if self.names_wildcards(values) else MOST + 1

    def _count(self, values: Values) -> int:
        """Raises BatchError for too many, and for names that stand for nothing."""
        prompt = values.get("prompt")
        if not isinstance(prompt, str) or not ("{" in prompt or "__" in prompt):
            return 1
        if self._counted_for != (prompt, self.wildcards):
            self._counted_for = prompt, self.wildcards
            self._counted = _counted(prompt, self.wildcards)
        if isinstance(self._counted, str):
            raise BatchError(self._counted)
        return self._counted


def _counted(prompt: str, wildcards: Wildcards) -> int | str:
    """Returns the number of texts, or why there are none."""
    try:
        return count_alternatives(prompt, wildcards)
    except BatchError as error:
        return str(error)
