"""One image of a file, drawn as well as the terminal can."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.segment import ControlType, Segment
from textual import work
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.terminal import Images, Terminal, cell_now
from tui.text import one_line, plain

if TYPE_CHECKING:
    from PIL.Image import Image

    from tui.widgets.drawing import Drawing

Shrink = Callable[[Path, tuple[int, int]], "Image"]
"""Gives the image of a file in RGB, no larger than so many pixels; runs in a thread, may raise ImageError."""

# Textual measures a control segment as no cells wide and writes its text as it is.
_RAW: list[tuple[ControlType, int]] = [(ControlType.CURSOR_FORWARD, 0)]


class Picture(Widget):
    """Shows one image file, or a message, in the middle of whatever space there is.

    Kitty and sixel pixels are laid over the cells only while the whole picture is on screen with nothing above
    it; under a modal, a toast or a scroll edge it is drawn in half blocks, which Textual can cut and tint.
    Give it neither border nor padding.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Picture {
        width: 1fr; height: 1fr; content-align: center middle; text-align: center; color: $text-muted;
    }
    """

    class Shown(Message):
        """The image of `path` is on screen."""

        def __init__(self, picture: "Picture", path: Path) -> None:
            super().__init__()
            self.picture = picture
            self.path = path

        @property
        def control(self) -> "Picture":
            return self.picture

    def __init__(self, terminal: Terminal, **kw: Any) -> None:
        super().__init__(**kw)
        self._terminal = terminal
        self._message = ""
        self._wanted: tuple[Path, Size, Shrink] | None = None
        self._path: Path | None = None
        self._shrink: Shrink = _whole
        self._drawing: Drawing | None = None
        self._busy = False
        self._covered = False
        self._image_id = 0

    def show(self, path: Path | None, message: str = "", shrink: Shrink | None = None) -> None:
        """Shows the image of `path`; `message` stands there for None and until the first image is drawn.

        `shrink` says what of it is shown (all of it, unless told otherwise); equal ones are taken for the same.
        The file is read in a thread: a newer call wins over an older one, and a file that can't be shown is
        replaced by a sentence that says why.
        """
        self._path, self._shrink = path, shrink or _whole
        if path is not None and self._terminal.images is Images.NONE:
            path, message = None, f"Images are off: {one_line(path)}"
        if path is None:
            self._wanted = None
            self._say(message)
        else:
            self._message = plain(message)
            self._want()

    def render(self) -> Content:
        return Content(self._message)

    def render_line(self, y: int) -> Strip:
        if self._drawing is None:
            return super().render_line(y)
        return self._drawing.line(y, self.size, self.rich_style)

    def render_lines(self, crop: Region) -> list[Strip]:
        drawing = self._drawing
        # Textual also asks for single lines, to learn what is under the mouse.
        if drawing is None or not drawing.overlay or not drawing.fits(self.size) or crop != self.size.region:
            return super().render_lines(crop)
        if not self._uncovered():
            self._covered = True
            return super().render_lines(crop)
        if self._covered:
            # Only the part that was covered is being painted now, and without its pixels.
            self._covered = False
            self.call_later(self.refresh)
        blank = Strip.blank(crop.width, self.rich_style)
        strips = [blank] * crop.height
        last = drawing.offset(self.size).y + drawing.size.height - 1
        _, background = self.background_colors
        raw = drawing.overlay_at(self.region.offset + drawing.offset(self.size), background.rgb)
        strips[last] = Strip([*blank, Segment(raw, None, _RAW)], crop.width)
        return strips

    def on_mount(self) -> None:
        # The alternate screen of kitty comes back without its images.
        self.app.app_resume_signal.subscribe(self, lambda _: self._upload())

    def on_resize(self) -> None:
        if self._path is not None and self._terminal.images is not Images.NONE:
            self._want()

    def on_unmount(self) -> None:
        self._free()

    def _want(self) -> None:
        wanted = (self._path, self.size, self._shrink) if self._path and self.size else None
        if wanted is None or wanted == self._wanted:
            return
        self._wanted = wanted
        if not self._busy:
            self._busy = True
            self._catch_up()

    @work
    async def _catch_up(self) -> None:
        """Draws until what is wanted is what is shown. One thread at a time: a held key piles up no work."""
        done = None
        try:
            while self._wanted is not None and self._wanted != done:
                done = self._wanted
                await self._draw(*done)
        finally:
            self._busy = False

    async def _draw(self, path: Path, size: Size, shrink: Shrink) -> None:
        drawing = await asyncio.to_thread(_draw, path, size, shrink, self._terminal_now(), self._image_id)
        if self._wanted != (path, size, shrink):
            return
        if isinstance(drawing, str):
            self._wanted = None  # the same file may be a whole one the next time
            self._say(drawing)
        else:
            self._put(drawing, path)

    def _terminal_now(self) -> Terminal:
        cell = None if self.app.is_headless else cell_now()
        return replace(self._terminal, cell=cell or self._terminal.cell)

    def _put(self, drawing: "Drawing", path: Path) -> None:
        self._drawing = drawing
        self._image_id = drawing.image_id
        self._upload()
        self.refresh()
        self.call_after_refresh(self.post_message, self.Shown(self, path))

    def _say(self, message: str) -> None:
        self._message = plain(message)
        self._free()
        self._drawing = None
        self.refresh()

    def _upload(self) -> None:
        if self._drawing is not None:
            self._write(self._drawing.upload)

    def _free(self) -> None:
        if self._drawing is not None:
            self._write(self._drawing.free)

    def _write(self, data: str) -> None:
        """Through Textual's own writer: in order with its frames, and never waiting for a slow terminal."""
        if data and (driver := self.app._driver) is not None:
            driver.write(data)

    def _uncovered(self) -> bool:
        """Whether every cell is on screen with no other widget above it."""
        if not self.screen.is_active:
            return False
        # There is no public way to ask what lies above a widget. The order is top to bottom.
        for widget, (region, clip) in self.screen._compositor.visible_widgets.items():
            if widget is self:
                return clip.contains_region(region)
            if region.intersection(clip).overlaps(self.region):
                return False
        return False


def _whole(path: Path, box: tuple[int, int]) -> "Image":
    from tui.tasks.images import thumbnail

    return thumbnail(path, box)


def _draw(path: Path, size: Size, shrink: Shrink, terminal: Terminal, image_id: int) -> "Drawing | str":
    """The image for `size` cells, or the sentence that says why there is none. Runs in a thread."""
    # Pillow and textual-image are loaded here, after the first paint.
    from tui.tasks.images import ImageError
    from tui.widgets.drawing import draw

    try:
        return draw(lambda box: shrink(path, box), size, terminal, image_id)
    except ImageError as error:
        return str(error)
    except Exception:  # a picture is never worth the app
        logging.getLogger(__name__).exception("drawing %s as %s", path, terminal.images)
        return "This picture can't be drawn."
