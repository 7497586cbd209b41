"""A real process is killed in the middle of a batch; the next one loses nothing and pays nothing twice."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from tests.loopback import serving
from tui.catalog.load import bundled
from tui.demo import DEMO_KEY
from tui.demo.service import create_app


def test_kill_9_loses_no_task_and_pays_nothing_twice(home: Path) -> None:
    with serving(create_app(bundled(), delay=0.6)) as url:
        env = {**os.environ, "RUNAPI_API_KEY": DEMO_KEY, "RUNAPI_BASE_URL": url, "RUNAPI_TUI_POLL_SECONDS": "0.1"}
        command = [sys.executable, "-m", "tui", "generate", "z-image", "-p", "a lake", "-n", "5", "--json"]
        victim = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert victim.stdout
        first = victim.stdout.readline()  # one is saved: the others are anywhere on their way
        os.kill(victim.pid, signal.SIGKILL)
        victim.communicate()

        listed = subprocess.run(
            [sys.executable, "-m", "tui", "tasks", "--json"], env=env, capture_output=True, text=True
        )
        kept = [json.loads(line) for line in listed.stdout.splitlines()]
        # A killed owner's tasks are its own for some seconds; here nobody waits for that.
        import sqlite3

        with sqlite3.connect(next(home.rglob("queue.db"))) as queue:
            queue.execute("update tasks set lease_until = 0")
        resumed = subprocess.run(
            [sys.executable, "-m", "tui", "resume", "--json"], env=env, capture_output=True, text=True, timeout=60
        )
        finished = [json.loads(line) for line in resumed.stdout.splitlines()]
        answer = httpx.get(f"{url}/api/v1/me/balance", headers={"Authorization": f"Bearer {DEMO_KEY}"})
    assert json.loads(first)["status"] == "completed"
    assert len(kept) == 5
    assert resumed.returncode == 0, resumed.stderr
    assert {task["status"] for task in finished} <= {"completed"}
    assert len(finished) == sum(1 for task in kept if task["status"] != "completed")
    assert answer.json()["balance_cents"] == 5000 - 5
    assert len(list((home / "Pictures" / "runapi").glob("*.png"))) == 5
