"""A terminal made of a pseudo-terminal: a child runs on it, and it answers as kitty,
xterm, tmux, … would.
"""

import base64
import fcntl
import io
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

# The child makes the pty its controlling terminal, lays its standard streams on it, or
# not, and runs the code.
_BOOT = """
import fcntl, json, os, sys, termios
path, streams, report, code = sys.argv[1:5]
tty_fd = os.open(path, os.O_RDWR)
fcntl.ioctl(tty_fd, termios.TIOCSCTTY, 0)
if "0" in streams: os.dup2(tty_fd, 0)
if "1" in streams: os.dup2(tty_fd, 1)
if "2" in streams: os.dup2(tty_fd, 2)
sys.__stdout__ = sys.stdout = open(1, "w", closefd=False)
if "-" in streams: os.close(1); sys.stdout = sys.__stdout__ = None
sys.argv = [code, *sys.argv[5:]]
answer = {}
exec(code)
with open(report, "w") as file: json.dump(answer, file)
"""

_QUERIES = re.compile(
    rb"(?P<passthrough>\x1bPtmux;(?:\x1b\x1b|[^\x1b])*\x1b\\)|(?P<version>\x1b\[>0?q)|(?P<da2>\x1b\[>0?c)|(?P<da1>\x1b\[0?c)"
    rb"|(?P<cell>\x1b\[16t)|(?P<area>\x1b\[14t)|(?P<sixels>\x1b\[\?2;1;0S)|(?P<sgr>\x1bP\$qm\x1b\\)"
    rb"|(?P<kitty>\x1b_Gi=(?P<id>\d+)[^;\x1b]*a=q,t=(?P<medium>.)[^;\x1b]*;(?P<data>[^\x1b]*)\x1b\\)"
)
# What is in it must not be taken for questions to tmux itself.
_UNFINISHED = re.compile(rb"\x1bPtmux;(?:\x1b\x1b|[^\x1b])*\x1b?\Z")


@dataclass
class FakeTerminal:
    """How it answers: None is silence. `latency` in seconds; `area` and `sixels` are
    all its pixels, and those that Sixel has; `outer` is the terminal around a tmux;
    `reads` says which files it claims to have read.
    """

    version: bytes | None = b"plain(1)"
    da1: bytes | None = b"62;22"
    da2: bytes | None = None
    kitty: bool = False
    truecolor: bool = False
    cell: tuple[int, int] | None = None
    area: tuple[int, int] | None = None
    sixels: tuple[int, int] | None = None
    latency: float = 0.0
    pixels: tuple[int, int] = (0, 0)
    size: tuple[int, int] = (80, 24)
    outer: "FakeTerminal | None" = None
    reads: Callable[[Path], bool] = lambda path: False
    received: bytearray = field(default_factory=bytearray, repr=False)

    def run(
        self,
        code: str,
        *args: str,
        env: dict[str, str],
        folder: Path,
        streams: str = "012",
        seconds: float = 20,
    ) -> Any:
        """Runs `code` in a child on this terminal and returns what it put into
        `answer`.

        `streams` are the standard streams that are this terminal; the others are
        /dev/null, and "-" closes stdout.
        """
        self.received.clear()  # of an earlier run
        master, slave = pty.openpty()
        os.set_blocking(master, False)
        columns, rows = self.size
        fcntl.ioctl(
            master, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, *self.pixels)
        )
        report = folder / "report.json"
        command = [
            sys.executable,
            "-c",
            _BOOT,
            os.ttyname(slave),
            streams,
            str(report),
            code,
            *args,
        ]
        base = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            **env,
        }
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=base,
            start_new_session=True,
        )
        try:
            self._serve(master, child, time.monotonic() + seconds)
            _, errors = child.communicate(timeout=seconds)
        finally:
            child.kill()
            os.close(slave)
            os.close(master)
        assert child.returncode == 0, errors.decode() or bytes(self.received[-200:])
        return json.loads(report.read_text())

    def _serve(
        self, master: int, child: "subprocess.Popen[bytes]", deadline: float
    ) -> None:
        scanned, due = 0, list[tuple[float, bytes]]()
        while time.monotonic() < deadline:
            ended = child.poll() is not None
            while due and due[0][0] <= time.monotonic():
                # A child that does not read loses the rest
                with suppress(BlockingIOError):
                    os.write(master, due.pop(0)[1])
            if select.select([master], [], [], 0.0 if ended else 0.01)[0]:
                self.received += os.read(master, 65536)
                part = _UNFINISHED.search(self.received, scanned)
                end = part.start() if part else len(self.received)
                for query in _QUERIES.finditer(self.received, scanned, end):
                    scanned = query.end()
                    due += [
                        (time.monotonic() + self.latency, answer)
                        for answer in self._answers(query)
                    ]
            elif ended:
                return
        raise AssertionError(
            f"the child did not end; its last words: {bytes(self.received[-200:])!r}"
        )

    def _answers(self, query: re.Match[bytes]) -> Iterator[bytes]:
        match query.lastgroup:
            case "passthrough" if self.outer:
                inner = query[0][len(b"\x1bPtmux;") : -2].replace(b"\x1b\x1b", b"\x1b")
                for asked in _QUERIES.finditer(inner):
                    yield from self.outer._answers(asked)
            case "version" if self.version is not None:
                yield b"\x1bP>|%b\x1b\\" % self.version
            case "da1" if self.da1 is not None:
                yield b"\x1b[?%bc" % self.da1
            case "da2" if self.da2 is not None:
                yield b"\x1b[>%bc" % self.da2
            case "cell" if self.cell:
                yield b"\x1b[6;%d;%dt" % (self.cell[1], self.cell[0])
            case "area" if self.area:
                yield b"\x1b[4;%d;%dt" % (self.area[1], self.area[0])
            case "sixels" if self.sixels:
                yield b"\x1b[?2;0;%d;%dS" % self.sixels
            case "sgr":
                yield (
                    b"\x1bP1$r0;48:2::1:2:3m\x1b\\"
                    if self.truecolor
                    else b"\x1bP0$r\x1b\\"
                )
            case "kitty" if self.kitty:
                read = query["medium"] != b"f" or self.reads(
                    Path(base64.b64decode(query["data"]).decode())
                )
                yield b"\x1b_Gi=%b;%b\x1b\\" % (
                    query["id"],
                    b"OK" if read else b"EBADF:no such file",
                )

    def kitty_images(self) -> list[Image.Image]:
        """The images that were uploaded with `a=T`, in order."""
        images, data = [], b""
        for keys, chunk in re.findall(
            rb"\x1b_G([^;\x1b]*m=[01][^;\x1b]*);([^\x1b]*)\x1b\\", self.received
        ):
            data = chunk if b"a=T" in keys else data + chunk
            if b"m=0" in keys:
                images.append(
                    Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA")
                )
        return images

    def sixel_images(self) -> list[Image.Image]:
        """The sixel images that were sent, read as strictly as xterm: defining a colour
        does not select it.
        """
        return [
            _sixel_image(found[1])
            for found in re.finditer(rb"\x1bP[\d;]*q([^\x1b]*)\x1b\\", self.received)
        ]


def _sixel_image(data: bytes) -> Image.Image:
    header = re.match(rb'"1;1;(\d+);(\d+)', data)
    assert header
    width, height = int(header[1]), int(header[2])
    image = Image.new("RGB", (width, height))
    palette = dict[int, tuple[int, ...]]()
    x, y, colour = 0, 0, 0
    tokens = rb"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)([?-~])|([?-~])|([$-])"
    for token in re.finditer(tokens, data[header.end() :]):
        if token[1]:
            palette[int(token[1])] = tuple(
                round(int(part) * 2.55) for part in token.group(2, 3, 4)
            )
        elif token[5]:
            colour = int(token[5])
        elif token[9]:
            x, y = 0, y + (6 if token[9] == b"-" else 0)
        else:
            count, sixel = int(token[6] or 1), (token[7] or token[8])[0] - 63
            for bit in range(6):
                if sixel >> bit & 1 and y + bit < height:
                    image.paste(palette[colour], (x, y + bit, x + count, y + bit + 1))
            x += count
    return image
