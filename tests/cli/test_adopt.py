"""`task --adopt`: a task that another program has made is followed here, and never sent."""

from pathlib import Path

import httpx
import pytest

from tests.cli.test_run import Service, queue, service
from tui.demo import DEMO_KEY

__all__ = ["service"]
NAMES = ("--service", "z_image", "--action", "text_to_image")


def made_elsewhere(service: Service, prompt: str = "a lake") -> str:
    """The id of a task that another program has made."""
    answer = httpx.post(
        f"{service.url}/api/v1/z_image/text_to_image",
        json={"model": "z-image", "prompt": prompt, "aspect_ratio": "1:1"},
        headers={"Authorization": f"Bearer {DEMO_KEY}", "Idempotency-Key": "theirs"},
    )
    return str(answer.json()["id"])


def test_a_task_made_elsewhere_is_fetched_and_never_sent(
    service: Service, home: Path
) -> None:
    remote = made_elsewhere(service)
    code, told, err = service.run("task", "--adopt", remote, *NAMES)
    assert code == 0
    (task,) = told
    assert (task["task_id"], task["status"], task["cost_usd"]) == (
        remote,
        "completed",
        0.01,
    )
    assert Path(task["files"][0]).is_file()
    assert f"Task {task['id']} is in the queue now. It is never sent" in err
    assert len(service.book.made) == 1
    assert service.run("tasks")[1] == [task]


def test_a_second_adopt_is_the_same_task(service: Service, home: Path) -> None:
    remote = made_elsewhere(service)
    words = ("task", remote, "--adopt", *NAMES, "--model", "z-image")
    code, told, _ = service.run(*words, "--no-wait")
    assert (code, told[0]["status"], told[0]["cost_usd"]) == (0, "pending", 0.01)
    assert told[0]["model"] == "z-image"
    code, again, err = service.run(*words, "--no-wait")
    assert (code, again) == (0, told)
    assert f"This is task {told[0]['id']} of the queue" in err
    code, ended, err = service.run(*words)
    assert (code, ended[0]["id"], ended[0]["status"]) == (
        0,
        told[0]["id"],
        "completed",
    )
    assert "of the queue: following it." in err
    assert service.run(*words)[1] == ended
    assert queue(home, "select count(*) from tasks") == [(1,)]
    assert len(service.book.made) == 1


def test_its_request_is_not_known(service: Service) -> None:
    (made,) = service.run("task", "--adopt", made_elsewhere(service), *NAMES)[1]
    assert (made["model"], made["params"], made["imported"]) == ("unknown", {}, True)
    for form in ("curl", "httpx", "sdk", "cli"):
        code, told, err = service.run("task", made["id"], "--as", form)
        assert (code, told) == (4, [])
        assert (
            err == f"Task {made['id']} was made elsewhere: its request isn't known"
            " here.\n"
        )


def test_its_model_is_set_once(service: Service) -> None:
    words = ("task", "--adopt", made_elsewhere(service), *NAMES)
    (made,) = service.run(*words)[1]
    code, told, err = service.run(*words, "--model", "z-imagee")
    assert (code, told) == (4, [])
    assert "z_image has no text_to_image model named z-imagee; it has z-image." in err
    code, (named,), err = service.run(*words, "--model", "z-image")
    assert (code, named) == (0, {**made, "model": "z-image"})
    assert f"The model of task {made['id']} is z-image from now on." in err
    assert service.run(*words)[1] == [named]


def test_another_model_than_its_own_is_refused(service: Service) -> None:
    (own,) = service.run("generate", "z-image", "a lake", "--api", "service")[1]
    names = ("--service", "nova", "--action", "text_to_image", "--model", "nova-2")
    code, told, err = service.run("task", "--adopt", own["task_id"], *names)
    assert (code, told) == (4, [])
    assert f"This is task {own['id']} of the queue, and its model is z-image." in err


def test_adopts_at_the_same_time_are_one_task(service: Service, home: Path) -> None:
    remote = made_elsewhere(service)
    commands = [service.start("task", "--adopt", remote, *NAMES) for _ in range(3)]
    assert [command.wait(60) for command in commands] == [0, 0, 0]
    assert queue(home, "select count(*) from tasks") == [(1,)]


def test_resume_follows_an_adopted_task(service: Service) -> None:
    remote = made_elsewhere(service)
    (left,) = service.run("task", "--adopt", remote, *NAMES, "--no-wait")[1]
    code, told, _ = service.run("resume")
    assert (code, told[0]["id"], told[0]["status"]) == (0, left["id"], "completed")


def test_an_own_task_is_adopted_as_itself(service: Service, home: Path) -> None:
    words = ("generate", "z-image", "a lake", "--api", "service")
    (made,) = service.run(*words)[1]
    code, told, _ = service.run("task", "--adopt", made["task_id"], *NAMES)
    assert (code, told) == (0, [made])
    assert service.run("delete", made["id"])[0] == 0
    code, told, err = service.run("task", "--adopt", made["task_id"], *NAMES)
    assert (code, told) == (4, [])
    assert f"This is task {made['id']}, which was deleted" in err


def test_what_failed_elsewhere_fails_here_and_is_not_sent_again(
    service: Service,
) -> None:
    remote = made_elsewhere(service, "demo:fail")
    code, told, _ = service.run("task", "--adopt", remote, *NAMES)
    assert (code, told[0]["status"]) == (7, "failed")
    code, _, err = service.run("retry", told[0]["id"])
    assert code == 1
    assert told[0]["id"] in err
    assert len(service.book.made) == 1


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("tsk_1", *NAMES), "has no text_to_image task of this id at z_image."),
        (("tsk_1", "--service", "z_image"), "--adopt needs --service and --action."),
        (("a b", *NAMES), "'a b' is no id of the service."),
        (("../x?y", *NAMES), "has no text_to_image task of this id"),
        (("tsk_1", "--service", "../me", "--action", "x"), "can't be the name of a"),
        (("tsk_1", "--service", "files", "--action", "x"), "files is no service that"),
    ],
    ids=["unknown", "no action", "no id", "a path", "no name", "no service"],
)
def test_what_is_no_task_is_not_recorded(
    words: tuple[str, ...], why: str, service: Service, home: Path
) -> None:
    code, told, err = service.run("task", "--adopt", *words)
    assert (code, told) == (4, [])
    assert why in err
    assert not list(home.rglob("queue.db")) or queue(home, "select id from tasks") == []


@pytest.mark.parametrize("service", [{"delay": 3600}], indirect=True)
def test_what_was_paid_elsewhere_counts_for_no_limit(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNAPI_TUI_DAY_USD", "0.015")
    running = made_elsewhere(service)
    assert service.run("task", "--adopt", running, *NAMES, "--no-wait")[0] == 0
    code, told, err = service.run("generate", "z-image", "a lake", "--no-wait")
    assert (code, len(told)) == (0, 1), err


def test_an_adopted_task_that_is_done_adds_nothing_to_the_day(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNAPI_TUI_DAY_USD", "0.015")
    code, (task,), _ = service.run("task", "--adopt", made_elsewhere(service), *NAMES)
    assert (code, task["cost_usd"]) == (0, 0.01)
    assert service.run("generate", "z-image", "a lake")[0] == 0
    assert service.run("generate", "z-image", "a sea")[0] == 4
