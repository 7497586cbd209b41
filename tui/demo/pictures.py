"""Result files: painted when they are first asked for, then kept for a while."""

import io
import re
from hashlib import blake2b
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from anyio import CapacityLimiter, to_thread

from tui.catalog.spec import Kind, Model, RouteName, Value
from tui.demo.shelf import Shelf
from tui.demo.tasks import Task, TaskBook
from tui.demo.trouble import Trouble
from tui.demo.uploads import Uploads

if TYPE_CHECKING:
    from PIL import Image

RESULT_LIFETIME = 7 * 86400
CACHE_BYTES = 128_000_000
MOST_IMAGES = 16
SOURCE_PIXELS = 40_000_000
LONGER_SIDE = {"1k": 1024, "2k": 2048, "4k": 4096}


class Pictures:
    """The results of all tasks as files."""

    def __init__(self, book: TaskBook, uploads: Uploads) -> None:
        self._book = book
        self._uploads = uploads
        self._made: Shelf[tuple[str, int], bytes] = Shelf(CACHE_BYTES, len)
        # One at a time: bounded memory, nothing painted twice, and quitting waits for one picture at most.
        self._painter = CapacityLimiter(1)

    def names(self, task: Task) -> list[str]:
        """The result files of a completed task."""
        if Trouble.EMPTY in task.trouble:
            return []
        count = task.values.get("output_count", 1)
        suffix = "png" if _chosen(task, "output_format") in ("", "png") else "jpg"
        return [f"{index}.{suffix}" for index in range(min(count, MOST_IMAGES) if isinstance(count, int) else 1)]

    def find(self, task_id: str, name: str) -> tuple[Task, int] | None:
        """The task and the place of a result file, while it may be downloaded."""
        task = self._book.find(task_id)
        now = self._book.clock()
        if not task or task.status(now) != "completed" or now - task.born > RESULT_LIFETIME:
            return None
        names = self.names(task)
        if name not in names or Trouble.GONE in task.trouble:
            return None
        return task, names.index(name)

    def holds(self, url: str) -> bool:
        """Whether a URL of this service's own leads to a file."""
        return self._locate(url) is not None

    async def data(self, task: Task, index: int) -> bytes:
        data = await to_thread.run_sync(self._data, task, index, limiter=self._painter)
        return data[: len(data) // 3] if Trouble.BROKEN in task.trouble else data

    def _data(self, task: Task, index: int) -> bytes:
        data = self._made.get((task.id, index))
        if data is None:
            data = self._paint(task, index)
            self._made.put((task.id, index), data)
        return data

    def _paint(self, task: Task, index: int) -> bytes:
        from tui.demo.paint import paint  # loads PIL, which nobody needs before the first picture

        source = self._source(task)
        image = paint(
            model=task.model.slug,
            prompt=str(task.values.get("prompt", "")),
            seed=_seed(task) + index,
            size=picture_size(task, source.size if source else None),
            source=source,
        )
        file = io.BytesIO()
        if self.names(task)[index].endswith(".png"):
            image.save(file, "PNG", compress_level=3)
        else:
            image.save(file, "JPEG", quality=90)
        return file.getvalue()

    def _source(self, task: Task) -> "Image.Image | None":
        """The picture that a task works from. What is not here or not a picture is imagined from its URL."""
        from PIL import Image, ImageOps

        from tui.demo.paint import paint

        urls = [url for name in image_params(task.model, task.route) for url in urls_of(task.values.get(name))]
        if not urls:
            return None
        place = self._locate(urls[0])
        try:
            if place:
                image = Image.open(io.BytesIO(place if isinstance(place, bytes) else self._data(*place)))
                if image.width * image.height <= SOURCE_PIXELS:
                    return ImageOps.exif_transpose(image).convert("RGB")
        except Exception:  # decoders fail in every way there is
            pass
        return paint(model="source", prompt=urls[0], seed=0, size=(1024, 1024))

    def _locate(self, url: str) -> bytes | tuple[Task, int] | None:
        """The bytes of an upload or the place of a result; their names are secrets, so the path will do."""
        match urlsplit(url).path.split("/"):
            case ["", "files", "temp", name]:
                upload = self._uploads.find(name)
                return upload.data if upload else None
            case ["", "files", "results" | "origins", task_id, name]:
                return self.find(task_id, name)
        return None


def image_params(model: Model, route: RouteName) -> list[str]:
    return [param.name for param in model.routes[route].params if param.kind in (Kind.IMAGE, Kind.IMAGES)]


def urls_of(value: Value | None) -> list[str]:
    """The entries of an image param, be it one or a list."""
    return [str(item) for item in (value if isinstance(value, list) else [value]) if item]


def picture_size(task: Task, source: tuple[int, int] | None) -> tuple[int, int]:
    """Width and height in pixels, in steps of 16, for what the task asks."""
    longer = LONGER_SIDE.get(_chosen(task, "output_resolution").lower(), 1024)
    wide, high = source or (1, 1)
    if ratio := re.fullmatch(r"(\d+):(\d+)", _chosen(task, "aspect_ratio")):
        wide, high = int(ratio[1]), int(ratio[2])
    if exact := re.fullmatch(r"(\d+)x(\d+)", _chosen(task, "size")):
        wide, high = int(exact[1]), int(exact[2])
        longer = min(max(wide, high), 4096)
    scale = longer / max(wide, high, 1) / 16
    return max(1, round(wide * scale)) * 16, max(1, round(high * scale)) * 16


def _chosen(task: Task, name: str) -> str:
    """The value that holds for a param: the one that was sent, or what the catalog says happens without."""
    if name in task.values:
        return str(task.values[name])
    params = [param for route in task.model.routes.values() if (param := route.param(name))]
    return next((str(param.default) for param in params if param.default is not None), "")


def _seed(task: Task) -> int:
    seed = task.values.get("seed")
    if isinstance(seed, int):
        return seed
    return int.from_bytes(blake2b(task.id.encode(), digest_size=4).digest())
