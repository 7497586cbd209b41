"""Jobs that are interrupted, set aside, taken back or resumed by commands; and what
their exit codes mean.
"""

import json
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import structs
from PIL import Image
from starlette.responses import JSONResponse

from tests.cli.test_run import Service, queue, service
from tests.loopback import serving
from tui.catalog.load import bundled
from tui.demo import DEMO_KEY
from tui.paths import folders
from tui.service.client import Client
from tui.tasks.engine import Engine
from tui.tasks.options import EngineOptions
from tui.tasks.store import Store
from tui.tasks.task import Result, SetAside, Status, Task, new_id

pytestmark = pytest.mark.slow

__all__ = ["service"]


def statuses(home: Path) -> Counter[str]:
    return Counter(status for (status,) in queue(home, "select status from tasks"))


def task_in_queue(service: Service, status: Status, **fields: Any) -> Task:
    """A task as a former run has left it."""
    known: dict[str, Any] = {
        "id": new_id(),
        "action": "text_to_image",
        "model": "z-image",
        "service": "z_image",
        "base_url": service.url,
        "route": "unified",
        "values": {"prompt": "a lake"},
        "status": status,
        "created_at": time.time(),
        "sent_at": time.time() if status is not Status.HELD else 0,
        "estimate_micro": 10_000,
        "out_dir": str(folders().output),
    }
    task = Task(**(known | fields))
    store = Store(folders().queue)
    store.add_missing([(task, [])])
    store.close()
    return task


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another process does."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def watched_and_held(home: Path) -> int:
    """How many tasks an app would send, were it opened now."""
    query = "select count(*) from tasks where status = 'held' and json_extract(data, '$.watched')"
    return int(queue(home, query.replace("(data,", "(cast(data as text),"))[0][0])


def hours_pass(service: Service, hours: float) -> None:
    """Put the service's clock so far ahead of ours."""
    service.book.clock = lambda: time.time() + hours * 3600


def interrupted(service: Service) -> tuple[int, str]:
    """A job of twelve, interrupted once its first image is there; its code and what
    stderr got.
    """
    words = (
        "generate",
        "z-image",
        "a lake",
        "-n",
        "12",
        "--concurrency",
        "1",
        "--json",
    )
    command = service.start(*words)
    assert command.stdout
    command.stdout.readline()
    command.send_signal(signal.SIGINT)
    _, err = command.communicate(timeout=60)
    return command.returncode, err


async def test_what_an_interrupted_job_had_not_sent_is_never_sent_automatically(
    service: Service, home: Path
) -> None:
    code, err = interrupted(service)
    assert code == 130
    assert "set aside unsent (about $0." in err
    assert "\n`runapi-tui resume` " in err
    assert re.search(r"`runapi-tui drop \w{14}` takes back what was not sent\.", err)
    before = statuses(home)
    made = len(service.book.made)
    assert before["held"] > 0
    assert made == 12 - before["held"]
    engine = Engine(
        Store(folders().queue),
        Client(service.url, DEMO_KEY),
        bundled(),
        EngineOptions(out_dir=folders().output),
    )
    await engine.start()  # as the app does
    held = [task for task in engine.tasks.values() if task.status is Status.HELD]
    assert {(task.live, task.set_aside) for task in held} == {
        (False, SetAside.INTERRUPTED)
    }
    assert not any(engine.is_running(task.id) for task in held)
    await engine.aclose()
    service.run("generate", "z-image", "another lake")
    assert statuses(home)["held"] == before["held"]
    code, told, err = service.run("resume")
    assert (code, len(told)) == (0, 12 - before["completed"])
    assert f"Sending {before['held']} tasks set aside unsent, about $0." in err
    assert len(service.book.made) == 13


def test_what_was_set_aside_can_be_taken_back(service: Service, home: Path) -> None:
    interrupted(service)
    waiting, made = statuses(home)["held"], len(service.book.made)
    at_service = made - statuses(home)["completed"]
    code, told, err = service.run("drop", "--all")
    assert (code, len(told)) == (1 if at_service else 0, waiting)
    assert {task["status"] for task in told} == {"dropped"}
    assert f"{waiting} tasks taken back, free of charge." in err
    assert service.run("resume")[0] == 0
    assert statuses(home) == Counter(completed=made, dropped=waiting)
    assert len(service.book.made) == made


@pytest.mark.parametrize("service", [{"delay": 3600}], indirect=True)
def test_what_another_process_has_waiting_can_be_taken_back(
    service: Service, home: Path
) -> None:
    command = service.start(
        "generate", "z-image", "a lake", "-n", "5", "--concurrency", "1"
    )
    until(lambda: bool(service.book.made))
    code, told, err = service.run("drop", "--all")
    assert (code, len(told)) == (1, 4)
    assert "1 task at the service can't be taken back" in err
    command.send_signal(signal.SIGINT)
    command.communicate(timeout=60)
    assert len(service.book.made) == 1
    assert statuses(home)["dropped"] == 4


def test_the_sentences_repeat_the_options_that_lead_back(service: Service) -> None:
    code, _, err = service.run(
        "generate", "z-image", "a lake", "--no-wait", "--base-url", service.url
    )
    assert code == 0
    assert f"`runapi-tui resume --base-url {service.url}` sends it." in err


def test_resume_goes_past_no_ceiling(
    service: Service, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(service)
    monkeypatch.setenv("RUNAPI_TUI_JOB_USD", "0.02")
    code, told, err = service.run("resume")
    assert (code, told) == (4, [])
    assert "job_usd" in err
    assert service.run("resume", "--over-budget")[0] == 0


@pytest.mark.parametrize("service", [{"delay": 3600}], indirect=True)
def test_a_longest_wait_sets_a_task_aside_and_resume_follows_it(
    service: Service, home: Path
) -> None:
    code, (task,), _ = service.run("generate", "z-image", "a lake", "--timeout", "0.5")
    assert (code, task["status"], task["error"]["kind"]) == (5, "pending", "timeout")
    (made,) = service.book.made
    hours_pass(service, 2)
    code, (task,), _ = service.run("resume")
    assert (code, task["status"], task["task_id"]) == (0, "completed", made.id)
    assert len(service.book.made) == 1


def test_a_failed_task_is_retried_once(service: Service, home: Path) -> None:
    _, (failed,), _ = service.run("generate", "z-image", "a lake demo:fail")
    code, told, err = service.run("retry", failed["id"])
    assert (code, len(told)) == (7, 1)
    assert "Sending 1 task again, about $0.01." in err
    code, told, err = service.run("retry", failed["id"])
    assert (code, told) == (1, [])
    assert "1 task retried before: left alone." in err
    assert len(service.book.made) == 2
    assert service.run("retry", failed["id"], "--again")[0] == 7
    assert len(service.book.made) == 3


def test_pause_stop_and_delete_work_without_a_screen(
    service: Service, home: Path
) -> None:
    assert service.start("pause").wait(30) == 0
    code, (task,), _ = service.run("generate", "z-image", "a lake")
    assert (code, task["status"]) == (1, "held")
    assert service.run("resume")[0] == 0
    code, (gone,), err = service.run("delete", task["id"])
    assert (code, gone["id"]) == (0, task["id"])
    assert err == "1 task deleted.\n1 file is in .trash beside the images for a week.\n"
    empty = task_in_queue(service, Status.FAILED)
    code, _, err = service.run("delete", empty.id)
    assert (code, err) == (0, "1 task deleted.\n")
    left = task_in_queue(service, Status.PROCESSING, remote_id="tsk_1")
    code, (stopped,), err = service.run("stop", left.id)
    assert (code, stopped["id"]) == (0, left.id)
    assert "still billed" in err
    assert service.run("drop")[0] == 4


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"status": Status.PROCESSING, "profile": "work"}, "resume --profile work"),
        (
            {"status": Status.PROCESSING, "base_url": "https://elsewhere.test"},
            "resume --base-url",
        ),
        (
            {
                "status": Status.PROCESSING,
                "watched": False,
                "set_aside": SetAside.STOPPED,
            },
            "resume 0",
        ),
        (
            {"status": Status.SUBMITTING, "unsure": True, "sent_at": 1.0},
            "may have been made more than a day ago",
        ),
    ],
    ids=["profile", "base-url", "stopped", "old"],
)
@pytest.mark.parametrize("command", ["resume", "rescue"])
def test_no_command_says_done_while_paid_work_is_open(
    command: str, fields: dict[str, Any], says: str, service: Service
) -> None:
    task_in_queue(service, **({"remote_id": "tsk_1"} | fields))
    code, _, err = service.run(command)
    assert code != 0
    assert says in err
    assert "Nothing" not in err


@pytest.mark.parametrize("command", ["resume", "rescue"])
def test_what_waits_unpaid_for_another_profile_is_said(
    command: str, service: Service
) -> None:
    task_in_queue(service, Status.HELD, profile="work")
    code, _, err = service.run(command)
    assert code == 0
    assert (
        "1 task waits to be sent, about $0.01: `runapi-tui resume --profile work" in err
    )


def test_a_killed_owner_holds_up_nobody(service: Service, home: Path) -> None:
    command = service.start(
        "generate", "z-image", "a lake", "-n", "6", "--concurrency", "1"
    )
    until(lambda: bool(service.book.made))
    command.kill()
    command.wait()
    code, _, _ = service.run("resume")  # at once, not after the lease
    assert (code, statuses(home)) == (0, Counter(completed=6))
    assert len(service.book.made) == 6


@pytest.mark.parametrize("service", [{"delay": 3600}], indirect=True)
def test_rescue_follows_what_a_killed_process_had_paid(
    service: Service, home: Path
) -> None:
    command = service.start("generate", "z-image", "a lake", "-n", "3")
    until(lambda: len(service.book.made) == 3)
    until(lambda: statuses(home)["submitting"] == 0)
    command.kill()
    command.wait()
    hours_pass(service, 2)
    code, told, _ = service.run("rescue")
    assert (code, len(told), statuses(home)) == (0, 3, Counter(completed=3))


@pytest.mark.parametrize("service", [{"delay": 3600}], indirect=True)
def test_resume_follows_what_another_process_watches(
    service: Service, home: Path
) -> None:
    command = service.start("generate", "z-image", "a lake", "-n", "2", "--json")
    until(lambda: len(service.book.made) == 2)
    follower = service.start("resume", "--json")
    assert follower.stderr
    assert (
        follower.stderr.readline()
        == "Following 2 tasks of another window or command to the end.\n"
    )
    hours_pass(service, 2)
    out, _ = follower.communicate(timeout=60)
    assert [json.loads(line)["status"] for line in out.splitlines()] == [
        "completed"
    ] * 2
    assert (follower.returncode, command.wait(30)) == (0, 0)
    assert len(service.book.made) == 2


@pytest.mark.parametrize("service", [{"delay": 3600}], indirect=True)
def test_a_queue_that_is_paused_elsewhere_is_said(service: Service, home: Path) -> None:
    command = service.start(
        "generate", "z-image", "a lake", "-n", "2", "--concurrency", "1", "--json"
    )
    until(lambda: bool(service.book.made))
    assert service.start("pause").wait(30) == 0
    assert command.stdout
    assert command.stderr
    assert "The queue is paused" in command.stderr.readline()
    hours_pass(service, 2)
    assert json.loads(command.stdout.readline())["status"] == "completed"
    store = Store(folders().queue)
    store.learn(service.url, "paused", "")
    store.close()
    until(lambda: len(service.book.made) == 2)
    hours_pass(service, 4)
    assert command.wait(30) == 0


def test_a_rate_limit_with_progress_is_no_reason_to_give_up(service: Service) -> None:
    taken = 0
    real = service.url

    async def busy(scope: Any, receive: Any, send: Any) -> None:
        """Takes every second submit."""
        nonlocal taken
        if scope["method"] == "POST":
            taken += 1
            if taken % 4:
                soon = [(b"retry-after", b"0")]
                await send(
                    {"type": "http.response.start", "status": 429, "headers": soon}
                )
                await send({"type": "http.response.body", "body": b""})
                return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        async with httpx.AsyncClient(base_url=real) as client:
            names = (b"authorization", b"idempotency-key", b"content-type")
            headers = {
                k.decode(): v.decode() for k, v in scope["headers"] if k in names
            }
            answer = await client.request(
                scope["method"], scope["path"], content=body, headers=headers
            )
        head = [(b"content-type", answer.headers.get("content-type", "").encode())]
        await send(
            {
                "type": "http.response.start",
                "status": answer.status_code,
                "headers": head,
            }
        )
        await send({"type": "http.response.body", "body": answer.content})

    with serving(busy) as service.url:
        code, told, err = service.run("generate", "z-image", "a lake", "-n", "4")
    assert (code, len(told)) == (0, 4), err


def test_a_queue_file_that_goes_away_is_written_back(
    service: Service, home: Path
) -> None:
    command = service.start(
        "generate", "z-image", "a lake", "-n", "12", "--concurrency", "1", "--json"
    )
    assert command.stdout
    command.stdout.readline()
    for file in next(home.rglob("queue.db")).parent.glob("queue.db*"):
        file.unlink()
    assert command.stderr
    done = [json.loads(line)["status"] for line in command.stdout]
    err = command.stderr.read()
    assert command.wait(60) == 0, err
    assert done == ["completed"] * 11
    assert len(service.book.made) == 12
    with closing(sqlite3.connect(next(home.rglob("queue.db")))) as database:
        kept = database.execute(
            "select count(*) from tasks where status = 'completed'"
        ).fetchone()[0]
    assert kept >= 10
    assert "queue file" in err


def test_the_set_aside_reason_survives_the_file(service: Service) -> None:
    task = task_in_queue(service, Status.HELD)
    aside = structs.replace(task, watched=False, set_aside=SetAside.INTERRUPTED)
    assert (aside.live, task.live) == (False, True)


def test_a_disk_without_room_is_no_empty_queue(service: Service, home: Path) -> None:
    """What can't be noted can't be carried on: that is said, with how much is open."""
    for _ in range(5):
        task_in_queue(service, Status.PROCESSING, remote_id="tsk_1")
    size = next(home.rglob("queue.db")).stat().st_size

    def without_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 4, size // 4))

    for words in (("resume",), ("rescue",)):
        command = service.start(*words, preexec_fn=without_room)
        out, err = command.communicate(timeout=60)
        assert (command.returncode, out) == (1, "")
        assert "queue.db can't be used" in err
        assert "5 tasks are at the service, paid" in err
        assert "Nothing" not in err


@pytest.mark.parametrize("service", [{"delay": 3600}], indirect=True)
def test_ctrl_c_pressed_again_and_again_still_sets_the_rest_aside(
    service: Service, home: Path
) -> None:
    command = service.start(
        "generate", "z-image", "a lake", "-n", "900", "--concurrency", "2"
    )
    until(lambda: bool(service.book.made))
    while command.poll() is None:
        with suppress(ProcessLookupError):
            command.send_signal(signal.SIGINT)
        time.sleep(0.03)
    assert watched_and_held(home) == 0
    assert statuses(home)["held"] == 900 - len(service.book.made)


def test_a_retry_that_is_interrupted_sends_no_more(
    service: Service, home: Path
) -> None:
    service.run("generate", "z-image", "a lake demo:fail", "-n", "40")
    command = service.start("retry", "--all")
    until(lambda: len(service.book.made) > 40)
    command.send_signal(signal.SIGINT)
    _, err = command.communicate(timeout=60)
    assert (command.returncode, "before anything was sent" in err) == (130, False)
    assert watched_and_held(home) == 0


def test_a_resume_that_can_not_take_up_one_pays_for_none(
    service: Service, home: Path
) -> None:
    interrupted(service)
    made = len(service.book.made)
    other = task_in_queue(
        service,
        Status.PROCESSING,
        base_url="http://127.0.0.1:9",
        remote_id="t",
        watched=False,
    )
    (job,) = {
        name for (name,) in queue(home, "select job from tasks where status = 'held'")
    }
    code, _, err = service.run("resume", job, other.id)
    assert (code, "belongs to http://127.0.0.1:9" in err) == (4, True)
    assert (watched_and_held(home), len(service.book.made)) == (0, made)


@pytest.mark.parametrize("service", [{"delay": 3600}], indirect=True)
def test_an_interrupted_resume_leaves_the_work_of_others_alone(
    service: Service, home: Path
) -> None:
    command = service.start(
        "generate", "z-image", "a lake", "-n", "9", "--concurrency", "1"
    )
    until(lambda: bool(service.book.made))
    follower = service.start("resume")
    assert follower.stderr
    follower.stderr.readline()
    time.sleep(1)
    follower.send_signal(signal.SIGINT)
    assert follower.wait(30) == 130
    assert watched_and_held(home) == 8
    command.send_signal(signal.SIGINT)
    command.communicate(timeout=60)
    assert watched_and_held(home) == 0


def test_what_was_not_taken_up_again_is_not_called_lost(
    service: Service, home: Path
) -> None:
    for _ in range(60):
        task_in_queue(
            service, Status.HELD, watched=False, set_aside=SetAside.INTERRUPTED
        )

    async def refuses(scope: Any, receive: Any, send: Any) -> None:
        await JSONResponse({"error": "no such key"}, 401)(scope, receive, send)

    real = service.url
    with serving(refuses) as url:
        with closing(sqlite3.connect(folders().queue)) as database, database:
            for name, data in database.execute("select id, data from tasks").fetchall():
                moved = data.replace(real.encode(), url.encode())
                database.execute(
                    "update tasks set base_url = ?, data = ? where id = ?",
                    (url, moved, name),
                )
        service.url = url
        code, _, err = service.run("resume")
    assert code == 2
    assert "can't be found" not in err
    assert "60 tasks set aside unsent" in err


def test_pictures_are_rated_and_found(service: Service) -> None:
    file = folders().output / "x.png"
    results = tuple(Result(url="", path=f"{file}{n}") for n in range(2))
    task = task_in_queue(service, Status.COMPLETED, results=results)
    code, (told,), _ = service.run(
        "rate", task.id, "--picture", "2", "--stars", "4", "--json"
    )
    assert (code, told["ratings"]) == (0, [0, 4])
    code, _, err = service.run(
        "rate", task.id, "--tags", "Cover, blue", "--favourite", "--json"
    )
    assert (code, "1 task changed." in err) == (0, True)
    _, (found,), _ = service.run("tasks", "--search", "rated:>3 tag:cover", "--json")
    assert (found["tags"], found["favourite"]) == (["cover", "blue"], True)
    service.run("rate", task.id, "--reject", "--json")
    _, (found,), _ = service.run("tasks", "--search", "is:rejected", "--json")
    assert found["ratings"] == [-1, -1]
    for words in ([], ["--stars", "6"], ["--reject", "--stars", "2"]):
        assert service.run("rate", task.id, *words)[0] != 0


def test_an_image_of_a_task_is_the_source_of_the_next(service: Service) -> None:
    _, (made,), _ = service.run("generate", "z-image", "a lake", "--json")
    words = ("generate", "flux-2-pro-remix-image", "in snow", "--json", "--source")
    code, (child,), _ = service.run(*words, made["id"])
    assert (code, child["status"]) == (0, "completed")
    assert child["params"]["source_image_urls"] == made["files"]
    for source in ("nothing", f"{made['id']}:2", f"{made['id']}:x"):
        assert service.run(*words, source)[0] == 4
    other = ("generate", "z-image", "a lake", "--source", made["id"])
    code, _, err = service.run(*other)
    assert (code, "works from no image" in err) == (4, True)


def test_a_task_waits_for_the_image_of_another_one(service: Service) -> None:
    _, (first,), _ = service.run("generate", "z-image", "a lake", "--no-wait", "--json")
    words = ("generate", "topaz-upscale-image", "--json", "--no-wait", "--after")
    code, (second,), _ = service.run(*words, first["id"])
    assert (code, second["status"], second["after"]) == (0, "held", first["id"])
    code, ended, _ = service.run("resume", "--json")
    by_id = {task["id"]: task for task in ended}
    assert code == 0
    source = by_id[second["id"]]["params"]["source_image_url"]
    assert [source] == by_id[first["id"]]["files"]
    for words_after in (("nothing",), (first["id"], "--source", first["id"])):
        assert service.run(*words, *words_after)[0] != 0


def test_a_size_that_is_too_large_to_be_shown_is_told_before_anything_is_sent(
    service: Service, tmp_path: Path
) -> None:
    source = tmp_path / "lake.png"
    Image.new("1", (4100, 5000)).save(source)
    words = ("generate", "topaz-upscale-image", "-s", f"source_image_url={source}")
    for factor, is_told in (("4", True), ("1", False)):
        settings = ("-s", f"upscale_factor={factor}", "--no-wait")
        code, _, told = service.run(*words, *settings)
        assert (code, "16400×20000 pixels" in told) == (0, is_told), told


def test_generate_follows_the_task_whose_image_it_works_from(service: Service) -> None:
    _, (first,), _ = service.run("generate", "z-image", "a lake", "--no-wait", "--json")
    words = ("generate", "topaz-upscale-image", "--json", "--after", first["id"])
    code, (second,), _ = service.run(*words)  # the source has no line of its own
    assert (code, second["status"], second["after"]) == (0, "completed", first["id"])
    code, (source,), _ = service.run("task", first["id"], "--json")
    assert source["status"] == "completed"
    assert [second["params"]["source_image_url"]] == source["files"]


def test_resume_follows_sources_before_what_waits_for_them(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNAPI_TUI_CONCURRENCY", "1")  # few are followed at a time
    source = task_in_queue(service, Status.HELD, rank=time.time() + 1000)
    words = ("generate", "topaz-upscale-image", "--json", "--no-wait", "--after")
    ids = [service.run(*words, source.id)[1][0]["id"] for _ in range(5)]
    code, ended, _ = service.run("resume", "--json", "--timeout", "60")
    assert code == 0
    assert {task["id"] for task in ended} == {source.id, *ids}
    assert {task["status"] for task in ended} == {"completed"}


def test_resuming_what_waits_follows_its_source_or_says_that_it_is_set_aside(
    service: Service,
) -> None:
    _, (first,), _ = service.run("generate", "z-image", "a lake", "--no-wait", "--json")
    words = ("generate", "topaz-upscale-image", "--json", "--no-wait", "--after")
    _, (second,), _ = service.run(*words, first["id"])
    code, (ended,), _ = service.run("resume", second["id"], "--json")
    assert (code, ended["id"], ended["status"]) == (0, second["id"], "completed")
    aside = task_in_queue(
        service, Status.HELD, watched=False, set_aside=SetAside.INTERRUPTED
    )
    waits = task_in_queue(
        service, Status.HELD, after=aside.id, after_param="source_image_url"
    )
    code, _, err = service.run("resume", waits.id)
    assert (code, f"picture of {aside.id}, which is set aside" in err) == (4, True)


def test_nothing_is_submitted_that_would_wait_for_what_is_set_aside(
    service: Service, home: Path
) -> None:
    aside = task_in_queue(
        service, Status.HELD, watched=False, set_aside=SetAside.INTERRUPTED
    )
    waits = task_in_queue(
        service, Status.HELD, after=aside.id, after_param="source_image_url"
    )
    words = ("generate", "topaz-upscale-image", "--after", waits.id)
    code, _, err = service.run(*words, "--timeout", "5")
    assert code == 4
    assert f"Its picture waits for task {aside.id}, which is set aside." in err
    assert f"`runapi-tui resume {aside.id}` continues that one." in err
    assert queue(home, "select count(*) from tasks") == [(2,)]
    assert service.book.made == []


def test_a_probe_sends_the_cheapest_and_says_how_to_send_the_others(
    service: Service,
) -> None:
    words = ("generate", "flux-2-pro-text-to-image", "a red fox", "--probe", "--json")
    vary = ("--vary", "output_resolution=2k|1k", "-n", "2")
    code, (first,), err = service.run(*words, *vary)
    assert (code, first["status"]) == (0, "completed")
    assert first["params"]["output_resolution"] == "1k"
    assert "3 tasks are held back, about $0.19: " in err
    job = first["job"]
    assert f"resume {job}` sends them" in err
    _, listed, _ = service.run("tasks", "--json")
    others = [task for task in listed if task["id"] != first["id"]]
    assert [task["status"] for task in others] == ["held"] * 3
    code, ended, _ = service.run("resume", job, "--json")
    assert (code, len(ended)) == (0, 4)  # the whole job


def test_a_probe_of_an_unknown_price_names_none(service: Service) -> None:
    words = ("generate", "gpt-image-2.5-flare", "x", "--action", "text_to_image")
    vary = ("--vary", "output_resolution=1k|2k", "-s", "aspect_ratio=16:9")
    code, _, err = service.run(*words, *vary, "--probe", "--no-wait")
    assert code == 0
    assert "1 task is held back, price unknown: " in err


def test_a_preset_gives_model_and_values(service: Service) -> None:
    file = folders().config / "presets" / "wide.json"
    file.parent.mkdir(parents=True)
    preset = {"model": "z-image", "action": "text_to_image"}
    file.write_text(json.dumps(preset | {"values": {"aspect_ratio": "16:9"}}))
    code, (made,), _ = service.run("generate", "--preset", "wide", "a lake")
    assert (code, made["model"]) == (0, "z-image")
    assert made["params"] == {"prompt": "a lake", "aspect_ratio": "16:9"}
    words = ("generate", "--preset", "wide", "a lake", "-s", "aspect_ratio=1:1")
    _, (made,), _ = service.run(*words)
    assert made["params"]["aspect_ratio"] == "1:1"
    code, _, err = service.run("generate", "--preset", "nothing", "a lake")
    assert (code, "There are: wide." in err) == (4, True)


def test_tasks_are_sorted_and_found_by_saved_searches(service: Service) -> None:
    costs = (20_000, 90_000, None, 50_000)
    ids = [
        task_in_queue(service, Status.COMPLETED, cost_micro=cost).id for cost in costs
    ]

    def listed(*words: str) -> list[int]:
        code, found, _ = service.run("tasks", *words)
        assert code == 0
        return [ids.index(task["id"]) for task in found]

    assert listed() == [3, 2, 1, 0]
    assert listed("--search", "sort:cost") == [1, 3, 0, 2]
    assert listed("--search", "sort:cost", "-n", "2") == [1, 3]
    file = folders().config / "searches.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("dear: cost>0.03 sort:cost\n")
    assert listed("--saved", "dear") == [1, 3]
    assert listed("--saved", "dear", "--search", "cost<0.08") == [3]
    assert listed("--saved", "dear", "--search", "sort:date") == [3, 1]
    code, _, err = service.run("tasks", "--saved", "cheap")
    assert (code, "There are: dear." in err) == (4, True)


def test_an_image_is_opened_or_its_path_is_printed(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, (made,), _ = service.run("generate", "z-image", "a lake", "--json")
    folder = Path(made["files"][0]).parent
    viewer = folder / "viewer"
    viewer.write_text(f'#!/bin/sh\necho "$1" > {folder}/opened\n')
    viewer.chmod(0o700)

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [
            sys.executable,
            "-m",
            "tui",
            "open",
            *words,
            "--base-url",
            service.url,
        ]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    done = run(made["id"])
    assert (done.returncode, done.stdout.strip()) == (1, made["files"][0])
    done = run(made["id"], "--folder")
    assert (done.returncode, done.stdout.strip()) == (1, str(folder))
    monkeypatch.setenv("RUNAPI_TUI_VIEWER", str(viewer))
    assert run(made["id"]).returncode == 0
    assert (folder / "opened").read_text().strip() == made["files"][0]
    assert run(made["id"], "--picture", "2").returncode == 4
    assert run("nothing").returncode == 4
