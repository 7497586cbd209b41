"""A job as a table: its pictures by what varies in them, on one labelled sheet."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Label

from tui.text import one_line
from tui.widgets.footer import Footer
from tui.widgets.picture import Picture
from tui.widgets.picture_zoom import PictureZoom, ZoomsOnePicture, zoom_bindings
from tui.widgets.view_context import ViewContext


class SheetScreen(ZoomsOnePicture, Screen[None]):
    """Shows a sheet, and saves it where the user wants it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q,enter",
            "dismiss",
            "Back",
            id="sheet-back",
            tooltip="To the previous page",
        ),
        Binding(
            "w",
            "save",
            "Save a copy",
            id="sheet-save",
            tooltip="Save the table as a PNG image",
        ),
        Binding("right,l", "go(1, 0)", "Zoomed, right", show=False),
        Binding("left,h", "go(-1, 0)", "Zoomed, left", show=False),
        Binding("down,j", "go(0, 1)", "Zoomed, down", show=False),
        Binding("up,k", "go(0, -1)", "Zoomed, up", show=False),
        *zoom_bindings(),
    ]

    def __init__(
        self,
        context: ViewContext,
        sheet: Path,
        note: str,
        save: Callable[[], Awaitable[None]],
    ) -> None:
        """`note` says what is on the sheet, and what isn't; `save` saves a copy."""
        super().__init__()
        self._sheet = sheet
        self._note = note
        self._save = save
        self._picture = Picture(context.terminal)
        self._zoom = PictureZoom(self._picture, context.terminal)

    def compose(self) -> ComposeResult:
        with Horizontal(id="viewer-title"):
            yield Label(one_line(self._note, 300), id="viewer-prompt", markup=False)
        with Horizontal(id="viewer"):
            yield self._picture
        yield Footer()

    def on_mount(self) -> None:
        self._draw()

    def on_unmount(self) -> None:
        self._zoom.set(0)
        self._picture.show(None)  # frees a decoded image at once

    def _draw(self) -> None:
        self._picture.show(self._sheet, "", self._zoom.crop)

    def action_go(self, across: int, down: int) -> None:
        self._zoom.move(across, down)
        self._draw()

    @work(exclusive=True, exit_on_error=False)
    async def action_save(self) -> None:
        """Saves a copy: the sheet itself is gone once the page is."""
        await self._save()
