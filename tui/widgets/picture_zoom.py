"""How far one is zoomed into a picture, and the keys that change it."""

from dataclasses import replace

from textual.binding import Binding

from tui.graphics.zoom import Crop, Load, ZoomSource
from tui.widgets.picture import Picture

MOST_ZOOM = 8


class PictureZoom:
    """The part of an image that a picture shows; `crop` is None for all of it."""

    def __init__(self, picture: Picture, load: Load | None = None) -> None:
        self.crop: Crop | None = None
        self._picture = picture
        self._load = load

    def set(self, zoom: int) -> None:
        """Sets how many dots a pixel's side takes, around the same middle.

        0 fits the whole image in.
        """
        if not zoom:
            self.crop = None
            return
        now = self.crop or Crop(self._source())
        self.crop = replace(now, zoom=min(zoom, MOST_ZOOM))

    def toggle(self) -> None:
        """Shows single pixels, or the whole image."""
        self.set(0 if self.crop else 1)

    def step(self, by: int) -> None:
        """Doubles the zoom, or halves it for a negative `by`."""
        now = self.crop.zoom if self.crop else 0
        self.set(now // 2 if by < 0 else 2 * now or 1)

    def move(self, across: int, down: int) -> None:
        """Moves by so many quarters of the view, where zoomed."""
        if self.crop:
            self.crop = self.crop.moved(across, down)

    def follow(self, crop: Crop | None, finer: float = 1.0) -> None:
        """Shows the same place as another picture's crop, at the same scale.

        `finer` is that of `Crop`.
        """
        if crop is None:
            self.crop = None
        else:
            source = self.crop.source if self.crop else self._source()
            self.crop = replace(crop, source=source, finer=finer)

    def _source(self) -> ZoomSource:
        cells = None if self._picture.has_pixels else lambda: self._picture.cells
        background = self._picture.background_colors[1].rgb
        return ZoomSource(cells, background, self._load)


class ZoomsOnePicture:
    """What the keys of `zoom_bindings` do on a page with a single picture."""

    _zoom: PictureZoom

    def _draw(self) -> None:
        """Draws the picture as far as one has zoomed."""
        raise NotImplementedError

    def action_zoom_or_fit(self) -> None:
        self._zoom.toggle()
        self._draw()

    def action_zoom_by(self, step: int) -> None:
        self._zoom.step(step)
        self._draw()


def zoom_bindings() -> list[Binding]:
    """Returns the keys that zoom, and move by whole views."""
    return [
        Binding(
            "Z",
            "zoom_or_fit",
            "Zoom",
            id="zoom",
            tooltip="Pixel by pixel, or all of the image",
        ),
        Binding(
            "plus,equals_sign",
            "zoom_by(1)",
            "Larger",
            id="zoom-in",
            show=False,
        ),
        Binding("minus", "zoom_by(-1)", "Smaller", id="zoom-out", show=False),
        Binding(
            "shift+right",
            "go(4, 0)",
            "Zoomed, a whole view to the right",
            id="page-right",
            show=False,
        ),
        Binding(
            "shift+left",
            "go(-4, 0)",
            "Zoomed, a whole view to the left",
            id="page-left",
            show=False,
        ),
        Binding(
            "shift+down",
            "go(0, 4)",
            "Zoomed, a whole view down",
            id="page-down",
            show=False,
        ),
        Binding(
            "shift+up",
            "go(0, -4)",
            "Zoomed, a whole view up",
            id="page-up",
            show=False,
        ),
    ]
