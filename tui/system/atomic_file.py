"""Writes files that are complete at every moment: beside their place, then renamed.

Whatever the umask is, nobody but the user can write to what is made here.
"""

import errno
import os
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO

_NOT_SUPPORTED = frozenset(
    {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
)
"""Errors of a file system that doesn't have a call."""
_NO_LINKS = _NOT_SUPPORTED | {errno.EPERM, errno.EACCES, errno.EMLINK, errno.EXDEV}
"""Errors of `os.link` where a file can't have a second name."""
_MOST_NAME_BYTES = 200
_MOST_LINKS = 40
_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_RENAME_EXCL = 4
_FOR_OTHERS = 0o077
_WRITERS = 0o022
"""Permissions of others, and those to write."""
_placing = threading.Lock()


def make_folder(folder: Path, mode: int = 0o755) -> None:
    """Make a folder, and those around it, where they are missing, with `mode`.

    Less the umask. Raises OSError.
    """
    try:
        folder.mkdir(mode, exist_ok=True)
    except FileNotFoundError:
        if folder.parent == folder:
            raise
        make_folder(folder.parent, mode)
        folder.mkdir(mode, exist_ok=True)


def make_private_folder(folder: Path) -> None:
    """Make a folder for its user alone, as `make_folder` does. Raises OSError."""
    make_folder(folder, 0o700)


def make_private(path: Path) -> str:
    """Take the permissions of others from a file or folder of ours, if it is there.

    Returns a sentence where that can't be done, or it belongs to somebody else.
    """
    try:
        found = path.stat()
        mode = stat.S_IMODE(found.st_mode)
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
            return ""  # a device, maybe
        if found.st_uid != os.geteuid():
            return f"{path} belongs to another user, who can read and change it."
        if mode & _FOR_OTHERS:
            path.chmod(mode & ~_FOR_OTHERS)
    except FileNotFoundError:
        pass
    except OSError as error:
        if error.errno == errno.ELOOP:  # a link that leads nowhere
            return ""
        return (
            f"Others may read {path}, and its permissions can't be changed:"
            f" {error.strerror}."
        )
    return ""


def forbid_writing(path: Path) -> None:
    """Take the permission to write to a file from all but its user.

    A file system without permissions keeps it as it is.
    """
    with suppress(OSError):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & _WRITERS:
            path.chmod(mode & ~_WRITERS)


@contextmanager
def replacing(path: Path, mode: int = 0o644) -> Iterator[BinaryIO]:
    """Open an empty file that replaces `path` when the block ends without an error.

    Its `name` is its path until then. If anything goes wrong, the old file stays. A
    link is followed. An existing file keeps its permissions; a new one gets `mode`,
    less the umask. Raises OSError.
    """
    target = Path(os.path.realpath(path))
    earlier = _status(target)
    part = _beside(target)
    own_mode = mode if earlier is None else 0o600

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags, own_mode)

    file = open(part, "xb", opener=opener)  # noqa: SIM115
    try:
        with file:
            yield file
            file.flush()
            if earlier is not None:
                _make_like(file.fileno(), earlier)
            _sync(file.fileno())
        os.replace(part, target)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


@contextmanager
def writing(path: Path, mode: int = 0o644) -> Iterator[BinaryIO]:
    """Open the place that a user named for a command's output.

    A file is replaced, see `replacing`; a pipe, a device or a stream of a process
    (`/dev/stdout`) is written to. Raises OSError.
    """
    if not is_stream(path):
        with replacing(path, mode) as file:
            yield file
        return
    # What a shell has redirected into a file keeps what other commands have written
    # there.
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    with open(descriptor, "wb") as stream:
        yield stream


def is_stream(path: Path) -> bool:
    """Return whether a path is not a file: a pipe, a device, or a process's stream."""
    step = os.path.abspath(path)
    for _ in range(_MOST_LINKS):
        step = os.path.join(
            os.path.realpath(os.path.dirname(step)), os.path.basename(step)
        )
        if step.startswith(("/proc/", "/dev/fd/")):
            return True
        if not os.path.islink(step):
            break
        step = os.path.join(os.path.dirname(step), os.readlink(step))
    return os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path))


def save_small(
    path: Path, data: bytes, mode: int = 0o644, *, sync: bool = False
) -> None:
    """Save a small file of our own: readers find the old content or the new one.

    It gets `mode`, less the umask, whatever was there; a link is replaced, not
    followed. Without `sync`, a power cut may lose it. Raises OSError.
    """
    part = _beside(path)

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags, mode)

    try:
        with open(part, "xb", opener=opener) as file:
            file.write(data)
            if sync:
                file.flush()
                _sync(file.fileno())
        os.replace(part, path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def give_name(source: Path, target: Path) -> None:
    """Rename a file of the same file system, never over another one: FileExistsError.
    Raises OSError.

    No moment shows `target` with half of its content. Only where the file system has
    neither hard links nor a rename that refuses to replace does a kill at the wrong
    moment leave an empty file of that name.
    """
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
    else:
        source.unlink()
        return
    if _renamed(source, target):
        return
    with _placing:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        try:
            os.replace(source, target)
        except OSError:
            target.unlink(missing_ok=True)
            raise


def give_free_name(source: Path, target: Path) -> Path:
    """Rename a file as `give_name` does, to the first free name of `numbered`.

    Returns that name. Raises OSError.
    """
    for path in numbered(target):
        with suppress(FileExistsError):
            give_name(source, path)
            return path
    raise AssertionError("numbers never end")


def numbered(path: Path) -> Iterator[Path]:
    """Yield `fox.png`, `fox-2.png`, `fox-3.png` and so on for `fox.png`."""
    yield path
    for number in count(2):
        yield path.with_name(f"{path.stem}-{number}{path.suffix}")


def sync_file(path: Path) -> None:
    """Write a file's content to the disk. Raises OSError, also for late disk errors.

    A file system without such a call keeps the file as safe as any other.
    """
    # Some network file systems refuse it for files opened to read
    descriptor = os.open(path, os.O_RDWR)
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Write new names in a folder to the disk, as far as possible.

    Errors don't matter: only a power cut could undo the names, and many file systems
    (FUSE, SMB, FAT, unreadable folders) have no such call.
    """
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_SUPPORTED:
            raise


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _make_like(descriptor: int, earlier: os.stat_result) -> None:
    with suppress(OSError):  # only root may give a file away
        os.fchown(descriptor, earlier.st_uid, earlier.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(earlier.st_mode))


def _beside(target: Path) -> Path:
    """Return a name in the same folder that no other process uses."""
    name = target.name.encode("utf-8", "surrogateescape")[:_MOST_NAME_BYTES].decode(
        "utf-8", "ignore"
    )
    return target.with_name(f".{name}.{os.urandom(4).hex()}.part")


def _renamed(source: Path, target: Path) -> bool:
    """Rename in one step that never replaces; False where the system has no such call.

    Raises OSError.
    """
    import ctypes  # rarely needed, and slow to load

    names = os.fsencode(source), os.fsencode(target)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            failed = libc.renamex_np(*names, _RENAME_EXCL)
        else:
            failed = libc.renameat2(
                _AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_NOREPLACE
            )
    except (AttributeError, OSError):  # another C library
        return False
    if not failed:
        return True
    code = ctypes.get_errno()
    if code in _NO_LINKS:
        return False
    raise OSError(code, os.strerror(code), str(source), None, str(target))
