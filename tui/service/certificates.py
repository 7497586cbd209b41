"""Trusted certificates: the usual ones, or those of SSL_CERT_FILE or SSL_CERT_DIR."""

import contextlib
import os
import ssl
from functools import cache

import httpx

from tui.service.errors import NetworkError
from tui.text import one_line


@cache
def trusted_context() -> ssl.SSLContext:
    """Returns a context that trusts the certificates in force.

    Loading them is slow, hence once per process. Raises NetworkError, which names the
    variable at fault, before anything is sent.
    """
    variable, value = _in_force()
    # OpenSSL would wait for ever for a FIFO, and doesn't report a missing folder.
    if variable == "SSL_CERT_FILE" and not os.path.isfile(value):
        raise _unsafe(f"{setting_in_force()} is not a file of certificates.")
    if variable == "SSL_CERT_DIR" and not os.path.isdir(value):
        raise _unsafe(f"{setting_in_force()} is not a folder of certificates.")
    try:
        return httpx.create_ssl_context()
    except (OSError, ValueError, ImportError) as error:  # ssl.SSLError is an OSError
        raise _unsafe(_reason(error)) from error


def preload() -> None:
    """Loads the certificates before the first request, which would have to wait.

    Errors are left to that request.
    """
    with contextlib.suppress(NetworkError):
        trusted_context()


def untrusting_context() -> ssl.SSLContext:
    """Returns a context for unencrypted connections: loads and trusts nothing."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def setting_in_force() -> str:
    """Returns the variable that chooses the certificates, with its value, or ""."""
    variable, value = _in_force()
    if not variable:
        return ""
    return f"{variable} ({one_line(value, 120)})"


def _in_force() -> tuple[str, str]:
    """Returns the variable and its value, in httpx's order: the file first."""
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        value = os.environ.get(variable, "")
        if value:
            return variable, value
    return "", ""


def _reason(error: Exception) -> str:
    key_log = os.environ.get("SSLKEYLOGFILE", "")
    if key_log:
        try:
            untrusting_context().keylog_filename = key_log
        except (OSError, ValueError):
            return f"SSLKEYLOGFILE ({one_line(key_log, 120)}) can't be written."
    setting = setting_in_force()
    if setting:
        return f"{setting} has no certificates that can be read."
    detail = getattr(error, "strerror", None) or error
    return f"TLS can't be set up: {one_line(detail, 120)}."


def _unsafe(reason: str) -> NetworkError:
    return NetworkError(f"No safe connection can be made: {reason}", sent=False)
