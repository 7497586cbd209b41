"""The size of a character in pixels: who is asked, and what is believed.

The terminal itself knows best. The kernel repeats what the nearest program has told it,
which may be nothing, or the pixels of another screen: GNU screen and asciinema say 0.
"""

import fcntl
import os
import re
import struct
import termios
from typing import NamedTuple

from tui.system.terminal_queries import SIXEL_AREA, TEXT_AREA

Cell = tuple[int, int]
"""Width and height in pixels."""

USUAL_CELL = (10, 20)
"""What is taken where the terminal itself fits an image to its cells."""
CAREFUL_CELL = (5, 8)
"""What is taken for pixels where nothing is known: the smallest font that is in use (X
has it as 5x8), so that no picture reaches beyond its cells.
"""
AREA_QUERY = SIXEL_AREA.text + TEXT_AREA.text
"""For terminals that draw pixels: others might scroll instead."""

_CELL = re.compile(rb"\x1b\[6;(\d{1,4});(\d{1,4})t")
_TEXT_AREA = re.compile(rb"\x1b\[4;(\d{1,5});(\d{1,5})t")
_SIXEL_AREA = re.compile(rb"\x1b\[\?2;0;(\d{1,5});(\d{1,5})S")
_LEAST, _MOST = (3, 5), (100, 200)
_FLATTEST, _NARROWEST = 0.8, 4.0
"""Heights of a cell that is one wide: bitmap fonts may be square, none is flat."""


class _Window(NamedTuple):
    """A terminal's size: 0 for what nobody has told the kernel."""

    rows: int
    columns: int
    width: int
    height: int


def answered(received: bytes) -> Cell | None:
    """Returns what a terminal has answered to both queries, if that can be true."""
    cell = _CELL.search(received)
    believed = plausible(int(cell[2]), int(cell[1])) if cell else None
    if believed:
        return believed
    window = _window()
    area = _SIXEL_AREA.search(received)
    believed = _of_sixel_area(int(area[1]), int(area[2]), window) if area else None
    if believed:
        return believed
    area = _TEXT_AREA.search(received)
    return _per_cell(int(area[2]), int(area[1]), window) if area else None


def _of_sixel_area(width: int, height: int, window: _Window) -> Cell | None:
    """Returns the size of a cell where so many pixels may be a limit.

    Those of xterm are 1000 at most, however large its window is. The kernel then knows
    the rest: if it agrees in one direction, or nothing else is told.
    """
    told = _per_cell(width, height, window)
    kernel = _per_cell(window.width, window.height, window)
    if told is None or kernel is None:
        return told
    is_limit = width == height or told[0] == kernel[0] or told[1] == kernel[1]
    if is_limit and kernel[0] >= told[0] and kernel[1] >= told[1]:
        return kernel
    return told


def of_kernel() -> Cell | None:
    """Returns what the kernel knows now, if that can be true."""
    window = _window()
    return _per_cell(window.width, window.height, window)


def plausible(width: int, height: int) -> Cell | None:
    """Returns a size; None where no font has it."""
    wide_enough = _LEAST[0] <= width <= _MOST[0]
    high_enough = _LEAST[1] <= height <= _MOST[1]
    if wide_enough and high_enough and _FLATTEST <= height / width <= _NARROWEST:
        return width, height
    return None


def rescaled(cell: Cell | None, before: Cell | None, now: Cell | None) -> Cell | None:
    """Returns a cell after the kernel's own has changed from `before` to `now`."""
    if now is None or now == before:
        return cell
    if cell is None or before is None:
        return now
    width = round(cell[0] * now[0] / before[0])
    height = round(cell[1] * now[1] / before[1])
    return plausible(width, height) or now


def _per_cell(width: int, height: int, window: _Window) -> Cell | None:
    """Returns the size of a cell where all of them have so many pixels."""
    if not window.rows or not window.columns:
        return None
    return plausible(width // window.columns, height // window.rows)


def _window() -> _Window:
    """Returns what the kernel knows."""
    try:
        fd = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
        try:
            window = fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(8))
        finally:
            os.close(fd)
    except OSError:
        return _Window(0, 0, 0, 0)
    return _Window(*struct.unpack("4H", window))
