"""The records of an SQLite file read from its pages, without SQLite: for a file that
SQLite refuses.

The format is described at sqlite.org/fileformat2.html. Pages that can't be understood
are passed over.
"""

import os
import struct
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

Value = None | int | float | str | bytes
_INDEX_INTERIOR, _INDEX_LEAF, _TABLE_LEAF = 0x02, 0x0A, 0x0D
_MAGIC = b"SQLite format 3\0"
_LOG_MAGIC = (0x377F0682, 0x377F0683)
_LOG_HEADER, _FRAME_HEADER = 32, 24
_USUAL_SIZE = 4096
_MOST = 64_000_000
"""Bytes; no record is larger."""


class Record(NamedTuple):
    """The columns of a row or of an index entry."""

    in_table: bool
    values: tuple[Value, ...]


def records(path: Path, widths: Collection[int]) -> Iterator[Record]:
    """Every record with one of these numbers of columns, of the file first and then of
    its write-ahead log.

    Earlier states of a row may be among them, and what has been removed since. Raises
    OSError.
    """
    with _Pages(path) as pages:
        for page in pages.of_file():
            yield from _of_page(pages, page, widths)
        for page in pages.of_log():
            yield from _of_page(pages, page, widths)


class _Page(NamedTuple):
    number: int
    data: bytes
    in_log: bool


class _Pages:
    """The pages of a file, and those that its write-ahead log has committed."""

    def __init__(self, path: Path) -> None:
        self._file = _open(path)
        self._log = _open(path.with_name(path.name + "-wal"))
        self._frames: dict[int, int] = {}
        """Where in the log the last committed state of a page begins."""
        self.size = self._page_size()
        self._read_log()

    def __enter__(self) -> "_Pages":
        return self

    def __exit__(self, *_: object) -> None:
        for handle in (self._file, self._log):
            if handle >= 0:
                os.close(handle)

    def of_file(self) -> Iterator[_Page]:
        number = 1
        while data := self._read(self._file, (number - 1) * self.size):
            yield _Page(number, data, False)
            number += 1

    def of_log(self) -> Iterator[_Page]:
        for number, place in self._frames.items():
            data = self._read(self._log, place)
            if data:
                yield _Page(number, data, True)

    def page(self, number: int, in_log: bool) -> bytes:
        """A page as the file has it, or `in_log` as the log leaves it; empty if there
        is none.
        """
        if in_log and number in self._frames:
            return self._read(self._log, self._frames[number])
        return self._read(self._file, (number - 1) * self.size) if number > 0 else b""

    def _read(self, handle: int, place: int) -> bytes:
        if handle < 0:
            return b""
        data = os.pread(handle, self.size, place)
        return data.ljust(self.size, b"\0") if data else b""  # the last page may be cut

    def _page_size(self) -> int:
        head = os.pread(self._file, 18, 0) if self._file >= 0 else b""
        told = [int.from_bytes(head[16:18], "big")] if head.startswith(_MAGIC) else []
        log = os.pread(self._log, 12, 0) if self._log >= 0 else b""
        if int.from_bytes(log[:4], "big") in _LOG_MAGIC:
            told.append(int.from_bytes(log[8:12], "big"))
        for size in told:
            size = 65536 if size == 1 else size
            if 512 <= size <= 65536 and size & (size - 1) == 0:
                return size
        return _USUAL_SIZE

    def _read_log(self) -> None:
        head = os.pread(self._log, _LOG_HEADER, 0) if self._log >= 0 else b""
        if len(head) < _LOG_HEADER or int.from_bytes(head[:4], "big") not in _LOG_MAGIC:
            return
        salts, place = head[16:24], _LOG_HEADER
        uncommitted: dict[int, int] = {}
        while True:
            frame = os.pread(self._log, _FRAME_HEADER, place)
            if len(frame) < _FRAME_HEADER or frame[8:16] != salts:
                return
            number, pages_then = struct.unpack(">II", frame[:8])
            uncommitted[number] = place + _FRAME_HEADER
            if pages_then:  # the last frame of a transaction
                self._frames.update(uncommitted)
                uncommitted.clear()
            place += _FRAME_HEADER + self.size


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return -1


def _of_page(pages: _Pages, page: _Page, widths: Collection[int]) -> Iterator[Record]:
    data, start = page.data, 100 if page.number == 1 else 0
    kind = data[start]
    if kind not in (_INDEX_INTERIOR, _INDEX_LEAF, _TABLE_LEAF):
        return
    first = start + (12 if kind == _INDEX_INTERIOR else 8)
    count = int.from_bytes(data[start + 3 : start + 5], "big")
    if first + 2 * count > len(data):
        return
    for at in range(first, first + 2 * count, 2):
        try:
            place = int.from_bytes(data[at : at + 2], "big")
            values = _of_cell(pages, page, kind, place, widths)
        except (ValueError, IndexError, struct.error):
            continue
        if values is not None:
            yield Record(kind == _TABLE_LEAF, values)


def _of_cell(
    pages: _Pages, page: _Page, kind: int, place: int, widths: Collection[int]
) -> tuple[Value, ...] | None:
    """The record that begins there; None if it has another number of columns. Raises
    ValueError or IndexError.
    """
    if kind == _INDEX_INTERIOR:
        place += 4  # the number of the page below
    size, place = _varint(page.data, place)
    if kind == _TABLE_LEAF:
        _, place = _varint(page.data, place)  # the rowid
    if not 0 < size <= _MOST:
        raise ValueError("no size of a record")
    here = _bytes_here(size, pages.size, kind)
    payload = page.data[place : place + here]
    if len(payload) < here:
        raise ValueError("beyond the page")
    kinds, start = _kinds(payload)
    if len(kinds) not in widths:
        return None
    if here < size:
        payload += _overflow(pages, page, place + here, size - here)
    return _values(payload, kinds, start)


def _bytes_here(size: int, page_size: int, kind: int) -> int:
    """How many bytes of a record lie on its own page."""
    most = page_size - 35 if kind == _TABLE_LEAF else (page_size - 12) * 64 // 255 - 23
    if size <= most:
        return size
    least = (page_size - 12) * 32 // 255 - 23
    here = least + (size - least) % (page_size - 4)
    return here if here <= most else least


def _overflow(pages: _Pages, page: _Page, at: int, size: int) -> bytes:
    """The rest of a record, on pages that name each the next. Raises ValueError."""
    rest = bytearray()
    number = int.from_bytes(page.data[at : at + 4], "big")
    while len(rest) < size:
        data = pages.page(number, page.in_log)
        if not data:
            raise ValueError("a page is missing")
        number = int.from_bytes(data[:4], "big")
        rest += data[4 : 4 + size - len(rest)]
    return bytes(rest)


def _kinds(payload: bytes) -> tuple[list[int], int]:
    """The kinds of the columns, and where the first one begins. Raises IndexError."""
    end, place = _varint(payload, 0)
    kinds = []
    while place < end:
        kind = payload[place]
        if kind < 0x80:
            place += 1
        else:
            kind, place = _varint(payload, place)
        kinds.append(kind)
    return kinds, end


def _values(payload: bytes, kinds: list[int], at: int) -> tuple[Value, ...]:
    values = []
    for kind in kinds:
        value, at = _value(payload, kind, at)
        values.append(value)
    return tuple(values)


_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
"""Bytes of an integer, by its kind."""


def _value(payload: bytes, kind: int, at: int) -> tuple[Value, int]:
    if kind == 0:
        return None, at
    if kind in (8, 9):
        return kind - 8, at
    size = _INTEGERS.get(kind) or (8 if kind == 7 else (kind - 12) // 2)
    if size < 0 or at + size > len(payload):
        raise ValueError("beyond the record")
    data = payload[at : at + size]
    if kind in _INTEGERS:
        return int.from_bytes(data, "big", signed=True), at + size
    if kind == 7:
        return struct.unpack(">d", data)[0], at + size
    if kind % 2:
        return data.decode(errors="replace"), at + size
    return data, at + size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where it ends. Raises IndexError."""
    value = 0
    for offset in range(8):
        byte = data[at + offset]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + offset + 1
    return value << 8 | data[at + 8], at + 9
