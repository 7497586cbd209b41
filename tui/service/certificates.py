"""Trusted certificates: the usual ones, or those of the first variable that is set.

Besides OpenSSL's own variables, those of requests and curl are honoured: whoever is
behind a company's proxy has set one of them for other programs.
"""

import contextlib
import os
import ssl
from functools import cache

import httpx

from tui.service.errors import NetworkError
from tui.text import one_line

VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""In the order in which they count; the last two name a file or a folder."""
_SYSTEMS = (
    *("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"),
    *("/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"),
)
"""Where systems keep the authorities that they trust, among them a company's own."""


@cache
def trusted_context() -> ssl.SSLContext:
    """Returns a context that trusts the certificates in force.

    Loading them is slow, hence once per process. Raises NetworkError, which names the
    variable at fault, before anything is sent.
    """
    variable, value = _in_force()
    is_file, is_folder = os.path.isfile(value), os.path.isdir(value)
    # OpenSSL would wait for ever for a FIFO, and doesn't report a missing folder.
    if variable == "SSL_CERT_DIR" and not is_folder:
        raise _unsafe(f"{setting_in_force()} is not a folder of certificates.")
    may_be_folder = is_folder and variable != "SSL_CERT_FILE"
    if variable and not (is_file or may_be_folder):
        raise _unsafe(f"{setting_in_force()} is not a file of certificates.")
    try:
        if not variable:
            return httpx.create_ssl_context(trust_env=False)
        if is_folder:
            return ssl.create_default_context(capath=value)
        return ssl.create_default_context(cafile=value)
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


def variable_in_force() -> str:
    """Returns the variable that chooses the certificates, or ""."""
    return _in_force()[0]


def advice() -> str:
    """Returns what to do where an unknown authority has signed a certificate."""
    systems = next(filter(os.path.isfile, _SYSTEMS), "")
    if not systems:
        return (
            "Behind a company's proxy, set SSL_CERT_FILE to a file with the certificate"
            " of its authority."
        )
    return (
        "Behind a company's proxy, set SSL_CERT_FILE to a file with the certificate of"
        f" its authority; those that this system trusts are in {systems}."
    )


def _in_force() -> tuple[str, str]:
    """Returns the variable and its value, in httpx's order: the file first."""
    for variable in VARIABLES:
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
