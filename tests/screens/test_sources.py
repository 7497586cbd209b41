"""The source picker, by keyboard, over a small folder of pictures."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input, OptionList
from textual.worker import Worker, WorkerCancelled

from tests.themed import ThemedApp
from tui.graphics.probe import Images, Terminal
from tui.paths import styles_dir
from tui.screens import sources
from tui.screens.sources import SourcesScreen
from tui.tasks.task import Result, Status, Task
from tui.widgets import path_completion
from tui.widgets.picture import Picture

NAMES = (
    "cat-1.png",
    "cat-2.png",
    "cat-10.png",
    "Dog.JPG",
    "sub/bird.webp",
    "sub/bee.gif",
    ".den/fox.png",
)
URL = "https://example.com/a.png"
UNSET = ["not answered"]


class Host(ThemedApp):
    """An app with nothing but the picker; `answer` is what it gave."""

    CSS_PATH = [
        styles_dir() / name
        for name in ("app.tcss", "widgets.tcss", "dialogs.tcss", "sources.tcss")
    ]

    def __init__(self, tasks: list[Task], **options: Any) -> None:
        super().__init__()
        self.picker = SourcesScreen(
            Terminal(Images.HALF, "", cell=(10, 20)), tasks, **options
        )
        self.answer: list[str] | None = UNSET

    def on_mount(self) -> None:
        self.push_screen(self.picker, self._answered)

    def _answered(self, answer: list[str] | None) -> None:
        self.answer = answer

    @asynccontextmanager
    async def running(self, width: int = 80) -> AsyncIterator[Pilot[None]]:
        async with self.run_test(size=(width, 30)) as pilot:
            await self.settle(pilot)
            yield pilot

    async def keys(self, pilot: Pilot[None], *keys: str) -> None:
        """Presses keys; `=text` types a text, and the key after it does not wait for
        the app.
        """
        for key, before in zip(keys, ("=", *keys), strict=False):
            if not before.startswith("="):
                await self.settle(pilot)
            self.press(key)
        await self.settle(pilot)

    def press(self, key: str) -> None:
        for character in key[1:] if key.startswith("=") else [""]:
            self.post_message(events.Key(character or key, character or None))

    async def settle(self, pilot: Pilot[None]) -> None:
        """All is handled and no thread is at work."""
        async with asyncio.timeout(10):
            await pilot.pause()
            while not all(worker.is_finished for worker in self.workers):
                await asyncio.wait(
                    [asyncio.ensure_future(_end(worker)) for worker in self.workers]
                )
                await pilot.pause()

    @property
    def typed(self) -> str:
        return self.picker.query_one(Input).value

    @property
    def listed(self) -> list[str]:
        """The first column of the list."""
        options = self.picker.query_one(OptionList).options
        return [str(option.prompt).strip().split("   ")[0] for option in options]

    def text(self) -> str:
        return "\n".join(
            strip.text for strip in self.screen._compositor.render_strips()
        )


async def _end(worker: Worker[Any]) -> None:
    with suppress(WorkerCancelled):
        await worker.wait()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with pictures."""
    here = (tmp_path / "pictures").resolve()
    for name in NAMES:
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 20), (255, 0, 0)).save(here / name)
    (here / "notes.txt").write_text("no picture")
    monkeypatch.chdir(here)
    return here


def task(number: int, prompt: str, model: str = "flux-2", *files: str) -> Task:
    results = tuple(
        Result(url="u", path=file, width=40, height=20, bytes=812) for file in files
    )
    return Task(
        id=f"{number:014}",
        action="text_to_image",
        model=model,
        service="s",
        base_url="",
        route="service",
        values={"prompt": prompt},
        status=Status.COMPLETED,
        created_at=number,
        results=results,
    )


TASKS = [
    task(1, "a red fox", "flux-2", "/out/fox.png"),
    task(2, "not saved"),
    task(3, "two owls", "z-image", "/out/owl.png", "/out/owl-2.png"),
]


async def test_results_come_first_and_the_newest_of_them(folder: Path) -> None:
    app = Host(TASKS)
    async with app.running() as pilot:
        results = ["Results", "two owls", "two owls", "a red fox"]
        files = [str(folder), "sub/", "cat-1.png", "cat-2.png", "cat-10.png", "Dog.JPG"]
        assert app.listed == results + files
        await app.keys(pilot, "down", "down", "f6")
        assert "✓" not in app.text()
        assert "Mark" not in app.text()
        await app.keys(pilot, "enter")
        assert app.answer == ["/out/fox.png"]


async def test_words_find_prompts_and_models(folder: Path) -> None:
    app = Host(TASKS)
    async with app.running() as pilot:
        await app.keys(pilot, "=OWLS z-im")
        assert app.listed == ["Results", "two owls", "two owls"]
        await app.keys(pilot, "ctrl+u", "=nothing of the kind")
        assert app.listed == [str(folder), "No matches: nothing of the kind"]
        await app.keys(pilot, "enter", "f6", "tab")
        assert app.answer == UNSET


@pytest.mark.parametrize(
    ("typed", "after"),
    [
        ("c", "cat-"),
        ("./c", "./cat-"),
        ("./cat-1", "./cat-1"),
        ("./d", "./Dog.JPG"),
        ("./s", "./sub/"),
        ("./sub/b", "./sub/b"),
        ("./sub/../s", "./sub/../sub/"),
        ("./.", "./.den/"),
        ("./x", "./x"),
        ("", ""),
        ("~", "~/"),
        ("..", "../"),
    ],
)
def test_completion_is_that_of_a_shell(typed: str, after: str, folder: Path) -> None:
    head, name = path_completion.split_path(typed)
    assert (
        head
        + path_completion.completed(path_completion.read_folder("", head).sources, name)
        == after
    )


async def test_tab_completes(folder: Path) -> None:
    app = Host(TASKS)
    async with app.running() as pilot:
        for typed, after in {
            "./c": "./cat-",
            "s": "sub/",
            "~": "~/",
            URL: URL,
            "fox": "fox",
        }.items():
            await app.keys(pilot, "ctrl+u", f"={typed}", "tab")
            assert app.typed == after
        assert app.answer == UNSET


async def test_folders_are_entered_and_files_taken(folder: Path) -> None:
    app = Host([])
    async with app.running() as pilot:
        await app.keys(pilot, "enter")
        assert app.typed == "sub/"
        assert app.listed == [str(folder / "sub"), "bee.gif", "bird.webp"]
        await app.keys(pilot, "down", "enter")
        assert app.answer == [str(folder / "sub" / "bird.webp")]


async def test_a_part_of_a_name_is_enough(folder: Path) -> None:
    app = Host([])
    async with app.running() as pilot:
        await app.keys(pilot, "=-1")
        assert app.listed == [str(folder), "cat-1.png", "cat-10.png"]


async def test_keys_typed_ahead_of_the_disk_wait_for_it(folder: Path) -> None:
    app = Host(TASKS)
    async with app.running() as pilot:
        for key in ("=./s", "tab", "down", "enter"):
            app.press(key)
        await app.settle(pilot)
        assert app.answer == [str(folder / "sub" / "bird.webp")]


@pytest.mark.parametrize(
    "start", ["", "~", "~/sub", "~/sub/bird.webp", "https://example.com", "two\nlines"]
)
def test_where_it_starts(
    start: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(folder))
    assert path_completion.read_folder(start, "").path == str(
        folder / "sub" if "sub" in start else folder
    )


async def test_several_in_order(folder: Path) -> None:
    app = Host(TASKS, many=True)
    async with app.running() as pilot:
        await app.keys(
            pilot, "=./cat-2", "f6", "ctrl+u", "=fox", "insert", "ctrl+u", "=owls", "f6"
        )
        assert "✓3" in app.text()
        assert "3 marked" in app.text()
        await app.keys(pilot, "ctrl+u", "=fox", "f6", "ctrl+u", "=./cat")
        assert app.listed[1:] == ["cat-1.png", "✓1  cat-2.png", "cat-10.png"]
        await app.keys(pilot, "enter")
        assert app.answer == [str(folder / "cat-2.png"), "/out/owl.png"]


async def test_the_highlighted_one_where_none_is_marked(folder: Path) -> None:
    app = Host(TASKS, many=True)
    async with app.running() as pilot:
        await app.keys(pilot, "f6", "f6", "down", "down", "enter")
        assert app.answer == ["/out/fox.png"]


@pytest.mark.parametrize(
    ("many", "answer"), [(False, [URL]), (True, ["/out/owl.png", URL])]
)
async def test_a_url_is_taken(many: bool, answer: list[str], folder: Path) -> None:
    app = Host(TASKS, many=many)
    async with app.running() as pilot:
        await app.keys(pilot, "f6", f"={URL} ", "enter")
        assert app.answer == answer


async def test_hostile_names_are_shown_harmless_and_answered_as_they_are(
    tmp_path: Path,
) -> None:
    inner = tmp_path / "x" / "[b]\x1b[31m evil\n\u202edir"
    inner.mkdir(parents=True)
    name = b"[@click=app.quit]\x07 \xff.PNG"
    (Path(os.fsdecode(os.fsencode(inner) + b"/" + name))).write_bytes(b"no picture")
    app = Host(
        [task(1, "[/]\x1b]0;pwned\x07 [red]red", "[bold", f"{inner}/x.png")],
        start=str(tmp_path / "x"),
    )
    async with app.running(140) as pilot:
        assert app.listed[1:] == ["[/] [red]red", str(tmp_path / "x"), "[b] evil dir/"]
        await app.keys(pilot, "=[", "tab")
        assert app.typed == "[b] evil dir/"
        await app.keys(pilot, "enter")
        assert not any(
            character < " " or character in "\u202e\udcff"
            for character in app.text().replace("\n", "")
        )
        await app.keys(pilot, "enter")
        assert app.answer == [os.fsdecode(os.fsencode(inner) + b"/" + name)]


async def test_a_folder_that_can_not_be_listed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "empty").mkdir()

    def scandir(path: str, real: Callable[[str], Any] = os.scandir) -> Any:
        if path.endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    app = Host(TASKS)
    async with app.running() as pilot:
        for typed, sentence in {
            "./none/x": "This folder doesn't exist.",
            "~nobody-here/": "This folder doesn't exist.",
            "./shut/": "This folder can't be read: Permission denied.",
            "./empty/": "No folders or images here.",
        }.items():
            await app.keys(pilot, "ctrl+u", f"={typed}", "enter")
            assert app.listed[1:] == [sentence]
        assert app.answer == UNSET


async def test_a_slow_folder_blocks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    awake = threading.Event()

    def slow(start: str, folder: str) -> path_completion.Folder:
        awake.wait(10)
        return path_completion.Folder("/late")

    monkeypatch.setattr(sources, "read_folder", slow)
    monkeypatch.setattr(sources, "SOON", 0)
    app = Host(TASKS)
    try:
        async with app.run_test() as pilot, asyncio.timeout(10):
            while not app.picker.is_current or len(app.listed) < 2:
                await pilot.pause()
            assert app.listed[-1] == "Reading the folder …"
            for key in ("=fox", "tab", "enter"):
                app.press(key)
            await pilot.pause()
            assert app.answer == ["/out/fox.png"]
            awake.set()
    finally:
        awake.set()


async def test_a_newer_folder_wins(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    awake = threading.Event()

    def read(
        start: str,
        typed: str,
        real: Callable[
            [str, str], path_completion.Folder
        ] = path_completion.read_folder,
    ) -> path_completion.Folder:
        if typed == "./slow/":
            awake.wait(10)
        return real(start, typed)

    monkeypatch.setattr(sources, "read_folder", read)
    app = Host([])
    async with app.running() as pilot:
        app.press("=./slow/")
        await pilot.pause()
        app.press("ctrl+u")
        await pilot.pause()
        app.press("=./sub/")
        await pilot.pause()
        awake.set()
        await app.settle(pilot)
        assert app.listed == [str(folder / "sub"), "bee.gif", "bird.webp"]


async def test_of_very_many_the_first_are_listed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MOST", 2)
    app = Host([])
    async with app.running() as pilot:
        await app.keys(pilot, "=./cat")
        assert app.listed[1:] == [
            "cat-1.png",
            "cat-2.png",
            "… and 1 more: type part of a name",
        ]


async def test_the_highlighted_one_is_shown_where_there_is_room(folder: Path) -> None:
    app = Host(TASKS)
    async with app.running(120) as pilot:
        assert "owl.png · 812 B · 40×20" in app.text()
        assert "owl.png is not there." in app.text()
        await app.keys(pilot, "=./cat-1")
        assert f"cat-1.png · {(folder / 'cat-1.png').stat().st_size} B" in app.text()
        assert "▀" in app.text()
        await pilot.resize_terminal(80, 24)
        await app.settle(pilot)
        assert not app.picker.query_one(Picture).region
        assert "cat-10.png" in app.text()


async def test_escape_backs_out(folder: Path) -> None:
    app = Host(TASKS, many=True)
    async with app.running() as pilot:
        await app.keys(pilot, "f6", "=cat", "escape")
        assert app.answer is None
