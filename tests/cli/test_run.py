"""Long runs without a screen: streamed, interrupted, unheard, hopeless; nothing is
lost, each end has its code.
"""

import contextlib
import hashlib
import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from tests.app import past
from tests.loopback import serving
from tests.tasks.faults import Book, booked, small_pictures
from tui.demo import DEMO_KEY
from tui.paths import folders
from tui.tasks.store import Store
from tui.tasks.task import Result, Status, Task


class Service:
    """The embedded service on loopback; commands that talk to it."""

    def __init__(self, url: str, book: Book) -> None:
        self.url = url
        self.book = book

    def start(self, *words: str, **options: Any) -> "subprocess.Popen[str]":
        told = {
            "RUNAPI_API_KEY": DEMO_KEY,
            "RUNAPI_BASE_URL": self.url,
            "RUNAPI_TUI_POLL_SECONDS": "0.05",
        }
        pipe = subprocess.PIPE
        streams = {"stdin": pipe, "stdout": pipe, "stderr": pipe} | options
        return subprocess.Popen(
            [sys.executable, "-m", "tui", *words],
            env={**os.environ, **told},
            text=True,
            **streams,
        )

    def run(self, *words: str, fed: str = "") -> tuple[int, list[dict[str, Any]], str]:
        """Exit code, the JSON of each line, and what stderr got."""
        command = self.start(*words, "--json")
        out, err = command.communicate(fed, timeout=60)
        return command.returncode, [json.loads(line) for line in out.splitlines()], err


@pytest.fixture
def service(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Service]:
    """`request.param` may say what is special about it."""
    small_pictures(monkeypatch)
    app, book = booked(**{"delay": 0, **getattr(request, "param", {})})
    with serving(app) as url:
        yield Service(url, book)


def queue(home: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(next(home.rglob("queue.db")), timeout=10)) as database:
        return database.execute(query).fetchall()


def writes(database: sqlite3.Connection) -> int:
    """A number that changes with each write of others."""
    return int(database.execute("pragma data_version").fetchone()[0])


def test_all_prompts_are_in_the_queue_when_the_first_is_told(
    service: Service, home: Path
) -> None:
    prompts = "".join(f"lake {number}\n\n" for number in range(16))
    command = service.start("generate", "z-image", "-", "--concurrency", "1", "--json")
    assert command.stdin
    assert command.stdout
    command.stdin.write(prompts)
    command.stdin.close()
    first = json.loads(command.stdout.readline())
    assert queue(home, "select count(*) from tasks") == [(16,)]
    rest = [json.loads(line) for line in command.stdout]
    assert command.wait(20) == 0
    assert command.stderr
    assert command.stderr.read() == ""  # quiet where nobody looks
    assert {task["prompt"] for task in (first, *rest)} == {
        f"lake {number}" for number in range(16)
    }
    assert len({task["id"] for task in (first, *rest)}) == len(service.book.made) == 16


def test_one_wrong_prompt_leaves_the_queue_empty(service: Service, home: Path) -> None:
    code, told, err = service.run(
        "generate", "z-image", "-f", "-", fed="a lake\n" + "x" * 1001
    )
    assert (code, told) == (4, [])
    assert err.startswith("Prompt 2: prompt: ")
    assert queue(home, "select count(*) from tasks") == [(0,)]
    assert service.run("generate", "z-image", "-", fed="\n \n")[0] == 4


def test_without_waiting_it_says_that_all_are_safe(service: Service) -> None:
    code, told, err = service.run(
        "generate", "z-image", "a lake", "-n", "3", "--no-wait"
    )
    assert (code, [task["status"] for task in told]) == (0, ["held"] * 3)
    assert (
        err
        == "3 in the queue, safe on disk: the app or `runapi-tui resume` sends them.\n"
    )
    assert service.book.made == []


def test_the_code_is_that_of_the_first_submitted_that_failed(service: Service) -> None:
    code, told, _ = service.run(
        "generate", "z-image", "-", fed="a lake\nx demo:fail\ny demo:refused\n"
    )
    assert code == 7
    assert {
        task["prompt"]: task["error"] and task["error"]["kind"] for task in told
    } == {
        "a lake": None,
        "x demo:fail": "failed",
        "y demo:refused": "validation",
    }


@pytest.mark.parametrize("service", [{"balance_cents": 0}], indirect=True)
def test_without_credit_the_rest_stays_in_the_queue(
    service: Service, home: Path
) -> None:
    code, told, err = service.run(
        "generate", "z-image", "a lake", "-n", "20", "--concurrency", "1"
    )
    assert code == 3
    assert 1 <= len(told) < 20
    assert {task["status"] for task in told} == {"held"}
    assert queue(home, "select count(*) from tasks where status = 'held'") == [(20,)]
    assert (
        "20 tasks set aside unsent (about $0.20): `runapi-tui resume` sends them, `runapi-tui drop 0"
        in err
    )
    assert "balance is too low" in told[0]["error"]["message"]


def test_a_service_that_wants_a_rest_keeps_the_task(service: Service) -> None:
    async def busy(scope: Scope, receive: Receive, send: Send) -> None:
        await JSONResponse({"error": "Too many requests"}, 429, {"Retry-After": "0"})(
            scope, receive, send
        )

    with serving(busy) as service.url:
        code, (task,), _ = service.run("generate", "z-image", "a lake")
    assert (code, task["status"], task["error"]["kind"]) == (6, "held", "rate_limit")


def test_a_paused_queue_takes_tasks_and_says_so(service: Service, home: Path) -> None:
    store = Store(folders().queue)
    store.learn(service.url, "paused", "yes")
    store.close()
    code, (task,), err = service.run("generate", "z-image", "a lake")
    assert (code, task["status"]) == (1, "held")
    assert err.startswith("The queue is paused. 1 in the queue")


def test_a_reader_that_goes_away_leaves_the_rest_to_resume(
    service: Service, home: Path
) -> None:
    command = service.start(
        "generate", "z-image", "a lake", "-n", "9", "--concurrency", "1", "--json"
    )
    assert command.stdout
    command.stdout.readline()
    command.stdout.close()
    assert command.wait(20) == 130
    assert command.stderr
    assert command.stderr.read() == ""
    assert queue(home, "select count(*) from tasks where owner = ''") == [(9,)]
    assert queue(home, "select count(*) from tasks where status = 'held'")[0][0] > 0


@pytest.mark.parametrize("service", [{"delay": 3600}], indirect=True)
def test_a_second_interruption_ends_at_once(service: Service, home: Path) -> None:
    # A disk that is held by another program: letting go politely would have to wait for
    # it.
    command = service.start("generate", "z-image", "a lake")
    while not service.book.made:
        with contextlib.suppress(subprocess.TimeoutExpired):
            assert command.wait(0.05) is None
    with closing(
        sqlite3.connect(next(home.rglob("queue.db")), timeout=10, isolation_level=None)
    ) as database:
        # A command that is just writing would end by the lock, with another code.
        seen = -1
        while seen != writes(database):
            seen = writes(database)
            with contextlib.suppress(subprocess.TimeoutExpired):
                assert command.wait(1) is None
        database.execute("begin immediate")
        while command.poll() is None:
            command.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                command.wait(0.2)
    assert command.returncode == 130
    assert command.stderr
    assert command.stderr.read() == ""


def test_what_nohup_ignores_stays_ignored_and_a_terminal_sees_progress(
    service: Service,
) -> None:
    ours, theirs = pty.openpty()
    command = service.start(
        *("generate", "z-image", "a lake", "-n", "4", "--concurrency", "1"),
        stderr=theirs,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    os.close(theirs)
    assert command.stdout
    command.stdout.readline()
    command.send_signal(signal.SIGHUP)
    assert command.stdout.read().count("\n") == 3
    assert command.wait(20) == 0
    assert b"4 in all" in os.read(ours, 10_000)
    os.close(ours)


def told_elsewhere(at: Service, status: Status, /, **fields: Any) -> Task:
    """A task of another machine, or of somebody who wants something."""
    return past(
        "a lake",
        status,
        **{
            "model": "z-image",
            "service": "z_image",
            "base_url": at.url,
            "estimate_micro": 1,
            **fields,
        },
    )


def imported(service: Service, tmp_path: Path, *tasks: Task) -> None:
    file = tmp_path / "history.jsonl"
    file.write_text(
        "".join(
            json.dumps(msgspec.to_builtins(task) | {"format": "runapi-tui 1"}) + "\n"
            for task in tasks
        )
    )
    command = service.start("import", str(file))
    out, err = command.communicate(timeout=60)
    assert (out, err) == (f"{len(tasks)} new tasks.\n", "")


def test_an_imported_task_is_sent_by_its_values_below_every_ceiling(
    service: Service, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNAPI_TUI_DAY_USD", "0.005")
    held = told_elsewhere(
        service,
        Status.SUBMITTING,
        body=b'{"model": "forged"}',
        key="forged",
        service="me",
        base_url="https://elsewhere.example",
    )
    gold = told_elsewhere(service, Status.COMPLETED, cost_micro=10**12)
    imported(service, tmp_path, held, gold)
    code, told, err = service.run("resume")
    assert (code, told) == (0, [])
    assert (
        f"1 imported task waits unsent: `runapi-tui resume {held.id}` sends it as a new"
        " paid request, about $0.01." in err
    )
    code, told, err = service.run("resume", held.id)
    assert (code, told) == (4, [])
    assert "This request costs about $0.01. Today $0.00 of $0.005" in err
    assert service.book.made == []

    monkeypatch.setenv("RUNAPI_TUI_DAY_USD", "0.02")
    code, (task,), err = service.run("resume", held.id)
    assert (code, task["status"], task["prompt"]) == (0, "completed", "a lake")
    assert task["id"] != held.id
    assert "may already have been made and billed" in err
    (made,) = service.book.made
    assert (made.model.slug, made.model.action) == ("z-image", "text_to_image")
    statuses = dict(queue(home, "select id, status from tasks"))
    assert statuses[held.id] == "dropped"
    command = service.start("task", held.id)
    out, _ = command.communicate(timeout=60)
    assert f"Sent again as {task['id']}." in out
    assert "resume" not in out


def test_what_was_imported_unsent_is_listed_with_its_price(
    service: Service, home: Path, tmp_path: Path
) -> None:
    tasks = [told_elsewhere(service, Status.HELD) for _ in range(5)]
    imported(service, tmp_path, *tasks)
    code, told, err = service.run("resume")
    assert (code, told) == (0, [])
    ids = " ".join(task.id for task in tasks[:3])
    assert (
        f"5 imported tasks wait unsent: `runapi-tui resume {ids}` (and 2 more) sends"
        " them as new paid requests, about $0.05 for all." in err
    )


def test_of_several_imported_tasks_all_are_sent_or_none(
    service: Service, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNAPI_TUI_DAY_USD", "0.001")  # judged after the values
    good = told_elsewhere(service, Status.HELD)
    gone = told_elsewhere(service, Status.HELD, model="forged")
    calls = told_elsewhere(
        service,
        Status.HELD,
        values={"prompt": "x", "callback_url": "https://e.example"},
    )
    odd = told_elsewhere(service, Status.HELD, values={"prompt": ""})
    wrong = (gone, calls, odd)
    imported(service, tmp_path, good, *wrong)
    code, told, err = service.run("resume", good.id, *(task.id for task in wrong))
    assert (code, told) == (4, [])
    for task in wrong:
        assert f"{task.id}: " in err
    assert f"{good.id}: " not in err
    assert "Nothing was sent or planned." in err
    assert f"`runapi-tui resume {good.id}` continues the other one." in err
    assert "use its values again in the form" in err
    statuses = dict(queue(home, "select id, status from tasks"))
    assert statuses == {task.id: "held" for task in (good, *wrong)}

    monkeypatch.setenv("RUNAPI_TUI_DAY_USD", "0.015")  # one fits, two do not
    second = told_elsewhere(service, Status.HELD)
    third = told_elsewhere(service, Status.FAILED, values=calls.values)
    imported(service, tmp_path, second, third)
    code, told, err = service.run("resume", good.id, second.id)
    assert (code, told) == (4, [])
    assert "These 2 requests cost about $0.02" in err
    assert set(dict(queue(home, "select id, status from tasks")).values()) == {
        "held",
        "failed",
    }
    monkeypatch.setenv("RUNAPI_TUI_DAY_USD", "0.001")
    code, told, err = service.run("retry", third.id)
    assert (code, told) == (1, [])
    assert "reports to https://e.example" in err
    assert "day_usd" not in err
    assert service.book.made == []


def test_what_cannot_be_asked_for_is_said_and_left(
    service: Service, home: Path, tmp_path: Path
) -> None:
    sent = told_elsewhere(service, Status.PENDING, remote_id="tsk_1")
    lost = told_elsewhere(service, Status.PENDING, remote_id="../me")
    imported(service, tmp_path, sent, lost)
    part = folders().output / f".{sent.id}-0.part"
    part.parent.mkdir(parents=True)
    part.write_text("somebody's own")
    code, told, err = service.run("resume", lost.id)
    assert (code, told) == (4, [])
    assert "lacks the service's own id" in err
    code, (task,), err = service.run("resume", sent.id)
    assert (code, task["status"]) == (1, "pending")
    assert "in the way" in task["error"]["message"]
    assert "Traceback" not in err
    assert part.read_text() == "somebody's own"


def test_deleting_imported_tasks_leaves_every_file(
    service: Service, home: Path, tmp_path: Path
) -> None:
    folder = folders().output
    folder.mkdir(parents=True)
    Image.new("RGB", (8, 8), "red").save(folder / "holiday.png")
    (folder / "thesis.odt").write_text("months of work")
    names = ("holiday.png", "thesis.odt")
    results = tuple(
        Result(
            url="",
            path=str(folder / name),
            sha256=hashlib.sha256((folder / name).read_bytes()).hexdigest(),
            bytes=(folder / name).stat().st_size,
            format="PNG",
        )
        for name in names
    )
    tasks = [
        told_elsewhere(service, Status.COMPLETED, results=results) for _ in range(2)
    ]
    imported(service, tmp_path, *tasks)
    code, deleted, err = service.run("delete", "--all")
    assert (code, len(deleted)) == (0, 2)
    assert deleted[0]["files"] == [str(folder / "holiday.png")]
    assert "2 tasks deleted.\n" in err
    assert "kept: changed since" in err
    assert sorted(file.name for file in folder.iterdir()) == sorted(names)
