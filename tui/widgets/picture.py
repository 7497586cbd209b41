"""One image of a file, drawn as well as the terminal can."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.segment import ControlType, Segment
from textual import work
from textual.content import Content
from textual.filter import ANSIToTruecolor
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.graphics.probe import PIXELS, Images, Terminal, cell_now
from tui.terminal.textual_private import driver_of, visible_widgets
from tui.text import one_line, plain

if TYPE_CHECKING:
    from PIL.Image import Image

    from tui.graphics.blocks import CellPicture
    from tui.graphics.drawing import Drawing

Shrink = Callable[[Path, tuple[int, int]], "Image"]
"""Gives the image of a file in RGB, no larger than so many pixels; runs in a thread,
may raise ImageError.
"""

_DRAWERS = ThreadPoolExecutor(2, "drawer")
"""Few: the more threads hold the interpreter in turn, the longer the keyboard waits."""
_BEHIND = 3
"""Writes that may wait for the terminal before anything more is drawn for it."""
# Textual measures a control segment as no cells wide and writes its text as it is.
_RAW: list[tuple[ControlType, int]] = [(ControlType.CURSOR_FORWARD, 0)]


class Wish(NamedTuple):
    """What is to be drawn; `rough` in characters, although the terminal could do
    better.
    """

    path: Path
    size: Size
    shrink: Shrink
    rough: bool


class Picture(Widget):
    """Shows one image file, or a message, in the middle of whatever space there is.

    Kitty and sixel pixels are laid over the cells only while the whole picture is on
    screen with nothing above it; under a modal, a toast or a scroll edge it is drawn in
    half blocks, which Textual can cut and tint. Give it neither border nor padding.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Picture {
        width: 1fr; height: 1fr;
        content-align: center middle; text-align: center; color: $text-muted;
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

    def __init__(self, terminal: Terminal, *, swift: bool = False, **kw: Any) -> None:
        """A `swift` one writes characters, too, past Textual's compositor, which takes
        20 ms for a thousand of them. A screenshot that Textual makes doesn't show
        those.
        """
        super().__init__(**kw)
        self._terminal = terminal
        self._swift = swift
        self._message = ""
        self._wanted: Wish | None = None
        self._path: Path | None = None
        self._shrink: Shrink = _whole
        self._drawing: Drawing | None = None
        self._drawn: Wish | None = None
        self._moving = False
        self._busy = False
        self._covered = False

    def show(
        self, path: Path | None, message: str = "", shrink: Shrink | None = None
    ) -> None:
        """Shows the image of `path`; `message` stands there for None and until the
        first image is drawn.

        `shrink` says what of it is shown (all of it, unless told otherwise); equal ones
        are taken for the same. The file is read in a thread: a newer call wins over an
        older one, and a file that can't be shown is replaced by a sentence that says
        why.
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

    @property
    def moving(self) -> bool:
        """Whether the view moves, so that pixels aren't worth their bytes: characters
        stand in for them.
        """
        return self._moving

    @moving.setter
    def moving(self, moving: bool) -> None:
        if moving != self._moving:
            self._moving = moving
            self._want()
            if self._sent_anew:
                self.refresh()

    @property
    def _sent_anew(self) -> bool:
        """Whether the pixels would be sent again with each move."""
        return bool(
            self._drawing and self._drawing.overlay and not self._drawing.upload
        )

    def render(self) -> Content:
        return Content(self._message)

    def render_line(self, y: int) -> Strip:
        if self._drawing is None:
            return super().render_line(y)
        return self._drawing.line(y, self.size, self.rich_style)

    def render_lines(self, crop: Region) -> list[Strip]:
        drawing = self._drawing
        # What Textual would find out line by line
        if drawing is None and not self._message:
            return [Strip.blank(crop.width, self.rich_style)] * crop.height
        # Textual also asks for single lines, to learn what is under the mouse.
        if drawing is None or not drawing.fits(self.size) or crop != self.size.region:
            return super().render_lines(crop)
        raw = [] if self._moving and self._sent_anew else drawing.overlay
        raw = raw or (drawing.written if self._may_write else [])
        if not raw:
            return super().render_lines(crop)
        if not self._uncovered():
            self._covered = True
            return super().render_lines(crop)
        if self._covered:
            # Only the part that was covered is being painted now, and without its
            # pixels.
            self._covered = False
            self.call_later(self.refresh)
        blank = Strip.blank(crop.width, self.rich_style)
        strips = [blank] * crop.height
        last = drawing.offset(self.size).y + drawing.size.height - 1
        _, background = self.background_colors
        sequences = drawing.sequences(
            raw, self.region.offset + drawing.offset(self.size), background.rgb
        )
        strips[last] = Strip([*blank, Segment(sequences, None, _RAW)], crop.width)
        return strips

    @property
    def _may_write(self) -> bool:
        """Whether Textual would change nothing of the characters."""
        plain_filters = all(
            isinstance(found, ANSIToTruecolor) for found in self.get_line_filters()
        )
        truecolor = self.app.console.color_system == "truecolor"
        return self._swift and truecolor and plain_filters and not self.app.is_headless

    def on_mount(self) -> None:
        # The alternate screen of kitty comes back without its images.
        self.app.app_resume_signal.subscribe(self, lambda _: self._upload())

    def on_resize(self) -> None:
        self._want()

    def on_unmount(self) -> None:
        """Let go of all that is large at once: the widget itself is garbage that only
        the collector finds.
        """
        # Or it would hold this widget, and its page, for ever
        self.app.app_resume_signal.unsubscribe(self)
        self._free()
        self._drawing = self._drawn = self._wanted = self._path = None
        self._shrink = _whole

    def _want(self) -> None:
        if self._path is None or not self.size or self._terminal.images is Images.NONE:
            return
        rough = self._moving and self._terminal.images in PIXELS
        wish = Wish(self._path, self.size, self._shrink, rough)
        if self._wanted in (wish, wish._replace(rough=False)):
            return
        self._wanted = wish
        if not self._busy:
            self._busy = True
            self._catch_up()

    @work
    async def _catch_up(self) -> None:
        """Draws until what is wanted is what is shown. One at a time: a held key piles
        up no work.
        """
        done = None
        try:
            while self._wanted is not None and self._wanted != done:
                await self._terminal_read()
                if self._wanted is not None:  # nothing may be wanted any more
                    done = self._wanted
                    await self._draw(done)
        finally:
            self._busy = False

    async def _draw(self, wish: Wish) -> None:
        before = self._drawing
        text = (
            before.text if before and self._drawn == wish._replace(rough=True) else None
        )
        image_id = before.image_id if before else 0
        terminal = self._terminal_now()
        background = self.background_colors[1].rgb

        def make() -> "Drawing | str | None":
            # None where it has waited for others and is not wanted any more.
            return (
                _draw(wish, terminal, image_id, text, background)
                if self._wanted == wish
                else None
            )

        drawing = await asyncio.get_running_loop().run_in_executor(_DRAWERS, make)
        if drawing is None or self._wanted != wish:
            return
        if isinstance(drawing, str):
            self._wanted = None  # the same file may be a whole one the next time
            self._say(drawing)
        else:
            self._put(drawing, wish)

    async def _terminal_read(self) -> None:
        """Until the terminal has read nearly all: what nobody sees yet must not pile
        up, or typing would wait.
        """
        while getattr(driver_of(self.app), "waiting", 0) > _BEHIND:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)

    def _terminal_now(self) -> Terminal:
        cell = None if self.app.is_headless else cell_now()
        return replace(self._terminal, cell=cell or self._terminal.cell)

    def _put(self, drawing: "Drawing", wish: Wish) -> None:
        if self._drawing is not None and self._drawing.image_id != drawing.image_id:
            self._free()
        self._drawing, self._drawn = drawing, wish
        self._upload()
        self.refresh()
        self.call_after_refresh(self.post_message, self.Shown(self, wish.path))

    def _say(self, message: str) -> None:
        self._message = plain(message)
        self._free()
        self._drawing = self._drawn = None
        self.refresh()

    def _upload(self) -> None:
        if self._drawing is not None:
            self._write(self._drawing.upload)

    def _free(self) -> None:
        if self._drawing is not None:
            self._write(self._drawing.free)

    def _write(self, data: str) -> None:
        """Through the app's own writer: in order with its frames, and never waiting for
        a slow terminal.
        """
        if data and (driver := driver_of(self.app)) is not None:
            driver.write(data)

    def _uncovered(self) -> bool:
        """Whether every cell is on screen with no other widget above it."""
        if not self.screen.is_active:
            return False
        for widget, region, clip in visible_widgets(self.screen):
            if widget is self:
                return clip.contains_region(region)
            if region.intersection(clip).overlaps(self.region):
                return False
        return False


def _whole(path: Path, box: tuple[int, int]) -> "Image":
    from tui.images.files import thumbnail

    return thumbnail(path, box)


def _draw(
    wish: Wish,
    terminal: Terminal,
    image_id: int,
    text: "CellPicture | None",
    background: tuple[int, int, int],
) -> "Drawing | str":
    """What is wished for, or the sentence that says why there is none. Runs in a
    thread.
    """
    # Pillow and textual-image are loaded here, after the first paint.
    from tui.graphics.drawing import DrawingOptions, draw
    from tui.images.files import ImageError

    def shrink(box: tuple[int, int]) -> "Image":
        return wish.shrink(wish.path, box)

    try:
        options = DrawingOptions(image_id, wish.rough, text, background)
        return draw(shrink, wish.size, terminal, options)
    except ImageError as error:
        return str(error)
    except Exception:  # a picture is never worth the app
        logging.getLogger(__name__).exception(
            "drawing %s as %s", wish.path, terminal.images
        )
        return "This picture can't be drawn."
