"""One of several images that are compared: they share a place, or stand side by side."""

from dataclasses import replace
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Label

from tui.graphics.zoom import Load
from tui.widgets.picture import Picture, Shrink
from tui.widgets.picture_zoom import PictureZoom
from tui.widgets.view_context import ViewContext

_FINER = 4
"""A picture on a whole page may take this many times the bytes of a small one."""


class ComparedPicture(Vertical):
    """An image, and a line above it where it stands beside others."""

    def __init__(self, context: ViewContext, number: int, load: Load) -> None:
        super().__init__(classes="-behind")
        self.number = number
        terminal = context.terminal
        fine = replace(terminal, budget=_FINER * terminal.budget)
        self.picture = Picture(fine, above_others=True)
        self.zoom = PictureZoom(self.picture, load)
        self._caption = Label(markup=False)
        self._is_chosen: bool | None = None
        self._drawn: tuple[str, str, Shrink | None] | None = None

    def compose(self) -> ComposeResult:
        yield self._caption
        yield self.picture

    def put(self, is_beside: bool, is_in_sight: bool) -> None:
        """Puts it beside the others, or in the same place: on a layer of its own."""
        layer = "one" if is_beside else f"place{self.number}"
        if layer != self.styles.layer:
            self.styles.layer = layer
            self.clear()  # what is drawn doesn't fit there
        if is_beside:
            self.set_class(not is_in_sight, "-behind")

    def draw(self, path: str, message: str, fitted: Shrink | None = None) -> None:
        """Shows an image file, or a message; `fitted` draws all of it.

        What is drawn already stays as it is.
        """
        wanted = (path, message, self.zoom.crop or fitted)
        if wanted != self._drawn:
            self._drawn = wanted
            self.picture.show(Path(path) if path else None, message, wanted[2])

    def describe(self, is_chosen: bool) -> None:
        """Says which image it is, and whether keys are about it."""
        if is_chosen is self._is_chosen:
            return
        self._is_chosen = is_chosen
        text = f"▸{self.number + 1}" if is_chosen else f" {self.number + 1}"
        self._caption.update(Content.styled(text, "bold" if is_chosen else ""))

    def clear(self) -> None:
        """Draws nothing until the next `draw`."""
        self._drawn = None
        self.picture.show(None)

    def free(self) -> None:
        """Lets go of what is decoded and drawn."""
        self.zoom.set(0)
        self.clear()
