"""Runs the rest of its arguments where the kernel denies what Codex's sandbox denies:
every send through a socket.

    python tests/sandbox.py COMMAND [WORD]...

Works without privileges: a process may bind itself (`no_new_privs`, then a seccomp
filter).
"""

import ctypes
import errno
import os
import platform
import struct
import sys

# AUDIT_ARCH, and the numbers of connect, sendto, shutdown, bind, listen, getsockname,
# getpeername, setsockopt, getsockopt, sendmmsg, recvmmsg.
_MACHINES = {
    "x86_64": (0xC000003E, (42, 44, 48, 49, 50, 51, 52, 54, 55, 307, 299)),
    "aarch64": (0xC00000B7, (203, 206, 210, 200, 201, 204, 205, 208, 209, 269, 243)),
}
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
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
    arch, denied = _MACHINES[platform.machine()]
    steps = [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, arch),
        (_RETURN, 0, 0, _ALLOW),
        (_LOAD, 0, 0, 0),
    ]
    for place, number in enumerate(denied):
        to_refusal = len(denied) - place
        steps.append((_EQUAL, to_refusal, 0, number))
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
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
