"""The records of an SQLite file, read from its pages and without SQLite.

It is for files that SQLite refuses. The format is described at
sqlite.org/fileformat2.html. Pages that can't be read are skipped.
"""

import os
import struct
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

Value = None | int | float | str | bytes

# Kinds of pages
_INDEX_INTERIOR, _INDEX_LEAF, _TABLE_LEAF = 0x02, 0x0A, 0x0D
_FILE_HEADER = 100  # bytes, on the first page

# Kinds of columns; from 12 on, even ones are bytes and odd ones text
_NULL, _FLOAT, _ZERO, _ONE, _FIRST_BYTES = 0, 7, 8, 9, 12
_INTEGER_SIZES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
"""Bytes of an integer, by its kind."""

_MAGIC = b"SQLite format 3\0"
_LOG_MAGIC = (0x377F0682, 0x377F0683)
_LOG_HEADER, _FRAME_HEADER = 32, 24  # bytes
_MIN_PAGE_SIZE, _MAX_PAGE_SIZE, _USUAL_PAGE_SIZE = 512, 65536, 4096  # bytes
_MAX_RECORD = 64_000_000  # bytes


class Record(NamedTuple):
    """The columns of a table's row or of an index entry."""

    in_table: bool
    values: tuple[Value, ...]


def records(path: Path, widths: Collection[int]) -> Iterator[Record]:
    """Yields the records that have one of these numbers of columns.

    Those of the file come first, then those of its write-ahead log. Older states of a
    row may be among them, and deleted rows. Raises OSError.
    """
    with _Pages(path) as pages:
        for page in pages.in_file():
            yield from _page_records(pages, page, widths)
        for page in pages.in_log():
            yield from _page_records(pages, page, widths)


# ---- pages


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
        """By page: the offset of its last committed state in the log."""
        self.size = self._page_size()
        self._read_log()

    def __enter__(self) -> "_Pages":
        return self

    def __exit__(self, *_: object) -> None:
        for handle in (self._file, self._log):
            if handle is not None:
                os.close(handle)

    def in_file(self) -> Iterator[_Page]:
        number = 1
        while data := self.read(number, in_log=False):
            yield _Page(number, data, in_log=False)
            number += 1

    def in_log(self) -> Iterator[_Page]:
        for number in self._frames:
            data = self.read(number, in_log=True)
            if data:
                yield _Page(number, data, in_log=True)

    def read(self, number: int, *, in_log: bool) -> bytes:
        """Returns a page as it is in the file, or with the log's changes.

        Returns b"" if there is no such page.
        """
        if in_log and number in self._frames:
            return self._padded(_read(self._log, self.size, self._frames[number]))
        if number < 1:
            return b""
        return self._padded(_read(self._file, self.size, (number - 1) * self.size))

    def _padded(self, data: bytes) -> bytes:
        """Returns a page in full length: the last one may be cut off."""
        return data.ljust(self.size, b"\0") if data else b""

    def _page_size(self) -> int:
        header = _read(self._file, 18, 0)
        if header.startswith(_MAGIC):
            size = _number(header, 16, 2)
            size = _MAX_PAGE_SIZE if size == 1 else size
            if _is_page_size(size):
                return size
        header = _read(self._log, 12, 0)
        if _number(header, 0, 4) in _LOG_MAGIC:
            size = _number(header, 8, 4)
            size = _MAX_PAGE_SIZE if size == 1 else size
            if _is_page_size(size):
                return size
        return _USUAL_PAGE_SIZE

    def _read_log(self) -> None:
        header = _read(self._log, _LOG_HEADER, 0)
        if len(header) < _LOG_HEADER or _number(header, 0, 4) not in _LOG_MAGIC:
            return
        salts = header[16:24]
        offset = _LOG_HEADER
        uncommitted: dict[int, int] = {}
        while True:
            frame = _read(self._log, _FRAME_HEADER, offset)
            if len(frame) < _FRAME_HEADER or frame[8:16] != salts:
                return
            uncommitted[_number(frame, 0, 4)] = offset + _FRAME_HEADER
            is_commit = _number(frame, 4, 4) != 0
            if is_commit:
                self._frames.update(uncommitted)
                uncommitted.clear()
            offset += _FRAME_HEADER + self.size


def _open(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None


def _read(handle: int | None, size: int, offset: int) -> bytes:
    return b"" if handle is None else os.pread(handle, size, offset)


def _is_page_size(size: int) -> bool:
    is_power_of_two = size & (size - 1) == 0
    return is_power_of_two and _MIN_PAGE_SIZE <= size <= _MAX_PAGE_SIZE


# ---- records of a page


def _page_records(
    pages: _Pages, page: _Page, widths: Collection[int]
) -> Iterator[Record]:
    data = page.data
    start = _FILE_HEADER if page.number == 1 else 0
    kind = data[start]
    if kind not in (_INDEX_INTERIOR, _INDEX_LEAF, _TABLE_LEAF):
        return
    header_size = 12 if kind == _INDEX_INTERIOR else 8
    pointers = start + header_size
    pointers_end = pointers + 2 * _number(data, start + 3, 2)
    if pointers_end > len(data):
        return
    for pointer in range(pointers, pointers_end, 2):
        try:
            cell = _number(data, pointer, 2)
            values = _cell_values(pages, page, kind, cell, widths)
        except (ValueError, IndexError, struct.error):
            continue
        if values is not None:
            yield Record(kind == _TABLE_LEAF, values)


def _cell_values(
    pages: _Pages, page: _Page, kind: int, offset: int, widths: Collection[int]
) -> tuple[Value, ...] | None:
    """Returns the record in the cell at `offset`; None for another number of columns.

    Raises ValueError, IndexError or struct.error where it is damaged.
    """
    if kind == _INDEX_INTERIOR:
        offset += 4  # the number of the page below
    size, offset = _varint(page.data, offset)
    if kind == _TABLE_LEAF:
        _, offset = _varint(page.data, offset)  # the rowid
    if not 0 < size <= _MAX_RECORD:
        raise ValueError("impossible size of a record")
    local_size = _local_size(size, pages.size, kind)
    local_end = offset + local_size
    payload = page.data[offset:local_end]
    if len(payload) < local_size:
        raise ValueError("beyond the page")
    kinds, first_column = _column_kinds(payload)
    if len(kinds) not in widths:
        return None
    if local_size < size:
        payload += _overflow(pages, page, local_end, size - local_size)
    return _column_values(payload, kinds, first_column)


def _local_size(size: int, page_size: int, kind: int) -> int:
    """Returns how many bytes of a record are on its own page."""
    most = (page_size - 12) * 64 // 255 - 23
    if kind == _TABLE_LEAF:
        most = page_size - 35
    if size <= most:
        return size
    least = (page_size - 12) * 32 // 255 - 23
    local_size = least + (size - least) % (page_size - 4)
    return local_size if local_size <= most else least


def _overflow(pages: _Pages, page: _Page, offset: int, size: int) -> bytes:
    """Returns the rest of a record, from a chain of pages.

    Each page begins with the number of the next one. Raises ValueError.
    """
    rest = bytearray()
    number = _number(page.data, offset, 4)
    while len(rest) < size:
        data = pages.read(number, in_log=page.in_log)
        if not data:
            raise ValueError("a page is missing")
        number = _number(data, 0, 4)
        missing = size - len(rest)
        rest += data[4 : 4 + missing]
    return bytes(rest)


def _column_kinds(payload: bytes) -> tuple[list[int], int]:
    """Returns the kinds of the columns, and the first one's offset.

    Raises IndexError.
    """
    end, offset = _varint(payload, 0)
    kinds = []
    while offset < end:
        kind = payload[offset]
        if kind < 0x80:
            offset += 1
        else:
            kind, offset = _varint(payload, offset)
        kinds.append(kind)
    return kinds, end


def _column_values(payload: bytes, kinds: list[int], offset: int) -> tuple[Value, ...]:
    values = []
    for kind in kinds:
        size = _column_size(kind)
        if size < 0 or offset + size > len(payload):
            raise ValueError("beyond the record")
        values.append(_column_value(kind, payload[offset : offset + size]))
        offset += size
    return tuple(values)


def _column_size(kind: int) -> int:
    if kind in (_NULL, _ZERO, _ONE):
        return 0
    if kind == _FLOAT:
        return 8
    return _INTEGER_SIZES.get(kind) or (kind - _FIRST_BYTES) // 2


def _column_value(kind: int, data: bytes) -> Value:
    if kind == _NULL:
        return None
    if kind in (_ZERO, _ONE):
        return kind - _ZERO
    if kind in _INTEGER_SIZES:
        return int.from_bytes(data, "big", signed=True)
    if kind == _FLOAT:
        return float(struct.unpack(">d", data)[0])
    is_text = kind % 2 == 1
    return data.decode(errors="replace") if is_text else data


# ---- numbers


def _number(data: bytes, offset: int, size: int) -> int:
    return int.from_bytes(data[offset : offset + size], "big")


def _varint(data: bytes, offset: int) -> tuple[int, int]:
    """Returns a number of one to nine bytes, and the offset of its end.

    Raises IndexError.
    """
    value = 0
    for place in range(offset, offset + 8):
        byte = data[place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + 1
    return value << 8 | data[offset + 8], offset + 9
