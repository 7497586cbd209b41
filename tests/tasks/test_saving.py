"""An image is saved once, whenever a save is interrupted."""

import errno
import hashlib
import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from tests.loopback import serving
from tests.tasks.conftest import OpenEngine
from tests.tasks.faults import booked, small_pictures
from tests.tasks.rounds import KILLED, TASKS
from tui.catalog.load import bundled
from tui.demo import DEMO_URL
from tui.demo.service import create_app
from tui.tasks import fetching, saving
from tui.tasks.store import Entry, Store
from tui.tasks.task import Result, Status, Task, new_id

Z_IMAGE = bundled().find("z-image")


class FileHost(httpx.AsyncBaseTransport):
    """The embedded service, and how often its files were fetched."""

    def __init__(self) -> None:
        self._service = httpx.ASGITransport(create_app(bundled(), delay=0))
        self.fetched = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.fetched += request.url.path.startswith("/files/")
        return await self._service.handle_async_request(request)


@pytest.fixture
def host() -> FileHost:
    return FileHost()


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return tmp_path / "images"


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    small_pictures(monkeypatch)
    app, _ = booked(delay=0)
    with serving(app) as url:
        yield url


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file_system", "name"),
    [("links", "same"), ("no links", "{id}"), ("no safe rename", "same")],
)
def test_a_kill_at_each_step_leaves_one_file_a_result(
    service: str, file_system: str, name: str, tmp_path: Path
) -> None:
    """With `same`, two tasks want one name for the same picture at the same moment."""
    place = tmp_path / "rounds"
    place.mkdir()
    words = [
        sys.executable,
        "-m",
        "tests.tasks.rounds",
        service,
        str(place),
        file_system,
        name,
    ]
    said = subprocess.run(
        words,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).parents[2],
    )
    rounds = [json.loads(line) for line in said.stdout.splitlines()]
    assert said.returncode == 0, said.stderr
    assert [round_["ended"] for round_ in rounds] == [KILLED] * (len(rounds) - 1) + [
        0
    ], said.stderr
    assert len(rounds) > 9  # what is written together is one step
    for number, round_ in enumerate(rounds, 1):
        assert round_["went_on"] == 0, said.stderr
        assert round_["statuses"] == [Status.COMPLETED] * TASKS, number
        assert len(set(round_["remote"])) == TASKS, number
        assert len(set(round_["paths"])) == TASKS, number
        assert sorted(round_["files"]) == round_["paths"], number
        assert all(round_["files"].values()), number
        assert all(round_["digests"]), number
        assert round_["reserved"] == [""] * TASKS, number


# ---- faults of the disk


@pytest.mark.parametrize(
    "number", [errno.EINVAL, errno.EIO, errno.ENOTSUP, errno.EBADF, errno.EACCES]
)
async def test_a_folder_that_cannot_be_synced_saves_once(
    number: int,
    open_engine: OpenEngine,
    host: FileHost,
    images: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fsync = os.fsync

    def refused(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refused)
    async with open_engine(DEMO_URL, transport=host) as watched:
        task = await watched.engine.submit(Z_IMAGE, {"prompt": "a fox"})
        ended = await watched.engine.wait(task.id)
    assert ended.status is Status.COMPLETED
    assert names(images) == [Path(ended.files[0]).name]
    assert host.fetched == 1


@pytest.mark.parametrize("call", ["link", "fsync"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
async def test_a_disk_fault_while_saving_is_waited_out_and_leaves_no_half_file(
    call: str,
    number: int,
    open_engine: OpenEngine,
    host: FileHost,
    images: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real: Callable[..., Any] = getattr(os, call)
    faults = [OSError(number, os.strerror(number), "/a/path")] * 4
    lying: list[list[str]] = []

    def faulty(*words: Any) -> Any:
        if faults:
            raise faults.pop()
        return real(*words)

    monkeypatch.setattr(os, call, faulty)

    def pause(*_: object) -> float:
        lying.append(names(images))
        return 0.0

    monkeypatch.setattr(fetching, "backoff", pause)
    async with open_engine(DEMO_URL, transport=host) as watched:
        task = await watched.engine.submit(Z_IMAGE, {"prompt": "a fox"})
        ended = await watched.engine.wait(task.id)
    assert ended.status is Status.COMPLETED
    assert lying == [[]] * 4
    assert names(images) == [Path(ended.files[0]).name]


# ---- files of another process


def noted(images: Path, host: FileHost, content: bytes, **fields: Any) -> Task:
    """A task whose process was killed after it noted the name of its file."""
    digest = hashlib.sha256(content).hexdigest()
    url = f"{DEMO_URL}/files/results/x/1.png"
    given: dict[str, Any] = {
        "url": url,
        "reserved": str(images / "fox.png"),
        "sha256": digest,
        "format": "PNG",
    }
    task: dict[str, Any] = {
        "id": new_id(),
        "created_at": time.time(),
        "values": {"prompt": "a fox"},
    }
    task |= {
        "action": "text_to_image",
        "model": "z-image",
        "service": "z_image",
        "base_url": DEMO_URL,
    }
    task |= {
        "route": "unified",
        "status": Status.FETCHING,
        "made_at": time.time(),
        "remote_id": "x",
    }
    images.mkdir(exist_ok=True)
    return Task(
        **task | {"out_dir": str(images), "results": (Result(**given),)} | fields
    )


def in_queue(tmp_path: Path, *tasks: Task) -> None:
    store = Store(tmp_path / "queue.db")
    store.save_all(map(Entry, tasks))
    store.close()


async def test_a_file_that_has_its_noted_name_is_not_fetched_again(
    open_engine: OpenEngine, host: FileHost, images: Path, tmp_path: Path
) -> None:
    task = noted(images, host, b"picture")
    (images / "fox.png").write_bytes(b"picture")
    in_queue(tmp_path, task)
    async with open_engine(DEMO_URL, transport=host) as watched:
        ended = await watched.engine.wait(task.id)
    assert ended.status is Status.COMPLETED
    assert ended.files == (str(images / "fox.png"),)
    assert names(images) == ["fox.png"]
    assert host.fetched == 0


async def test_a_verified_part_only_gets_its_name(
    open_engine: OpenEngine, host: FileHost, images: Path, tmp_path: Path
) -> None:
    """Also where a file of somebody else has the noted name by now, be it the same
    picture.
    """
    task = noted(images, host, b"picture")
    for content in (b"somebody's own", b"picture"):
        (images / "fox.png").write_bytes(content)
        again = replace(task, id=new_id())
        (images / saving.part_name(again, 0)).write_bytes(b"picture")
        in_queue(tmp_path, again)
        async with open_engine(DEMO_URL, transport=host, name="owl") as watched:
            ended = await watched.engine.wait(again.id)
        assert ended.status is Status.COMPLETED
        assert (images / "fox.png").read_bytes() == content
        assert Path(ended.files[0]).read_bytes() == b"picture"
        assert Path(ended.files[0]).name.startswith("owl")
    assert names(images) == ["fox.png", "owl-2.png", "owl.png"]
    assert host.fetched == 0


async def test_the_file_of_another_task_is_not_used(
    open_engine: OpenEngine, host: FileHost, images: Path, tmp_path: Path
) -> None:
    async with open_engine(DEMO_URL, transport=host, name="fox") as watched:
        other = await watched.engine.submit(Z_IMAGE, {"prompt": "a fox"})
        other = await watched.engine.wait(other.id)
    (result,) = other.results
    content = Path(result.path).read_bytes()
    assert result.sha256 == hashlib.sha256(content).hexdigest()
    twin = replace(
        noted(images, host, content),
        results=(replace(result, path="", reserved=result.path),),
    )
    in_queue(tmp_path, twin)
    async with open_engine(DEMO_URL, transport=host, name="fox") as watched:
        ended = await watched.engine.wait(twin.id)
    assert ended.status is Status.COMPLETED
    assert names(images) == ["fox-2.png", "fox.png"]
    assert ended.files == (str(images / "fox-2.png"),)


async def test_only_stray_parts_are_swept(
    open_engine: OpenEngine, host: FileHost, images: Path, tmp_path: Path
) -> None:
    ended = noted(images, host, b"", status=Status.FAILED)
    live = noted(images, host, b"")
    aside = noted(images, host, b"", watched=False)
    fresh = noted(images, host, b"", watched=False, results=(Result(url="https://x/"),))
    came = noted(
        images, host, b"", watched=False, results=(Result(url=f"inline:{'0' * 64}"),)
    )
    foreign = noted(images, host, b"", status=Status.FAILED, imported=True)
    elsewhere = noted(images, host, b"", status=Status.FAILED, out_dir=str(tmp_path))
    in_queue(tmp_path, ended, aside, fresh, came, foreign, elsewhere)
    part = saving.part_name
    stranger, old = new_id(), new_id()
    stray = [
        part(ended, 0),
        part(ended, 12),
        f".{part(ended, 0)}.0a1b2c3d.part",
        part(fresh, 0),
    ]
    kept = [
        part(aside, 0),
        part(came, 0),
        part(foreign, 0),
        part(elsewhere, 0),
        f".{old}-0.part",
        f".{stranger}-0.part",
        f"{ended.id}-0.part",
        f".{ended.id}-0.part.part",
        f".{ended.id}.part",
        f".{ended.id}-x.part",
        f".{ended.id}-0.part\n",
        f"x.{ended.id}-0.part",
        f".{ended.id.upper()}-0.part",
        ".part",
        "fox.png",
    ]
    for name in (*stray, *kept):
        (images / name).write_bytes(b"half")
    os.utime(images / f".{old}-0.part", (5, 5))
    (images / part(ended, 7)).mkdir()
    (images / part(ended, 8)).symlink_to(images / "fox.png")
    in_queue(tmp_path, live)
    (images / part(live, 0)).write_bytes(b"half")
    async with open_engine(DEMO_URL, transport=host, adopt=False) as watched:
        assert watched.engine._sweeping
        await watched.engine._sweeping
        assert (
            await saving.sweep(
                watched.engine.queue, [images, images, tmp_path / "nowhere"]
            )
            == []
        )
    assert names(images) == sorted(
        [*kept, part(ended, 7), part(ended, 8), part(live, 0)]
    )
