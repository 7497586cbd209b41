"""The page of a job: judged live, and honest about what it will send."""

import asyncio
import sys
from pathlib import Path
from typing import Any

from textual.widgets import Button, Input, OptionList, TextArea

from tests.themed import ThemedApp
from tui.catalog.load import bundled
from tui.catalog.matrix import FilledModel
from tui.catalog.spec import Values
from tui.paths import styles_dir
from tui.screens.batch import BatchScreen, JobChoice
from tui.settings.prompt_files import PromptFiles

FLUX, IMAGEN = bundled().find("flux-2-pro-text-to-image"), bundled().find("imagen-4")
# From Python 3.14 on, pathlib takes no name for a fault: there is just no such file.
NO_SUCH_NAME = (
    "! There is no file …x" if sys.version_info >= (3, 14) else "File name too long."
)


class OneBatch(ThemedApp):
    """The page alone."""

    CSS_PATH = [styles_dir() / "app.tcss", styles_dir() / "dialogs.tcss"]

    def __init__(self, model: Any = FLUX, values: Values | None = None) -> None:
        super().__init__()
        self._form = FilledModel(
            model,
            model.routes["service"],
            values or {"prompt": "a {red|blue} fox"},
        )
        self.answers: list[JobChoice | None] = []
        self._painted = asyncio.Event()

    def on_mount(self) -> None:
        files = PromptFiles(Path.home() / ".config")
        self.page = BatchScreen(self._form, bundled(), files)
        self.push_screen(self.page, self.answers.append)

    def post_display_hook(self) -> None:
        self._painted.set()

    def fill(self, *, count: str = "1", file: object = "", vary: str = "") -> None:
        self.page.query_one("#batch-count", Input).value = count
        self.page.query_one("#batch-file", Input).value = str(file)
        self.page.query_one(TextArea).text = vary

    async def sees(self, *texts: str) -> None:
        try:
            async with asyncio.timeout(20):
                while not all(text in self.text() for text in texts):
                    self._painted.clear()
                    await self._painted.wait()
        except TimeoutError:
            raise AssertionError(f"{texts}, but:\n{self.text()}") from None

    def text(self) -> str:
        lines = self.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in line) for line in lines)

    def wanted(self) -> list[Values]:
        """The values of the requests with which the page has ended."""
        (wanted,) = self.answers
        assert wanted
        return [request.values for request in wanted.requests]

    @property
    def button(self) -> Button:
        return self.page.query_one(Button)


async def test_count_and_price_follow_what_is_filled_in() -> None:
    app = OneBatch()
    async with app.run_test(size=(100, 40)):
        for filled, told, button in (
            ({}, "2 requests, about $0.10", "Send 2  ·  about $0.10"),
            ({"count": "3"}, "6 requests, about $0.30", "Send 6  ·  about $0.30"),
            (
                {"vary": "output_resolution = *"},
                "4 requests, about $0.24",
                "Send 4  ·  about $0.24",
            ),
            (
                {
                    "count": "2",
                    "vary": "output_resolution = 1k | 2k\n\naspect_ratio=1:1|16:9|3:4",
                },
                "24 requests, about $1.44",
                "Send 24  ·  about $1.44",
            ),
            (
                {"count": "5000"},
                "10,000 requests, about $500.00",
                "Send 10,000  ·  about $500.00",
            ),
        ):
            app.fill(**filled)
            await app.sees(told, button)
            assert not app.button.disabled
        await app.sees("5,000 × a red fox")


async def test_what_is_wrong_is_told_in_words_and_nothing_can_be_sent(
    tmp_path: Path,
) -> None:
    files = {
        name: tmp_path / name for name in ("binary", "nulls", "blank", "many", "gone")
    }
    files["binary"].write_bytes(b"\x89PNG\r\n\xff\xfe")
    files["nulls"].write_bytes(b"\0" * 100)
    files["blank"].write_text("\n \n")
    files["many"].write_text("a fox\n" * 10_001)
    app = OneBatch()
    async with app.run_test(size=(200, 30)) as pilot:
        for filled, told in (
            ({"count": ""}, "! Copies: 1 to 10,000."),
            ({"count": "-"}, "! Copies: 1 to 10,000."),
            ({"count": "0"}, "! Copies: 1 to 10,000."),
            ({"count": "10001"}, "! Copies: 1 to 10,000."),
            ({"count": "9" * 5000}, "! Copies: 1 to 10,000."),
            (
                {"count": "5001"},
                "! 2 prompts × 5,001 of each are 10,002 requests; a job takes at most 10,000.",
            ),
            (
                {"file": files["many"]},
                "! There are more than 10,000 prompts; a job takes at most 10,000 requests.",
            ),
            ({"file": files["gone"]}, "gone."),
            ({"file": tmp_path}, "! There is no file "),
            ({"file": "x" * 5000}, NO_SUCH_NAME),
            (
                {"file": files["binary"]},
                "binary is not a text file: it needs one prompt",
            ),
            ({"file": files["nulls"]}, "nulls is not a text file"),
            ({"file": files["blank"]}, "! There is no prompt: all lines are blank."),
            (
                {"vary": "output_resolution"},
                "! 'output_resolution' is not of the form name = values.",
            ),
            ({"vary": "output_resolution ="}, "is not of the form name = values."),
            ({"vary": "= 1k"}, "! '= 1k' is not of the form name = values."),
            (
                {"vary": "output_resolution = 1k\noutput_resolution = 2k"},
                "! Listed twice: output_resolution.",
            ),
            ({"vary": "output_resolutoin = 1k"}, "Did you mean output_resolution?"),
            (
                {"vary": "prompt = a | b"},
                "! A prompt is varied by {a|b} within it, or by a file of prompts.",
            ),
        ):
            app.fill(**filled)
            await app.sees(told)
            assert (app.button.disabled, str(app.button.label)) == (True, "Send")
            app.page.action_send()
            app.fill()
            await app.sees("Send 2")
        app.fill(count="0")
        await pilot.press("f5")
        assert app.answers == []


async def test_what_can_not_be_sent_is_listed_first_with_its_reason() -> None:
    app = OneBatch(values={"prompt": "{a red fox|no|[red]no[/]\x1b]0;x\x07}"})
    async with app.run_test(size=(80, 24)) as pilot:
        app.fill(vary="aspect_ratio = 1:1 | 7:1")
        await app.sees("2 requests, about $0.10; 4 left out", "Send 2")
        listed = [
            str(option.prompt) for option in app.page.query_one(OptionList).options
        ]
        assert len(listed) == 6
        assert all(row.startswith("✗ aspect ratio ") for row in listed[:4])
        assert listed[0].startswith(
            "✗ aspect ratio 7:1 · a red fox – aspect_ratio: 7:1 is not one of 1:1, 4:3"
        )
        assert (
            listed[1]
            == "✗ aspect ratio 1:1 · no – prompt: 3 to 5,000 characters: this has 2."
        )
        assert listed[4:] == [
            "  $0.05  aspect ratio 1:1 · a red fox",
            "  $0.05  aspect ratio 1:1 · [red]no[/]",
        ]
        await pilot.press("ctrl+j")
        assert [values["prompt"] for values in app.wanted()] == [
            "a red fox",
            "[red]no[/]\x1b]0;x\x07",
        ]


async def test_prompts_come_from_a_file_whatever_wrote_it(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_bytes("\ufeff雪の中の狐\r\n\r\n  a {red|blue} owl  \r\nlast".encode())
    app = OneBatch(values={"prompt": "not this one", "output_resolution": "2k"})
    async with app.run_test(size=(80, 24)) as pilot:
        app.fill(file=file)
        await app.sees("4 requests", "雪の中の狐", "a blue owl")
        await pilot.press("f5")
        assert app.wanted() == [
            {"prompt": prompt, "output_resolution": "2k"}
            for prompt in ("雪の中の狐", "a red owl", "a blue owl", "last")
        ]


async def test_copies_differ_by_their_seed_and_escape_sends_nothing() -> None:
    app = OneBatch(IMAGEN, {"prompt": "a fox", "seed": 7})
    async with app.run_test(size=(80, 24)) as pilot:
        app.fill(count="3")
        await app.sees("3 requests", "seed 8 · a fox", "seed 9 · a fox")
        app.fill(vary="seed = 1..3\naspect_ratio = 1:1")
        await app.sees("seed 3 · aspect ratio 1:1 · a fox")
        await pilot.press("tab", "tab", "escape", "escape")
        assert app.answers == [None]


async def test_all_is_in_sight_however_long_the_list() -> None:
    app = OneBatch(
        values={
            "prompt": "{a|b|c|d|e|f|g|h|i|j} 雪の中の狐、静かな朝の光 " + "long " * 50
        }
    )
    async with app.run_test(size=(80, 24)) as pilot:
        app.fill(count="1", vary="aspect_ratio = *")
        await app.sees("Send 70  ·  about $3.50")
        for line in app.text().splitlines()[1:-1]:
            assert line.strip()[0] + line.strip()[-1] in ("┃┃", "┏┓", "┗┛")
        await pilot.press("tab", "tab", "tab", "end")
        await app.sees("2:3 · j 雪の中の狐")
        await pilot.press("tab", "enter")
        assert len(app.wanted()) == 70


async def test_a_file_of_prompts_is_read_in_whatever_encoding_it_was_saved(
    tmp_path: Path,
) -> None:
    app = OneBatch(values={"prompt": "the form's"})
    async with app.run_test(size=(100, 40)):
        for number, encoding in enumerate(
            ("utf-8-sig", "utf-16", "utf-16-be", "latin-1"), 2
        ):
            file = tmp_path / encoding
            prompts = [
                "ein Fuchs über dem Öl",
                "ñandú",
                *map(str, range(100, 100 + number)),
            ]
            file.write_bytes("\r\n".join([*prompts, " "]).encode(encoding))
            app.fill(file=file)
            await app.sees(f"Send {len(prompts)}", "ein Fuchs über dem Öl", "ñandú")
        file.write_text("a lake\n\u200b\n\ufeff\n\u00ad\u2060\na sea", encoding="utf-8")
        app.fill(file=f"{file} ")  # the same file, read anew
        await app.sees("Send 2", "a lake", "a sea")
        file.write_text("\ufeff\n\u200b", encoding="utf-8")
        app.fill(file=file)
        await app.sees("! There is no prompt: all lines are blank.")
        file.write_bytes("é\n".encode() * 9 + b"caf\xe9\n")
        app.fill(file=f"{file} ")
        await app.sees("line 10 isn't UTF-8")
        assert app.button.disabled


async def test_other_models_take_what_they_can_of_the_form() -> None:
    app = OneBatch(IMAGEN, {"prompt": "a fox", "aspect_ratio": "16:9", "seed": 3})
    async with app.run_test(size=(120, 40)) as pilot:
        await app.sees("1 request")
        await pilot.press("ctrl+o")
        await app.sees("Models besides Imagen 4", "Flux 2 Pro · $")
        app.screen.query_one(OptionList).highlighted = place_of(app, "Z Image · $")
        await pilot.press("space", "enter")
        await app.sees("2 requests", "Imagen 4, Z Image", "Z Image · no seed · a fox")
        app.fill(vary="aspect_ratio = 1:1 | 16:9")
        await app.sees("4 requests")
        app.fill(vary="seed = 1..2")
        await app.sees("2 requests", "1 left out", "✗ Z Image", "has no seed.")
        await pilot.press("ctrl+j")
        (wanted,) = app.answers
        assert wanted
        assert {request.model.slug for request in wanted.requests} == {"imagen-4"}


async def test_models_without_their_picture_are_struck_and_changes_are_named() -> None:
    app = OneBatch(IMAGEN, {"prompt": "a fox", "aspect_ratio": "9:16", "seed": 3})
    async with app.run_test(size=(140, 60)) as pilot:
        await app.sees("1 request")
        await pilot.press("ctrl+o")
        await app.sees("Models besides Imagen 4")
        listed = app.screen.query_one(OptionList)
        at = place_of(app, "✗ Ideogram 3 Character")
        listed.highlighted = at
        await pilot.press("space")
        row = str(listed.get_option_at_index(at).prompt)
        assert row.startswith("✗")
        assert "needs a picture that isn't in the form: " in row
        listed.highlighted = place_of(app, "GPT-4o Image")
        await pilot.press("space", "enter")
        await app.sees("2 requests", "aspect ratio 1:1 not 9:16 · no seed · a fox")


def place_of(app: OneBatch, label: str) -> int:
    """The row of the list in front that begins so."""
    listed = app.screen.query_one(OptionList)
    return next(
        index
        for index, option in enumerate(listed.options)
        if str(option.prompt).strip().startswith(label)
    )


async def test_parameters_and_their_values_are_chosen_from_lists() -> None:
    app = OneBatch(IMAGEN, {"prompt": "a fox"})
    async with app.run_test(size=(120, 40)) as pilot:
        await app.sees("1 request")
        await pilot.press("f3")
        await app.sees("Ratio · 5 choices", "Seed")
        listed = app.screen.query_one(OptionList)
        rows = [str(option.prompt) for option in listed.options]
        listed.highlighted = next(
            i for i, r in enumerate(rows) if r.startswith("Ratio")
        )
        await pilot.press("enter")
        await app.sees("Done")
        await pilot.press("space", "down", "space", "enter")
        await app.sees("aspect_ratio = 1:1 | ", "2 requests")
        await pilot.press("f3")
        await app.sees("Seed")
        app.screen.query_one(OptionList).highlighted = place_of(app, "Seed")
        await pilot.press("enter")
        await app.sees("seed = 1..4", "8 requests")
        assert app.focused is app.page.query_one(TextArea)


async def test_a_probe_sends_the_cheapest_first() -> None:
    app = OneBatch()
    async with app.run_test(size=(120, 40)) as pilot:
        app.fill(vary="output_resolution = 2k | 1k")
        await app.sees("4 requests", "$0.05", "$0.07")
        await pilot.press("f7")
        (wanted,) = app.answers
        assert wanted
        assert (len(wanted.requests), wanted.probe) == (4, True)
