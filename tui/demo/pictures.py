"""Result files: painted when they are first asked for, then kept for a while."""

import io
import re
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from anyio import CapacityLimiter, to_thread

from tui.catalog.spec import Kind, Model, RouteName, Value
from tui.demo.answers import Refusal
from tui.demo.limited_cache import LimitedCache
from tui.demo.tasks import DemoTask, TaskRegistry
from tui.demo.trouble import Trouble
from tui.demo.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image

RESULT_LIFETIME = 7 * 86400
CACHE_BYTES = 128_000_000
MOST_IMAGES = 16
SOURCE_PIXELS = 40_000_000
LONGER_SIDE = {"1k": 1024, "1.5k": 1536, "2k": 2048, "4k": 4096}
SCENERY = ["sky", "distance", "land", "foreground"]
MOST_PIECES = 8

Box = tuple[int, int, int, int]
"""Left, top, right and bottom, in pixels."""


class Piece(NamedTuple):
    """A part of a picture: its file, and where it is in the picture."""

    data: bytes
    box: Box


class ResultFiles:
    """The results of all tasks as files."""

    def __init__(self, registry: TaskRegistry, uploads: Uploads) -> None:
        self._registry = registry
        self._uploads = uploads
        self._made: LimitedCache[tuple[str, int], bytes] = LimitedCache(
            CACHE_BYTES, len
        )
        self._apart: LimitedCache[str, list[Piece]] = LimitedCache(
            CACHE_BYTES, lambda parts: sum(len(part.data) for part in parts)
        )
        # One at a time: bounded memory, nothing painted twice, and quitting waits for
        # one picture at most.
        self._painter = CapacityLimiter(1)

    def names(self, task: DemoTask) -> list[str]:
        """The result files of a completed task."""
        if Trouble.EMPTY in task.trouble:
            return []
        count = task.values.get("output_count", 1)
        suffix = "png" if _chosen(task, "output_format") in ("", "png") else "jpg"
        if parts := piece_names(task):
            base = [f"0.{suffix}"] if task.model.action == "decompose_layers" else []
            return [*base, *(f"{number}.png" for number, _ in enumerate(parts, 1))]
        return [
            f"{index}.{suffix}"
            for index in range(min(count, MOST_IMAGES) if isinstance(count, int) else 1)
        ]

    def find(self, task_id: str, name: str) -> tuple[DemoTask, int] | None:
        """The task and the place of a result file, while it may be downloaded."""
        task = self._registry.find(task_id)
        now = self._registry.clock()
        if (
            not task
            or task.status(now) != "completed"
            or now - task.born > RESULT_LIFETIME
        ):
            return None
        names = self.names(task)
        if name not in names or Trouble.GONE in task.trouble:
            return None
        return task, names.index(name)

    def holds(self, url: str) -> bool:
        """Whether a URL of this service's own leads to a file."""
        return self._locate(url) is not None

    async def parts(self, task: DemoTask) -> list[Piece]:
        """The result files of a task that takes a picture apart."""
        return await to_thread.run_sync(self._parts, task, limiter=self._painter)

    async def data(self, task: DemoTask, index: int) -> bytes:
        data = await to_thread.run_sync(self._data, task, index, limiter=self._painter)
        return data[: len(data) // 3] if Trouble.BROKEN in task.trouble else data

    def _data(self, task: DemoTask, index: int) -> bytes:
        if piece_names(task):
            return self._parts(task)[index].data
        data = self._made.get((task.id, index))
        if data is None:
            data = self._paint(task, index)
            self._made.put((task.id, index), data)
        return data

    def _paint(self, task: DemoTask, index: int) -> bytes:
        # Loads PIL, which nobody needs before the first picture
        from tui.demo.paint import paint

        source = self._source(task)
        image = paint(
            model=task.model.slug,
            prompt=str(task.values.get("prompt", "")),
            seed=_seed(task) + index,
            size=picture_size(task, source.size if source else None),
            source=source,
        )
        return _encoded(image, self.names(task)[index])

    def _parts(self, task: DemoTask) -> list[Piece]:
        parts = self._apart.get(task.id)
        if parts is None:
            named = zip(self.names(task), self._cut(task), strict=True)
            parts = [Piece(_encoded(image, name), box) for name, (image, box) in named]
            self._apart.put(task.id, parts)
        return parts

    def _cut(self, task: DemoTask) -> "Iterator[tuple[Image.Image, Box]]":
        from tui.demo.painting import pieces

        source = self._source(task)
        assert source, "the catalog demands one"
        picture = source.resize(picture_size(task, source.size))
        whole: Box = (0, 0, *picture.size)
        layers = task.model.action == "decompose_layers"
        if layers:
            yield pieces.background(picture), whole
        for mask in pieces.split(picture, len(piece_names(task))):
            box = mask.getbbox() or whole
            yield (
                (
                    pieces.cut_out(picture, mask).crop(box)
                    if layers
                    else pieces.lit_up(picture, mask)
                ),
                box,
            )

    def _source(self, task: DemoTask) -> "Image.Image | None":
        """The picture that a task works from. What is not here or not a picture is
        imagined from its name.
        """
        from PIL import Image, ImageOps

        from tui.demo.paint import paint

        names = [*image_params(task.model, task.route), "source_task_id"]
        sources = [
            source for name in names for source in urls_of(task.values.get(name))
        ]
        if not sources:
            return None
        try:
            if place := self._locate(sources[0], public=False):
                image = Image.open(
                    io.BytesIO(
                        place if isinstance(place, bytes) else self._data(*place)
                    )
                )
                if image.width * image.height <= SOURCE_PIXELS:
                    return ImageOps.exif_transpose(image).convert("RGB")
        except Refusal:  # not to be had just now
            raise
        except Exception:  # decoders fail in every way there is
            pass
        return paint(model="source", prompt=sources[0], seed=0, size=(1024, 1024))

    def _locate(
        self, source: str, *, public: bool = True
    ) -> bytes | tuple[DemoTask, int] | None:
        """The bytes of an upload or the place of a result, by URL or task; their names
        are secrets, so the path will do. A source that was taken serves its task even
        when it isn't `public` any more.
        """
        match urlsplit(source).path.split("/"):
            case ["", "files", "temp", name]:
                upload = (
                    self._uploads.find(name) if public else self._uploads.kept(name)
                )
                return upload.data if upload else None
            case ["", "files", "results" | "origins", task_id, name]:
                return self.find(task_id, name)
            case [task_id] if task := self._registry.find(task_id):
                return self.find(task_id, next(iter(self.names(task)), ""))
        return None


def piece_names(task: DemoTask) -> list[str]:
    """What a task takes its picture apart into; nothing for one that paints."""
    match task.model.action:
        case "segment_map":
            return SCENERY
        case "decompose_layers":
            words = re.sub(r"demo:\w+", "", str(task.values.get("prompt", "")))
            wanted = [
                name.strip() for name in re.split(r"[,;\n]", words) if name.strip()
            ]
            return wanted[:MOST_PIECES] or SCENERY
    return []


def image_params(model: Model, route: RouteName) -> list[str]:
    return [
        param.name
        for param in model.routes[route].params
        if param.kind in (Kind.IMAGE, Kind.IMAGES)
    ]


def urls_of(value: Value | None) -> list[str]:
    """The entries of an image param, be it one or a list."""
    return [
        str(item) for item in (value if isinstance(value, list) else [value]) if item
    ]


def picture_size(task: DemoTask, source: tuple[int, int] | None) -> tuple[int, int]:
    """Width and height in pixels, in steps of 16, for what the task asks."""
    sides = (
        LONGER_SIDE.get(_chosen(task, name).lower())
        for name in ("output_resolution", "size")
    )
    longer = next(filter(None, sides), 1024)
    wide, high = source or (1, 1)
    if ratio := re.fullmatch(r"(\d+):(\d+)", _chosen(task, "aspect_ratio")):
        wide = int(ratio[1])
        high = int(ratio[2])
    if exact := re.fullmatch(r"(\d+)x(\d+)", _chosen(task, "size")):
        wide = int(exact[1])
        high = int(exact[2])
        longer = min(max(wide, high), 4096)
    scale = longer / max(wide, high, 1) / 16
    return max(1, round(wide * scale)) * 16, max(1, round(high * scale)) * 16


def _encoded(image: "Image.Image", name: str) -> bytes:
    """The file of that name."""
    file = io.BytesIO()
    if name.endswith(".png"):
        image.save(file, "PNG", compress_level=3)
    else:
        image.save(file, "JPEG", quality=90)
    return file.getvalue()


def _chosen(task: DemoTask, name: str) -> str:
    """The value that holds for a param: the one that was sent, or what the catalog says
    happens without.
    """
    if name in task.values:
        return str(task.values[name])
    params = [
        param for route in task.model.routes.values() if (param := route.param(name))
    ]
    return next(
        (str(param.default) for param in params if param.default is not None), ""
    )


def _seed(task: DemoTask) -> int:
    seed = task.values.get("seed")
    if isinstance(seed, int):
        return seed
    return int.from_bytes(blake2b(task.id.encode(), digest_size=4).digest())
