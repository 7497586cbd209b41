"""The last filter before the screen: no text of the app is obeyed by the terminal."""

from collections.abc import Sequence

from rich.segment import Segment
from textual.color import Color
from textual.filter import ANSIToTruecolor, LineFilter

from tui.text import on_screen


class ScreenText(LineFilter):
    """Removes from each line what is no letter or sign, then applies Textual's filters.

    One filter for all of them: Textual makes a new line for each. Control segments,
    which hold the pixels of pictures, pass as they are.
    """

    def __init__(self, others: Sequence[LineFilter]) -> None:
        super().__init__()
        self.others = others

    @property
    def keeps_colours(self) -> bool:
        """Whether true colours and letters stay as they are."""
        return all(isinstance(other, ANSIToTruecolor) for other in self.others)

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        line = "".join([segment[0] for segment in segments])
        if not line.isprintable():
            segments = [_harmless(segment) for segment in segments]
        for other in self.others:
            segments = other.apply(segments, background)
        return segments


def _harmless(segment: Segment) -> Segment:
    text, style, control = segment
    return segment if control else Segment(on_screen(text), style)
