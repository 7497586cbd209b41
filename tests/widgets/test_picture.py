"""The picture widget: in a headless app, and as raw bytes on a terminal that reads them
like kitty and xterm.
"""

import asyncio
import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

import tui.images.files
from tests.fake_terminal import FakeTerminal
from tui.graphics.probe import Images, Terminal
from tui.widgets.picture import Picture


class Gallery(App[None]):
    """One picture in the whole screen; `shown` collects what it told, `next_shown`
    waits for more.
    """

    def __init__(self, images: Images, cell: tuple[int, int] | None = (10, 20)) -> None:
        super().__init__()
        self.picture = Picture(Terminal(images, "", cell=cell))
        self.shown: list[Path] = []
        self.failed = asyncio.Event()
        self._arrived = asyncio.Event()

    def compose(self) -> ComposeResult:
        yield self.picture

    def on_picture_shown(self, event: Picture.Shown) -> None:
        assert event.control is self.picture
        self.shown.append(event.path)
        self._arrived.set()

    def on_picture_failed(self, event: Picture.Failed) -> None:
        assert event.control is self.picture
        self.failed.set()

    async def next_shown(self) -> Path:
        await asyncio.wait_for(self._arrived.wait(), 10)
        self._arrived.clear()
        return self.shown[-1]

    def lines(self) -> list[str]:
        """The screen as text."""
        return [strip.text for strip in self.screen._compositor.render_strips()]


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    """Writes an image, its left half red, its right half blue."""

    def write(name: str = "a.png", size: tuple[int, int] = (400, 200)) -> Path:
        image = Image.new("RGB", size, (255, 0, 0))
        image.paste((0, 0, 255), (size[0] // 2, 0, *size))
        image.save(tmp_path / name)
        return tmp_path / name

    return write


def colours(app: Gallery, x: int, y: int) -> set[str]:
    """The colours of one cell of the picture."""
    style = next(iter(app.picture.render_line(y).crop(x, x + 1))).style
    assert style is not None
    return {
        colour.get_truecolor().hex for colour in (style.color, style.bgcolor) if colour
    }


@pytest.mark.parametrize(
    ("size", "cell", "first", "last", "width"),
    [
        ((400, 200), (10, 20), 5, 14, 40),
        ((400, 200), (10, 10), 0, 19, 40),
        ((4000, 2000), None, 5, 14, 40),
        ((20, 10), (10, 20), 5, 14, 40),
        ((300, 600), (10, 20), 0, 19, 20),
        ((500, 5), (10, 20), 9, 9, 40),
    ],
)
async def test_an_image_fills_the_space_in_its_ratio(
    size: tuple[int, int],
    cell: tuple[int, int] | None,
    first: int,
    last: int,
    width: int,
    make: Callable[..., Path],
) -> None:
    app = Gallery(Images.HALF, cell)
    async with app.run_test(size=(40, 20)):
        path = make(size=size)
        app.picture.show(path)
        assert await app.next_shown() == path
        used = [y for y, line in enumerate(app.lines()) if "▀" in line]
        assert (used[0], used[-1]) == (first, last)
        assert app.lines()[first].strip() == "▀" * width
        left = (40 - width) // 2
        assert colours(app, left, first) == {"#ff0000"}
        assert colours(app, left + width - 1, last) == {"#0000ff"}


async def test_a_screenshot_shows_it(make: Callable[..., Path]) -> None:
    app = Gallery(Images.HALF)
    async with app.run_test(size=(40, 20)):
        app.picture.show(make())
        await app.next_shown()
        assert {"#ff0000", "#0000ff"} <= set(
            re.findall("#[0-9a-f]{6}", app.export_screenshot())
        )


async def test_characters_alone_can_show_it(make: Callable[..., Path]) -> None:
    app = Gallery(Images.ASCII)
    async with app.run_test(size=(40, 20)):
        app.picture.show(make())
        await app.next_shown()
        assert len({*app.lines()[10]}) == 2
        assert not app.lines()[1].strip()


async def test_no_images_at_all_leaves_the_path(make: Callable[..., Path]) -> None:
    app = Gallery(Images.NONE)
    async with app.run_test(size=(200, 20)):
        path = make()
        app.picture.show(path)
        assert str(path) in " ".join(app.lines())


async def test_a_message_is_text_in_the_middle_and_no_markup() -> None:
    app = Gallery(Images.HALF)
    async with app.run_test(size=(40, 21)) as pilot:
        app.picture.show(None, "[red]no[/] [/] image \x1b[31myet")
        await pilot.pause()
        assert app.lines()[10] == "[red]no[/] [/] image yet".center(40)


async def test_a_message_takes_the_place_of_an_image(make: Callable[..., Path]) -> None:
    app = Gallery(Images.HALF)
    async with app.run_test(size=(40, 20)):
        app.picture.show(make())
        await app.next_shown()
        app.picture.show(None, "gone")
        assert "".join(app.lines()).split() == ["gone"]
        app.picture.show(make())
        await app.next_shown()
        assert "▀" in app.lines()[10]


async def test_a_file_that_cannot_be_shown_is_a_sentence_until_the_next_one(
    make: Callable[..., Path], tmp_path: Path
) -> None:
    app = Gallery(Images.HALF)
    (tmp_path / "broken.png").write_bytes(make().read_bytes()[:200])
    async with app.run_test(size=(80, 20)) as pilot:
        for name, sentence in (("broken.png", "damaged"), ("gone.png", "not there")):
            app.picture.show(tmp_path / name)
            await app.workers.wait_for_complete()
            await pilot.pause()
            assert sentence in " ".join(app.lines())
        late = make("gone.png")
        app.picture.show(late)
        assert await app.next_shown() == late
        assert app.shown == [late]


async def test_a_fault_in_drawing_is_a_sentence(
    make: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, box: tuple[int, int]) -> Image.Image:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(tui.images.files, "thumbnail", fail)
    app = Gallery(Images.HALF)
    async with app.run_test(size=(80, 20)) as pilot:
        app.picture.show(make())
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "can't be drawn" in " ".join(app.lines())


async def test_the_newest_wins_and_the_others_are_not_even_read(
    make: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, started, read = threading.Event(), threading.Event(), list[str]()
    thumbnail = tui.images.files.thumbnail

    def slow(path: Path, box: tuple[int, int]) -> Image.Image:
        read.append(path.name)
        started.set()
        assert go_on.wait(10)
        return thumbnail(path, box)

    monkeypatch.setattr(tui.images.files, "thumbnail", slow)
    app = Gallery(Images.HALF)
    paths = [make(f"{number}.png") for number in range(4)]
    async with app.run_test(size=(40, 20)):
        app.picture.show(paths[0])
        await asyncio.to_thread(started.wait, 10)
        for path in paths[1:]:
            app.picture.show(path)
        go_on.set()
        assert await app.next_shown() == paths[3]
    assert app.shown == [paths[3]]
    assert read == ["0.png", "3.png"]


async def test_the_same_again_does_nothing(make: Callable[..., Path]) -> None:
    app = Gallery(Images.HALF)
    first, second = make("1.png"), make("2.png")
    async with app.run_test(size=(40, 20)) as pilot:
        app.picture.show(first)
        await app.next_shown()
        app.picture.show(first)
        await app.workers.wait_for_complete()
        await pilot.pause()
        app.picture.show(second)
        await app.next_shown()
    assert app.shown == [first, second]


async def test_another_size_draws_it_again(make: Callable[..., Path]) -> None:
    app = Gallery(Images.HALF)
    async with app.run_test(size=(40, 20)) as pilot:
        app.picture.show(make())
        await app.next_shown()
        await pilot.resize_terminal(20, 20)
        await app.next_shown()
        assert [line for line in app.lines() if line.strip()] == ["▀" * 20] * 5


async def test_it_can_be_shown_before_it_has_a_size_and_go_while_it_draws(
    make: Callable[..., Path],
) -> None:
    app = Gallery(Images.HALF)
    app.picture.show(path := make())
    async with app.run_test(size=(40, 20)):
        assert await app.next_shown() == path
        app.picture.show(make("2.png"))
        await app.picture.remove()
    assert app.shown == [path]


@pytest.mark.parametrize(
    ("images", "sign"), [(Images.SIXEL, "\x1bP"), (Images.KITTY, "\U0010eeee")]
)
async def test_pixels_give_way_to_what_lies_above(
    images: Images, sign: str, make: Callable[..., Path]
) -> None:
    app = Gallery(images)
    async with app.run_test(size=(40, 20), notifications=True) as pilot:
        app.picture.show(make())
        await app.next_shown()
        assert sign in "".join(app.lines())
        assert "▀" not in "".join(app.lines())
        app.notify("above", timeout=60)
        await pilot.pause()
        assert sign not in "".join(app.lines())
        assert "▀" in "".join(app.lines())
        app.clear_notifications()
        await pilot.pause()
        assert sign in "".join(app.lines())
        await app.push_screen(ModalScreen())
        await pilot.pause()
        assert sign not in "".join(app.lines())
        assert "▀" in "".join(app.lines())
        await app.pop_screen()
        await pilot.pause()
        assert sign in "".join(app.lines())


@pytest.mark.parametrize(
    ("images", "sign", "stays"),
    [(Images.SIXEL, "\x1bP", False), (Images.KITTY, "\U0010eeee", True)],
)
async def test_what_moves_is_drawn_in_half_blocks(
    images: Images, sign: str, stays: bool, make: Callable[..., Path]
) -> None:
    app = Gallery(images)
    async with app.run_test(size=(40, 20)) as pilot:
        app.picture.moving = True
        app.picture.show(make("1.png"))
        await app.next_shown()
        assert sign not in "".join(app.lines())
        assert "▀" in "".join(app.lines())
        app.picture.moving = False
        await app.next_shown()
        assert sign in "".join(app.lines())
        app.picture.moving = True  # what would be sent anew with each move waits
        await pilot.pause()
        assert (sign in "".join(app.lines())) is stays
        app.picture.moving = False
        await pilot.pause()
        assert sign in "".join(app.lines())
    assert app.shown == [make("1.png")] * 2


async def test_pixels_are_drawn_only_while_the_whole_picture_is_on_screen(
    make: Callable[..., Path],
) -> None:
    class Page(Gallery):
        CSS = "Picture { height: 20 } Static { height: 20 }"

        def compose(self) -> ComposeResult:
            with VerticalScroll():
                yield self.picture
                yield Static()

    app = Page(Images.SIXEL)
    async with app.run_test(size=(40, 20)) as pilot:
        app.picture.show(make())
        await app.next_shown()
        scroll = app.query_one(VerticalScroll)
        for y, drawn in ((0, "\x1bP"), (1, "▀"), (0, "\x1bP")):
            scroll.scroll_to(y=y, animate=False)
            async with asyncio.timeout(10):
                while (
                    drawn not in (shown := "".join(app.lines()))
                    or scroll.scroll_offset.y != y
                ):
                    await pilot.pause()
            assert ("\x1bP" in shown) is (drawn == "\x1bP")


# Shows an image on a real terminal, opens and closes a modal over it, and ends.
APP = """
from pathlib import Path
from textual.app import App
from textual.screen import ModalScreen
from tui.graphics.probe import Images, Terminal
from tui.widgets.picture import Picture

class Gallery(App):
    def compose(self):
        images, multiplexer, remote = Images(sys.argv[2]), sys.argv[3], bool(sys.argv[4])
        yield Picture(Terminal(images, "", multiplexer=multiplexer, remote=remote))

    def on_mount(self):
        self.query_one(Picture).show(Path(sys.argv[1]))

    def on_picture_shown(self):
        self.run_worker(self.cover())

    async def cover(self):
        modal = ModalScreen()
        await self.push_screen(modal)
        await modal.wait_for_refresh()
        await self.pop_screen()
        await self.query_one(Picture).wait_for_refresh()
        self.exit()

Gallery().run()
"""


def card(folder: Path) -> Path:
    red = Image.linear_gradient("L").resize((600, 400))
    green = Image.radial_gradient("L").resize((600, 400))
    Image.merge("RGB", (red, green, red.transpose(Image.Transpose.ROTATE_180))).save(
        folder / "card.png"
    )
    return folder / "card.png"


def run(
    folder: Path, images: Images, multiplexer: str = "", remote: str = "", **env: str
) -> FakeTerminal:
    terminal = FakeTerminal(size=(80, 24), pixels=(720, 432))
    env = {"TERM": "xterm-256color", **env}
    terminal.run(
        APP, str(card(folder)), images, multiplexer, remote, env=env, folder=folder
    )
    for question in (rb"\x1b\[>0?q", rb"\x1b\[0?c", rb"\x1b\[16t", b"a=q"):
        assert not re.search(question, terminal.received)
    return terminal


def difference(image: Image.Image, folder: Path) -> float:
    """The mean difference to the card, of 255."""
    expected = Image.open(card(folder)).resize(image.size, Image.Resampling.LANCZOS)
    return max(
        ImageStat.Stat(ImageChops.difference(image.convert("RGB"), expected)).mean
    )


def test_sixel_pixels_are_those_of_the_image(tmp_path: Path) -> None:
    images = run(tmp_path, Images.SIXEL).sixel_images()
    assert len(images) >= 2
    for image in images:
        # 24 rows of 18 pixels, one left free
        assert (image.width, image.height) == (621, 414)
        assert difference(image, tmp_path) < 5


@pytest.mark.parametrize(("remote", "most"), [("", 0.5), ("yes", 5)])
def test_kitty_pixels_are_those_of_the_image_and_are_freed(
    remote: str, most: float, tmp_path: Path
) -> None:
    terminal = run(tmp_path, Images.KITTY, remote=remote, NO_COLOR="1")
    images = terminal.kitty_images()
    assert [image.size for image in images] == [(648, 432)]
    assert difference(images[0], tmp_path) < most
    upload = re.search(rb"\x1b_Ga=T,U=1,f=100,i=(\d+),c=72,r=24,q=2", terminal.received)
    assert upload
    low = int(upload[1]) & 255
    placeholder = "\U0010eeee".encode()
    assert terminal.received.count(b"\x1b[38;5;%dm" % low + placeholder) >= 48
    freed = terminal.received.find(b"\x1b_Ga=d,d=I,i=%b,q=2\x1b\\" % upload[1])
    assert freed > upload.end()


def test_in_tmux_every_kitty_sequence_is_wrapped(tmp_path: Path) -> None:
    received = bytes(run(tmp_path, Images.KITTY, multiplexer="tmux").received)
    assert received.count(b"\x1b\x1b_G") > 2
    assert received.count(b"\x1b_G") == received.count(b"\x1bPtmux;\x1b\x1b_G")


async def test_it_is_settled_once_it_is_drawn_or_says_why_not(
    make: Callable[..., Path],
) -> None:
    app = Gallery(Images.HALF)
    path = make()
    async with app.run_test(size=(40, 20)) as pilot:
        app.picture.show(None, "Nothing yet.")
        assert app.picture.is_settled
        app.picture.show(path)
        assert not app.picture.is_settled
        await app.next_shown()
        assert app.picture.is_settled
        app.picture.show(path.with_name("gone.png"))
        assert not app.picture.is_settled
        await asyncio.wait_for(app.failed.wait(), 10)
        assert app.picture.is_settled
        await pilot.pause()
        assert "gone.png is not there." in "".join(app.lines())
