"""What every endpoint shares: reading a request, refusing one, and the headers on every
answer.
"""

from collections.abc import Awaitable, Callable, Mapping
from hmac import compare_digest
from typing import Any, NoReturn
from uuid import uuid4

import msgspec
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Handler = Callable[[Request], Awaitable[Response]]
JsonObject = dict[str, Any]

BODY_LIMIT = 128_000


class Refusal(Exception):
    """An error answer, raised from wherever the reason is found."""

    def __init__(
        self,
        status: int,
        body: JsonObject | str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.headers = headers

    def response(self) -> Response:
        """JSON for an object, a proxy's HTML page for text."""
        if isinstance(self.body, str):
            return HTMLResponse(self.body, self.status, self.headers)
        return JSONResponse(self.body, self.status, self.headers)


def refuse(status: int, message: str) -> NoReturn:
    raise Refusal(status, {"error": message})


def not_found() -> NoReturn:
    raise Refusal(404, {"error": "Not found", "code": "not_found"})


def invalid(errors: Mapping[str, str]) -> NoReturn:
    """Refuse fields, each with its reason."""
    details = {name: [reason] for name, reason in errors.items()}
    raise Refusal(422, {"error": "Validation failed", "errors": details})


async def on_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return error.response()


async def on_http_error(request: Request, error: Exception) -> Response:
    """What the router itself refuses: 404 and 405."""
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return JSONResponse({"error": "Not found", "code": "not_found"}, 404)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


def absolute(request: Request, path: str) -> str:
    """The URL under which this service's `path` is reached."""
    return (request.app.state.public_url or str(request.base_url)).rstrip("/") + path


def guarded(handler: Handler, api_key: str) -> Handler:
    """`handler` for those who have the key."""

    async def checked(request: Request) -> Response:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not compare_digest(
            key.strip().encode(), api_key.encode()
        ):
            refuse(401, "The API key is missing or wrong.")
        return await handler(request)

    return checked


async def read_bytes(request: Request, limit: int = BODY_LIMIT) -> bytes:
    """The body, refused as soon as it is known to be over `limit`."""
    if int(request.headers.get("content-length") or 0) > limit:
        refuse(413, "Payload too large")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            refuse(413, "Payload too large")
    return bytes(body)


async def read_object(request: Request, limit: int = BODY_LIMIT) -> JsonObject:
    """The JSON object that was sent."""
    if (
        request.headers.get("content-type", "").partition(";")[0].strip().lower()
        != "application/json"
    ):
        refuse(415, "Send application/json.")
    try:
        return msgspec.json.decode(await read_bytes(request, limit), type=JsonObject)
    except (msgspec.DecodeError, RecursionError):
        refuse(400, "The body must be a JSON object.")


class AnswerHeaders:
    """ASGI middleware: X-Request-Id on every answer, and the client's own request id
    back to it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        client_id = Headers(scope=scope).get("x-client-request-id", "")

        async def send_with_ids(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = f"req_{uuid4().hex}"
                if client_id:
                    headers["X-Client-Request-Id"] = client_id
            await send(message)

        await self.app(scope, receive, send_with_ids)
