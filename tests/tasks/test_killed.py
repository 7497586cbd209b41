"""Real processes are ended in the middle of a batch; the next one loses nothing and
pays nothing twice.
"""

import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.loopback import serving
from tests.tasks.faults import Book, Ledger, Moment, Snare, booked, small_pictures
from tui.demo import DEMO_KEY

pytestmark = pytest.mark.slow

PROMPTS = [
    "a lake",
    "a fox demo:lost",
    "a boat demo:flaky",
    "a city demo:500",
    "a house demo:adopt",
    "a tree",
] * 2
MOMENTS: tuple[Moment, ...] = ("arrived", "answered", "halfway", "told")
KILLS = 8


class Service:
    """The embedded service on loopback, which outlives its clients."""

    def __init__(self, url: str, snare: Snare, ledger: Ledger, book: Book) -> None:
        self.url = url
        self.snare = snare
        self.ledger = ledger
        self.book = book

    def child(self, *words: str) -> "subprocess.Popen[str]":
        """A command that talks to it."""
        told = {
            "RUNAPI_API_KEY": DEMO_KEY,
            "RUNAPI_BASE_URL": self.url,
            "RUNAPI_TUI_POLL_SECONDS": "0.1",
        }
        command = [sys.executable, "-m", "tui", *words]
        with heeding_interrupts():
            pipe = subprocess.PIPE
            return subprocess.Popen(
                command, env={**os.environ, **told}, stdout=pipe, stderr=pipe, text=True
            )


@contextmanager
def heeding_interrupts() -> Iterator[None]:
    """Children of a shell's background job ignore interrupts, unless told otherwise."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    small_pictures(monkeypatch)
    app, book = booked(delay=0.4)
    ledger = Ledger(app)
    snare = Snare(ledger)
    with serving(snare) as url:
        yield Service(url, snare, ledger, book)


@pytest.fixture
def prompts(tmp_path: Path) -> str:
    file = tmp_path / "prompts.txt"
    file.write_text("\n".join(PROMPTS))
    return str(file)


def queue(home: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(next(home.rglob("queue.db")))) as database, database:
        return database.execute(query).fetchall()


def test_kill_9_loses_no_task_and_pays_nothing_twice(
    home: Path, service: Service, prompts: str
) -> None:
    chance = random.Random(20)
    kills = 0
    words = ["generate", "z-image", "-f", prompts, "--json", "--concurrency", "5"]
    for _ in range(KILLS):
        victim = service.child(*words)
        # Here and there a little later: while the victim writes to its disk.
        later = chance.choice((0.0, 0.0, 0.01, 0.03))
        kill = threading.Timer(later, victim.kill)
        service.snare.set(
            chance.randint(1, 12),
            chance.choice(MOMENTS),
            kill.start if later else victim.kill,
        )
        victim.communicate(timeout=30)
        kill.cancel()
        kills += victim.returncode == -signal.SIGKILL
        # A killed owner's tasks are its own for some seconds; here nobody waits for
        # that.
        queue(home, "update tasks set lease_until = 0")
        words = ["resume", "--json"]
    assert kills > 2
    last = service.child("resume", "--json")
    out, err = last.communicate(timeout=60)
    assert last.returncode == 0, err
    assert {json.loads(line)["status"] for line in out.splitlines()} <= {"completed"}

    kept = [json.loads(data) for (data,) in queue(home, "select data from tasks")]
    assert sorted(task["values"]["prompt"] for task in kept) == sorted(PROMPTS)
    assert {task["status"] for task in kept} == {"completed"}
    assert sorted(task.origin.key for task in service.book.made) == sorted(
        task["key"] for task in kept
    )
    assert {task.id for task in service.book.made} == {
        task["remote_id"] for task in kept
    }
    assert service.ledger.muddled() == []
    assert service.book.spent == sum(task["cost_micro"] for task in kept)
    files = {result["path"] for task in kept for result in task["results"]}
    assert len(files) == len(PROMPTS)
    folder = home / "Pictures" / "runapi"
    for file in folder.glob("*.*"):
        with Image.open(file) as image:  # a part would not open
            image.load()
    assert files == set(map(str, folder.iterdir()))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_polite_end_is_told_and_leaves_the_tasks_to_others(
    number: signal.Signals, home: Path, service: Service, prompts: str
) -> None:
    ended = service.child("generate", "z-image", "-f", prompts, "--json")
    service.snare.set(9, "arrived", lambda: ended.send_signal(number))
    _, err = ended.communicate(timeout=30)
    assert ended.returncode == 130, err
    told = re.fullmatch(
        r"Interrupted: (\d+) at the service, (\d+) set aside unsent \(about \$\d\.\d\d\)\.\n"
        r"`runapi-tui resume` continues all of them;"
        r" `runapi-tui drop \w{14}` takes back what was not sent\.\n",
        err,
    )
    assert told, err
    assert queue(home, "select count(*) from tasks where status = 'held'") == [
        (int(told[2]),)
    ]
    assert queue(home, "select count(*) from tasks") == [(len(PROMPTS),)]
    assert queue(
        home, "select count(*) from tasks where owner <> '' or lease_until > 0"
    ) == [(0,)]
    assert len(service.book.made) == len(
        {task.origin.key for task in service.book.made}
    )
