"""What others named, files to upload and addresses to be called, is asked for once.

The embedded service records what really arrived.
"""

import json
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image
from textual import events
from textual.pilot import Pilot
from textual.widgets import Static, TextArea

from tests.app import TestApp, past
from tui.catalog.load import bundled
from tui.catalog.spec import Values
from tui.screens.batch import BatchScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.main import MainScreen
from tui.tasks.task import Status
from tui.widgets.fields import Field

KONTEXT = bundled().find("flux-kontext-pro")
REMIX = bundled().find("flux-2-pro-remix-image")
Z_IMAGE = bundled().find("z-image")


@pytest.fixture
def fox(tmp_path: Path) -> Path:
    path = tmp_path / "my fox, red.png"
    Image.new("RGB", (16, 9), "red").save(path)
    return path


def paste(app: TestApp, text: object) -> None:
    app.post_message(events.Paste(str(text)))


async def fill_in(app: TestApp, pilot: Pilot[None], command: str) -> None:
    """Paste a command into the prompt."""
    assert app.main
    app.main.form.focus_first()
    await pilot.pause()
    before = len(app.told)
    paste(app, command)
    await app.until(lambda: len(app.told) > before)
    await pilot.pause()


def generate(model: str, *settings: str) -> str:
    words = [f"-s {shlex.quote(setting)}" for setting in settings]
    return f"runapi-tui generate {model} -p fox {' '.join(words)}"


async def asked(app: TestApp, pilot: Pilot[None]) -> str:
    """The question that is open."""
    await app.until(lambda: isinstance(app.screen, ConfirmScreen))
    await pilot.pause()
    texts = app.screen.query("#confirm-details Static, #confirm-question")
    return "\n".join(str(text.visual) for text in texts.results(Static))


async def answer(app: TestApp, pilot: Pilot[None], key: str) -> None:
    await pilot.press(key)
    await app.until(lambda: isinstance(app.screen, MainScreen))
    await pilot.pause()


async def completed(app: TestApp, pilot: Pilot[None], count: int = 1) -> None:
    def are_done() -> bool:
        tasks = app.engine.tasks.values() if app.engine else ()
        return sum(task.status is Status.COMPLETED for task in tasks) == count

    await app.until(are_done)
    await pilot.pause()


def uploads(app: TestApp) -> list[str]:
    """The names of the files that the service got."""
    with closing(sqlite3.connect(app.session.folders.state / "service.db")) as service:
        rows = service.execute("select file_name from uploads order by rowid")
        return [name for (name,) in rows]


def tasks(app: TestApp) -> int:
    return len(app.engine.tasks) if app.engine else 0


@pytest.mark.hands_over("my fox, red.png")
async def test_a_pasted_commands_file_is_named_in_full_and_no_leaves_all_as_it_was(
    fox: Path,
) -> None:
    app = TestApp()
    async with app.running(150, 45) as pilot:
        assert app.main
        await fill_in(
            app, pilot, generate("flux-kontext-pro", f"source_image_url={fox}")
        )
        before = app.main.form.values()
        await pilot.press("ctrl+j")
        question = await asked(app, pilot)
        assert f"Upload {fox}\n" in question
        assert "Send 1 request, about $0.05?" in question
        await answer(app, pilot, "n")
        assert (tasks(app), uploads(app)) == (0, [])
        assert app.main.form.values() == before
        await pilot.press("ctrl+j")
        await asked(app, pilot)
        await answer(app, pilot, "y")
        await completed(app, pilot)
        assert uploads(app) == [fox.name]
        app.main.form.set_prompt("another fox")
        await pilot.press("ctrl+j")
        await completed(app, pilot, 2)
        assert uploads(app) == [fox.name]


@pytest.mark.hands_over("my fox, red.png")
async def test_home_and_links_are_resolved_and_another_target_is_asked_for(
    fox: Path, home: Path
) -> None:
    other = fox.with_name("other.png")
    Image.new("RGB", (8, 8), "blue").save(other)
    link = home / "link.png"
    link.symlink_to(fox)
    app = TestApp()
    async with app.running(150, 45) as pilot:
        command = generate("flux-2-pro-remix-image", "source_image_urls=~/link.png")
        await fill_in(app, pilot, command)
        await pilot.press("ctrl+j")
        assert f"Upload {link}, a link to {fox}" in await asked(app, pilot)
        await answer(app, pilot, "y")
        await completed(app, pilot)
        link.unlink()
        link.symlink_to(other)
        await fill_in(app, pilot, command.replace("-p fox", "-p hen"))
        await pilot.press("ctrl+j")
        assert f"Upload {link}, a link to {other}" in await asked(app, pilot)
        await answer(app, pilot, "n")
        assert tasks(app) == 1


async def test_a_pasted_callback_is_asked_for() -> None:
    hook = "https://evil.example/hook"
    body = {"model": "flux-kontext-pro", "prompt": "fox", "callback_url": hook}
    app = TestApp()
    async with app.running(150, 45) as pilot:
        curl = f"curl https://runapi.ai/v1/text_to_image --json '{json.dumps(body)}'"
        await fill_in(app, pilot, curl)
        await pilot.press("ctrl+j")
        assert f"The service calls {hook}\n" in await asked(app, pilot)
        await answer(app, pilot, "n")
        assert tasks(app) == 0


@pytest.mark.parametrize("how", ["drop", "paste", "clipboard"])
async def test_a_path_that_was_not_typed_is_asked_for(how: str, fox: Path) -> None:
    app = TestApp()
    async with app.running(150, 45) as pilot:
        assert app.main
        await app.main.show_model(REMIX, {"prompt": "fox"})
        app.main.form._fields["source_image_urls"].control.focus()
        await pilot.pause()
        if how == "drop":
            paste(app, shlex.quote(str(fox)))
        elif how == "paste":
            # Only a part, which is no file: then a key completes it.
            fox = fox.rename(fox.with_name("fox.png"))
            paste(app, str(fox)[:-1])
            await app.until(
                lambda: app.main and "fox.pn" in str(app.main.form.content().values)
            )
            await pilot.press("g")
        else:
            app.copy_to_clipboard(f'"{fox}"')
            await pilot.press("ctrl+v")
        await app.until(lambda: app.main and fox.name in str(app.main.form.values()))
        await pilot.press("ctrl+j")
        assert f"Upload {fox}" in await asked(app, pilot)
        await answer(app, pilot, "n")
        assert tasks(app) == 0


@pytest.mark.hands_over("a.png", "b.png")
async def test_what_is_typed_or_chosen_is_the_users_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (16, 9), "red").save("a.png")
    Image.new("RGB", (16, 9), "blue").save("b.png")
    app = TestApp()
    async with app.running(150, 45) as pilot:
        assert app.main
        await app.main.show_model(REMIX, {"prompt": "fox"})
        field = app.main.form._fields["source_image_urls"]
        field.control.focus()
        await pilot.pause()
        await pilot.press(*"a.png")
        field.set_picked([str(tmp_path / "b.png")])
        await pilot.press("ctrl+j")
        await completed(app, pilot)
        assert uploads(app) == ["a.png", "b.png"]


async def test_the_mark_follows_a_value_to_other_models_and_jobs(fox: Path) -> None:
    app = TestApp()
    async with app.running(150, 45) as pilot:
        assert app.main
        command = generate("flux-kontext-pro", f"source_image_url={fox}")
        await fill_in(app, pilot, command)
        await app.main.show_model(Z_IMAGE)
        await app.main.show_model(KONTEXT)
        assert str(fox) in app.main.form.values().values()
        await pilot.press("ctrl+b")
        await app.until(lambda: isinstance(app.screen, BatchScreen))
        await pilot.press("backspace", "2")
        await app.sees("2 requests")
        await pilot.press("ctrl+j")
        question = await asked(app, pilot)
        assert question.count(f"Upload {fox}\n") == 1
        assert "Send 2 requests" in question
        await answer(app, pilot, "n")
        assert tasks(app) == 0


@pytest.mark.hands_over("a.png", "b.png")
@pytest.mark.parametrize("pasted", [True, False])
async def test_a_varied_file_is_asked_for_if_it_was_pasted(
    pasted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (16, 9), "red").save("a.png")
    Image.new("RGB", (16, 9), "blue").save("b.png")
    line = "source_image_urls=a.png|b.png"
    app = TestApp()
    async with app.running(150, 45) as pilot:
        assert app.main
        await app.main.show_model(REMIX, {"prompt": "fox"})
        await pilot.press("ctrl+b")
        await app.until(lambda: isinstance(app.screen, BatchScreen))
        app.screen.query_one(TextArea).focus()
        if pasted:
            paste(app, line)
        else:
            await pilot.press(*line)
        await app.sees("2 requests")
        await pilot.press("ctrl+j")
        if not pasted:
            await completed(app, pilot, 2)
            assert sorted(uploads(app)) == ["a.png", "b.png"]
            return
        question = await asked(app, pilot)
        for name in ("a.png", "b.png"):
            assert f"Upload {tmp_path / name}\n" in question
        await answer(app, pilot, "n")
        assert tasks(app) == 0


@pytest.mark.hands_over("my fox, red.png")
@pytest.mark.parametrize("imported", [True, False])
async def test_the_files_of_an_imported_task_are_asked_for_and_ones_own_are_not(
    imported: bool, fox: Path
) -> None:
    values: Values = {"prompt": "a fox", "source_image_url": str(fox)}
    model = {
        "model": KONTEXT.slug,
        "action": KONTEXT.action,
        "service": KONTEXT.service,
    }
    app = TestApp()
    app.remember(
        past(
            "",
            Status.FAILED,
            values=values,
            route="service",
            imported=imported,
            **model,
        )
    )
    async with app.running(150, 45) as pilot:
        await app.sees("a fox")
        await pilot.press("ctrl+t", "u")
        await app.until(lambda: app.main and str(fox) in str(app.main.form.values()))
        await pilot.press("ctrl+j")
        if not imported:
            await completed(app, pilot)
            assert uploads(app) == [fox.name]
            return
        assert f"Upload {fox}\n" in await asked(app, pilot)
        await answer(app, pilot, "n")
        assert uploads(app) == []


async def test_a_pasted_prompt_file_is_named_before_its_lines_are_sent(
    tmp_path: Path,
) -> None:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("a fox\nan owl\n")
    app = TestApp()
    async with app.running(150, 45) as pilot:
        await pilot.press("ctrl+b")
        await app.until(lambda: isinstance(app.screen, BatchScreen))
        app.screen.query_one("#batch-file").focus()
        paste(app, prompts)
        await app.sees("2 requests")
        await pilot.press("ctrl+j")
        assert f"Send the lines of {prompts}\n" in await asked(app, pilot)
        await answer(app, pilot, "n")
        assert tasks(app) == 0


async def test_no_secret_hides_among_urls(home: Path) -> None:
    secret = home / ".ssh/id_rsa"
    secret.parent.mkdir()
    secret.write_text("-----BEGIN")
    hidden = f"https://x/a.png\n{secret}\nhttps://x/0.png"
    body = {"model": "gpt-image-2", "prompt": "x", "source_image_urls": [hidden]}
    data = shlex.quote(json.dumps(body))
    curl = f"curl https://runapi.ai/api/v1/gpt_image_2/edit_image --json {data}"
    app = TestApp()
    async with app.running(150, 45) as pilot:
        assert app.main
        await fill_in(app, pilot, curl)
        assert "Left out: source_image_urls" in app.told[-1]
        assert "id_rsa" not in str(app.main.form.values())
        command = generate(
            "gpt-image-2 --action edit_image", f"source_image_urls={hidden}"
        )
        await fill_in(app, pilot, command)
        await pilot.press("ctrl+j")
        assert f"Upload {secret}\n" in await asked(app, pilot)
        await answer(app, pilot, "y")
        await app.until(lambda: "id_rsa is not a PNG" in app.told[-1])
        assert (tasks(app), uploads(app)) == (0, [])


def many_files(home: Path) -> list[str]:
    names = [f"{'deep' * 40}{number}.png" for number in range(8)]
    for name in names:
        Image.new("RGB", (8, 8)).save(home / name)
    return [f"source_image_urls={home / name}" for name in names]


async def test_the_price_is_in_sight_whatever_is_named_and_yes_waits_for_the_end(
    home: Path,
) -> None:
    settings = many_files(home)
    app = TestApp()
    async with app.running(80, 24) as pilot:
        await fill_in(app, pilot, generate("flux-2-pro-remix-image", *settings))
        await pilot.press("ctrl+j")
        await asked(app, pilot)
        await app.sees("Send 1 request, about $", "Balance $50.00.", "No (n)")
        await app.sees("more lines below (page down)", without="deep7.png")
        await pilot.press("y")
        await app.sees("deep3.png", "Send 1 request", without="deep0.png")
        assert isinstance(app.screen, ConfirmScreen)
        await pilot.press("home")
        await app.sees("deep0.png", "more lines below (page down)")
        await pilot.press("tab", "enter")  # the button waits, too
        await pilot.press("end")
        await app.sees("deep7.png", "Send 1 request", without="below (page down)")
        await pilot.press("pageup")
        await app.sees("more lines below (page down)")
        await pilot.press("pagedown", "up", "down")
        await app.sees("deep7.png", without="below (page down)")
        await answer(app, pilot, "n")
        assert tasks(app) == 0


async def test_no_message_covers_the_question(home: Path) -> None:
    settings = many_files(home)
    app = TestApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await app.opened.wait()
        await pilot.pause()
        await fill_in(app, pilot, generate("flux-2-pro-remix-image", *settings))
        await app.sees("Form filled in")
        await pilot.press("ctrl+j")
        await asked(app, pilot)
        await app.sees("Send 1 request", "No (n)", without="Form filled in")
        app.notify("It came meanwhile.", timeout=60)
        await pilot.pause()
        await app.sees("Send 1 request", "No (n)", without="It came meanwhile.")
        await answer(app, pilot, "n")
        await app.sees("It came meanwhile.")


async def test_a_long_callback_hides_neither_its_host_nor_the_files(fox: Path) -> None:
    hook = f"https://{'runapi.ai' * 30}@evil.example/{'x' * 3000}/the-end"
    app = TestApp()
    async with app.running(80, 24) as pilot:
        await fill_in(
            app,
            pilot,
            generate(
                "flux-kontext-pro", f"source_image_url={fox}", f"callback_url={hook}"
            ),
        )
        await pilot.press("ctrl+j")
        question = await asked(app, pilot)
        await app.sees(
            "The service calls evil.example (3,",
            "https://runapi.ai",
            "the-end",
            "Send 1 request",
            "No (n)",
            without="more line",
        )
        assert question.index(f"Upload {fox}") < question.index("The service calls")
        assert len(question) < 600 + len(str(fox))
        await answer(app, pilot, "n")


@pytest.mark.hands_over("*.png")
async def test_a_link_that_is_moved_during_the_question_is_asked_for_again(
    tmp_path: Path,
) -> None:
    link = tmp_path / "link.png"
    for name in ("a", "b"):
        Image.new("RGB", (16, 9), "red").save(tmp_path / f"{name}.png")
    link.symlink_to(tmp_path / "a.png")
    app = TestApp()
    async with app.running(150, 45) as pilot:
        await fill_in(
            app, pilot, generate("flux-kontext-pro", f"source_image_url={link}")
        )
        await pilot.press("ctrl+j")
        assert "a.png" in await asked(app, pilot)
        first = app.screen
        link.unlink()
        link.symlink_to(tmp_path / "b.png")
        await pilot.press("y")
        await app.until(
            lambda: isinstance(app.screen, ConfirmScreen) and app.screen is not first
        )
        assert "b.png" in await asked(app, pilot)
        await answer(app, pilot, "n")
        assert app.engine
        assert not app.engine.tasks


async def test_a_name_that_a_prompt_has_too_is_asked_for(
    fox: Path,
) -> None:
    app = TestApp()
    async with app.running(150, 45) as pilot:
        assert app.main
        app.main.form.set_prompt(str(fox))
        await fill_in(
            app, pilot, generate("flux-kontext-pro", f"source_image_url={fox}")
        )
        await pilot.press("ctrl+j")
        assert fox.name in await asked(app, pilot)
        await answer(app, pilot, "n")


async def test_a_file_that_is_missing_is_said_before_any_question(fox: Path) -> None:
    app = TestApp()
    async with app.running(150, 45) as pilot:
        command = generate("flux-kontext-pro", f"source_image_url={fox}")
        await fill_in(app, pilot, command)
        fox.unlink()
        await pilot.press("ctrl+j")
        await app.until(lambda: f"There is no file {fox}." in app.told[-1])
        assert isinstance(app.screen, MainScreen)
        assert tasks(app) == 0


async def source_field(app: TestApp, pilot: Pilot[None]) -> Field:
    """The field of source images, which has the focus."""
    assert app.main
    await app.main.show_model(REMIX, {"prompt": "fox"})
    field = app.main.form._fields["source_image_urls"]
    field.control.focus()
    await pilot.pause()
    return field


@pytest.mark.hands_over("b.png")
@pytest.mark.parametrize("emptied", [True, False])
async def test_what_is_typed_after_or_beside_a_paste_is_the_users_word(
    emptied: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (16, 9), "blue").save("b.png")
    app = TestApp()
    async with app.running(150, 45) as pilot:
        field = await source_field(app, pilot)
        if emptied:
            paste(app, "b.pn")
            await app.until(lambda: field.read() == ["b.pn"])
            await pilot.press(*["backspace"] * 4)
            await app.until(lambda: field.read() is None)
        else:
            paste(app, "https://example.com/a.png")
            await app.until(field.read)
            await pilot.press("enter")
        await pilot.press(*"b.png")
        await pilot.press("ctrl+j")
        if emptied:
            await completed(app, pilot)
            assert uploads(app) == ["b.png"]
        else:
            await app.until(lambda: tasks(app) == 1)


@pytest.mark.parametrize("edit", ["undo", "shorter", "other end", "emptied and pasted"])
async def test_what_is_made_partly_of_a_paste_is_asked_for(
    edit: str, tmp_path: Path
) -> None:
    app = TestApp()
    async with app.running(150, 45) as pilot:
        field = await source_field(app, pilot)
        fox = tmp_path / "fox.png"
        Image.new("RGB", (16, 9), "red").save(fox)
        pasted = str(fox)
        if edit == "shorter":
            pasted = f"{fox}x"
        elif edit == "other end":
            pasted = f"{fox.with_suffix('')}.jpg"
        elif edit == "emptied and pasted":
            await pilot.press("a", "backspace")
        paste(app, pasted)
        await app.until(lambda: field.read() == [pasted])
        match edit:
            case "undo":
                field.fill(None)
                await pilot.pause()
                await pilot.press("ctrl+z")
            case "shorter":
                await pilot.press("backspace")
            case "other end":
                await pilot.press(*["backspace"] * 3, *"png")
        await app.until(lambda: field.read() == [str(fox)])
        await pilot.press("ctrl+j")
        assert f"Upload {fox}" in await asked(app, pilot)
        await answer(app, pilot, "n")
        assert tasks(app) == 0
