"""`export` replaces a file only by a whole one; `import` ends with a code when it
refuses lines.
"""

import json
import os
import resource
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tui.paths import folders
from tui.tasks.store import Entry, Store
from tui.tasks.task import Status, Task, new_id

COUNT = 250  # more than a page and a buffer of them


def run(*words: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    """One command without a terminal."""
    return run_python("-m", "tui", *words, **options)


def run_python(*words: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    streams = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
    }
    given: dict[str, Any] = {**streams, **options}
    return subprocess.run([sys.executable, *words], text=True, timeout=60, **given)


@pytest.fixture
def queue(home: Path) -> Path:
    """A queue file with some history."""
    path = folders().queue
    store = Store(path)
    given: dict[str, Any] = {
        "action": "text_to_image",
        "model": "z-image",
        "service": "z_image",
    }
    given |= {
        "base_url": "https://runapi.ai",
        "route": "unified",
        "status": Status.DROPPED,
    }
    given |= {"values": {"prompt": "a fox " * 50}}
    store.save_all(
        Entry(Task(id=new_id(), created_at=time.time(), **given)) for _ in range(COUNT)
    )
    store.close()
    return path


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """An export of before, which only its owner may read."""
    file = tmp_path / "out" / "history.jsonl"
    file.parent.mkdir()
    file.write_text("earlier\n")
    file.chmod(0o600)
    return file


def only(file: Path) -> bool:
    return os.listdir(file.parent) == [file.name]


def whole(text: str) -> bool:
    return len([json.loads(line) for line in text.splitlines()]) == COUNT


def test_an_export_replaces_the_earlier_one_and_stays_private(
    queue: Path, earlier: Path
) -> None:
    said = run("export", str(earlier), umask=0o022)
    assert (said.returncode, said.stderr) == (0, "")
    assert whole(earlier.read_text())
    assert stat.S_IMODE(earlier.stat().st_mode) == 0o600
    new = earlier.with_name("new.jsonl")
    assert run("export", str(new), umask=0o022).returncode == 0
    assert stat.S_IMODE(new.stat().st_mode) == 0o600


def test_a_full_disk_leaves_the_earlier_export(queue: Path, earlier: Path) -> None:
    def small_files_only() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    said = run("export", str(earlier), preexec_fn=small_files_only)
    assert said.returncode == 1
    assert "The file is unchanged." in said.stderr
    assert "Traceback" not in said.stderr
    assert earlier.read_text() == "earlier\n"
    assert only(earlier)


STOPPED = """
import os, tui.tasks.store as store
search, count = store.Store.search, 0
def counted(self, *words):
    global count
    count += 1
    if count == 3:
        {end}
    return search(self, *words)
store.Store.search = counted
from tui.cli.main import main
main()
"""
"""The command, whose third page of tasks never comes."""


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("os._exit(9)", 9),
        ("raise store.DamagedError('The queue file is damaged.')", 1),
        ("raise KeyboardInterrupt", 130),
    ],
)
def test_what_ends_in_the_middle_leaves_the_earlier_export(
    queue: Path, earlier: Path, end: str, code: int
) -> None:
    said = run_python("-c", STOPPED.format(end=end), "export", str(earlier))
    assert said.returncode == code
    assert "Traceback" not in said.stderr
    assert earlier.read_text() == "earlier\n"
    assert only(earlier) or code == 9


def test_a_link_is_followed(queue: Path, earlier: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.jsonl"
    link.symlink_to(earlier)
    assert run("export", str(link)).returncode == 0
    assert link.is_symlink()
    assert whole(earlier.read_text())


def test_streams_are_written_to_and_not_replaced(queue: Path, tmp_path: Path) -> None:
    assert whole(run("export").stdout)
    assert whole(run("export", "-").stdout)
    assert whole(run("export", "/dev/stdout").stdout)
    assert run("export", os.devnull).returncode == 0
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)

    redirected = tmp_path / "redirected"
    with redirected.open("w") as file:
        file.write("before\n")
        file.flush()
        assert run("export", "/dev/stdout", stdout=file).returncode == 0
    first, _, rest = redirected.read_text().partition("\n")
    assert first == "before"
    assert whole(rest)

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()), daemon=True)
    reader.start()
    assert run("export", str(pipe)).returncode == 0
    reader.join(20)
    assert whole(got[0])
    assert pipe.is_fifo()


@pytest.mark.parametrize(
    "place", ["nowhere/history.jsonl", "out", "out/history.jsonl/below"]
)
def test_a_place_where_no_file_can_be_is_a_sentence(
    queue: Path, earlier: Path, place: str
) -> None:
    said = run("export", str(earlier.parent.parent / place))
    assert said.returncode == 4
    assert "Traceback" not in said.stderr
    assert "error in runapi-tui itself" not in said.stderr
    assert earlier.read_text() == "earlier\n"
    assert only(earlier)


def test_refused_lines_are_counted_and_give_a_code(queue: Path, earlier: Path) -> None:
    assert run("export", str(earlier)).returncode == 0
    for file in queue.parent.iterdir():
        file.unlink()
    lines = earlier.read_text().splitlines()
    earlier.write_text("\ufeff" + "\n".join([*lines[:3], "junk", "", "{}"]), "utf-8")
    said = run("import", str(earlier))
    assert (said.returncode, said.stdout) == (4, "3 new tasks.\n")
    assert "Line 4 is skipped" in said.stderr
    assert said.stderr.endswith(
        "2 lines refused: not tasks of an export. The others were imported.\n"
    )
    earlier.write_text("\n".join(lines))
    again = run("import", str(earlier))
    assert (again.returncode, again.stdout, again.stderr) == (
        0,
        f"{COUNT - 3} new tasks.\n",
        "",
    )
