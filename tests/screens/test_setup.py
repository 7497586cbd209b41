"""The key: checked before it is used, changed without losing anything, told without
being shown.
"""

import json
import re
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.app import TestApp
from tests.keyed import keyed
from tui.screens.confirm import ConfirmScreen
from tui.screens.main import MainScreen
from tui.screens.setup import SetupScreen
from tui.settings import credentials
from tui.tasks.task import Status

OLD, NEW, CLAW = (
    "runapi_old_0123456789abcdef",
    "runapi_new_0123456789abcdef",
    "runapi_claw_0123456789abcdef",
)


def write_settings(path: Path, content: object) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path.read_bytes()


def flat(app: TestApp) -> str:
    """What stands on the page, its line breaks and frames left out."""
    return " ".join(re.sub("[│┃]", " ", app.text()).split())


async def until_asked(app: TestApp) -> None:
    await app.until(lambda: isinstance(app.screen, SetupScreen))
    await app.sees("paste it here")


async def paste(app: TestApp, pilot: Pilot[None], key: str) -> None:
    app.screen.query_one("#key", Input).value = key
    await pilot.press("enter")


async def test_a_refused_key_stays_on_the_page_and_a_good_one_is_saved(
    home: Path,
) -> None:
    saved = home / ".config/runapi/config.json"
    write_settings(saved, {"base_url": "https://elsewhere.example", "callback": 1})
    with keyed(NEW, balance_cents=1234) as service:
        app = TestApp(demo=False, base_url=service.url)
        async with app.run_test(size=(80, 24)) as pilot:
            await until_asked(app)
            await pilot.press(*"not a key", "enter")
            await app.sees("That is not an API key")
            assert service.shown == set()
            await paste(app, pilot, OLD)
            await app.until(lambda: "refused the API key (HTTP 401)" in flat(app))
            assert "api_key" not in json.loads(saved.read_text())
            assert OLD not in app.text()
            await paste(app, pilot, NEW)
            await pilot.press("enter", "enter")  # held down for long
            await app.until(
                lambda: "Demo, demo@runapi.invalid: balance $12.34" in app.told
            )
            await app.until(lambda: app.engine)
            assert (
                len([page for page in app.screen_stack if isinstance(page, MainScreen)])
                == 1
            )
            await app.sees("balance $12.34")
        assert service.shown == {OLD, NEW}
    kept = json.loads(saved.read_text())
    assert (kept["api_key"], kept["base_url"], kept["callback"]) == (
        NEW,
        service.url,
        1,
    )
    assert saved.stat().st_mode & 0o777 == 0o600


async def test_without_a_network_a_key_may_be_saved_untried(home: Path) -> None:
    app = TestApp(demo=False, base_url="http://127.0.0.1:9")
    saved = home / ".config/runapi/config.json"
    async with app.run_test(size=(80, 24)) as pilot:
        await until_asked(app)
        await paste(app, pilot, NEW)
        await app.sees("Use anyway")
        assert "127.0.0.1 can't be reached" in flat(app)
        assert not saved.exists()
        await pilot.press("enter")
        await app.until(lambda: isinstance(app.screen, MainScreen))
    assert json.loads(saved.read_text())["api_key"] == NEW


async def test_what_was_found_is_listed_masked_used_and_left_where_it_is(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved, claw = home / ".config/runapi/config.json", home / ".openclaw/openclaw.json"
    before = write_settings(saved, {"api_key": OLD})
    settings = write_settings(
        claw, {"models": {"providers": {"runapi": {"apiKey": CLAW}}}}
    )
    write_settings(home / ".hermes/config.yaml", "providers: {runapi: [")
    monkeypatch.setenv("RUNAPI_API_KEY", NEW)
    with keyed(NEW) as service:
        app = TestApp(demo=False, base_url=service.url)
        async with app.running(110, 40) as pilot:
            await pilot.press(*"fox", "f4")
            await until_asked(app)
            page = flat(app)
            for told in (
                "runapi_…cdef RUNAPI_API_KEY (in use)",
                "config.json",
                "openclaw.json",
                "config.yaml",
            ):
                assert told in page
            assert not any(key in page for key in (OLD, NEW, CLAW))
            service.key = CLAW
            await pilot.press("up", "end", "enter")
            await app.until(lambda: isinstance(app.screen, MainScreen))
            assert app.main
            assert app.main.form.values()["prompt"] == "fox"
            assert app.session.credential.api_key == CLAW
            await app.until(
                lambda: any(
                    "next start takes the key from RUNAPI_API_KEY" in told
                    for told in app.told
                )
            )
        assert service.shown == {NEW, CLAW}
    assert (saved.read_bytes(), claw.read_bytes()) == (before, settings)
    for path in home.rglob("*"):
        assert (
            path == claw or not path.is_file() or CLAW.encode() not in path.read_bytes()
        )


async def test_a_key_refused_later_is_changed_over_form_and_queue(home: Path) -> None:
    write_settings(home / ".config/runapi/config.json", {"api_key": OLD})
    with keyed(OLD, delay=0.5) as service:
        app = TestApp(demo=False, base_url=service.url, poll_seconds=0.2)
        async with app.running(110, 40) as pilot:
            await pilot.press(*"owl", "ctrl+j")
            owl = await app.until_task(pilot, lambda task: bool(task.remote_id))
            service.key = NEW
            await pilot.press("ctrl+n", *"fox", "ctrl+j")
            fox = await app.until_task(
                pilot,
                lambda task: (
                    task.prompt == "fox" and "refused the API key" in task.note
                ),
            )
            assert fox.status is Status.HELD
            await app.sees("! key refused (F4)")
            assert sum("Press F4 to use another key" in told for told in app.told) == 1
            await pilot.press(*"es", "f4")
            await until_asked(app)
            await pilot.press("escape", "f4")
            await until_asked(app)
            await paste(app, pilot, NEW)
            await app.until(lambda: isinstance(app.screen, MainScreen))
            assert app.main
            assert app.main.form.values()["prompt"] == "foxes"
            # What was at the service goes on by itself, and so does what was held.
            await app.until_task(
                pilot,
                lambda task: task.id == owl.id and task.status is Status.COMPLETED,
            )
            await app.until_task(
                pilot,
                lambda task: task.id == fox.id and task.status is Status.COMPLETED,
            )
            await app.sees("balance $", without="key refused")


async def test_a_profile_is_switched_to_and_takes_up_its_own_tasks(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.screens.key_repeat.SAME_AGAIN", 0.0)
    monkeypatch.setenv("HOME_KEY", OLD)
    monkeypatch.setenv("WORK_KEY", NEW)
    with keyed(OLD, delay=3600) as at_home, keyed(NEW) as at_work:
        write_settings(
            home / ".config/runapi-tui/config.toml",
            f'profile = "home"\n'
            f'[profiles.home]\nbase_url = "{at_home.url}"\nkey = "env:HOME_KEY"\n'
            f'[profiles.work]\nbase_url = "{at_work.url}"\nkey = "env:WORK_KEY"\noutput = "{home}/work"\n'
            f'[profiles.empty]\nkey = "env:NOT_SET"\n',
        )
        app = TestApp(demo=False, poll_seconds=1)
        async with app.running(110, 40) as pilot:
            assert f"home · {at_home.url}" in app.text()
            await pilot.press(*"owl", "ctrl+j")
            owl = await app.until_task(
                pilot, lambda task: task.status is Status.PENDING
            )
            await pilot.press("ctrl+n", *"fox", "f4")
            await until_asked(app)
            assert "profile home (in use)" in flat(app)
            await pilot.press("up", "end", "up", "enter")
            await app.sees("NOT_SET is not set. Nothing was changed.")
            await pilot.press("up", "enter")
            await app.sees(f"work · {at_work.url}", "fox")
            await pilot.press("ctrl+j")
            fox = await app.until_task(
                pilot, lambda task: task.status is Status.COMPLETED
            )
            assert (owl.profile, fox.profile, Path(fox.files[0]).parent) == (
                "home",
                "work",
                home / "work",
            )
            assert app.engine
            assert app.engine.tasks[owl.id].status is Status.PENDING
            await pilot.press("ctrl+t", "down", "s")
            await app.until_task(
                pilot, lambda task: task.id == owl.id and not task.watched
            )
            await pilot.press("s")
            await app.until(
                lambda: any("start with --profile home" in told for told in app.told)
            )
        assert (at_home.shown, at_work.shown) == ({OLD}, {NEW})


def of_hermes(url: str) -> str:
    return f"custom_providers:\n- {{name: runapi, base_url: '{url}/v1', api_key: {CLAW}}}\n"


async def test_a_host_of_another_tool_is_asked_about_once(home: Path) -> None:
    with keyed(CLAW) as service:
        path = home / ".hermes/config.yaml"
        settings = write_settings(path, of_hermes(service.url))
        app = TestApp(demo=False)
        async with app.run_test(size=(110, 40)) as pilot:
            await until_asked(app)
            assert f"for {service.url}" in flat(app)
            await pilot.press("up", "enter")
            await app.until(lambda: isinstance(app.screen, ConfirmScreen))
            await app.sees(
                "~/.hermes/config.yaml (custom provider runapi) sends its key to",
                f"{service.url}. That is not RunAPI.",
            )
            await pilot.press("enter")  # pressed twice: that is a No
            await app.sees("Nothing was sent, and nothing was changed.")
            assert service.shown == set()
            await pilot.press("enter")
            await app.until(lambda: isinstance(app.screen, ConfirmScreen))
            await pilot.press("y")
            await app.until(lambda: isinstance(app.screen, MainScreen))
            assert app.session.credential.base_url == service.url
        assert service.shown == {CLAW}
        assert path.read_bytes() == settings
        again = TestApp(demo=False)
        async with again.running(110, 40):
            assert isinstance(again.screen, MainScreen)
            assert again.session.credential.api_key == CLAW


async def test_a_pasted_key_never_goes_to_the_host_of_another_tool(home: Path) -> None:
    with keyed(CLAW) as of_tool, keyed(NEW) as own:
        write_settings(home / ".hermes/config.yaml", of_hermes(of_tool.url))
        write_settings(home / ".config/runapi/config.json", {"base_url": own.url})
        credentials.confirm(credentials.find_all()[0][0])
        app = TestApp(demo=False)
        async with app.running(110, 40) as pilot:
            assert app.session.credential.base_url == of_tool.url
            await pilot.press("f4")
            await until_asked(app)
            assert f"sent only to {own.url}" in flat(app)
            await paste(app, pilot, NEW)
            await app.until(lambda: isinstance(app.screen, MainScreen))
            await app.until(lambda: app.session.credential.base_url == own.url)
        assert NEW not in of_tool.shown
        assert own.shown == {NEW}
