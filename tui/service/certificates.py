"""Whom to trust: the usual authorities, or those of SSL_CERT_FILE or SSL_CERT_DIR."""

import contextlib
import os
import ssl
from functools import cache

import httpx

from tui.service.errors import NetworkError
from tui.text import one_line


@cache
def trusted() -> ssl.SSLContext:
    """The authorities in force. Reading them takes a while: once a process is enough.

    Raises NetworkError, which names the variable at fault; nothing was sent then.
    """
    variable, value = _in_force()
    # A FIFO would make OpenSSL wait for ever, and a missing folder is none of its
    # errors.
    if variable == "SSL_CERT_FILE" and not os.path.isfile(value):
        raise _fault(f"{named()} is no file with certificates.")
    if variable == "SSL_CERT_DIR" and not os.path.isdir(value):
        raise _fault(f"{named()} is no folder with certificates.")
    try:
        return httpx.create_ssl_context()
    except (OSError, ValueError, ImportError) as error:  # ssl.SSLError is an OSError
        raise _fault(_reason(error)) from error


def load() -> None:
    """Read them ahead of the first request, in whose way they would stand; errors come
    then.
    """
    with contextlib.suppress(NetworkError):
        trusted()


def nobody() -> ssl.SSLContext:
    """For connections that are not encrypted: reads no file, and trusts no one."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def named() -> str:
    """The variable that says whom to trust, with its value; empty if none does."""
    variable, value = _in_force()
    return variable and f"{variable} ({one_line(value, 120)})"


def _in_force() -> tuple[str, str]:
    """As httpx chooses: the file before the folder."""
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        value = os.environ.get(variable, "")
        if value:
            return variable, value
    return "", ""


def _reason(error: Exception) -> str:
    log = os.environ.get("SSLKEYLOGFILE", "")
    if log:
        try:
            nobody().keylog_filename = log
        except (OSError, ValueError):
            return f"SSLKEYLOGFILE ({one_line(log, 120)}) can't be written."
    if named():
        return f"{named()} has no certificates that can be read."
    return f"TLS can't be set up: {one_line(getattr(error, 'strerror', None) or error, 120)}."


def _fault(reason: str) -> NetworkError:
    return NetworkError(f"No safe connection can be made: {reason}", sent=False)
