"""`generate --key`: the same call is one task, however often and wherever it is made."""

import asyncio
import json
import signal
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.cli.test_queue import until
from tests.cli.test_run import Service, queue, service
from tui.catalog.load import bundled
from tui.catalog.request import Request
from tui.demo import DEMO_KEY
from tui.paths import folders
from tui.session import open_engine, prepare
from tui.tasks.options import EngineListener
from tui.tasks.store import Store

__all__ = ["service"]
CALL = ("generate", "z-image", "-p", "a lake", "--key", "order 7")


def test_the_same_call_again_is_the_same_task_also_when_it_has_ended(
    service: Service, home: Path
) -> None:
    code, first, _ = service.run(*CALL)
    assert (code, first[0]["status"]) == (0, "completed")
    code, again, err = service.run(*CALL)
    assert (code, again) == (0, first)
    assert f"This is task {first[0]['id']} of the queue, which has ended" in err
    assert len(service.book.made) == 1
    assert queue(home, "select count(*) from tasks") == [(1,)]
    code, told, err = service.run(*CALL, "--no-wait")
    assert (code, told) == (0, first)
    assert "nothing new was added" in err


def test_calls_at_the_same_time_are_one_task(service: Service, home: Path) -> None:
    commands = [service.start(*CALL, "--json") for _ in range(4)]
    told = set()
    for command in commands:
        out, err = command.communicate(timeout=60)
        assert command.returncode == 0, err
        (line,) = out.splitlines()
        told.add((json.loads(line)["id"], json.loads(line)["status"]))
    assert len(told) == 1
    assert len(service.book.made) == 1
    assert queue(home, "select count(*) from tasks") == [(1,)]


def test_the_service_gets_the_callers_key(service: Service) -> None:
    (made,) = service.run(*CALL)[1]
    assert sent_key(made["id"]) == "order 7"


def test_the_same_key_for_something_else_is_refused(service: Service) -> None:
    (made,) = service.run(*CALL)[1]
    words = ("generate", "z-image", "-p", "a sea", "--key", "order 7")
    for more in ((), ("--no-wait",)):
        code, told, err = service.run(*words, *more)
        assert (code, told) == (4, [])
        assert f"This key belongs to task {made['id']}, which asks for" in err
    assert len(service.book.made) == 1


def test_a_failed_call_stays_the_one_task(service: Service) -> None:
    words = ("generate", "z-image", "-p", "demo:fail", "--key", "order 8")
    code, first, _ = service.run(*words)
    assert (code, first[0]["status"]) == (7, "failed")
    for more in ((), ("--no-wait",)):
        code, again, err = service.run(*words, *more)
        assert (code, again) == (7, first)
        assert f"retry {first[0]['id']}` sends it again, as a new paid task." in err
    assert len(service.book.made) == 1


def test_what_was_not_sent_yet_is_sent_and_said(service: Service) -> None:
    (held,) = service.run(*CALL, "--no-wait")[1]
    code, told, err = service.run(*CALL)
    assert (code, told[0]["id"]) == (0, held["id"])
    assert "which waits to be sent: sending and following it." in err
    assert len(service.book.made) == 1


@pytest.mark.parametrize("service", [{"delay": 3}], indirect=True)
def test_a_call_that_was_interrupted_is_continued_by_the_same_call(
    service: Service,
) -> None:
    command = service.start(*CALL, "--json")
    until(lambda: bool(service.book.made))
    command.send_signal(signal.SIGTERM)
    assert command.wait(30) == 130
    code, told, err = service.run(*CALL)
    assert (code, told[0]["status"]) == (0, "completed")
    assert f"This is task {told[0]['id']} of the queue" in err
    assert len(service.book.made) == 1


def test_a_call_that_was_left_unsent_is_sent_by_the_same_call(
    service: Service,
) -> None:
    (left,) = service.run(*CALL, "--no-wait")[1]
    assert left["status"] == "held"
    code, told, _ = service.run(*CALL)
    assert (code, told[0]["id"], told[0]["status"]) == (0, left["id"], "completed")
    assert len(service.book.made) == 1


def test_while_the_queue_is_paused_the_same_call_adds_nothing(
    service: Service, home: Path
) -> None:
    left = service.start("pause")
    assert left.wait(60) == 0
    (first,) = service.run(*CALL)[1]
    code, told, err = service.run(*CALL)
    assert (code, told) == (1, [first])
    assert err.startswith("The queue is paused.\n")
    assert queue(home, "select count(*) from tasks") == [(1,)]
    assert service.book.made == []


def sent_key(task_id: str) -> str:
    """The Idempotency-Key of a task's request."""
    store = Store(folders().queue)
    task = store.get(task_id)
    store.close()
    assert task
    return task.key


def edit(task_id: str, url: str, prompt: str) -> None:
    """Changes a waiting task, as the app does."""

    async def revise() -> None:
        session = prepare(base_url=url)
        engine = await asyncio.to_thread(open_engine, session, EngineListener())
        await engine.start(adopt=False)
        model = bundled().find("z-image")
        await engine.revise(task_id, Request(model, {"prompt": prompt}))
        await engine.aclose()

    asyncio.run(revise())


def test_a_task_that_was_edited_keeps_the_key_and_the_first_call_pays_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNAPI_API_KEY", DEMO_KEY)
    (left,) = service.run(*CALL, "--no-wait")[1]
    edit(left["id"], service.url, "a sea")
    code, told, err = service.run(*CALL)
    assert (code, told) == (4, [])
    assert f"This key belongs to task {left['id']}, which asks for" in err
    assert service.book.made == []
    code, told, _ = service.run("generate", "z-image", "a sea", "--key", "order 7")
    assert (code, told[0]["id"], told[0]["prompt"]) == (0, left["id"], "a sea")
    assert len(service.book.made) == 1
    assert sent_key(left["id"]) == "order 7"


def test_a_key_that_another_program_has_used_is_refused_and_never_charged(
    service: Service,
) -> None:
    elsewhere = httpx.post(
        f"{service.url}/v1/text_to_image",
        json={"model": "z-image", "prompt": "a sea"},
        headers={
            "Authorization": f"Bearer {DEMO_KEY}",
            "Idempotency-Key": "order 7",
        },
    )
    assert elsewhere.status_code == 200
    code, told, _ = service.run(*CALL)
    assert (code, told[0]["status"]) == (4, "rejected")
    assert told[0]["error"]["kind"] == "conflict"
    assert "The service knows this key with other input." in told[0]["error"]["message"]
    assert len(service.book.made) == 1


@pytest.mark.parametrize("key", ["", " a", "a ", "a\nb", "\N{SNOWMAN}", "x" * 513])
def test_what_can_be_no_key_is_refused(service: Service, key: str) -> None:
    code, told, err = service.run("generate", "z-image", "a lake", "--key", key)
    assert (code, told) == (4, [])
    assert "A key has 1 to 512 printable characters" in err


def test_the_key_of_a_deleted_task_is_refused(service: Service) -> None:
    (made,) = service.run(*CALL)[1]
    assert service.run("delete", made["id"])[0] == 0
    for more in ((), ("--no-wait",)):
        code, told, err = service.run(*CALL, *more)
        assert (code, told) == (4, [])
        assert f"This key belongs to task {made['id']}, which was deleted" in err
    assert len(service.book.made) == 1


def test_the_key_of_a_dropped_task_can_be_used_again(service: Service) -> None:
    (left,) = service.run(*CALL, "--no-wait")[1]
    assert service.run("drop", left["id"])[0] == 0
    code, (made,), _ = service.run(*CALL)
    assert (code, made["status"]) == (0, "completed")
    assert made["id"] != left["id"]
    assert service.run(*CALL)[1] == [made]
    assert len(service.book.made) == 1


def test_the_key_of_a_refused_task_can_be_used_again(service: Service) -> None:
    words = ("generate", "z-image", "--key", "order 9", "-p")
    code, (refused,), _ = service.run(*words, "demo:refused")
    assert (code, refused["status"]) == (4, "rejected")
    code, (made,), _ = service.run(*words, "a lake")
    assert (code, made["status"]) == (0, "completed")
    assert made["id"] != refused["id"]
    assert len(service.book.made) == 1


def test_a_refused_task_that_was_retried_keeps_its_key(service: Service) -> None:
    words = ("generate", "z-image", "--key", "order 9", "-p", "demo:refused")
    (refused,) = service.run(*words)[1]
    (again,) = service.run("retry", refused["id"])[1]
    code, (told,), err = service.run(*words)
    assert (code, told["id"]) == (4, refused["id"])
    assert f"which was sent again as {again['id']}: nothing was sent." in err


def test_the_same_call_finds_its_task_when_its_source_file_is_gone(
    service: Service, tmp_path: Path
) -> None:
    source = tmp_path / "lake.png"
    Image.new("RGB", (512, 512), "teal").save(source)
    call = ("generate", "topaz-upscale-image", "--key", "order 10")
    words = (*call, "-s", f"source_image_url={source}")
    code, first, err = service.run(*words)
    assert (code, first[0]["status"]) == (0, "completed"), err
    source.unlink()
    assert service.run(*words)[:2] == (0, first)
    assert service.run(*words, "--no-wait")[:2] == (0, first)


def test_the_same_call_finds_its_task_when_the_folder_is_of_no_use_any_more(
    service: Service, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    (first,) = service.run(*CALL, "--out", str(folder))[1]
    folder.rename(tmp_path / "moved")
    folder.write_text("in the way")
    code, (told,), _ = service.run(*CALL, "--out", str(folder))
    assert (code, told["id"]) == (0, first["id"])


def test_a_key_is_for_one_task(service: Service) -> None:
    for more in (("-n", "2"), ("--vary", "aspect_ratio=1:1|16:9")):
        code, told, err = service.run(*CALL, *more)
        assert (code, told) == (4, [])
        assert "A key is for one task: this call asks for 2." in err
    assert service.book.made == []
