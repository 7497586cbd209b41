"""The grid: many pictures, of which only those in sight cost anything."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs
from PIL import Image
from textual.widgets import Input

import tui.images.files
from tests.app import TestApp, past
from tests.fake_terminal import FakeTerminal
from tui.screens.grid import GridScreen
from tui.screens.history import HistoryScreen
from tui.screens.main import MainScreen
from tui.screens.viewer import ViewerScreen
from tui.tasks.task import Problem, Result, Status, Task


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., Result]:
    """Writes an image and answers the result that it is."""

    def write(
        name: str, colour: str = "red", size: tuple[int, int] = (64, 64)
    ) -> Result:
        Image.new("RGB", size, colour).save(tmp_path / f"{name}.png")
        return Result(url="", path=str(tmp_path / f"{name}.png"))

    return write


def foxes(
    picture: Callable[..., Result], count: int, cleared: bool = False
) -> list[Task]:
    return [
        past(f"fox {number:03}", results=(picture(f"{number}"),), cleared=cleared)
        for number in range(count)
    ]


def grid(app: TestApp) -> GridScreen:
    assert isinstance(app.screen, GridScreen)
    return app.screen


def names(app: TestApp) -> list[str]:
    """The captions in sight that are those of foxes."""
    return re.findall(r"fox \d+", app.text().rpartition(" of ")[0])


async def test_the_queue_as_pictures(picture: Callable[..., Result]) -> None:
    app = TestApp()
    failed = past(
        "a wolf", Status.FAILED, error=Problem("failed", "No picture came of it.")
    )
    app.remember(failed, *foxes(picture, 20))
    async with app.running(80, 24) as pilot:
        await app.sees("fox 019")
        await pilot.press("ctrl+t", "v")
        await app.sees("1 of 20 · ● completed · Flux 2 Pro", "▀▀▀")
        assert names(app) == [f"fox {number:03}" for number in range(19, 13, -1)]
        await pilot.press("right", "j", "l")
        await app.sees("6 of 20")
        await pilot.press("l")  # over the edge: a row further
        await app.sees("7 of 20", without="fox 019")
        assert names(app)[0] == "fox 016"
        await pilot.press("pagedown")
        await app.sees("13 of 20")
        await pilot.press("end")
        await app.sees("20 of 20", "fox 000")
        await pilot.press("home", "pageup", "k", "h")
        await app.sees("1 of 20", "fox 019")
        await pilot.press("plus")
        await app.sees("fox 018", without="fox 017")
        await pilot.press("right", "enter")
        await app.until(lambda: isinstance(app.screen, ViewerScreen))
        await app.sees("fox 018")
        await pilot.press("escape")
        await app.sees("2 of 20")
        await pilot.press("escape")
        await app.until(lambda: isinstance(app.screen, MainScreen))


async def test_the_history_as_pictures_page_by_page(
    picture: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.screens.history.PAGE", 20)
    app = TestApp()
    tasks = foxes(picture, 90, cleared=True)
    app.remember(past("a wolf"), *tasks)
    async with app.running(150, 45) as pilot:
        await pilot.press("f9")
        app.screen.query_one("#history-filter", Input).value = "fox"
        await app.sees("the newest 20, more below", without="wolf")
        await pilot.press("down", "v")
        await app.sees("1 of 20+", "fox 089")
        await pilot.press("end")
        await app.sees("20 of 40+", "fox 070")
        for count in ("60+", "80+", "90"):
            await pilot.press("end")
            await app.sees(f" of {count} ")
        await pilot.press("end")
        await app.sees("90 of 90", "fox 000", without="wolf")
        await pilot.press("escape")
        await app.until(lambda: isinstance(app.screen, HistoryScreen))


async def test_a_job_as_pictures_and_what_comes_while_one_looks(
    picture: Callable[..., Result],
) -> None:
    app = TestApp(poll_seconds=5, delay=3600)
    waiting = past("fox 7", Status.PENDING, remote_id="tsk_1", job="a", watched=False)
    lost = past(
        "fox 8",
        Status.FAILED,
        job="a",
        error=Problem("failed", "No picture came of it."),
    )
    many = past("fox 9", job="a", results=(picture("1"), picture("2"), picture("3")))
    app.remember(past("an owl", results=(picture("owl"),)), waiting, lost, many)
    async with app.running(150, 45) as pilot:
        await app.sees("1 of 3")
        await pilot.press("ctrl+t", "v")
        await app.sees(
            "1/3 fox 9",
            "2/3 fox 9",
            "3/3 fox 9",
            "✗ failed fox 8",
            "No picture came",
            "unwatched fox 7",
        )
        assert "owl" not in app.text()
        await pilot.press("end")
        await app.sees("5 of 5")
        done = waiting.change(Status.FETCHING).change(
            Status.COMPLETED, results=(picture("4", "lime"), picture("5", "lime"))
        )
        app.task_changed(done)
        await app.sees("5 of 6", "1/2 fox 7", "2/2 fox 7", without="unwatched fox")
        await app.until(
            lambda: any(
                cell.picture._drawing
                for cell in grid(app)._cells
                if cell.item == (done, 1)
            )
        )
        app.task_changed(structs.replace(many, deleted=True))
        await app.sees("2 of 3", without="fox 9")
        app.task_changed(many)
        await app.sees("5 of 6", "1/3 fox 9")
        app.task_changed(past("fox 10", Status.PENDING, retry_of=lost.id, job="a"))
        await app.sees("6 of 7", "pending fox 10")


async def test_only_what_is_in_sight_is_read(
    picture: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    thumbnail = tui.images.files.thumbnail

    def noting(path: Path, box: tuple[int, int]) -> Image.Image:
        read.append(path.stem)
        return thumbnail(path, box)

    monkeypatch.setattr(tui.images.files, "thumbnail", noting)
    app = TestApp()
    app.remember(*foxes(picture, 40))
    async with app.running(80, 24) as pilot:
        await app.sees("fox 039")
        await pilot.press("ctrl+t", "v")
        await app.sees("1 of 40")
        await app.until(lambda: {"39", "38", "37", "36", "35", "34"} <= set(read))
        await pilot.press("end")
        await app.sees("fox 000")
        await app.until(lambda: {"0", "1", "2", "3"} <= set(read))
        assert len(set(read)) <= 12


async def test_keys_do_there_what_they_do_in_the_queue(
    picture: Callable[..., Result],
) -> None:
    app = TestApp()
    tasks = foxes(picture, 3)
    app.remember(*tasks)
    async with app.running(80, 24) as pilot:
        await app.sees("fox 002")
        await pilot.press("ctrl+t", "v", "f")
        await app.sees("♥ fox 002", "2 of 3")  # on to the next one
        await pilot.press("x")
        await app.sees("2 of 2", "fox 000", without="fox 001")
        await pilot.press("z")
        await app.sees("3 of 3", "fox 001")
        await pilot.press("y")
        await app.until(
            lambda: any("clipboard" in told and "0.png" in told for told in app.told)
        )
        await pilot.press("u")
        await app.until(lambda: isinstance(app.screen, MainScreen))
        assert app.main
        await app.until(
            lambda: app.main and app.main.form.values()["prompt"] == "fox 000"
        )


async def test_hostile_prompts_are_inert(picture: Callable[..., Result]) -> None:
    app = TestApp()
    app.remember(
        past(
            "[/red][@click=app.quit]x[/] \x1b]52;c;aGk=\x07\u202eevil\nline 雪",
            results=(picture("a"),),
        )
    )
    async with app.running(150, 24) as pilot:
        await app.sees("evil")
        await pilot.press("ctrl+t", "v")
        await app.sees("1 of 1", "[/red][@click=app.quit]x[/] evil line 雪")
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", app.text())


# Shows a grid on a real terminal, pages through it, opens and closes a modal over it,
# and leaves.
APP = """
import asyncio
from tests.themed import ThemedApp
from textual.screen import ModalScreen
from textual.signal import Signal
from pathlib import Path
from tests.app import past
from tui.paths import styles_dir
from tui.screens.grid import GridScreen
from tui.widgets.view_context import ViewContext
from tui.tasks.task import Result
from tui.graphics.probe import Images, Terminal

class Gallery(ThemedApp):
    CSS_PATH = [styles_dir() / "grid.tcss"]

    def on_mount(self):
        tasks = [past(path.stem, results=(Result(url="", path=str(path)),)) for path in Path(sys.argv[1]).iterdir()]
        terminal = Terminal(Images(sys.argv[2]), "", cell=(10, 20))
        view = ViewContext(terminal, Signal(self, "changes"), lambda task: task.model)
        self.grid = GridScreen(view, tasks[::-1], tasks[0])
        self.push_screen(self.grid)
        self.run_worker(self.play())

    async def drawn(self):
        pictures = []
        while not pictures or not all(picture._drawn and not picture._drawn.rough for picture in pictures):
            await asyncio.sleep(0.01)
            pictures = [cell.picture for cell in self.grid._cells if cell.item]
        await self.grid.wait_for_refresh()

    async def play(self):
        await self.drawn()
        self.grid.action_page(1)
        await self.drawn()
        modal = ModalScreen()
        await self.push_screen(modal)
        await modal.wait_for_refresh()
        await self.pop_screen()
        await self.grid.wait_for_refresh()
        for _ in range(9):
            self.grid.action_page(-1)
            self.grid.action_page(1)
        await self.drawn()
        answer["shown"] = len([cell for cell in self.grid._cells if cell.item])
        await self.pop_screen()
        await self.screen.wait_for_refresh()
        self.exit()

Gallery().run()
"""


@pytest.mark.parametrize("images", ["kitty", "sixel"])
def test_nothing_is_left_in_the_terminal(
    images: str, picture: Callable[..., Result], tmp_path: Path
) -> None:
    for number in range(9):
        picture(f"pics{number}", "#3050a0", (200, 200))
    folder = tmp_path / "pics"
    folder.mkdir()
    for path in list(tmp_path.glob("*.png")):
        path.rename(folder / path.name)
    terminal = FakeTerminal(size=(80, 24), pixels=(800, 480))
    shown = terminal.run(
        APP,
        str(folder),
        images,
        env={"TERM": "xterm-256color", "COLORTERM": "truecolor"},
        folder=tmp_path,
    )
    received = bytes(terminal.received)
    assert shown == {"shown": 6}
    sent, freed = (
        re.findall(pattern, received)
        for pattern in (rb"_Ga=T,U=1,[^;]*i=(\d+)", rb"_Ga=d,d=I,i=(\d+)")
    )
    if images == "kitty":
        # Once a picture and page, however often one pages to and fro
        assert 9 <= len(sent) <= 15
        assert sorted(sent) == sorted(freed)
    else:
        assert not sent
        assert b"\x1bP" in received
