"""Which texts of a field the user need not have typed."""

_RUN = 5
"""Characters in a row, at least, that make two texts akin: more than `.png`."""
_LONGEST = 10_000
"""Characters of a text that is compared; a longer one is akin to all."""


class ForeignTexts:
    """What was pasted, dropped or filled in, in one field.

    In doubt a text counts as made of it, however it was edited.
    """

    def __init__(self) -> None:
        self._texts: set[str] = set()
        self._forgotten: set[str] = set()

    @property
    def is_empty(self) -> bool:
        """Whether all was typed."""
        return not self._texts

    @property
    def texts(self) -> set[str]:
        """The texts themselves."""
        return set(self._texts)

    def add(self, *texts: str) -> None:
        """Remembers texts; blank ones are none."""
        self._texts |= {text.strip() for text in texts if text.strip()}

    def forget(self) -> None:
        """Notes that the field was emptied: what follows is typed."""
        self._forgotten |= self._texts
        self._texts = set()

    def recall(self) -> None:
        """Notes that an undo may bring back what was emptied."""
        self._texts |= self._forgotten

    def may_be_in(self, text: str) -> bool:
        """Returns whether a text may be made of these, if only in part."""
        return any(_are_akin(text, foreign) for foreign in self._texts)


def _are_akin(text: str, foreign: str) -> bool:
    if len(text) > _LONGEST or len(foreign) > _LONGEST:
        return True
    if text in foreign or foreign in text:
        return True
    runs = range(len(text) - _RUN + 1)
    return any(text[at : at + _RUN] in foreign for at in runs)
