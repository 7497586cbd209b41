"""What was made and paid is fetched later, named as wished, and tells what made it."""

from pathlib import Path

import httpx

from tests.tasks.conftest import OpenEngine
from tui.catalog.load import bundled
from tui.demo import DEMO_URL
from tui.demo.service import create_app
from tui.images import metadata
from tui.tasks.rescue import rescue, unsaved
from tui.tasks.task import Status

FLUX = bundled().find("flux-2-pro-text-to-image")


class FileHost(httpx.AsyncBaseTransport):
    """The embedded service, whose file host can be lost."""

    def __init__(self) -> None:
        self._service = httpx.ASGITransport(create_app(bundled(), delay=0))
        self.gone = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.gone and request.url.path.startswith("/files/"):
            return httpx.Response(410)
        return await self._service.handle_async_request(request)


async def test_what_was_made_and_not_saved_is_rescued(open_engine: OpenEngine) -> None:
    host = FileHost()
    async with open_engine(DEMO_URL, transport=host) as watched:
        host.gone = True
        lost = await watched.engine.submit(FLUX, {"prompt": "a fox"})
        lost = await watched.engine.wait(lost.id)
        await watched.engine.marker.clear([lost])
        failed = await watched.engine.submit(FLUX, {"prompt": "demo:fail"})
        await watched.engine.wait(failed.id)
        host.gone = False
        assert [task.id for task in unsaved(watched.engine.tasks.values())] == [lost.id]
        tasks, problems = await rescue(watched.engine)
        saved = await watched.engine.wait(lost.id)
        again, _ = await rescue(watched.engine)
    assert (lost.status, saved.status) == (Status.EXPIRED, Status.COMPLETED)
    assert ([task.id for task in tasks], problems, again) == ([lost.id], [], [])
    assert Path(saved.files[0]).is_file()


async def test_what_was_written_long_before_it_was_made_is_rescued_too(
    open_engine: OpenEngine,
) -> None:
    host = FileHost()
    async with open_engine(DEMO_URL, transport=host) as watched:
        host.gone = True
        lost = await watched.engine.submit(FLUX, {"prompt": "a fox"})
        lost = await watched.engine.wait(lost.id)
        long_ago = lost.created_at - 40 * 86400
        await watched.engine.queue.save(lost.change(created_at=long_ago))
        host.gone = False
        tasks, problems = await rescue(watched.engine)
        assert ([task.id for task in tasks], problems) == ([lost.id], [])
        assert (await watched.engine.wait(lost.id)).status is Status.COMPLETED


async def test_an_image_is_named_as_wished_and_tells_what_made_it(
    open_engine: OpenEngine,
) -> None:
    async with open_engine(
        DEMO_URL, transport=FileHost(), name="{model}/{prompt}", embed=True
    ) as watched:
        tasks = [
            await watched.engine.submit(FLUX, {"prompt": "a fox"}) for _ in range(2)
        ]
        ended = [await watched.engine.wait(task.id) for task in tasks]
        await watched.engine.marker.delete(ended)
        assert not any(Path(path).exists() for task in ended for path in task.files)
        await watched.engine.marker.undo()
    folder = Path(ended[0].out_dir) / "flux-2-pro-text-to-image"
    names = {Path(path) for task in ended for path in task.files}
    assert names == {folder / "a-fox.png", folder / "a-fox-2.png"}
    recipe = metadata.read(folder / "a-fox.png")
    assert recipe
    assert (recipe.source, recipe.model, recipe.values) == (
        "runapi-tui",
        FLUX.slug,
        {"prompt": "a fox"},
    )


async def test_by_default_the_bytes_are_kept_as_they_came(
    open_engine: OpenEngine,
) -> None:
    host = FileHost()
    async with open_engine(DEMO_URL, transport=host) as watched:
        task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
        ended = await watched.engine.wait(task.id)
        async with httpx.AsyncClient(transport=host) as client:
            original = await client.get(ended.results[0].url)
    assert Path(ended.files[0]).read_bytes() == original.content
