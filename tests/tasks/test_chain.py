"""A task waits for the picture of another one, and works from it."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.tasks.conftest import OpenEngine
from tui.catalog.load import bundled
from tui.catalog.request import Request
from tui.exchange.repeat import Repeater
from tui.tasks import actions
from tui.tasks.draft import InvalidRequestError
from tui.tasks.engine import Engine
from tui.tasks.store import Store
from tui.tasks.task import Status, Task

pytestmark = pytest.mark.hands_over("*.png")

CATALOG = bundled()
FLUX = CATALOG.find("flux-2-pro-text-to-image")
EDIT = CATALOG.find("gpt-image-2", "edit_image")
UPSCALE = CATALOG.find("topaz-upscale-image")


async def chained(engine: Engine, prompt: str = "a fox") -> tuple[Task, Task]:
    """Two tasks in a paused queue: an edit that waits for a picture."""
    await engine.pause(True)
    first = await engine.submit(FLUX, {"prompt": prompt})
    edit = Request(EDIT, {"prompt": "at night"}, 50, after=first.id)
    (second,) = await engine.submit_job([edit])
    return first, second


async def test_the_picture_of_the_first_task_is_the_source_of_the_second(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url) as watched:
        engine = watched.engine
        first, second = await chained(engine)
        assert (second.status, second.estimate_micro) == (Status.HELD, 50)
        await watched.until_note(second.id, "Waits for the picture")
        await engine.pause(False)
        ended = await engine.wait(second.id)
        made = engine.tasks[first.id]
        assert (made.status, ended.status) == (Status.COMPLETED, Status.COMPLETED)
        assert ended.values["source_image_urls"] == [made.files[0]]
        assert ended.after == first.id
        assert made.created_at <= made.sent_at <= ended.sent_at
        sent = json.loads(ended.body)
        assert sent["source_image_urls"][0].startswith("http")


async def test_it_is_skipped_with_a_reason_where_there_is_no_picture(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url) as watched:
        engine = watched.engine
        first, second = await chained(engine, "a kite demo:fail")
        await engine.pause(False)
        skipped = await engine.wait(second.id)
        assert skipped.status is Status.REJECTED
        assert skipped.error
        assert skipped.error.kind == "dependency"
        assert '"a kite demo:fail" has no picture' in skipped.error.message
        assert not skipped.sent_at
        # A retry of the second alone can't work; the first one's retry helps both.
        with pytest.raises(InvalidRequestError, match="retry that first"):
            await engine.retry(skipped)
        await engine.pause(True)
        await engine.retry(engine.tasks[first.id])
        again = await engine.retry(skipped)
        assert again.after == engine.tasks[first.id].retried_by


async def test_a_retry_that_came_meanwhile_is_waited_for(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url) as watched:
        engine = watched.engine
        await engine.pause(True)
        first = await engine.submit(FLUX, {"prompt": "demo:fail"})
        await engine.pause(False)
        await engine.wait(first.id)
        await engine.pause(True)
        retry = await engine.retry(engine.tasks[first.id])
        edit = Request(EDIT, {"prompt": "at night"}, after=first.id)
        (second,) = await engine.submit_job([edit])
        await watched.until_note(second.id, "Waits for the picture")
        await engine.drop([retry.id])
        assert (await engine.wait(second.id)).status is Status.REJECTED


async def test_it_waits_on_after_a_restart(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url) as watched:
        first, second = await chained(watched.engine)
    async with open_engine(base_url) as watched:
        engine = watched.engine
        await watched.until_note(second.id, "Waits for the picture")
        await engine.pause(False)
        ended = await engine.wait(second.id)
        assert ended.status is Status.COMPLETED
        assert ended.values["source_image_urls"] == [engine.tasks[first.id].files[0]]


async def test_a_picture_is_given_to_no_parameter_that_takes_none(
    base_url: str, open_engine: OpenEngine, tmp_path: Path
) -> None:
    """As in a queue file that was edited: a path would be sent as a prompt, and paid."""
    async with open_engine(base_url) as watched:
        engine = watched.engine
        first, _ = await chained(engine)
        second = await engine.submit(FLUX, {"prompt": "an owl"})
    store = Store(tmp_path / "queue.db")
    store.save(second.change(after=first.id, after_param="prompt"))
    store.close()
    async with open_engine(base_url) as watched:
        engine = watched.engine
        await engine.pause(False)
        ended = await engine.wait(second.id)
        assert (ended.status, ended.sent_at) == (Status.HELD, 0)
        assert ended.error
        assert "prompt takes no picture" in ended.error.message


async def test_it_can_be_changed_and_dropped_while_it_waits(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url) as watched:
        engine = watched.engine
        first, second = await chained(engine)
        edited = Request(EDIT, {"prompt": "in snow"}, after=first.id)
        changed = await engine.revise(second.id, edited)
        assert (changed.prompt, changed.after_param) == ("in snow", "source_image_urls")
        (dropped,) = await engine.drop([second.id])
        assert dropped.status is Status.DROPPED
        assert engine.tasks[first.id].live


async def test_a_picture_that_is_there_already_is_taken_at_once(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url) as watched:
        engine = watched.engine
        first = await engine.submit(FLUX, {"prompt": "a fox"})
        await engine.wait(first.id)
        (second,) = await engine.submit_job([Request(UPSCALE, {}, after=first.id)])
        ended = await engine.wait(second.id)
        assert ended.status is Status.COMPLETED
        assert ended.values["source_image_url"] == engine.tasks[first.id].files[0]


async def test_pictures_of_imported_tasks_are_never_taken(
    base_url: str, open_engine: OpenEngine, tmp_path: Path
) -> None:
    async with open_engine(base_url) as watched:
        engine = watched.engine
        first = await engine.submit(FLUX, {"prompt": "a fox"})
        ended = await engine.wait(first.id)
        await engine.queue.save(ended.change(imported=True))
        (second,) = await engine.submit_job([Request(UPSCALE, {}, after=first.id)])
        assert (await engine.wait(second.id)).status is Status.REJECTED


async def test_a_picture_that_is_gone_holds_the_task_for_the_user(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url) as watched:
        engine = watched.engine
        first = await engine.submit(FLUX, {"prompt": "a fox"})
        ended = await engine.wait(first.id)
        Path(ended.files[0]).unlink()
        (second,) = await engine.submit_job([Request(UPSCALE, {}, after=first.id)])
        held = await engine.wait(second.id)
        assert held.status is Status.HELD
        assert held.error
        assert "There is no file" in held.error.message


async def test_a_model_without_a_source_waits_for_none(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url) as watched:
        engine = watched.engine
        z_image = CATALOG.find("z-image")
        with pytest.raises(InvalidRequestError, match="works from no picture"):
            await engine.submit_job([Request(z_image, {"prompt": "x"}, after="x")])


async def test_the_same_again_waits_for_the_picture_too(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url) as watched:
        engine = watched.engine
        first, second = await chained(engine)
        repeater = Repeater(CATALOG, "auto")
        for job in (repeater.same([second]), repeater.with_new_seeds([second], 2)):
            for request in job.requests:
                assert request.after == first.id


async def test_all_that_failed_is_retried_in_its_order(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url) as watched:
        engine = watched.engine
        first, second = await chained(engine, "a kite demo:fail")
        await engine.pause(False)
        await engine.wait(second.id)
        await engine.pause(True)
        failed = [engine.tasks[task.id] for task in (second, first)]
        assert await actions.retry(engine, failed) == "2 tasks sent again."


async def test_a_task_that_is_set_aside_is_named_as_what_holds_the_next_one(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url) as watched:
        engine = watched.engine
        first, second = await chained(engine)
        await engine.set_aside([first.id])
        await watched.until_note(second.id, "set aside: send or watch that one")


async def test_an_end_that_comes_while_the_note_is_written_is_not_missed(
    base_url: str, open_engine: OpenEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_engine(base_url) as watched:
        engine = watched.engine
        really = engine.queue.note

        async def slow_note(task_id: str, note: str, *rest: str) -> None:
            if note.startswith("Waits for the picture"):
                await engine.wait(first.id)
            await really(task_id, note, *rest)

        monkeypatch.setattr(engine.queue, "note", slow_note)
        first = await engine.submit(FLUX, {"prompt": "a fox"})
        (second,) = await engine.submit_job([Request(UPSCALE, {}, after=first.id)])
        ended = await asyncio.wait_for(engine.wait(second.id), 20)
        assert ended.status is Status.COMPLETED
