"""The queue file: opened or made, restored where it is damaged or gone, and each
transaction on it.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from tui.system import atomic_file
from tui.tasks import journal, recovery, schema
from tui.tasks.restore import Restorer, newest
from tui.tasks.store_errors import (
    BROKEN_SCHEMA,
    DAMAGED,
    FAULTS,
    LOCK_ERRORS,
    NO_LOCKS,
    REASONS,
    DamagedError,
    StoreError,
)
from tui.tasks.task import Task

LOCK_WAIT = 10.0
"""Seconds for which a file that another process holds is waited for."""
_CACHE_KB = 32_000
"""For transactions that write very many tasks; what is not used takes no memory."""


class QueueFile:
    """The open file: made, restored where it is damaged or gone, read and written."""

    def __init__(self, path: Path) -> None:
        """Open or make the queue file (0600, its folder 0700). Raises StoreError."""
        self.path = path
        self.notices: list[str] = []
        """What the user should know of the file: it was damaged and set aside, a task
        can't be read.
        """
        self.generation = 0
        """Counts how often this store has gone on with another file."""
        self.highest = 0
        """The highest number of a write that was seen in this file; a file with a lower
        one was put back.
        """
        self._identity: tuple[int, int] | None = None
        self._companions: dict[str, tuple[int, int] | None] = {}
        self._usable = False
        try:
            self._open_whole()
        except DamagedError:
            self.start_over()

    def _open_whole(self) -> None:
        """Raises StoreError; DamagedError also where only the companions of a file are
        left.
        """
        try:
            atomic_file.make_private_folder(self.path.parent)
            if not self.path.exists():
                # Not while another process sets a damaged one aside
                with recovery.alone(self.path.parent):
                    if recovery.is_orphaned(self.path):
                        raise self._damaged(
                            f"The queue file {self.path} is gone, and has left its log."
                        )
            self._open()
        except FAULTS as error:
            raise self._error(error) from error

    def _open(self) -> None:
        """Raises sqlite3.Error, OSError or StoreError, and leaves what was open before
        as it was.
        """
        atomic_file.make_private_folder(self.path.parent)
        if not self.path.exists():
            self.path.touch(mode=0o600)
        self._make_private()
        before = _identity(self.path)
        try:
            db = self._prepared()
        except sqlite3.OperationalError as error:
            if not journal.needs_rollback(error):
                raise
            journal.roll_back(self.path, error)
            db = self._prepared(may_log=False)
        try:
            if _identity(self.path) != before:
                raise self._damaged(f"The queue file {self.path} is another one now.")
        except BaseException:
            db.close()
            raise
        self._db = db
        self._identity = before
        self._companions = {
            ending: _identity(self._companion(ending), link=True)
            for ending in recovery.COMPANIONS
        }
        self._usable = True
        self.highest = 0

    def _make_private(self) -> None:
        """Keeps others from the file, its folder and what SQLite keeps beside it."""
        places = [
            self.path.parent,
            self.path,
            *map(self._companion, recovery.COMPANIONS),
        ]
        for place in places:
            problem = atomic_file.make_private(place)
            if problem and problem not in self.notices:
                self.notices.append(problem)

    def _prepared(self, *, may_log: bool = True) -> sqlite3.Connection:
        db = sqlite3.connect(
            self.path, timeout=LOCK_WAIT, isolation_level=None, check_same_thread=False
        )
        try:
            db.text_factory = _text
            if schema.prepare(db, may_log=may_log) > schema.VERSION:
                raise self._newer()
            db.execute(f"pragma cache_size = -{_CACHE_KB}")
        except BaseException:
            db.close()
            raise
        return db

    def start_over(
        self, mine: Iterable[Task] = (), found: DamagedError | None = None
    ) -> None:
        """Go on with a whole file at our place, which has all tasks that can be read
        and, where it lacks them or has them older, those of `mine`. Raises StoreError;
        what was open stays so then.

        A damaged file is set aside. One that was replaced, or has gone, is read as long
        as it is still open here. Nothing happens where that was done since `found`, the
        reason to do it.
        """
        if found and found.generation not in (-1, self.generation):
            return
        try:
            atomic_file.make_private_folder(self.path.parent)
            with recovery.alone(self.path.parent):
                self._go_on(mine)
        except FAULTS as error:
            raise self._error(error) from error
        self.generation += 1

    def _go_on(self, mine: Iterable[Task]) -> None:
        """What `start_over` does, while no other process does it."""
        moved = self._moved()
        gone = moved and not self.path.exists()
        known = (self._db, self._identity, self._companions) if self._usable else None
        aside: Path | None = None
        if moved:
            self._remove_companions()
            if recovery.is_orphaned(self.path):
                aside = recovery.set_aside(self.path)
        else:
            if known:
                known[0].close()
                known = None
            aside = recovery.set_aside(self.path)
        old = known[0] if known else None
        try:
            try:
                told = self._open_filled(mine, old, aside, gone=gone)
            except FAULTS as error:
                if aside or not isinstance(self._error(error), DamagedError):
                    raise
                # What was put in the place of ours is damaged too
                aside = recovery.set_aside(self.path)
                told = self._open_filled(mine, old, aside, gone=gone)
        except BaseException:  # a full disk: the next try shall find all that is left
            if aside:
                recovery.rename(aside, self.path)
            if known:
                self._db, self._identity, self._companions = known
            self._usable = known is not None
            raise
        if old:
            old.close()
        if told:
            self.notices.append(told)

    def _remove_companions(self) -> None:
        """Those of the file that isn't at its place any more would spoil the one that
        is.
        """
        for ending, identity in self._companions.items():
            companion = self._companion(ending)
            if identity and _identity(companion, link=True) == identity:
                companion.unlink(missing_ok=True)

    def _open_filled(
        self,
        mine: Iterable[Task],
        old: sqlite3.Connection | None,
        aside: Path | None,
        *,
        gone: bool,
    ) -> str:
        """Open what stands at our place, or a new file, and bring into it what it
        lacks; answers what the user should know of it.
        """
        self._usable = False
        self._open()
        try:
            return self._fill(mine, old, aside, gone=gone)
        except BaseException:
            self._db.close()
            self._usable = False
            raise

    def _fill(
        self,
        mine: Iterable[Task],
        old: sqlite3.Connection | None,
        aside: Path | None,
        *,
        gone: bool,
    ) -> str:
        with self._db:
            self._db.execute("begin immediate")
            restorer, lost = Restorer(self._db), 0
            if aside:
                lost = restorer.from_damaged(aside)
            saved = restorer.count
            if old:
                restorer.from_open(old)
            restorer.from_memory(mine)
        known = restorer.count - saved
        if aside:
            told = f"The queue file was damaged. It is kept as {aside}; "
            told += f"{saved:,} readable tasks went into a new one"
            if known:
                told += f", and {known:,} that were still known here"
            still_lost = max(0, lost - known)
            return (
                f"{told}; {still_lost:,} can't be read any more."
                if still_lost
                else f"{told}."
            )
        if gone:
            told = f"The queue file {self.path} was gone; a new one was made."
            return f"{told} Tasks brought back into it: {known:,}."
        if known:
            told = f"The queue file {self.path} was replaced by another one."
            return f"{told} Tasks brought back into it: {known:,}."
        return ""

    def write_back(self, tasks: Iterable[Task]) -> None:
        """Write those that the file lacks or has older: it was put back to an earlier
        state. Raises StoreError.
        """
        with self._writing():
            restorer = Restorer(self._db)
            restorer.from_memory(tasks)
        if restorer.count:
            self.notices.append(
                f"The queue file {self.path} was put back to an earlier state. "
                f"Tasks brought back into it: {restorer.count:,}."
            )

    def _moved(self) -> bool:
        """Another file stands where ours was, or none. Raises OSError where that can't
        be seen.
        """
        return self._identity is None or _identity(self.path) != self._identity

    def _check_place(self) -> None:
        """Raises DamagedError where the open file isn't at its place any more, or was
        emptied; OSError.
        """
        if self._moved():
            raise self._damaged(f"The queue file {self.path} is another one now.")
        if self.path.stat().st_size == 0:
            raise self._damaged(f"The queue file {self.path} was emptied.")

    def _companion(self, ending: str) -> Path:
        return self.path.with_name(self.path.name + ending)

    def close(self) -> None:
        self._db.close()
        self._usable = True  # it is meant to be closed: nothing opens it again

    def _read(self, query: str, *values: object) -> list[Any]:
        with self._asking():
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Whatever goes wrong with the file is a StoreError."""
        if not self._usable:  # a new start has failed: by now it may be possible
            self._open_whole()
        try:
            yield
        except FAULTS as error:
            raise self._error(error) from error

    @contextmanager
    def _writing(self) -> Iterator[Iterator[int]]:
        """One transaction; whatever goes wrong with the file is a StoreError, and
        nothing was written.

        Gives the numbers of the writes of tasks.
        """
        with self._asking():
            # SQLite itself would go on writing to a file that was removed
            self._check_place()
            with self._db:
                self._db.execute("begin immediate")
                first = newest(self._db) + 1
                numbers = count(first)
                yield numbers
            last = next(numbers) - 1
            if last >= first:
                self.highest = last

    def _damaged(self, message: str) -> DamagedError:
        error = DamagedError(message)
        error.generation = self.generation
        return error

    def _newer(self) -> StoreError:
        return StoreError(
            f"The queue file {self.path} was made by a newer runapi-tui: update this"
            " one."
        )

    def _error(self, error: Exception) -> StoreError:
        whole_code = getattr(error, "sqlite_errorcode", 0)
        code = whole_code & 0xFF
        if code in DAMAGED or isinstance(error, UnicodeDecodeError):
            return self._damaged(f"The queue file {self.path} is damaged: {error}.")
        if whole_code == sqlite3.SQLITE_READONLY_DBMOVED:
            return self._damaged(f"The queue file {self.path} is another one now.")
        if code == sqlite3.SQLITE_ERROR and (problem := self._schema_error(str(error))):
            return problem
        if isinstance(error, sqlite3.Error) and self._lacks_locks(error):
            return StoreError(f"The queue file {self.path} can't be used: {NO_LOCKS}.")
        reason = REASONS.get(code) or getattr(error, "strerror", None) or error
        return StoreError(f"The queue file {self.path} can't be used: {reason}.")

    def _schema_error(self, told: str) -> StoreError | None:
        """What it means that the file's tables aren't as expected; None if they are."""
        if self._usable:
            with suppress(sqlite3.Error):
                if (
                    self._db.execute("pragma user_version").fetchone()[0]
                    > schema.VERSION
                ):
                    # Another process has brought it up while it was open here
                    return self._newer()
        if any(words in told for words in BROKEN_SCHEMA):
            return self._damaged(f"The queue file {self.path} is damaged: {told}.")
        return None

    def _lacks_locks(self, error: sqlite3.Error) -> bool:
        """Whether that came of a disk on which nothing can be locked, which some call a
        lock of another program.
        """
        code = getattr(error, "sqlite_errorcode", 0)
        if code & 0xFF == sqlite3.SQLITE_BUSY:
            return not journal.locks_work(self.path.parent)
        return code in LOCK_ERRORS


def _text(data: bytes) -> str:
    """Text of the file. A page that isn't UTF-8 must not make the others unreadable."""
    return data.decode(errors="replace")


def _identity(path: Path, *, link: bool = False) -> tuple[int, int] | None:
    """Which file that is, or which `link`; None if there is none. Raises OSError where
    that can't be seen.
    """
    try:
        found = path.stat(follow_symlinks=not link)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
