"""Disks without a write-ahead log or without locks: the queue works or says why not."""

import errno
import fcntl
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.tasks.test_recovery import ids, make
from tui.tasks import journal
from tui.tasks.store import Store
from tui.tasks.store_errors import StoreError

_connect = sqlite3.connect


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder / "queue.db"


def failing(
    code: int, words: str, fails: Callable[[sqlite3.Connection, str], bool]
) -> type[sqlite3.Connection]:
    """A connection to a disk that refuses some statements."""

    class Failing(sqlite3.Connection):
        is_exclusive = False

        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            self.is_exclusive |= "locking_mode = exclusive" in sql
            if fails(self, sql):
                error = sqlite3.OperationalError(words)
                error.sqlite_errorcode = code
                raise error
            return super().execute(sql, *values)

    return Failing


def use(monkeypatch: pytest.MonkeyPatch, factory: type[sqlite3.Connection]) -> None:
    def connect(*args: Any, **options: Any) -> sqlite3.Connection:
        return _connect(*args, factory=factory, **options)

    monkeypatch.setattr(sqlite3, "connect", connect)


def mode(path: Path) -> str:
    with closing(_connect(path)) as db:
        return str(db.execute("pragma journal_mode").fetchone()[0])


def works(path: Path) -> None:
    """Two programs write and see each other's tasks."""
    with closing(Store(path)) as one, closing(Store(path)) as two:
        version = two.data_version()
        one.save(make(1), "held", owner="me")
        assert two.data_version() != version
        assert two.get(make(1).id) == make(1)
        two.save(make(2), "held", owner="you")
        assert ids(one.search()) == ids([make(1), make(2)])
        assert two.claim("you", make(1).base_url, [make(1).id]) == []
        assert one._db.execute("pragma synchronous").fetchone() == (2,)
        assert one.notices == two.notices == []


def test_on_most_disks_there_is_a_write_ahead_log(path: Path) -> None:
    works(path)
    assert mode(path) == "wal"
    assert (
        sorted(file.name for file in path.parent.iterdir() if "probe" in file.name)
        == []
    )


SHARED_MEMORY = [
    (sqlite3.SQLITE_IOERR_SHMMAP, "disk I/O error"),
    (sqlite3.SQLITE_IOERR_SHMOPEN, "disk I/O error"),
    (sqlite3.SQLITE_IOERR_SHMLOCK, "disk I/O error"),
    (sqlite3.SQLITE_IOERR_LOCK, "disk I/O error"),
    (sqlite3.SQLITE_CANTOPEN, "unable to open database file"),
    (sqlite3.SQLITE_PROTOCOL, "locking protocol"),
]


@pytest.mark.parametrize(("code", "words"), SHARED_MEMORY)
def test_without_shared_memory_there_is_a_rollback_journal(
    path: Path, code: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, failing(code, words, lambda db, sql: "journal_mode = wal" in sql))
    works(path)
    assert mode(path) == "delete"
    assert [file.name for file in path.parent.iterdir()] == ["queue.db"]


@pytest.mark.parametrize(("code", "words"), SHARED_MEMORY)
def test_a_file_that_was_moved_to_such_a_disk_goes_on(
    path: Path, code: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has been written with a log: nothing but an exclusive reader can read it
    there.
    """
    with closing(Store(path)) as store:
        store.save(make(7), "held")

    def no_log(db: Any, sql: str) -> bool:
        return mode_now() == "wal" and not db.is_exclusive and "locking_mode" not in sql

    def mode_now() -> str:
        return "wal" if path.read_bytes()[18] == 2 else "delete"

    with monkeypatch.context() as there:
        use(there, failing(code, words, no_log))
        with closing(Store(path)) as store:
            assert store.search() == [make(7)]
            store.save(make(8))
    assert mode(path) == "delete"
    with closing(Store(path)) as store:  # on a disk that can again
        assert ids(store.search()) == ids([make(7), make(8)])
    assert mode(path) == "wal"


def test_a_real_file_without_shared_memory(path: Path) -> None:
    path.with_name("queue.db-shm").symlink_to("queue.db-shm")
    works(path)
    assert mode(path) == "delete"


def test_real_processes_share_a_rollback_journal(path: Path) -> None:
    path.with_name("queue.db-shm").symlink_to("queue.db-shm")
    work = (
        "import sys; from pathlib import Path; from tests.tasks.test_recovery import make;"
        "from tui.tasks.store import Store; store = Store(Path(sys.argv[1])); first = int(sys.argv[2]);"
        "[store.save(make(first + number), 'held') for number in range(20)]; store.close()"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", work, str(path), str(first)])
        for first in (0, 100, 200)
    ]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    with closing(Store(path)) as store:
        assert len(store.search()) == 60
        assert store.newest() == 60


@pytest.mark.parametrize(
    "number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL]
)
@pytest.mark.parametrize(
    "code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_IOERR_RDLOCK]
)
def test_a_disk_without_locks_is_reported_with_the_setting_that_helps(
    path: Path, number: int, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lockf(*_: object) -> None:
        raise OSError(number, "no locks here")

    monkeypatch.setattr(fcntl, "lockf", lockf)
    monkeypatch.setattr(journal, "_PAUSE", 0.0)
    use(monkeypatch, failing(code, "database is locked", lambda db, sql: True))
    with pytest.raises(
        StoreError,
        match=r"no file locks.*: set XDG_STATE_HOME to a folder on a local disk",
    ):
        Store(path)
    assert [file.name for file in path.parent.iterdir()] == ["queue.db"]


def test_the_setting_that_is_named_moves_the_queue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui.paths import folders

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "local"))
    assert folders().queue.is_relative_to(tmp_path / "local")


def test_where_folders_can_not_be_locked_a_file_is(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NFS: a damaged file is set aside by one all the same."""

    def flock(*_: object) -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(fcntl, "flock", flock)
    path.write_bytes(b"nothing of a database " * 99)
    with closing(Store(path)) as store:
        store.save(make(1))
        assert len(store.notices) == 1
