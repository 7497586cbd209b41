"""`--demo` as everybody tries it: begun in one process, ended by any means, gone on
with in the next.
"""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.app import TestApp
from tui.tasks.task import Status

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, painted: list[dict[str, Any]]
) -> None:
    for name in ("STATE", "CACHE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("RUNAPI_TUI_OUTPUT", str(tmp_path / "pictures"))
    monkeypatch.setenv("RUNAPI_TUI_POLL_SECONDS", "0.05")
    monkeypatch.setenv("RUNAPI_TUI_DEMO_DELAY", "0.2")


def start(*words: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tui", "--demo", *words]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def run(*words: str) -> tuple[int, list[dict[str, Any]], str]:
    """Exit code, the JSON of each line, and what stderr got."""
    process = start(*words, "--json")
    out, err = process.communicate(timeout=60)
    return process.returncode, [json.loads(line) for line in out.splitlines()], err


def asked(tmp_path: Path, name: str, query: str) -> list[Any]:
    """The rows of a query to a file of the demo's; none while there is no such file or
    table.
    """
    file = tmp_path / "state" / "runapi-tui" / "demo" / name
    if not file.exists():
        return []
    try:
        with closing(sqlite3.connect(file, timeout=10)) as database, database:
            return database.execute(query).fetchall()
    except sqlite3.OperationalError:
        return []


def killed_on_the_way(tmp_path: Path, *words: str) -> None:
    """Run a command, and kill it once its task is at the service and it knows its id."""
    process = start(*words)
    until = time.monotonic() + 30
    while not asked(tmp_path, "queue.db", "select 1 from tasks where remote_id != ''"):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    # A killed owner's tasks are its own for some seconds; here nobody waits for that.
    asked(tmp_path, "queue.db", "update tasks set lease_until = 0")


def test_a_task_of_a_killed_process_is_completed_by_the_next(tmp_path: Path) -> None:
    killed_on_the_way(tmp_path, "generate", "z-image", "-p", "a fox demo:slow")
    code, (task,), err = run("resume")
    assert (code, task["status"]) == (0, "completed"), err
    (picture,) = task["files"]
    with Image.open(picture) as image:
        image.load()
    assert asked(tmp_path, "service.db", "select id from tasks") == [(task["task_id"],)]
    code, (told,), err = run("balance")
    assert (told["balance_usd"], told["service"]["total_usd"]) == (49.99, 0.01), err


def test_results_and_uploads_of_one_process_are_sources_in_the_next(
    tmp_path: Path,
) -> None:
    source = tmp_path / "source.png"
    Image.new("RGB", (64, 64), "red").save(source)
    remix = ["generate", "flux-2-pro-remix-image", "-p", "snow", "-s"]
    code, (task,), err = run(*remix, f"source_image_urls={source}")
    assert (code, task["status"]) == (0, "completed"), err
    ((data,),) = asked(tmp_path, "queue.db", "select data from tasks")
    result = json.loads(data)["results"][0]["url"]
    # The file isn't uploaded again.
    code, (task,), err = run(
        *remix, f"source_image_urls={source}", "-s", f"source_image_urls={result}"
    )
    assert (code, task["status"]) == (0, "completed"), err
    assert asked(tmp_path, "service.db", "select count(*) from uploads") == [(1,)]


async def test_the_app_goes_on_with_what_it_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, painted: list[dict[str, Any]]
) -> None:
    monkeypatch.setenv("RUNAPI_TUI_DEMO_DELAY", "3600")
    first = TestApp()
    async with first.running(80, 24) as pilot:
        await pilot.press(*"fox", "ctrl+j")
        left = await first.until_task(pilot, lambda task: task.status is Status.PENDING)
    asked(tmp_path, "service.db", "update tasks set born = born - 7200")
    second = TestApp()
    async with second.running(80, 24) as pilot:
        task = await second.until_task(
            pilot, lambda task: task.status is Status.COMPLETED
        )
        assert task.remote_id == left.remote_id
        assert Path(task.files[0]).exists()
        assert "completed" in second.text()
        assert "expired" not in second.text()


def test_a_demo_server_with_a_folder_knows_its_tasks_after_a_kill(
    tmp_path: Path,
) -> None:
    told = []
    for _ in range(2):
        server = start(
            "demo-server", "--delay", "0", "--state", str(tmp_path / "server")
        )
        assert server.stdout
        place = json.loads(server.stdout.readline())
        headers = {
            "Authorization": f"Bearer {place['api_key']}",
            "Idempotency-Key": "k1",
        }
        body = {"model": "z-image", "prompt": "a fox", "size": "64x64"}
        with httpx.Client(base_url=place["base_url"], headers=headers) as client:
            told.append(client.post("/v1/text_to_image", json=body).json())
        server.kill()
        server.communicate()
    assert told[0]["task_id"] == told[1]["task_id"]
    assert told[1]["task_replayed"] is True
