"""What an answer makes of a task, and that every result is saved as what it is."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from PIL import Image

from tests.loopback import serving
from tests.tasks.conftest import OpenEngine
from tui.catalog.load import bundled
from tui.catalog.spec import Values
from tui.demo.service import create_app
from tui.service.task_answer import Answer, ImageLink
from tui.tasks.answer import answered
from tui.tasks.naming import DEFAULT, render
from tui.tasks.task import Result, Status, Task

GROK = bundled().find("grok-imagine-image-2-0", "text_to_image")
SEGMENTS = bundled().find("grok-imagine-image-2-0", "segment_map")
LAYERS = bundled().find("seedream-5-pro-layer-decomposition", "decompose_layers")
TASK = Task(
    id="01k0vwn3m4a7xq",
    action="decompose_layers",
    model="seedream-5-pro-layer-decomposition",
    service="seedream",
    base_url="",
    route="service",
    values={},
    created_at=1_784_800_000,
    status=Status.PENDING,
    remote_id="t1",
)


@pytest.fixture(autouse=True)
def painted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain picture in place of a painting."""

    def paint(**wishes: Any) -> Image.Image:
        return Image.new("RGB", wishes["size"], "teal")

    monkeypatch.setattr("tui.demo.paint.paint", paint)


def test_results_keep_their_order_and_what_they_are() -> None:
    answer = Answer(
        state="completed",
        results=(ImageLink("https://x/1", "base"), ImageLink("https://x/2")),
    )
    made = answered(TASK, answer)
    assert made.status is Status.FETCHING
    assert made.results == (
        Result(url="https://x/1", label="base"),
        Result(url="https://x/2"),
    )
    assert made.made_at


def test_the_same_answer_again_is_no_news() -> None:
    answer = Answer(state="pending", word="pending")
    told = answered(TASK, answer)
    assert answered(told, answer) is told


def test_a_failure_without_a_reason_has_a_sentence() -> None:
    failed = answered(TASK, Answer(state="failed", word="cancelled"))
    assert failed.error
    assert "cancelled" in failed.error.message


@pytest.mark.parametrize(
    ("label", "ending"),
    [
        ("", "m4a7xq"),
        ("base", "m4a7xq-base"),
        ("layer 2", "m4a7xq-layer-2"),
        ("segment 1: a/b ..\\ sky", "m4a7xq-segment-1-a-b-sky"),
        ("layer 3: 雪", "m4a7xq-layer-3-雪"),
    ],
)
@pytest.mark.parametrize(
    "prompt", ["", "a fox", "extraordinarily long words everywhere, everyday"]
)
def test_a_name_ends_with_what_the_image_is(
    prompt: str, label: str, ending: str
) -> None:
    stem = render(
        DEFAULT,
        replace(
            TASK, values={"prompt": prompt}, results=(Result(url="", label=label),)
        ),
        0,
    )
    assert stem.endswith(ending)
    assert len(stem.encode()) <= 100


def test_a_long_prompt_leaves_room_for_what_the_image_is() -> None:
    results = (Result(url="", label="layer 12"),)
    name = render(
        DEFAULT,
        replace(TASK, values={"prompt": "雪の中の赤い狐" * 9}, results=results),
        0,
    )
    assert name.endswith("-layer-12")


async def test_every_layer_is_saved_as_what_it_is(open_engine: OpenEngine) -> None:
    values: Values = {"image_url": "https://host.test/a.png", "prompt": "fox, 雪, fox"}
    with serving(create_app(bundled(), delay=0)) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(LAYERS, values)
            ended = await watched.engine.wait(task.id)
            events = await watched.engine.queue.run(lambda store: store.events(task.id))
        async with open_engine(url) as again:
            kept = await again.engine.queue.run(lambda store: store.get(task.id))
    assert ended.status is Status.COMPLETED
    assert kept == ended
    assert [result.label for result in ended.results] == [
        "base",
        "layer 1: fox",
        "layer 2: 雪",
        "layer 3: fox",
    ]
    stem = render(DEFAULT, replace(ended, results=()), 0).removesuffix(ended.id[-6:])
    assert [Path(path).name.removeprefix(stem) for path in ended.files] == [
        f"{ended.id[-6:]}-base.jpg",
        f"{ended.id[-6:]}-layer-1-fox.png",
        f"{ended.id[-6:]}-layer-2-雪.png",
        f"{ended.id[-6:]}-layer-3-fox.png",
    ]
    for path, result in zip(ended.files[1:], ended.results[1:], strict=True):
        with Image.open(path) as image:
            assert (image.mode, image.width, image.height) == (
                "RGBA",
                result.width,
                result.height,
            )
    # What has no place here is not lost
    assert any("bounding_box" in raw for _, _, raw in events)


async def test_a_picture_is_taken_apart_and_every_segment_saved(
    open_engine: OpenEngine,
) -> None:
    with serving(create_app(bundled(), delay=0)) as url:
        async with open_engine(url) as watched:
            picture = await watched.engine.submit(
                GROK, {"prompt": "a fox", "aspect_ratio": "1:1"}
            )
            made = await watched.engine.wait(picture.id)
            task = await watched.engine.submit(
                SEGMENTS, {"source_task_id": made.remote_id}
            )
            ended = await watched.engine.wait(task.id)
    assert made.results[0].label == ""
    assert ended.status is Status.COMPLETED
    assert [result.label for result in ended.results] == [
        *(
            "segment 1: sky",
            "segment 2: distance",
            "segment 3: land",
            "segment 4: foreground",
        ),
    ]
    names = [Path(path).name for path in ended.files]
    assert [name.partition(ended.id[-6:])[2] for name in names] == [
        *(
            "-segment-1-sky.png",
            "-segment-2-distance.png",
            "-segment-3-land.png",
            "-segment-4-foreground.png",
        ),
    ]


async def test_layers_that_are_left_keep_what_they_are(open_engine: OpenEngine) -> None:
    """What was saved stays; what was gone is fetched again under its own name."""
    service = create_app(bundled(), delay=0)
    seen: Counter[str] = Counter()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen[scope["path"]] += 1
        if scope["path"].endswith("/2.png") and seen[scope["path"]] == 1:
            await send({"type": "http.response.start", "status": 410, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await service(scope, receive, send)

    with serving(app) as url:
        async with open_engine(url) as watched:
            task = await watched.engine.submit(
                LAYERS, {"image_url": "https://host.test/a.png"}
            )
            lost = await watched.engine.wait(task.id)
            assert (lost.status, len(lost.files)) == (Status.EXPIRED, 4)
            assert lost.expires_at
            await watched.engine.watch(task.id)
            ended = await watched.engine.wait(task.id)
    assert ended.status is Status.COMPLETED
    assert (*ended.files[:2], *ended.files[3:]) == lost.files
    assert ended.files[2].endswith("-layer-2-distance.png")
    assert len(ended.files) == 5
