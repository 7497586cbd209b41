"""Runs the rest of its arguments where the kernel denies what agents' sandboxes deny:
every send through a socket, as Codex's does.

    python tests/sandbox.py COMMAND [WORD]...

Works without privileges: a process may bind itself (`no_new_privs`, then a seccomp
filter).
"""

import ctypes
import errno
import os
import platform
import socket
import struct
import sys

# AUDIT_ARCH, and the numbers of connect, sendto, shutdown, bind, listen, getsockname,
# getpeername, setsockopt, getsockopt, sendmmsg, recvmmsg.
_MACHINES = {
    "x86_64": (0xC000003E, (42, 44, 48, 49, 50, 51, 52, 54, 55, 307, 299)),
    "aarch64": (0xC00000B7, (203, 206, 210, 200, 201, 204, 205, 208, 209, 269, 243)),
}
_SOCKET = {"x86_64": 41, "aarch64": 198}
_OPEN = {"x86_64": 257, "aarch64": 56}  # openat
_MAKE = {"x86_64": (83, 258), "aarch64": (34,)}  # mkdir, mkdirat
_O_TMPFILE = 0o20000000
_LOAD, _EQUAL, _HAS, _RETURN = 0x20, 0x15, 0x45, 0x06
_NUMBER, _FIRST, _THIRD = 0, 16, 32
"""Where the number of a call is, and the lower half of its arguments."""
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_REFUSE, _READ_ONLY = _ERROR | errno.EPERM, _ERROR | errno.EROFS
Step = tuple[int, int, int, int]
_NO_NEW_PRIVS, _SECCOMP, _FILTER = 38, 22, 2


def why_not() -> str:
    """Why no such sandbox can be had here, or nothing."""
    if sys.platform != "linux":
        return "seccomp is Linux's own"
    return (
        ""
        if platform.machine() in _MACHINES
        else f"the calls of {platform.machine()} are not known here"
    )


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def deny_sending() -> None:
    """Bind this process and all that it becomes. Raises OSError."""
    _bind([_number(call, _REFUSE) for call in _MACHINES[platform.machine()][1]])


def deny_network() -> None:
    """Deny sockets of the internet, too, and any connection. Raises OSError."""
    machine = platform.machine()
    inet = [
        (_EQUAL, 0, 3, _SOCKET[machine]),
        (_LOAD, 0, 0, _FIRST),
        (_EQUAL, 1, 0, socket.AF_UNIX),
        (_RETURN, 0, 0, _REFUSE),
    ]
    _bind([inet, *(_number(call, _REFUSE) for call in _MACHINES[machine][1])])


def deny_writing() -> None:
    """Let no file or folder be made, as on a read-only file system. Raises OSError."""
    machine = platform.machine()
    opening = [
        (_EQUAL, 0, 3, _OPEN[machine]),
        (_LOAD, 0, 0, _THIRD),
        (_HAS, 0, 1, os.O_CREAT | _O_TMPFILE),
        (_RETURN, 0, 0, _READ_ONLY),
    ]
    _bind([opening, *(_number(call, _READ_ONLY) for call in _MAKE[machine])])


def _number(call: int, action: int) -> list[Step]:
    """What is done with a call of that number."""
    return [(_EQUAL, 0, 1, call), (_RETURN, 0, 0, action)]


def _bind(rules: list[list[Step]]) -> None:
    """Install rules, each of which sees the call from its number on."""
    steps: list[Step] = [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, _MACHINES[platform.machine()][0]),
        (_RETURN, 0, 0, _ALLOW),
    ]
    for rule in rules:
        steps += [(_LOAD, 0, 0, _NUMBER), *rule]
    steps.append((_RETURN, 0, 0, _ALLOW))
    code = b"".join(struct.pack("HBBI", *step) for step in steps)
    program = _Program(len(steps), code)
    libc = ctypes.CDLL(None, use_errno=True)
    for words in (
        (_NO_NEW_PRIVS, 1, 0, 0, 0),
        (_SECCOMP, _FILTER, ctypes.byref(program), 0, 0),
    ):
        if libc.prctl(*words):
            raise OSError(ctypes.get_errno(), "no sandbox")


if __name__ == "__main__":
    deny_sending()
    os.execvp(sys.argv[1], sys.argv[1:])
