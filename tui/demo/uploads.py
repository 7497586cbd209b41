"""Uploaded files: prepare, PUT, confirm, or inline as base64. Public for an hour."""

import base64
import binascii
import mimetypes
import sqlite3
from datetime import UTC, datetime, timedelta
from hashlib import blake2b, md5
from pathlib import PurePath
from secrets import token_urlsafe
from typing import Any

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tui.demo.answers import (
    absolute,
    invalid,
    not_found,
    read_bytes,
    read_object,
    refuse,
)
from tui.demo.limited_cache import LimitedCache
from tui.demo.store import DemoStore

FILE_LIMIT = 30_000_000
TOTAL_LIMIT = 100_000_000
OPEN_TICKETS = 1_000
LIFETIME = timedelta(hours=1)
KEPT = timedelta(days=7)
"""As long as the results that may still have to be painted from them."""


class Ticket(Struct, frozen=True):
    """Leave to PUT one file."""

    name: str
    size: int
    headers: dict[str, str]


class Upload(Struct, frozen=True):
    """One file that arrived."""

    name: str
    data: bytes
    media_type: str
    born: float
    """By the clock that decides when it expires."""
    created: datetime
    """What people are told."""


class Uploads:
    """All uploaded files, and the endpoints through which they come."""

    def __init__(self, store: DemoStore) -> None:
        self._store = store
        self._tickets: LimitedCache[str, Ticket] = LimitedCache(OPEN_TICKETS)

    def find(self, file_name: str) -> Upload | None:
        """The file behind the last part of a public URL, while it is public."""
        upload = self.kept(file_name)
        if upload and self._store.now() - upload.born < LIFETIME.total_seconds():
            return upload
        return None

    def kept(self, file_name: str) -> Upload | None:
        """The same, even if it isn't public any more."""
        select = (
            "select file_name, data, media_type, born, created from uploads where"
            " name = ?"
        )
        name = PurePath(file_name).stem
        row = self._store.read(
            lambda database: database.execute(select, (name,)).fetchone()
        )
        if not row:
            return None
        told_name, data, media_type, born, created = row
        return Upload(
            told_name, data, media_type, born, datetime.fromisoformat(created)
        )

    async def prepare(self, request: Request) -> Response:
        body = await read_object(request)
        name, size, checksum = (
            body.get(field) for field in ("filename", "byte_size", "checksum")
        )
        errors = {}
        if not isinstance(name, str) or not name.strip():
            errors["filename"] = "is required"
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            errors["byte_size"] = "must be a positive integer"
        if len(_decoded(checksum) or b"") != 16:
            errors["checksum"] = "must be the base64 of an MD5 digest"
        if errors:
            invalid(errors)
        assert isinstance(name, str)
        assert isinstance(size, int)
        assert isinstance(checksum, str)
        if size > FILE_LIMIT:
            refuse(413, "Payload too large")
        signed_id = token_urlsafe(24)
        ticket = Ticket(
            name, size, {"Content-Type": _media_type(name), "Content-MD5": checksum}
        )
        self._tickets.put(signed_id, ticket)
        url = absolute(request, f"/files/uploads/{signed_id}")
        return JSONResponse(
            {"signed_id": signed_id, "upload_url": url, "headers": ticket.headers}
        )

    async def put(self, request: Request) -> Response:
        """Take the bytes of a ticket, once, whatever comes of it."""
        signed_id = request.path_params["signed_id"]
        ticket = self._tickets.pop(signed_id) or not_found()
        data = await read_bytes(request, FILE_LIMIT)
        for name, value in ticket.headers.items():
            if request.headers.get(name) != value:
                refuse(
                    400, f"{name} is not the one that was given with the upload URL."
                )
        if len(data) != ticket.size:
            refuse(400, f"{ticket.size} bytes were announced, {len(data)} came.")
        if md5(data, usedforsecurity=False).digest() != _decoded(
            ticket.headers["Content-MD5"]
        ):
            refuse(400, "The bytes do not match their checksum.")
        self._save(_public(signed_id), ticket.name, data)
        return Response(status_code=204)

    async def confirm(self, request: Request) -> Response:
        body = await read_object(request)
        signed_id = body.get("signed_id")
        if not isinstance(signed_id, str):
            invalid({"signed_id": "is required"})
        upload = self.find(_public(signed_id)) or not_found()
        return self._described(request, _public(signed_id), upload)

    async def create(self, request: Request) -> Response:
        """A file inline. URLs are not fetched: the demo knows no network."""
        body = await read_object(request, FILE_LIMIT * 3 // 2)
        source: Any = body.get("source")
        if not isinstance(source, dict) or source.get("type") != "base64":
            invalid(
                {"source": "must be base64: the demo fetches nothing from the network"}
            )
        text = str(source.get("data", ""))
        data = _decoded(text.partition(",")[2] if text.startswith("data:") else text)
        if not data:
            invalid({"source": "holds no base64 data"})
        if len(data) > FILE_LIMIT:
            refuse(413, "Payload too large")
        public = _public(token_urlsafe(24))
        upload = self._save(public, str(body.get("file_name") or "upload.png"), data)
        return self._described(request, public, upload)

    def _save(self, public: str, name: str, data: bytes) -> Upload:
        kind, created = _media_type(name), datetime.now(UTC)

        def stored(database: sqlite3.Connection) -> float:
            now = self._store.time(database)
            row = (public, name[:255], kind, now, created.isoformat(), len(data), data)
            database.execute(
                "insert or replace into uploads values (?, ?, ?, ?, ?, ?, ?)", row
            )
            database.execute(
                "delete from uploads where born < ?", (now - KEPT.total_seconds(),)
            )
            # The newest stays in any case.
            oldest = (
                "delete from uploads where rowid = (select min(rowid) from uploads) and"
                " name != ?"
            )
            while (
                _total(database) > TOTAL_LIMIT
                and database.execute(oldest, (public,)).rowcount
            ):
                pass
            return now

        return Upload(name[:255], data, kind, self._store.write(stored), created)

    def _described(self, request: Request, public: str, upload: Upload) -> Response:
        suffix = mimetypes.guess_extension(upload.media_type, strict=False) or ""
        return JSONResponse(
            {
                "file_name": upload.name,
                "url": absolute(request, f"/files/temp/{public}{suffix}"),
                "size_bytes": len(upload.data),
                "mime_type": upload.media_type,
                "created_at": upload.created.isoformat(),
                "expires_at": (upload.created + LIFETIME).isoformat(),
            }
        )


def _total(database: sqlite3.Connection) -> int:
    """The bytes of all files."""
    (total,) = database.execute("select total(size) from uploads").fetchone()
    return int(total)


def _public(signed_id: str) -> str:
    """The name of a file in its public URL: nobody can guess it before the upload is
    confirmed.
    """
    return blake2b(signed_id.encode(), digest_size=16).hexdigest()


def _media_type(name: str) -> str:
    return mimetypes.guess_type(name, strict=False)[0] or "application/octet-stream"


def _decoded(text: object) -> bytes | None:
    if not isinstance(text, str):
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
