"""The keys that work here, in the last line of a page."""

from typing import Any

from textual import widgets

_Watchers = dict[str, list[tuple[Any, Any]]]


class Footer(widgets.Footer):
    """Textual's footer, which forgets the keys that it no longer shows.

    Textual 8 keeps each old key among the watchers of `compact` until that changes,
    and with it everything that was drawn of the key.
    """

    async def recompose(self) -> None:
        await super().recompose()
        watchers: _Watchers = getattr(self, "__watchers", {})
        for watching in watchers.values():
            attached = [entry for entry in watching if entry[0].is_attached]
            watching[:] = attached
