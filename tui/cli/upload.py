"""`upload`: a picture at a public address of the service, for an hour."""

import asyncio
import os
import time
from pathlib import Path

from tui.cli.exit_codes import UsageError, code_of
from tui.cli.output import iso_time
from tui.service.errors import ServiceError
from tui.service.public_file import PublicFile
from tui.session import Session, open_client
from tui.system import heartbeat
from tui.system.streams import print_json, print_message, print_result
from tui.tasks.sources import content_problem
from tui.tasks.store import Store
from tui.tasks.uploads import UPLOAD_LASTS, digests, read_source
from tui.text import clock, one_line


def upload(session: Session, file: Path, *, as_json: bool) -> int:
    """Upload a picture and print its URL. Returns the exit code.

    Raises UsageError for a file that is no whole image: it may be a key, and everybody
    could read it.
    """
    # A link is followed once: the file that is named on stderr is the one that goes.
    path = Path(os.path.realpath(file))
    try:
        content = read_source(path)
    except OSError as error:
        reason = one_line(error.strerror or error)
        raise UsageError(f"{one_line(path)} can't be read: {reason}.") from error
    problem = content_problem(path.name, content)
    if problem:
        raise UsageError(f"{problem} It was not uploaded.")
    sha256, checksum = digests(content)
    try:
        public = heartbeat.run(_sent(session, path, content, checksum))
    except ServiceError as error:
        print_message(error)
        return code_of(error.kind)
    _remember(session, sha256, public)
    if as_json:
        print_json(
            {
                "url": public.url,
                "expires_at": iso_time(public.ends_at) if public.ends_at else None,
                "file": str(path),
                "bytes": len(content),
            }
        )
    else:
        print_result(public.url)
    print_message(_ends(path, public))
    return 0


async def _sent(
    session: Session, path: Path, content: bytes, checksum: str
) -> PublicFile:
    client = await asyncio.to_thread(open_client, session)
    try:
        return await client.upload(path, content, checksum)
    finally:
        await client.aclose()


def _remember(session: Session, sha256: str, public: PublicFile) -> None:
    """Note the upload in the queue file: tasks use it, and not once it has ended."""
    store = Store(session.folders.queue)
    lasts = UPLOAD_LASTS
    if public.ends_at:
        lasts = max(0.0, min(lasts, public.ends_at - time.time()))
    base_url = session.credential.base_url
    store.remember_upload(base_url, sha256, public.url, lasts)
    store.close()


def _ends(path: Path, public: PublicFile) -> str:
    name = one_line(path)
    if not public.ends_at:
        return (
            f"{name} was uploaded: whoever knows the URL can read it. The service"
            " doesn't say until when; usually it is an hour."
        )
    return (
        f"{name} was uploaded: whoever knows the URL can read it until"
        f" {clock(public.ends_at)}."
    )
