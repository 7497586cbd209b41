"""The keys that work here, in the last line of a page."""

from typing import Any

from textual import widgets


class Footer(widgets.Footer):
    """Textual's own, without the keys that it has shown before: each of them stays in a
    list of those that follow its `compact`, which Textual 8 clears only when that
    changes, with all that is drawn of it.
    """

    async def recompose(self) -> None:
        await super().recompose()
        watchers: dict[str, list[tuple[Any, Any]]] = getattr(self, "__watchers", {})
        for following in watchers.values():
            following[:] = [known for known in following if known[0].is_attached]
