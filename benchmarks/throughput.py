"""1,000 tasks at once, ours and the vendor's SDK in the same run: `python
benchmarks/throughput.py [count]`; SIDE=512 takes smaller pictures.

Each side in a process of its own, against a loopback server of its own whose tasks take
4 to 12 s. Ours also fetches, checks and saves every picture; the SDK ends with URLs.
Nothing here is a test: machines differ.
"""

import asyncio
import io
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

FASTEST, SLOWEST = 4.0, 12.0  # seconds that a task takes at the server
ROUTE = "/api/v1/flux_2/text_to_image"
MODEL = "flux-2-pro-text-to-image"

Figures = dict[str, float]


def picture() -> bytes:
    """A PNG of about 180 KB at 1024 pixels a side, the same one in every process."""
    from PIL import Image

    side = int(os.environ.get("SIDE", "1024"))
    squares = Image.frombytes(
        "RGB", (192, 192), random.Random(1).randbytes(192 * 192 * 3)
    )
    file = io.BytesIO()
    squares.resize((side, side), Image.Resampling.NEAREST).save(file, "PNG")
    return file.getvalue()


class Service:
    """What was asked and made. The first task takes the shortest, each that comes after
    it a little longer.
    """

    def __init__(self, count: int) -> None:
        self.base_url = ""
        self._count = count
        self._asked = Counter(submit=0, poll=0, download=0, other=0)
        self._prompts: set[str] = set()
        self._by_key: dict[str, str] = {}
        self._ready_at: dict[str, float] = {}
        self._picture = picture()

    def answer(self, method: str, path: str, key: str, body: bytes) -> bytes:
        task_id = path.rpartition("/")[2]
        if path == "/stats":
            return _response(
                self._asked | {"twice": len(self._ready_at) - len(self._prompts)}
            )
        if path.startswith("/pictures/"):
            self._asked["download"] += 1
            return _response(self._picture, "image/png")
        if method == "POST" and path == ROUTE:
            self._asked["submit"] += 1
            return _response({"id": self._task(key, body), "status": "pending"})
        if (
            method == "GET"
            and path == f"{ROUTE}/{task_id}"
            and task_id in self._ready_at
        ):
            self._asked["poll"] += 1
            if time.monotonic() < self._ready_at[task_id]:
                return _response({"id": task_id, "status": "processing"})
            files = [{"url": f"{self.base_url}/pictures/{task_id}"}]
            return _response(
                {
                    "id": task_id,
                    "status": "completed",
                    "images": files,
                    "usage": {"cost": 0.05},
                }
            )
        self._asked["other"] += 1
        return _response({"error": "Not found"}, status="404 Not Found")

    def _task(self, key: str, body: bytes) -> str:
        """The task that this key has made, or a new one."""
        if key and key in self._by_key:
            return self._by_key[key]
        number = len(self._ready_at)
        self._by_key[key] = task_id = f"task_{number}"
        share = number % self._count / max(1, self._count - 1)
        self._ready_at[task_id] = (
            time.monotonic() + FASTEST + (SLOWEST - FASTEST) * share
        )
        self._prompts.add(json.loads(body)["prompt"])
        return task_id


def _response(
    said: Any, kind: str = "application/json", status: str = "200 OK"
) -> bytes:
    content = said if isinstance(said, bytes) else json.dumps(said).encode()
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n\r\n".encode()
        + content
    )


class Connection(asyncio.Protocol):
    """As much of HTTP/1.1 as both sides need: bodies of a known length, kept open."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            request, *lines = self._read[:end].decode("latin-1").split("\r\n")
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in lines)
            }
            until = end + 4 + int(headers.get("content-length", 0))
            if len(self._read) < until:
                return
            method, path, _ = request.split(" ")
            body, self._read = self._read[end + 4 : until], self._read[until:]
            self._transport.write(
                self._service.answer(
                    method, path, headers.get("idempotency-key", ""), body
                )
            )


async def serve(count: int) -> None:
    """Says its base URL, and runs until it is killed."""
    service = Service(count)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(service), "127.0.0.1", 0, backlog=4096
    )
    service.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    print(service.base_url, flush=True)
    await server.serve_forever()


def used() -> Figures:
    """What this process has used so far; taken right before the first submit and at the
    end.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {
        "seconds": time.perf_counter(),
        "cpu": used.ru_utime + used.ru_stime,
        "peak": peak,
    }


def since(start: Figures) -> Figures:
    now = used()
    return now | {name: now[name] - start[name] for name in ("seconds", "cpu")}


def ours(base_url: str, count: int) -> Figures:
    """The engine without a screen: from the first submit to the last task completed
    with its file saved.
    """
    with tempfile.TemporaryDirectory() as folder:
        figures, paths = asyncio.run(_ours(base_url, count, Path(folder)))
        whole = picture()
        return figures | {
            "lost": count - sum(path.read_bytes() == whole for path in paths)
        }


async def _ours(base_url: str, count: int, folder: Path) -> tuple[Figures, set[Path]]:
    from tui.catalog.load import bundled
    from tui.images import files
    from tui.service.client import Client
    from tui.tasks.engine import Engine
    from tui.tasks.options import EngineOptions
    from tui.tasks.store import Store
    from tui.tasks.task import Status

    checking = 0.0
    inspect = files.inspect

    def inspected(path: Path) -> files.ImageInfo:
        nonlocal checking
        started = time.thread_time()
        try:
            return inspect(path)
        finally:
            checking += time.thread_time() - started

    files.inspect = inspected
    catalog, store, client = (
        bundled(),
        Store(folder / "queue.db"),
        Client(base_url, "key"),
    )
    engine = Engine(
        store,
        client,
        catalog,
        EngineOptions(out_dir=folder / "images", api="service", concurrency=count),
    )
    await engine.start()
    model = catalog.find(MODEL)

    async def run(number: int) -> set[Path]:
        task = await engine.submit(
            model, {"prompt": f"fox {number}", "aspect_ratio": "1:1"}
        )
        task = await engine.wait(task.id)
        return {Path(path) for path in task.files if task.status is Status.COMPLETED}

    start = used()
    paths = await asyncio.gather(*(run(number) for number in range(count)))
    figures = since(start)
    await engine.aclose()
    return figures | {"checking": checking}, set().union(*paths)


def sdk(base_url: str, count: int) -> Figures:
    """The vendor's SDK, a thread a task: from the first submit until the last URL is
    known.
    """
    from runapi.flux_2 import Flux2Client

    client = Flux2Client(api_key="key", base_url=base_url)

    def run(number: int) -> Any:
        return (
            client.text_to_image.run(
                model=MODEL, prompt=f"fox {number}", aspect_ratio="1:1"
            )
            .images[0]
            .url
        )

    start = used()
    with ThreadPoolExecutor(count) as threads:
        done = [threads.submit(run, number) for number in range(count)]
    return since(start) | {"lost": sum(each.exception() is not None for each in done)}


@contextmanager
def serving(count: int) -> Iterator[str]:
    command = [sys.executable, __file__, "server", str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        try:
            yield server.stdout.readline().strip()
        finally:
            server.kill()


def measured(role: str, count: int) -> Figures:
    """The figures of one side, and of the server that it had for itself."""
    with serving(count) as base_url:
        command = [sys.executable, __file__, role, str(count), base_url]
        told = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
        with urllib.request.urlopen(f"{base_url}/stats") as stats:
            return dict(json.loads(told), **json.load(stats))


def main(count: int) -> None:
    sides = {role: measured(role, count) for role in ("ours", "SDK")}
    rows: dict[str, Callable[[Figures], str]] = {
        "makespan": lambda got: f"{got['seconds']:.2f} s",
        f"as a ratio to {SLOWEST:.0f} s": lambda got: f"{got['seconds'] / SLOWEST:.3f}",
        "CPU": lambda got: f"{got['cpu']:.1f} s",
        "of it, checking pictures": lambda got: f"{got.get('checking', 0):.1f} s",
        "peak memory": lambda got: f"{got['peak'] / 1_000_000:.0f} MB",
        "requests a task": lambda got: (
            f"{(got['submit'] + got['poll'] + got['other']) / count:.2f}"
        ),
        "downloads a task": lambda got: f"{got['download'] / count:.2f}",
        "tasks lost": lambda got: f"{got['lost']:.0f}",
        "tasks made twice": lambda got: f"{got['twice']:.0f}",
    }
    print(
        f"{f'{count} tasks of {FASTEST:.0f} to {SLOWEST:.0f} s':26}",
        *(f"{name:>9}" for name in sides),
    )
    for name, figure in rows.items():
        print(f"{name:26}", *(f"{figure(got):>9}" for got in sides.values()))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["server", count]:
            asyncio.run(serve(int(count)))
        case ["ours", count, base_url]:
            print(json.dumps(ours(base_url, int(count))))
        case ["SDK", count, base_url]:
            print(json.dumps(sdk(base_url, int(count))))
        case given:
            main(int(given[0]) if given else 1000)
