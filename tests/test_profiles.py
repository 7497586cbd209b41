"""Two accounts, one queue: each profile carries its own tasks and sends its own key to
its own service.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_commands import lines, run
from tests.keyed import Keyed, keyed
from tui.session import prepare
from tui.tasks.store import Store
from tui.tasks.task import NO_PROFILE, Status

HOME, WORK = "runapi_home_0123456789abcdef", "runapi_work_0123456789abcdef"


@pytest.fixture
def services(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Keyed, Keyed]]:
    monkeypatch.setenv("WORK_KEY", WORK)
    with keyed(HOME) as at_home, keyed(WORK) as at_work:
        saved = home / ".config/runapi/config.json"
        saved.parent.mkdir(parents=True)
        saved.write_text(json.dumps({"api_key": HOME, "base_url": at_home.url}))
        config = home / ".config/runapi-tui/config.toml"
        config.parent.mkdir(parents=True)
        config.write_text(
            f'[profiles.work]\nbase_url = "{at_work.url}"\nkey = "env:WORK_KEY"\noutput = "~/work"\n'
        )
        yield at_home, at_work


def said(done: subprocess.CompletedProcess[str]) -> list[Any]:
    assert done.returncode == 0, done.stderr
    return lines(done)


def test_each_profile_resumes_its_own_tasks(
    services: tuple[Keyed, Keyed], home: Path
) -> None:
    at_home, at_work = services
    (ours,) = said(run("generate", "z-image", "-p", "a lake", "--no-wait", "--json"))
    (theirs,) = said(
        run(
            "generate",
            "z-image",
            "-p",
            "a map",
            "--no-wait",
            "--json",
            "--profile",
            "work",
        )
    )
    assert (ours["profile"], theirs["profile"]) == (None, "work")
    refused = run("resume", theirs["id"])
    told = (
        f"{theirs['id']}: This task belongs to profile work: start with --profile work"
        " to continue it.\nNothing was sent or planned.\n"
    )
    assert (refused.returncode, refused.stderr) == (4, told)
    (resumed,) = said(run("--profile", "work", "resume", "--json"))
    assert (resumed["id"], resumed["status"]) == (theirs["id"], "completed")
    assert Path(resumed["files"][0]).parent == home / "work"
    found = said(run("tasks", "--json"))
    assert [(task["profile"], task["status"]) for task in found] == [
        ("work", "completed"),
        (None, "held"),
    ]
    (resumed,) = said(run("resume", "--json", RUNAPI_TUI_PROFILE="none"))
    assert resumed["id"] == ours["id"]
    assert (at_home.shown, at_work.shown) == ({HOME}, {WORK})


def test_an_unknown_profile_and_one_without_a_key_are_told(services: object) -> None:
    unknown = run("tasks", "--profile", "wrk")
    assert unknown.returncode == 4
    assert (
        unknown.stderr == "command line: there is no profile wrk. Did you mean work?\n"
    )
    assert run("resume", "--profile", "work", WORK_KEY="").returncode == 2


@pytest.mark.parametrize("name", ["work", NO_PROFILE])
def test_the_option_base_url_is_for_the_profile_that_it_came_with(
    services: tuple[Keyed, Keyed], name: str
) -> None:
    at_home, at_work = services
    session = prepare(base_url="http://127.0.0.1:9", profile=name)
    assert session.credential.base_url == "http://127.0.0.1:9"
    assert session.with_profile("work").credential.base_url == at_work.url
    assert prepare().with_profile("none").credential.base_url == at_home.url


def test_an_export_carries_the_profile(services: object, tmp_path: Path) -> None:
    said(
        run(
            "generate",
            "z-image",
            "-p",
            "a map",
            "--no-wait",
            "--json",
            "--profile",
            "work",
        )
    )
    dump = tmp_path / "dump.jsonl"
    assert run("export", str(dump)).returncode == 0
    (line,) = dump.read_text().splitlines()
    Path(prepare().folders.queue).unlink()
    hostile = line.replace('"work"', '"[31m"')
    dump.write_text(f"{line}\n{hostile}\n")
    taken = run("import", str(dump))
    assert taken.stderr.startswith(
        "Line 2 is skipped: its profile is not a valid name.\n1 line refused"
    )
    (task,) = Store(prepare().folders.queue).search()
    assert (task.profile, task.status, task.watched) == ("work", Status.HELD, False)
