"""Pictures that come with the answer are saved as any other, and the queue stays small."""

import asyncio
import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from tests.loopback import serving
from tests.tasks.conftest import OpenEngine
from tests.tasks.test_odd_answers import Changed
from tui.catalog.load import bundled
from tui.tasks import fetching, inline, submit, worker
from tui.tasks.rescue import rescue
from tui.tasks.saving import part_name
from tui.tasks.task import Status

FLUX = bundled().find("flux-2-pro-text-to-image")
EDIT = bundled().find("flux-2-pro-remix-image")


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (worker, fetching):
        monkeypatch.setattr(module, "backoff", lambda *_: 0.0)


def picture(kind: str = "PNG", size: int = 300) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((size, size), 60).convert("RGB").save(file, kind)
    return file.getvalue()


def in_base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


class Holding(Changed):
    """Answers polls with what `say` makes of the usual answer."""

    def __init__(self, say: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        super().__init__()
        self.say = say

    def poll(self, number: int, said: dict[str, Any]) -> Response | None:
        if said["status"] != "completed":
            return None
        said.pop("images")
        return JSONResponse(said | self.say(said))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
async def test_every_kind_is_saved_and_the_queue_keeps_no_base64(
    kind: str, open_engine: OpenEngine, tmp_path: Path
) -> None:
    content = picture(kind)
    text = in_base64(content)
    shapes = {
        "data": [{"b64_json": text}],
        "output": f"data:image/{kind.lower()};base64,{text}",
    }
    for name, shape in shapes.items():
        app = Holding(lambda said, name=name, shape=shape: {name: shape})  # type: ignore[misc]
        with serving(app) as url:
            async with open_engine(url, embed=False) as watched:
                task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
                ended = await watched.engine.wait(task.id)
                events = await watched.engine.queue.run(
                    lambda store, id=task.id: store.events(id)  # type: ignore[misc]
                )
        assert (ended.status, ended.error) == (Status.COMPLETED, None)
        assert Path(ended.files[0]).read_bytes() == content
        assert ended.results[0].format == kind
        assert app.downloads == 0
        raws = [raw for _, _, raw in events]
        assert any("inline:" in raw and '"status"' in raw for raw in raws)
        assert not any(text[:100] in raw for raw in raws)
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("queue.db*"))
    assert text[1000:1100].encode() not in stored


async def test_a_restart_needs_neither_the_service_nor_the_answer(
    open_engine: OpenEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The part file is on disk before the queue names it, and outlives the process."""
    content = picture()
    app = Holding(lambda said: {"image": in_base64(content)})

    async def never(fetcher: object, task_id: str) -> None:
        await asyncio.Event().wait()

    with serving(app) as url:
        with monkeypatch.context() as patch:
            patch.setattr(fetching.Fetcher, "fetch", never)
            async with open_engine(url) as watched:
                task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
                left = await watched.until_status(task.id, Status.FETCHING)
        part = Path(left.out_dir) / part_name(left, 0)
        assert part.read_bytes() == content
        polls = app.polls
        async with open_engine(url) as again:
            ended = await again.engine.wait(task.id)
    assert ended.status is Status.COMPLETED
    assert Path(ended.files[0]).is_file()
    assert not part.exists()
    assert app.polls == polls


async def test_a_part_file_that_was_lost_is_asked_for_again(
    open_engine: OpenEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = picture()
    kept: list[Path] = []
    keep = inline.keep

    async def lost(task: Any, pictures: Any) -> None:
        await keep(task, pictures)
        if task.results and not kept:
            kept.append(Path(task.out_dir) / part_name(task, 0))
            kept[0].unlink()

    monkeypatch.setattr(inline, "keep", lost)
    app = Holding(lambda said: {"image": in_base64(content)})
    with serving(app) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            ended = await watched.engine.wait(task.id)
    assert (ended.status, len(ended.files), len(kept)) == (Status.COMPLETED, 1, 1)


async def test_a_full_disk_takes_no_picture_for_received(
    open_engine: OpenEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, failures = inline.keep, iter([True, True, False])

    async def full(task: Any, pictures: Any) -> None:
        if pictures and next(failures, False):
            raise OSError(28, "No space left on device")
        await keep(task, pictures)

    monkeypatch.setattr(inline, "keep", full)
    with serving(Holding(lambda said: {"image": in_base64(picture())})) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            ended = await watched.engine.wait(task.id)
            notes = [told.note for told in watched.told]
    assert (ended.status, len(ended.files)) == (Status.COMPLETED, 1)
    assert any(
        "can't be written to" in note and "No space left" in note for note in notes
    )


async def test_a_damaged_picture_is_no_result(open_engine: OpenEngine) -> None:
    content = picture()[:-2000]
    with serving(Holding(lambda said: {"image": in_base64(content)})) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            ended = await watched.engine.wait(task.id)
    assert ended.status is Status.FAILED
    assert ended.error
    assert "damaged" in ended.error.message
    (kept,) = Path(ended.out_dir).iterdir()
    assert kept.read_bytes() == content
    assert str(kept) in ended.error.message


class AtOnce(Changed):
    """Answers each create with a picture, without an id unless `said` has one."""

    def __init__(self, said: dict[str, Any], content: bytes) -> None:
        super().__init__()
        self.answer = said | {"data": [{"b64_json": in_base64(content)}]}
        self.keys: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            self.keys.append(dict(scope["headers"])[b"idempotency-key"].decode())
            await JSONResponse(self.answer)(scope, receive, send)
            return
        await super().__call__(scope, receive, send)


async def test_a_picture_without_an_id_that_cannot_be_written_is_sent_for_again(
    open_engine: OpenEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same key, as long as the disk is full, also after a restart."""
    monkeypatch.setattr(submit, "backoff", lambda *_: 0.01)
    keep, full = inline.keep, asyncio.Event()

    async def on_full_disk(task: Any, pictures: Any) -> None:
        if pictures and full.is_set():
            raise OSError(28, "No space left on device")
        await keep(task, pictures)

    monkeypatch.setattr(inline, "keep", on_full_disk)
    full.set()
    app = AtOnce({"status": "completed"}, picture())
    with serving(app) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            await watched.until(lambda _: len(app.keys) > 2)
            waiting = watched.engine.tasks[task.id]
            assert (waiting.status, waiting.unsure) == (Status.SUBMITTING, True)
            notes = [told.note for told in watched.told]
            assert any("can't be written to" in note for note in notes)
        full.clear()
        async with open_engine(url) as again:
            ended = await again.engine.wait(task.id)
    assert (ended.status, len(ended.files)) == (Status.COMPLETED, 1)
    assert set(app.keys) == {ended.key}


async def test_a_damaged_picture_without_an_id_is_kept_and_named(
    open_engine: OpenEngine,
) -> None:
    content = picture()[:-2000]
    app = AtOnce({"status": "completed"}, content)
    with serving(app) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            ended = await watched.engine.wait(task.id)
    assert ended.status is Status.EXPIRED
    assert not ended.lacks_picture  # nothing is there to be fetched for free
    (kept,) = Path(ended.out_dir).iterdir()
    assert kept.read_bytes() == content
    assert ended.error
    assert str(kept) in ended.error.message
    assert len(app.keys) == 1


@pytest.mark.parametrize(
    "said",
    [{"id": "t1", "status": "completed"}, {"status": "completed"}, {"created": 7}],
)
async def test_a_create_may_answer_with_the_picture_at_once(
    said: dict[str, Any], open_engine: OpenEngine
) -> None:
    content = picture()
    with serving(AtOnce(said, content)) as url:
        async with open_engine(url, embed=False) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            ended = await watched.engine.wait(task.id)
    assert ended.status is Status.COMPLETED
    assert Path(ended.files[0]).read_bytes() == content


# ---- what is no image


class Beside(Changed):
    """The usual picture, with other files before and after it."""

    def __init__(self, *others: Response) -> None:
        super().__init__()
        self.others = others
        self.only_others = False

    def poll(self, number: int, said: dict[str, Any]) -> Response | None:
        if said["status"] != "completed":
            return None
        images = [] if self.only_others else said["images"]
        host = said["images"][0]["url"].rpartition("/files/")[0]
        first, *more = [{"url": f"{host}/other/{n}"} for n in range(len(self.others))]
        return JSONResponse(said | {"images": [first, *images, *more]})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith("/other/"):
            number = int(scope["path"].rpartition("/")[2])
            await self.others[number](scope, receive, send)
            return
        await super().__call__(scope, receive, send)


VIDEO = Response(b"\x00\x00\x00\x20ftypisom" + bytes(500), media_type="video/mp4")
PAGE = HTMLResponse("<html>Documentation</html>")


async def test_a_picture_beside_a_file_of_another_kind_is_saved(
    open_engine: OpenEngine,
) -> None:
    with serving(Beside(VIDEO, VIDEO)) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            ended = await watched.engine.wait(task.id)
    assert (ended.status, len(ended.files)) == (Status.COMPLETED, 1)
    assert len(ended.results) == 1
    assert ended.error
    assert "is a video (MP4)" in ended.error.message
    assert f"{url}/other/0" in ended.error.message
    assert not ended.lacks_picture


async def test_a_page_beside_a_picture_is_fetched_again_for_free(
    open_engine: OpenEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = Beside(PAGE)
    with serving(app) as url:
        async with open_engine(url) as watched:
            with monkeypatch.context() as patch:
                patch.setattr(fetching, "GONE_FOR", 0.0)
                task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
                ended = await watched.engine.wait(task.id)
            assert (ended.status, len(ended.files)) == (Status.COMPLETED, 1)
            assert ended.results[0].url == f"{url}/other/0"
            assert ended.lacks_picture
            assert ended.error
            assert "is not a PNG, JPEG, WebP or GIF image" in ended.error.message
            app.others = (Response(picture()),)
            rescued, problems = await rescue(watched.engine)
            assert ([each.id for each in rescued], problems) == ([task.id], [])
            saved = await watched.engine.wait(task.id)
    assert (saved.status, saved.error) == (Status.COMPLETED, None)
    assert len(saved.files) == 2
    assert app.downloads == 1
    assert not saved.lacks_picture


class AtLast(Response):
    """A page at first, and a picture after many requests."""

    tries = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.tries += 1
        answer = PAGE if self.tries < 12 else Response(picture())
        await answer(scope, receive, send)


async def test_a_page_beside_a_picture_may_become_one(open_engine: OpenEngine) -> None:
    with serving(Beside(AtLast())) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            ended = await watched.engine.wait(task.id)
    assert (ended.status, ended.error) == (Status.COMPLETED, None)
    assert len(ended.files) == 2


async def test_a_video_is_called_one_and_its_address_kept(
    open_engine: OpenEngine,
) -> None:
    app = Beside(VIDEO)
    app.only_others = True
    with serving(app) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            ended = await watched.engine.wait(task.id)
    assert ended.status is Status.FAILED
    assert ended.error
    assert "is a video (MP4)" in ended.error.message
    assert [result.url for result in ended.results] == [f"{url}/other/0"]
    assert not list(Path(ended.out_dir).iterdir())


AVIF = b"\0\0\0\x20ftypavif" + bytes(500)  # without pixels
VIDEO_BYTES = b"\0\0\0\x20ftypisom" + bytes(500)


@pytest.mark.parametrize("more", [[], [picture()]], ids=["alone", "beside"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (VIDEO_BYTES, "is a video (MP4)"),
        (b"no picture at all" * 30, "is not a PNG, JPEG, WebP or GIF image"),
    ],
    ids=["video", "text"],
)
async def test_base64_of_another_kind_is_kept_in_a_file(
    content: bytes, words: str, more: list[bytes], open_engine: OpenEngine
) -> None:
    data = [{"b64_json": in_base64(each)} for each in (content, *more)]
    with serving(Holding(lambda said: {"data": data})) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            ended = await watched.engine.wait(task.id)
    assert ended.status is (Status.COMPLETED if more else Status.FAILED)
    assert len(ended.files) == len(more)
    (kept,) = Path(ended.out_dir).glob("*.kept")
    assert kept.read_bytes() == content
    assert ended.error
    assert words in ended.error.message
    assert str(kept) in ended.error.message


SVG = b'<?xml version="1.0"?><svg width="64" height="48"><g/></svg>'
KEPT = {
    ".avif": AVIF,
    ".tiff": picture("TIFF"),
    ".bmp": picture("BMP"),
    ".svg": SVG,
}


@pytest.mark.parametrize("suffix", KEPT)
async def test_a_picture_that_cannot_be_shown_is_saved_as_it_came(
    suffix: str, open_engine: OpenEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "backoff", lambda *_: 0.0)
    data = [{"b64_json": in_base64(KEPT[suffix])}]
    beside = Beside(Response(KEPT[suffix]))
    beside.only_others = True
    for app in (Holding(lambda said: {"data": data}), beside):
        with serving(app) as url:
            async with open_engine(url) as watched:
                task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
                ended = await watched.engine.wait(task.id)
        assert (ended.status, ended.error) == (Status.COMPLETED, None)
        (file,) = map(Path, ended.files)
        assert (file.suffix, file.read_bytes()) == (suffix, KEPT[suffix])
        assert ended.results[0].format == suffix[1:].upper()


# ---- sources and previews


async def test_a_source_that_is_repeated_is_no_result(open_engine: OpenEngine) -> None:
    source = "https://host.test/source.png"

    class Echo(Changed):
        def poll(self, number: int, said: dict[str, Any]) -> Response | None:
            images = said.pop("images", [])
            done = number > 2
            return JSONResponse(
                said
                | {"image_url": source, "made": {"from": source}}
                | {"params": {"source_image_urls": [source]}}
                | ({"made": [image["url"] for image in images]} if done else {})
            )

    with serving(Echo()) as url:
        async with open_engine(url) as watched:
            values: dict[str, Any] = {"prompt": "a fox", "source_image_urls": [source]}
            task = await watched.engine.submit(EDIT, values)
            ended = await watched.engine.wait(task.id)
    assert (ended.status, len(ended.files)) == (Status.COMPLETED, 1)
    assert source not in json.dumps([result.url for result in ended.results])


async def test_a_preview_is_saved_when_nothing_better_comes(
    open_engine: OpenEngine,
) -> None:
    class OnlyPreview(Changed):
        def poll(self, number: int, said: dict[str, Any]) -> Response | None:
            images = said.pop("images", None)
            preview = {"preview_url": images[0]["url"]} if images else {}
            return JSONResponse(said | preview)

    app = OnlyPreview()
    with serving(app) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            ended = await watched.engine.wait(task.id)
    assert (ended.status, len(ended.files)) == (Status.COMPLETED, 1)
    assert app.polls >= worker.EMPTY_POLLS


async def test_a_task_that_is_completed_with_an_error_has_failed(
    open_engine: OpenEngine,
) -> None:
    app = Holding(lambda said: {"errors": [{"detail": "No luck."}]})
    with serving(app) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            ended = await watched.engine.wait(task.id)
    assert ended.status is Status.FAILED
    assert ended.error
    assert ended.error.message == "No luck."
    assert app.polls >= worker.EMPTY_POLLS


async def test_a_warning_may_come_before_the_picture(open_engine: OpenEngine) -> None:
    class Early(Changed):
        warned = 0

        def poll(self, number: int, said: dict[str, Any]) -> Response | None:
            if said["status"] != "completed" or self.warned == 2:
                return None
            self.warned += 1
            return JSONResponse(said | {"images": [], "error": "One is late."})

    app = Early()
    with serving(app) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
            ended = await watched.engine.wait(task.id)
            notes = [told.note for told in watched.told]
    assert app.warned == 2
    assert (ended.status, ended.error, len(ended.files)) == (Status.COMPLETED, None, 1)
    assert any("One is late." in note for note in notes)
