"""Memory of `generate -f` by the length of its file: `python benchmarks/streaming.py
[counts]`, else 500 and 5000.

The whole command in a process of its own, against a loopback server that has every task
ready at once; pictures are small ones. Nothing here is a test: machines differ.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("SIDE", "64")

import throughput

throughput.FASTEST = throughput.SLOWEST = 0.0


def measured(count: int) -> tuple[float, float, int]:
    """Seconds, the peak of resident memory in bytes, and how many tasks were told as
    completed.
    """
    with tempfile.TemporaryDirectory() as home:
        prompts = Path(home) / "prompts.txt"
        prompts.write_text(
            "".join(f"fox {number} in the snow\n" for number in range(count))
        )
        server = subprocess.Popen(
            [sys.executable, __file__, "server", str(count)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert server.stdout
        words = [
            "generate",
            throughput.MODEL,
            "-f",
            str(prompts),
            "--api",
            "service",
            "--json",
        ]
        env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RUNAPI_", "XDG_"))
        }
        env |= {
            "HOME": home,
            "RUNAPI_API_KEY": "key",
            "RUNAPI_BASE_URL": server.stdout.readline().strip(),
        }
        env |= {"RUNAPI_TUI_POLL_SECONDS": "0.01", "PYTHONPATH": str(throughput.ROOT)}
        started = time.perf_counter()
        with open(Path(home) / "told", "w+") as told:
            command = subprocess.Popen(
                [sys.executable, "-m", "tui", *words], env=env, stdout=told
            )
            _, _, used = os.wait4(command.pid, 0)
            seconds = time.perf_counter() - started
            told.seek(0)
            completed = sum('"status": "completed"' in line for line in told)
        server.kill()
        server.wait()
    return (
        seconds,
        used.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        completed,
    )


def main(counts: list[int]) -> None:
    for count in counts:
        seconds, peak, completed = measured(count)
        print(
            f"{count:6,} prompts: {completed:,} completed, {peak / 1e6:.1f} MB at most, {seconds:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["server", count]:
            asyncio.run(throughput.serve(int(count)))
        case counts:
            main([int(count) for count in counts] or [500, 5000])
