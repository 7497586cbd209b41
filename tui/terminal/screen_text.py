"""The last filter before the screen: no text of the app is obeyed by the terminal."""

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
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
        if not all(map(_is_harmless, segments)):
            segments = [_harmless(segment) for segment in segments]
        for other in self.others:
            segments = other.apply(segments, background)
        return segments


def _is_harmless(segment: Segment) -> bool:
    text, style, _ = segment
    return text.isprintable() and (style is None or style.link is None)


def _harmless(segment: Segment) -> Segment:
    text, style, control = segment
    if control:
        return segment
    return Segment(on_screen(text), _with_harmless_link(style))


def _with_harmless_link(style: Style | None) -> Style | None:
    """Return a style whose link, which the terminal gets in an escape, ends nothing."""
    if style is None or style.link is None or style.link.isprintable():
        return style
    return style.update_link(on_screen(style.link))
