"""An authority that no machine trusts, such as a company's, and what it has signed."""

import shutil
import ssl
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

_CONFIG = """
[req]
distinguished_name = name
x509_extensions = authority
prompt = no
[name]
CN = An authority of the tests
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
"""
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Authority(NamedTuple):
    """Its certificate as a file and in a folder; and a server that it vouches for."""

    file: Path
    folder: Path
    server: ssl.SSLContext


def authority(home: Path, name: str = "IP:127.0.0.1") -> Authority:
    """Returns an authority that has signed a certificate for this name."""

    def openssl(*words: str) -> str:
        made = subprocess.run(
            ["openssl", *words], cwd=home, check=True, capture_output=True, text=True
        )
        return made.stdout.strip()

    if not shutil.which("openssl"):
        pytest.skip("there is no openssl to make a certificate with")
    (home / "config").write_text(_CONFIG)
    (home / "extensions").write_text(f"subjectAltName = {name}\n")
    config = ("-config", "config")
    openssl("req", "-x509", *_KEY, *config, "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", "-new", *_KEY, *config, "-keyout", "server.key", "-out", "request")
    openssl(
        *("x509", "-req", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca.key"),
        *("-CAcreateserial", "-days", "2", "-extfile", "extensions"),
        *("-out", "server.pem"),
    )
    folder = home / "authorities"
    folder.mkdir()
    hashed = openssl("x509", "-hash", "-noout", "-in", "ca.pem")
    shutil.copy(home / "ca.pem", folder / f"{hashed}.0")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(home / "server.pem", home / "server.key")
    return Authority(home / "ca.pem", folder, server)
