"""An image file, drawn as well as the terminal can."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.segment import ControlType, Segment
from textual import work
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.graphics.cell_size import of_kernel
from tui.graphics.probe import PIXELS, Images, Terminal
from tui.system.threads import AbandonedPool
from tui.terminal.screen_text import ScreenText
from tui.terminal.textual_private import driver_of, visible_widgets
from tui.text import one_line, plain

if TYPE_CHECKING:
    from PIL.Image import Image

    from tui.graphics.drawing import Drawing, DrawingOptions

Shrink = Callable[[Path, tuple[int, int]], "Image"]
"""Returns a file's image in RGB, within a size in pixels; called in a thread.

May raise ImageError.
"""

_DRAWERS = AbandonedPool(2, "drawer")
"""Few: the more threads hold the interpreter in turn, the longer the keyboard waits."""
_DIMMED = 0.35
"""What is left of a dimmed image's contrast to the background."""
_DIMMED_SHARE = 4
"""A dimmed image may take this part of the bytes of another: it tells nothing new."""
_MAX_PENDING_WRITES = 3
"""Writes that may wait for the terminal; with more, nothing is drawn."""
# Textual measures a control segment as no cells wide and writes its text as it is.
_RAW_SEQUENCE: list[tuple[ControlType, int]] = [(ControlType.CURSOR_FORWARD, 0)]


class DrawRequest(NamedTuple):
    """An image to be drawn."""

    path: Path
    size: Size
    """The cells for it."""
    shrink: Shrink
    rough: bool
    """In characters, although the terminal shows pixels."""
    dim: bool = False
    """Nearly in the colour of the background."""
    terminal: Terminal | None = None
    """For which it is drawn."""


class Picture(Widget):
    """Shows an image file, or a message, in the middle of its space.

    Kitty and sixel pixels are laid over the cells only while the whole picture is on
    screen with nothing above it; under a modal, a message or a scroll edge it is drawn in
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

    class Failed(Message):
        """The image can't be shown; a sentence on screen says why."""

        def __init__(self, picture: "Picture") -> None:
            super().__init__()
            self.picture = picture

        @property
        def control(self) -> "Picture":
            return self.picture

    def __init__(
        self,
        terminal: Terminal,
        *,
        swift: bool = False,
        above_others: bool = False,
        problem: str = "",
        **kw: Any,
    ) -> None:
        """If `swift`, it writes characters, too, past Textual's compositor.

        That takes 20 ms for a thousand of them. Textual's screenshots don't show them.
        If `above_others`, it is never on the last line of the screen, and may use its
        own last line whatever the terminal. `problem` stands where a file can't be
        shown, instead of the reason.
        """
        super().__init__(**kw)
        self._terminal = terminal
        self._swift = swift
        self._above_others = above_others
        self._problem = problem
        self._message = ""
        self.cells = Size(1, 1)
        """The cells of what is drawn; unlike `size`, a thread may ask for them."""
        self._requested: DrawRequest | None = None
        self._path: Path | None = None
        self._shrink: Shrink = _whole
        self._drawing: Drawing | None = None
        self._drawn: DrawRequest | None = None
        self._dim = False
        self._moving = False
        self._busy = False
        self._covered = False
        self._has_failed = False

    def show(
        self,
        path: Path | None,
        message: str = "",
        shrink: Shrink | None = None,
        *,
        dim: bool = False,
    ) -> None:
        """Shows the image of `path`, or `message` for None and until it is drawn.

        `shrink` selects the part that is shown, by default all of it; equal ones count
        as the same. The file is read in a thread; a newer call overrides an older one.
        If the file can't be shown, a sentence says why. With `dim`, the image is
        hardly seen.
        """
        self._path = path
        self._shrink = shrink or _whole
        self._dim = dim
        if path is not None and self._terminal.images is Images.NONE:
            message = self._problem or f"Images are off: {one_line(path)}"
            path = None
        if path is None:
            self._requested = None
            self._show_message(message)
        else:
            self._message = plain(message)
            self._request()

    @property
    def has_pixels(self) -> bool:
        """Whether images are drawn in pixels, and not in characters."""
        return self._terminal.images in PIXELS

    def use_terminal(self, terminal: Terminal) -> None:
        """Draws for another terminal, or for other cells; the bytes stay limited."""
        budget = self._terminal.budget or terminal.budget
        self._terminal = replace(terminal, budget=budget)
        self._request()

    @property
    def is_settled(self) -> bool:
        """Whether what was asked for last is drawn, or a message is shown instead."""
        if self._path is None or self._terminal.images is Images.NONE:
            return True
        if self._requested is None:
            return self._has_failed
        return self._requested == self._drawn

    @property
    def moving(self) -> bool:
        """Whether the view is moving: characters then replace pixels, to save bytes."""
        return self._moving

    @moving.setter
    def moving(self, moving: bool) -> None:
        if moving != self._moving:
            self._moving = moving
            self._request()
            if self._resends_pixels:
                self.refresh()

    @property
    def _resends_pixels(self) -> bool:
        """Whether each move would send the pixels again."""
        drawing = self._drawing
        return bool(drawing and drawing.overlay and not drawing.upload)

    def render(self) -> Content:
        return Content(self._message)

    def render_line(self, y: int) -> Strip:
        if self._drawing is None:
            return super().render_line(y)
        return self._drawing.line(y, self.size, self.rich_style)

    def render_lines(self, crop: Region) -> list[Strip]:
        drawing = self._drawing
        # Textual would do the same line by line.
        if drawing is None and not self._message:
            return [Strip.blank(crop.width, self.rich_style)] * crop.height
        # Textual also asks for single lines, to learn what is under the mouse.
        if drawing is None or not drawing.fits(self.size) or crop != self.size.region:
            return super().render_lines(crop)
        raw = drawing.overlay
        is_old = self._drawn is None or self._drawn.terminal != self._terminal
        if is_old or (self._moving and self._resends_pixels):
            raw = []
        if not raw and self._may_write:
            raw = drawing.written
        if not raw:
            return super().render_lines(crop)
        if not self._uncovered():
            self._covered = True
            return super().render_lines(crop)
        if self._covered:
            # Textual repaints only what was covered; the rest has no pixels either.
            self._covered = False
            self.call_later(self.refresh)
        blank = Strip.blank(crop.width, self.rich_style)
        strips = [blank] * crop.height
        offset = drawing.offset(self.size)
        last = offset.y + drawing.size.height - 1
        _, background = self.background_colors
        sequences = drawing.sequences(raw, self.region.offset + offset, background.rgb)
        strips[last] = Strip(
            [*blank, Segment(sequences, None, _RAW_SEQUENCE)], crop.width
        )
        return strips

    @property
    def _may_write(self) -> bool:
        """Whether characters can bypass Textual, which would not change them."""
        filters_keep_it = all(
            isinstance(found, ScreenText) and found.keeps_colours
            for found in self.get_line_filters()
        )
        truecolor = self.app.console.color_system == "truecolor"
        is_seen = not self.app.is_headless
        return self._swift and truecolor and filters_keep_it and is_seen

    def on_mount(self) -> None:
        # The alternate screen of kitty comes back without its images.
        self.app.app_resume_signal.subscribe(self, lambda _: self._send_again())

    def on_resize(self) -> None:
        self._request()

    def on_unmount(self) -> None:
        """Frees all that is large now; the garbage collector frees the widget later."""
        # A subscription would keep this widget, and its page, for ever.
        self.app.app_resume_signal.unsubscribe(self)
        self._free()
        self._drawing = None
        self._drawn = None
        self._requested = None
        self._path = None
        self._shrink = _whole

    def _request(self) -> None:
        if self._path is None or not self.size or self._terminal.images is Images.NONE:
            return
        rough = self._moving and self._terminal.images in PIXELS
        shown = (self._path, self.size, self._shrink)
        request = DrawRequest(*shown, rough, self._dim, self._terminal)
        if self._requested in (request, request._replace(rough=False)):
            return
        self._requested = request
        self.cells = request.size
        self._has_failed = False
        if not self._busy:
            self._busy = True
            self._draw_requested()

    @work
    async def _draw_requested(self) -> None:
        """Draws, one at a time, until what was requested last is shown.

        So a key that is held down doesn't pile up work.
        """
        done = None
        try:
            while self._requested is not None and self._requested != done:
                await self._wait_for_terminal()
                if self._requested is not None:  # it may have been cleared by now
                    done = self._requested
                    await self._draw(done)
        finally:
            self._busy = False

    async def _draw(self, request: DrawRequest) -> None:
        before = self._drawing
        text = None
        if before and self._drawn == request._replace(rough=True):
            text = before.text
        image_id = before.image_id if before else 0
        terminal = self._terminal
        if terminal.cell is None and not self.app.is_headless:
            terminal = replace(terminal, cell=of_kernel())
        rough, above = request.rough, self._above_others
        background = self.background_colors[1].rgb

        def make() -> "Drawing | str | None":
            from tui.graphics.drawing import DrawingOptions

            # Another may have been requested while this one was in the queue.
            if self._requested != request:
                return None
            options = DrawingOptions(image_id, rough, text, background, above)
            return _draw(request, terminal, options)

        drawing = await asyncio.get_running_loop().run_in_executor(_DRAWERS, make)
        if drawing is None or self._requested != request:
            return
        if isinstance(drawing, str):
            self._requested = None  # the file may be complete the next time
            self._has_failed = True
            self._show_message(self._problem or drawing)
            self.post_message(self.Failed(self))
        else:
            self._show_drawing(drawing, request)

    async def _wait_for_terminal(self) -> None:
        """Waits until the terminal has read nearly everything.

        What it hasn't read must not pile up, or typing would wait.
        """
        driver = driver_of(self.app)
        while getattr(driver, "waiting", 0) > _MAX_PENDING_WRITES:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.02)

    def _show_drawing(self, drawing: "Drawing", request: DrawRequest) -> None:
        if self._drawing is not None and self._drawing.image_id != drawing.image_id:
            self._free()
        self._drawing, self._drawn = drawing, request
        self._upload()
        self.refresh()
        self.call_after_refresh(self.post_message, self.Shown(self, request.path))

    def _show_message(self, message: str) -> None:
        self._message = plain(message)
        self._free()
        self._drawing = self._drawn = None
        self.refresh()

    def _send_again(self) -> None:
        if self._drawn and self._drawn.terminal == self._terminal:
            self._upload()

    def _upload(self) -> None:
        if self._drawing is not None:
            self._write(self._drawing.upload)

    def _free(self) -> None:
        if self._drawing is not None:
            self._write(self._drawing.free)

    def _write(self, data: str) -> None:
        """Writes by the app's driver: in order with its frames, never blocking."""
        driver = driver_of(self.app)
        if data and driver is not None:
            driver.write(data)

    def _uncovered(self) -> bool:
        """Returns whether every cell is on screen with no other widget above it."""
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


def _dimmed(image: "Image", background: tuple[int, int, int]) -> "Image":
    """Returns an image as if it shone through the background."""
    from PIL import Image

    ground = Image.new("RGB", image.size, background)
    return Image.blend(ground, image, _DIMMED)


def _draw(
    request: DrawRequest, terminal: Terminal, options: "DrawingOptions"
) -> "Drawing | str":
    """Returns the drawing, or the sentence that says why there is none.

    Called in a thread.
    """
    # Pillow and textual-image are loaded here, after the first paint.
    from tui.graphics.drawing import draw
    from tui.images.files import ImageError

    def shrink(box: tuple[int, int]) -> "Image":
        image = request.shrink(request.path, box)
        return _dimmed(image, options.background) if request.dim else image

    if request.dim:
        terminal = replace(terminal, budget=terminal.budget // _DIMMED_SHARE)
    try:
        return draw(shrink, request.size, terminal, options)
    except ImageError as error:
        return str(error)
    except Exception:  # a picture is never worth the app
        logging.getLogger(__name__).exception(
            "drawing %s as %s", request.path, terminal.images
        )
        return "This image can't be drawn."
