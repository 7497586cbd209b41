"""The page that compares: images in the same place, and what differs in them."""

import gc
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.app import TestApp, past
from tests.images.test_files import png_claiming
from tui.graphics.probe import Images, Terminal
from tui.screens import compare
from tui.screens.compare import CompareScreen
from tui.screens.help import HelpScreen
from tui.tasks.task import Result, Status, Task

SIZE = (640, 480)


@pytest.fixture
def made(home: Path) -> Callable[..., Task]:
    """Makes a task with an image of one colour, or of these bytes."""

    def make(
        name: str, colour: str = "red", size: tuple[int, int] = SIZE, **fields: Any
    ) -> Task:
        path = home / f"{name}.png"
        data = fields.pop("data", b"")
        if data:
            path.write_bytes(data)
        else:
            image = Image.new("RGB", size, "grey")
            image.paste(colour, (0, 0, size[0] // 2, size[1] // 2))
            image.save(path)
        result = Result(
            url="", path=str(path), format="PNG", width=size[0], height=size[1]
        )
        fields.setdefault("values", {"prompt": name})
        return past(name, results=(result,), **fields)

    return make


async def opened(
    app: TestApp, *tasks: Task
) -> tuple[CompareScreen, list[tuple[str, int] | None]]:
    """Compares the first image of each task; the list will hold what the page says."""
    ended: list[tuple[str, int] | None] = []
    page = CompareScreen(app.pages.view, [(task, 0) for task in tasks])
    await app.push_screen(page, ended.append)
    return page, ended


def title(app: TestApp) -> str:
    return " ".join(app.text().splitlines()[0].split())


async def until_title(app: TestApp, wanted: str) -> None:
    try:
        await app.until(lambda: wanted in title(app))
    except TimeoutError:
        raise AssertionError(f"{wanted!r} is not in {title(app)!r}") from None


async def until_captions(app: TestApp, wanted: str) -> None:
    """Waits until that stands above the images."""
    await app.until(lambda: app.text().splitlines()[1].split() == wanted.split())


def area(app: TestApp, colour: tuple[int, int, int]) -> tuple[int, ...]:
    """The columns and rows of all cells of that colour, as left, top, right, bottom."""
    found = []
    for y, strip in enumerate(app.screen._compositor.render_strips()):
        x = 0
        for segment in strip:
            style = segment.style
            if style and style.color and style.color.get_truecolor() == colour:
                found.append((x, y, x + segment.cell_length, y + 1))
            x += segment.cell_length
    if not found:
        return ()
    left, top, right, bottom = zip(*found, strict=True)
    return min(left), min(top), max(right), max(bottom)


RED, BLUE, YELLOW = (255, 0, 0), (0, 0, 255), (255, 255, 0)


async def test_images_flip_in_the_same_place(made: Callable[..., Task]) -> None:
    app = TestApp()
    red, blue, last = made("red"), made("blue", "blue"), made("last", "#ff0001")
    async with app.running(80, 24) as pilot:
        _, ended = await opened(app, red, blue, last)
        await until_title(app, "red Flux 2 Pro 1 of 3 · 640×480 · fit")
        await app.until(lambda: area(app, RED))
        place = area(app, RED)
        await pilot.press("space")
        await until_title(app, "blue Flux 2 Pro 2 of 3")
        await app.until(lambda: area(app, BLUE))
        assert area(app, BLUE) == place
        assert not area(app, RED)
        for key, wanted in (
            ("right", "3 of 3"),
            ("space", "1 of 3"),
            ("left", "3 of 3"),
            ("left_square_bracket", "2 of 3"),
            ("right_square_bracket", "3 of 3"),
            ("h", "2 of 3"),
        ):
            await pilot.press(key)
            await until_title(app, wanted)
        await pilot.press("escape")
        await app.until(lambda: ended == [(blue.id, 0)])


async def test_the_part_that_is_seen_stays_while_they_flip(
    made: Callable[..., Task],
) -> None:
    app = TestApp()
    one, other = made("one"), made("other", "blue")
    twice = made("twice", size=(1280, 960))
    near = made("near", size=(620, 500))
    async with app.running(80, 24) as pilot:
        await opened(app, one, other, twice, near)
        await until_title(app, "fit")
        await pilot.press("i", "Z")
        # 80×22 cells are 80 × 44 dots
        for key, wanted in (
            ("", "1 of 4 · 1:1, 280,218 of 640×480"),
            ("right", "1 of 4 · 1:1, 300,218"),
            ("up", "1 of 4 · 1:1, 300,207"),
            ("space", "2 of 4 · 1:1, 300,207 of 640×480"),
            ("space", "3 of 4 · 1:2, 600,414 of 1280×960"),
            ("plus", "3 of 4 · 1:1, 640,436 of 1280×960"),
            ("space", "4 of 4 · 2:1, 309,228 of 620×500"),
            ("space", "1 of 4 · 2:1, 320,218 of 640×480"),
            ("shift+left", "1 of 4 · 2:1, 280,218"),
            ("minus", "1 of 4 · 1:1, 260,207"),
            ("minus", "1 of 4 · 640×480 · fit"),
        ):
            if key:
                await pilot.press(key)
            await until_title(app, wanted)
        # The image that is shown has its own pixels again.
        await pilot.press("left_square_bracket", "left_square_bracket", "Z")
        await until_title(app, "3 of 4 · 1:1, 600,458 of 1280×960")
        await pilot.press("space", "space")
        await until_title(app, "1 of 4 · 2:1, 300,229 of 640×480")


async def test_images_stand_side_by_side_where_there_is_room(
    made: Callable[..., Task],
) -> None:
    app = TestApp()
    tasks = [made("one"), made("two", "blue"), made("three"), made("four")]
    async with app.running(80, 24) as pilot:
        await opened(app, *tasks)
        await until_title(app, "1 of 4")
        await pilot.press("s")
        await app.until(lambda: area(app, RED) and area(app, BLUE))
        assert area(app, RED)[2] - area(app, RED)[0] > 24
        for keys, shown in (("", "▸1 2 3"), ("space", "▸2 3 4"), ("space", "2 ▸3 4")):
            await pilot.press(*keys.split())
            await until_captions(app, shown)
        await pilot.press("s")
        await until_title(app, "3 of 4")
        await app.until(lambda: area(app, RED))


async def test_without_room_beside_each_other_a_sentence_says_so(
    made: Callable[..., Task],
) -> None:
    app = TestApp()
    async with app.running(70, 24) as pilot:
        await opened(app, made("one"), made("two"), made("three"))
        await pilot.press("s")
        await until_captions(app, "▸1 2")
        await pilot.resize_terminal(45, 24)
        await until_title(app, "1 of 3")
        await pilot.press("s")
        await app.until(lambda: app.told)
        assert app.told == [
            "There is no room for images side by side. Enlarge the terminal."
        ]


async def test_the_difference_is_a_picture_and_a_share(
    made: Callable[..., Task],
) -> None:
    app = TestApp()
    one, other = made("one"), made("other", "blue")
    twin = made("twin")
    wide = made("wide", size=(900, 300))
    async with app.running(80, 24) as pilot:
        await opened(app, one, other, twin, wide)
        await until_title(app, "1 of 4")
        await pilot.press("d")
        await until_title(app, "1 and 2 · 25 % of the pixels differ")
        await app.until(lambda: area(app, YELLOW))
        await pilot.press("space")
        await until_title(app, "2 and 1 · 25 % of the pixels differ")
        await pilot.press("space")
        await until_title(app, "3 and 1 · identical")
        await pilot.press("space")
        await app.sees("Images of different shapes can't be compared by pixels.")
        await pilot.press("d")
        await until_title(app, "4 of 4 · 900×300 · fit")


async def test_the_difference_is_zoomed_like_the_images(
    made: Callable[..., Task],
) -> None:
    app = TestApp()
    one, other = made("one"), made("other", "blue")
    async with app.running(80, 24) as pilot:
        await opened(app, one, other)
        await pilot.press("i", "Z", "d")
        await until_title(app, "25 % of the pixels differ")
        await app.until(lambda: area(app, YELLOW))
        await pilot.press("shift+right", "d")
        await until_title(app, "1 of 2 · 1:1, 360,218 of 640×480")


async def test_two_images_blink_until_a_key_is_pressed(
    made: Callable[..., Task],
) -> None:
    app = TestApp()
    async with app.running(80, 24) as pilot:
        page, _ = await opened(app, made("one"), made("two"), made("three"))
        await pilot.press("space", "space", "b")
        for wanted in ("1 of 3", "3 of 3", "1 of 3"):
            await until_title(app, wanted)
        await pilot.press("pageup")
        assert not page.is_blinking
        await until_title(app, "3 of 3")
        await pilot.press("b", "b")
        assert not page.is_blinking
        await pilot.press("b")
        await until_title(app, "1 of 3")
        await pilot.press("space")
        assert not page.is_blinking
        await until_title(app, "1 of 3")
        await pilot.press("b", "f1")
        await app.until(lambda: isinstance(app.screen, HelpScreen))
        assert not page.is_blinking


async def test_blinking_ends_in_time(
    made: Callable[..., Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "MOST_BLINKS", 2)
    app = TestApp()
    async with app.running(80, 24) as pilot:
        page, _ = await opened(app, made("one"), made("two"))
        await pilot.press("b")
        await until_title(app, "2 of 2")
        await app.until(lambda: not page.is_blinking)
        await until_title(app, "1 of 2")


async def test_only_what_differs_stands_below(made: Callable[..., Task]) -> None:
    app = TestApp()
    prompt = "a quiet {} in the deep snow of 北海道, at dawn"
    one = made("one", values={"prompt": prompt.format("fox"), "seed": 4711, "n": 1})
    two = made("two", values={"prompt": prompt.format("犬"), "seed": 4712, "n": 1})
    async with app.running(80, 24) as pilot:
        await opened(app, one, two)
        await app.sees("▸1", "4711", "4712", without="cost")
        lines = app.text().splitlines()
        assert [re.split(r"\s{2,}", line.strip()) for line in lines[-4:-1]] == [
            ["▸1", "2"],
            ["prompt", "fox", "犬"],
            ["seed", "4711", "4712"],
        ]
        await pilot.press("space")
        await app.sees("▸2")
        await pilot.press("i")
        await app.sees("2 of 2", without="4711")


async def test_nothing_differs(made: Callable[..., Task]) -> None:
    app = TestApp()
    one = made("one")
    async with app.running(80, 24):
        await opened(app, one, one)
        await app.sees("Same request.")


async def test_odd_images_do_not_break_the_page(made: Callable[..., Task]) -> None:
    app = TestApp()
    words = "[/red][@click=app.quit]x[/] \x1b]52;c;aGk=\x07\u202eevil\nsecond line"
    whole, gone = made("whole"), made("gone")
    os.unlink(gone.files[0])
    tasks = [
        whole,
        gone,
        made("cut", data=Path(whole.files[0]).read_bytes()[:200]),
        made("bomb", data=png_claiming(60_000, 60_000)),
        made("hostile", model=words, values={"prompt": words, words: words}),
        made("deleted", deleted=True),
        past("failed", Status.FAILED),
        made("imported", imported=True),
    ]
    async with app.running(80, 24) as pilot:
        await opened(app, *tasks)
        await until_title(app, "1 of 8")
        for sentence in (
            "gone.png is not there",
            "cut.png is damaged",
            "too large",
            "[/red][@click=app.quit]x[/] evil",
            "This task was deleted.",
            "✗ failed",
            "imported",
        ):
            await pilot.press("space")
            await app.sees(sentence)
            assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", app.text())
            for key in ("Z", "d", "d", "b", "b", "s", "s", "Z"):
                await pilot.press(key)
        await until_title(app, "8 of 8")


async def test_what_happens_to_tasks_is_seen(made: Callable[..., Task]) -> None:
    app = TestApp()
    one, two = made("one"), made("two", "blue")
    async with app.running(80, 24) as pilot:
        await opened(app, one, two)
        await until_title(app, "1 of 2")
        await app.sees("b Blink")
        app.changes.publish(one.change(deleted=True))
        await app.sees("This task was deleted.", without="Blink")
        await pilot.press("d")
        await until_title(app, "1 of 2")
        app.changes.publish(one)
        await app.sees("b Blink")
        await app.until(lambda: area(app, RED))


async def test_without_images_the_requests_are_compared(
    made: Callable[..., Task],
) -> None:
    app = TestApp(terminal=Terminal(Images.NONE, "Images are off."))
    async with app.running(80, 24) as pilot:
        await opened(app, made("one"), made("two"))
        await app.sees("Images are off", "▸1", without="Blink")
        await pilot.press("space")
        await app.sees("▸2", "Images are off")


async def test_a_page_that_was_left_lets_go_of_its_images(
    made: Callable[..., Task],
) -> None:
    def decoded() -> int:
        return sum(
            isinstance(thing, Image.Image) and thing.size == SIZE
            for thing in gc.get_objects()
        )

    app = TestApp()
    async with app.running(80, 24) as pilot:
        await opened(app, made("one"), made("two", "blue"))
        await pilot.press("Z", "space")
        await until_title(app, "2 of 2 · 1:1, 280")
        await pilot.press("d")
        await until_title(app, "differ")
        assert decoded()
        await pilot.press("escape")
        await app.workers.wait_for_complete()
        await pilot.pause()
        gc.collect()
        assert not decoded()
