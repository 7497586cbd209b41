"""Whether the owner of a lease is still there: known at once on the same machine, else
by its heartbeat.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.tasks.test_recovery import ids, make
from tui.tasks import lease
from tui.tasks.lease import LEASE, MARGIN, is_held, owner_name
from tui.tasks.store import Store
from tui.tasks.store_errors import LeasedError

NOW = 1_800_000_000.0
URL = "https://runapi.ai"
CHILD = "import sys; from tui.tasks.lease import owner_name; print(owner_name(), flush=True); sys.stdin.read()"
KILLED = """
import os, signal, sys
from pathlib import Path
from tui.tasks.lease import owner_name
from tui.tasks.store import Store
owner = owner_name()
store = Store(Path(sys.argv[1]))
taken = store.claim(owner, "https://runapi.ai")
print(owner, len(taken), flush=True)
sys.stdin.read()
"""
on_linux = pytest.mark.skipif(
    not Path("/proc/self/ns/pid").exists(), reason="only Linux tells of processes so"
)


@pytest.fixture
def child() -> Iterator["subprocess.Popen[str]"]:
    """A process that has told its name, and lives."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def named(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().split()[0]


def other(name: str, **parts: str) -> str:
    """A name with other parts."""
    return ":".join(lease._Name(*name.split(":"))._replace(**parts))


def held(owner: str) -> bool:
    return is_held(owner, NOW + LEASE, NOW)


def test_no_two_names_are_alike_and_ours_is_held() -> None:
    one, two = owner_name(), owner_name()
    assert one != two
    assert held(one)
    assert held(two)


@pytest.mark.parametrize(
    ("until", "is_one"),
    [
        (NOW - 0.1, False),
        (NOW, True),
        (NOW + LEASE, True),
        (NOW + LEASE + MARGIN, True),
        (NOW + LEASE + MARGIN + 0.1, False),
        (NOW + 3600, False),
        (float("inf"), False),
        (float("nan"), False),
        (0.0, False),
    ],
)
def test_a_lease_is_one_between_its_beginning_and_its_end(
    until: float, is_one: bool
) -> None:
    assert is_held(owner_name(), until, NOW) is is_one
    assert is_held("whoever", until, NOW) is is_one
    assert not is_held("", until, NOW)


@on_linux
def test_who_has_ended_holds_nothing(
    child: "subprocess.Popen[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "_TRUSTED_FOR", 0.0)
    name = named(child)
    assert held(name)
    child.kill()
    child.wait()
    assert not held(name)
    assert not held(name)


@on_linux
def test_another_process_with_the_same_number_is_another_one() -> None:
    ours = owner_name()
    assert held(ours)
    assert not held(other(ours, start="1"))


@on_linux
@pytest.mark.parametrize(
    "change",
    [
        {"host": "elsewhere"},
        {"boot": "another-start-of-the-machine"},
        {"boot": ""},
        {"namespace": "pid-[1]"},
        {"namespace": ""},
        {"start": ""},
        {"version": "2"},
        {"process": ""},
        {"process": "-1"},
        {"process": "0"},
        {"process": "²"},
        {"process": "9" * 30},
    ],
)
def test_where_it_can_not_be_known_the_heartbeat_decides(
    child: "subprocess.Popen[str]", change: dict[str, str]
) -> None:
    name = named(child)
    child.kill()
    child.wait()
    assert held(other(name, **change))


@pytest.mark.parametrize(
    "name", ["me", "0" * 32, ":", "1::::::", ":" * 6, "1:a:b:c:d:e:f:g", "\0", "é:" * 7]
)
def test_whatever_stands_there_is_some_name(name: str) -> None:
    assert held(name)


@on_linux
def test_a_zombie_is_held_until_its_heartbeat_ends(
    child: "subprocess.Popen[str]",
) -> None:
    """It has ended and isn't waited for: nobody knows whether all of its threads have."""
    name = named(child)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert held(name)


@on_linux
@pytest.mark.parametrize("answer", [PermissionError, OSError])
def test_another_users_process_is_there(
    child: "subprocess.Popen[str]",
    monkeypatch: pytest.MonkeyPatch,
    answer: type[OSError],
    tmp_path: Path,
) -> None:
    name = named(child)
    child.kill()
    child.wait()

    def kill(process: int, signal: int) -> None:
        raise answer

    monkeypatch.setattr(os, "kill", kill)
    assert held(name)


@on_linux
def test_a_process_that_may_not_be_looked_at_is_there(
    child: "subprocess.Popen[str]", monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`hidepid`: there is such a process, and nothing in /proc of it."""
    name = named(child)
    lease._boot(), lease._namespace()
    monkeypatch.setattr(lease, "_PROC", tmp_path)
    assert held(name)


def test_without_proc_there_is_a_name_that_only_the_heartbeat_judges(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(lease, "_PROC", tmp_path)
    for cached in (lease._boot, lease._namespace):
        monkeypatch.setattr(lease, cached.__name__, cached.__wrapped__)
    name = owner_name()
    assert held(name)
    assert held(other(name, process="999999"))


# ---- in the queue


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "queue.db"


Ask = Callable[[Store, list[str]], object]
ASKS: dict[str, Ask] = {
    "claim": lambda store, wanted: {task.id for task in store.claim("me", URL)},
    "claim some": lambda store, wanted: {
        task.id for task in store.claim("me", URL, wanted)
    },
    "take": lambda store, wanted: {task.id for task in store.lease("me", wanted)},
    "save": lambda store, wanted: {one for one in wanted if saves(store, one)},
    "unfinished": lambda store, wanted: {
        task.id for task, is_held in store.unfinished("me") if not is_held
    },
}


def saves(store: Store, task_id: str) -> bool:
    task = store.get(task_id)
    assert task
    try:
        store.save(task.change(note="mine"), owner="me")
    except LeasedError:
        return False
    return True


@on_linux
@pytest.mark.parametrize("ask", ASKS)
def test_what_a_killed_process_watched_is_free_at_once(
    path: Path, ask: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "_TRUSTED_FOR", 0.0)
    tasks = [make(number) for number in range(5)]
    wanted = [task.id for task in tasks]
    store = Store(path)
    store.add_missing((task, []) for task in tasks)
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline().split()[1] == "5"
        assert ASKS[ask](store, wanted) == set()
        process.kill()
        process.wait()
        assert ASKS[ask](store, wanted) == ids(tasks)
    store.close()


@pytest.mark.parametrize("ask", ASKS)
def test_a_lease_of_a_clock_that_was_ahead_is_none(
    path: Path, ask: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = [make(number) for number in range(5)]
    store = Store(path)
    ahead = time.time() + 86400
    with monkeypatch.context() as then:
        then.setattr(time, "time", lambda: ahead)
        store.add_missing(((task, []) for task in tasks), owner_name())
    assert ASKS[ask](store, [task.id for task in tasks]) == ids(tasks)
    store.close()
