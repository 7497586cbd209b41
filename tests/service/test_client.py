"""The client over real HTTP: its requests, where the key goes, and every failure."""

import asyncio
import base64
import contextlib
import gzip
import io
import json
import os
import socket
import ssl
import time
import tracemalloc
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)

from tests.loopback import serving
from tests.proxy import listening
from tests.service.conftest import KEY, Host, ReceivedRequest, raw_server, speaking
from tui import __version__
from tui.catalog.load import bundled
from tui.demo.service import create_app
from tui.service import client as client_module
from tui.service import file_hosts
from tui.service.account import Account
from tui.service.client import Client
from tui.service.errors import (
    AuthenticationError,
    ConflictError,
    CreditsError,
    DownloadError,
    GarbledError,
    GoneError,
    NetworkError,
    NotFoundError,
    RateLimitError,
    RefusedError,
    ServerError,
    ServiceError,
)
from tui.service.public_file import PublicFile
from tui.service.task_answer import Answer

BODY = '{"model": "z-image", "prompt": "füchse"}'.encode()
PAGE = "<html><body><h1>Bad gateway</h1><script>alert(1)</script></body></html>"
DONE = {
    "id": "t1",
    "status": "completed",
    "images": [{"url": "https://x.example/a.png"}],
}


async def submit(client: Client) -> Answer:
    return await client.submit(
        "unified", "z_image", "text_to_image", BODY, "the-key-of-this-task"
    )


async def status(client: Client, location: str = "") -> Answer:
    return await client.status("unified", "z_image", "text_to_image", "t1", location)


async def failure(client: Client) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await submit(client)
    return caught.value


def error(
    code: int, said: Any = None, headers: dict[str, str] | None = None
) -> Response:
    return JSONResponse(said or {"error": "No."}, code, headers)


def keyless(host: Host) -> bool:
    return not any(
        KEY in f"{asked.headers} {asked.path} {asked.body!r}" for asked in host.asked
    )


# ---- what leaves


async def test_a_key_in_a_response_is_masked(host: Host, client: Client) -> None:
    echo = {"task_id": "t1", "headers": {"Authorization": f"Bearer {KEY}"}}
    host.answer_with(JSONResponse(echo, headers={"X-RunAPI-Task-Id": KEY}))
    assert "Bearer [key]" in (await submit(client)).raw
    host.answer_with(
        error(401, {"error": f"{KEY} is no key", "seen": echo}, {"X-Request-Id": KEY})
    )
    refused = await failure(client)
    assert "[key] is no key" in str(refused)
    assert KEY not in f"{refused} {refused.raw} {refused.request_id} {refused.task_id}"


async def test_a_key_in_another_form_is_masked_in_answers_and_messages(
    host: Host, client: Client
) -> None:
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in KEY)
    encoded = base64.b64encode(f"Bearer {KEY}".encode()).decode()
    said = f'{{"error": "{escaped} is no key", "id": "{encoded}", "status": "x"}}'
    host.answer_with(Response(said, headers={"Location": f"/there/{escaped}"}))
    answer = await submit(client)
    host.answer_with(Response(said, 400, {"X-Request-Id": KEY.encode().hex()}))
    refused = await failure(client)
    assert answer.error == "[key] is no key"
    assert str(refused).endswith(": [key] is no key")
    for text in (answer.raw, answer.task_id, answer.location, refused.raw):
        assert encoded[9:-9] not in text
        assert escaped[1:30] not in text
    assert refused.request_id == "[key]"


LONG = "x" * 600_000
ESCAPED = "".join(f"\\u{ord(letter):04x}" for letter in KEY)


@pytest.mark.parametrize(
    "echo",
    [
        json.dumps({"note": LONG, "seen": KEY}),
        json.dumps({"note": LONG + KEY}),
        json.dumps({"note": json.dumps({"note": LONG, "seen": KEY})}),
        json.dumps({KEY: [LONG, {"seen": KEY}]}),
        f'{{"note": "\\{KEY}"}}',
        json.dumps({"note": "\\" * 9 + ESCAPED}),
    ],
    ids=["long", "in a long text", "in JSON in JSON", "a name", "after \\", "escaped"],
)
async def test_a_key_that_hides_costs_no_result(
    host: Host, client: Client, echo: str
) -> None:
    host.answer_with(Response(json.dumps(DONE)[:-1] + ", " + echo[1:]))
    answer = await status(client)
    assert answer.state == "completed"
    assert answer.urls == ("https://x.example/a.png",)
    assert KEY[1:] not in answer.raw
    assert ESCAPED[7:30] not in answer.raw


async def test_an_error_keeps_its_reason_in_a_long_answer_with_the_key(
    host: Host, client: Client
) -> None:
    host.answer_with(error(422, {"error": f"No: {KEY}", "a": LONG, "seen": KEY}))
    refused = await failure(client)
    assert str(refused).endswith(": No: [key]")
    assert KEY not in refused.raw


async def test_a_result_with_the_key_in_its_url_is_fetched_and_never_shown(
    host: Host, client: Client, tmp_path: Path
) -> None:
    urls = [f"{host.url}/{KEY}/a.png", f"{host.url}/{KEY.upper()}/a.png"]
    host.answer_with(JSONResponse(DONE | {"images": urls}))
    answer = await status(client)
    assert len(set(answer.urls)) == 2
    assert KEY not in f"{answer}".lower()
    host.answer_with(Response(b"picture", media_type="image/png"))
    for at, url in enumerate(answer.urls):
        await client.download(url, tmp_path / "a.part")
        assert host.asked[-1].path == urls[at].removeprefix(host.url)


async def test_another_host_never_gets_a_key_in_a_results_url(
    host: Host, other: Host, client: Client, tmp_path: Path
) -> None:
    host.answer_with(JSONResponse(DONE | {"images": [f"{other.url}/{KEY}/a.png"]}))
    answer = await status(client)
    await client.download(answer.urls[0], tmp_path / "a.part")
    assert other.asked
    assert keyless(other)


async def test_the_key_before_is_masked_as_well(host: Host, client: Client) -> None:
    client.use("another-key-1")
    host.answer_with(JSONResponse({"id": "t1", "seen": [KEY, "another-key-1"]}))
    assert '["[key]","[key]"]' in (await submit(client)).raw


async def test_a_submit_sends_these_bytes_under_this_key(
    host: Host, client: Client
) -> None:
    host.answer_with(
        JSONResponse(
            {"task_id": "t1", "status": "pending"},
            202,
            {"Location": "/api/v1/tasks/t1"},
        )
    )
    answer = await submit(client)
    assert (answer.task_id, answer.state, answer.location) == (
        "t1",
        "pending",
        f"{host.url}/api/v1/tasks/t1",
    )
    (asked,) = host.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/v1/text_to_image", BODY)
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.headers["idempotency-key"] == "the-key-of-this-task"
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["accept"] == "application/json"
    assert asked.headers["user-agent"] == f"runapi-tui/{__version__}"


async def test_the_service_route_has_its_own_path(host: Host, client: Client) -> None:
    await client.submit("service", "z_image", "text_to_image", BODY, "k")
    host.answer_with(JSONResponse({"id": "a/b c"}))
    await client.status("service", "z_image", "text_to_image", "a/b c")
    assert host.paths == [
        "/api/v1/z_image/text_to_image",
        "/api/v1/z_image/text_to_image/a%2Fb%20c",
    ]


async def test_without_a_key_none_is_sent(host: Host) -> None:
    async with speaking(host.url, key="") as client:
        await submit(client)
    assert "authorization" not in host.asked[0].headers


async def test_a_base_url_may_carry_v1(host: Host) -> None:
    async with speaking(f"{host.url}/v1/") as client:
        await submit(client)
    assert host.paths == ["/v1/text_to_image"]


def test_a_key_is_not_sent_unencrypted() -> None:
    with pytest.raises(ValueError, match="not encrypted"):
        Client("http://runapi.ai", KEY)


# ---- where the key must not go


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_redirect_of_a_submit_is_not_followed(
    host: Host, other: Host, client: Client, code: int
) -> None:
    host.answer_with(RedirectResponse(f"{other.url}/v1/text_to_image", code))
    assert isinstance(await failure(client), RefusedError)
    assert len(host.asked) == 1
    assert other.asked == []


async def test_a_redirect_of_a_poll_is_not_followed(
    host: Host, other: Host, client: Client
) -> None:
    host.answer_with(RedirectResponse(f"{other.url}/v1/tasks/t1", 302))
    with pytest.raises(RefusedError):
        await status(client)
    assert other.asked == []


async def test_a_foreign_location_is_ignored(
    host: Host, other: Host, client: Client
) -> None:
    host.answer_with(JSONResponse({"id": "t1"}, 202, {"Location": f"{other.url}/x"}))
    assert (await submit(client)).location == ""


async def test_a_foreign_location_from_elsewhere_never_gets_the_key(
    host: Host, other: Host, client: Client
) -> None:
    """Such as out of a queue file that someone has written into."""
    with contextlib.suppress(ServiceError):
        await status(client, f"{other.url}/x")
    assert keyless(other)


async def test_a_download_sends_no_key_along_redirects(
    host: Host, other: Host, client: Client, tmp_path: Path
) -> None:
    host.answer_with(RedirectResponse(f"{other.url}/real.png", 302))
    other.answer_with(Response(b"picture"))
    await client.download(f"{host.url}/a.png", tmp_path / "a.part")
    assert (tmp_path / "a.part").read_bytes() == b"picture"
    assert host.paths + other.paths == ["/a.png", "/real.png"]
    assert keyless(host)
    assert keyless(other)


async def test_an_upload_host_gets_the_bytes_and_no_key(
    host: Host, other: Host, client: Client, tmp_path: Path
) -> None:
    file = tmp_path / "ünï code.png"
    place = {
        "signed_id": "s1",
        "upload_url": f"{other.url}/put?sig=1",
        "headers": {"Content-MD5": "abc", "X-Amz-N": 5},
    }
    host.answer_with(
        JSONResponse(place), JSONResponse({"url": "https://files.example/1.png"})
    )
    uploaded = await client.upload(file, b"bytes", "abc")
    assert uploaded == PublicFile("https://files.example/1.png")
    prepare, confirm = host.asked
    assert (prepare.path, confirm.path) == (
        "/api/v1/files/prepare",
        "/api/v1/files/confirm",
    )
    assert json.loads(prepare.body) == {
        "filename": "ünï code.png",
        "byte_size": 5,
        "checksum": "abc",
    }
    assert json.loads(confirm.body) == {"signed_id": "s1"}
    (put,) = other.asked
    assert (
        put.method,
        put.body,
        put.headers["content-md5"],
        put.headers["x-amz-n"],
    ) == (
        "PUT",
        b"bytes",
        "abc",
        "5",
    )
    assert keyless(other)
    assert (
        prepare.headers["authorization"]
        == confirm.headers["authorization"]
        == f"Bearer {KEY}"
    )


# ---- refusals


@pytest.mark.parametrize(
    ("code", "kind", "passing"),
    [
        (400, RefusedError, False),
        (401, AuthenticationError, False),
        (402, CreditsError, False),
        (403, AuthenticationError, False),
        (404, NotFoundError, False),
        (405, NotFoundError, False),
        (408, ServerError, True),
        (409, ConflictError, False),
        (410, NotFoundError, False),
        (413, RefusedError, False),
        (415, RefusedError, False),
        (418, RefusedError, False),
        (422, RefusedError, False),
        (429, RateLimitError, True),
        (455, ServerError, True),
        (500, ServerError, True),
        (501, NotFoundError, False),
        (502, ServerError, True),
        (503, ServerError, True),
        (504, ServerError, True),
        (599, ServerError, True),
    ],
)
async def test_every_status_has_its_error(
    host: Host, client: Client, code: int, kind: type[ServiceError], passing: bool
) -> None:
    host.answer_with(
        error(
            code,
            {"error": {"code": "c", "message": "In the server's words"}},
            {"X-Request-Id": "r1"},
        )
    )
    said = await failure(client)
    assert type(said) is kind
    assert (said.passing, said.status, said.request_id) == (passing, code, "r1")
    assert f"HTTP {code}" in str(said)
    assert str(said).endswith(": In the server's words")


async def test_what_400_and_410_mean_for_a_model(host: Host, client: Client) -> None:
    host.answer_with(error(410, {"error": "z-image ended"}))
    assert str(await failure(client)) == (
        "The service has retired this model or action (HTTP 410): z-image ended"
    )
    host.answer_with(error(400, {"errors": ["size is odd"]}))
    assert str(await failure(client)) == (
        "The service says that the parameters are invalid (HTTP 400): size is odd"
    )
    # A task of before is no model.
    host.answer_with(error(410, None))
    with pytest.raises(NotFoundError, match="no longer has this"):
        await status(client)


async def test_a_plain_text_is_shown_but_not_the_services_word(
    host: Host, client: Client
) -> None:
    host.answer_with(PlainTextResponse("upstream\x1b[31m is down\n", 400))
    said = await failure(client)
    assert str(said).endswith("(HTTP 400): upstream is down")
    assert not said.in_words
    page = "<html><head><title>Access &lt;denied&gt;</title></head>x</html>"
    host.answer_with(HTMLResponse(page, 403))
    said = await failure(client)
    assert str(said).endswith("(HTTP 403): Access <denied>")
    assert not said.in_words


async def test_a_picture_in_an_answer_may_be_larger_than_any_other(
    host: Host, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "MAX_ANSWER", 1000)
    file = io.BytesIO()
    Image.effect_noise((200, 200), 50).save(file, "PNG")
    text = base64.b64encode(file.getvalue()).decode()
    host.answer_with(
        JSONResponse({"id": "t1", "status": "completed", "data": [{"b64_json": text}]})
    )
    for answer in (await submit(client), await status(client)):
        assert list(answer.pictures.values()) == [file.getvalue()]
        assert answer.urls == tuple(answer.pictures)
        assert len(answer.raw) < 300


@pytest.mark.parametrize("code", [200, 401, 404, 500, 502])
async def test_a_page_is_never_shown_raw(host: Host, client: Client, code: int) -> None:
    host.answer_with(HTMLResponse(PAGE, code))
    said = await failure(client)
    assert "<" not in str(said)
    assert f"HTTP {code}" in str(said)
    assert said.raw == PAGE


async def test_hostile_words_are_harmless(host: Host, client: Client) -> None:
    host.answer_with(error(400, {"error": "\x1b]52;c;x\x07no\u202e\nway" + "!" * 9000}))
    told = str(await failure(client))
    assert ": no way!" in told
    assert len(told) < 700


async def test_errors_of_params_are_reported(host: Host, client: Client) -> None:
    host.answer_with(
        error(
            422,
            {
                "error": "Validation failed",
                "errors": {"prompt": ["is short"], "size": "is odd"},
            },
        )
    )
    said = await failure(client)
    assert said.fields == {"prompt": "is short", "size": "is odd"}
    assert str(said).endswith("Validation failed: prompt: is short; size: is odd")


async def test_however_many_params_the_sentence_stays_one(
    host: Host, client: Client
) -> None:
    host.answer_with(
        error(
            422,
            {
                "error": "No",
                "errors": {f"p{index}": "is odd" for index in range(20_000)},
            },
        )
    )
    assert len(str(await failure(client))) < 5_000


@pytest.mark.parametrize("code", [200, 401, 500])
async def test_an_answer_nested_without_end_is_an_ordinary_failure(
    host: Host, client: Client, code: int
) -> None:
    host.answer_with(Response(b"[" * 100_000, code, media_type="application/json"))
    assert isinstance(await failure(client), ServiceError)
    with pytest.raises(ServiceError):
        await client.me()


@pytest.mark.parametrize(
    "charset", ["hex", "zlib", "rot13", "idna", "undefined", "utf-16", "nonsense"]
)
async def test_json_is_utf_8_whatever_its_charset(
    host: Host, client: Client, charset: str
) -> None:
    headers = {"Content-Type": f"application/json; charset={charset}"}
    host.answer_with(Response(b'{"id": "t1"}', 200, headers))
    assert (await submit(client)).task_id == "t1"
    host.answer_with(Response('{"error": "Füchse"}'.encode(), 500, headers))
    assert str(await failure(client)).endswith(": Füchse")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("2", 2),
        ("0", 0),
        ("1.5", 1.5),
        ("999999", 3600),
        ("inf", 3600),
        ("nan", None),
        ("-3", None),
        ("soon", None),
        ("", None),
        ("Wed, 21 Oct 99999999999999999999 07:28:00 GMT", None),
        ("Wed, 99 Foo 2099 99:99:99 GMT", None),
    ],
)
async def test_how_long_to_wait(
    host: Host, client: Client, header: str, seconds: float | None
) -> None:
    host.answer_with(error(429, {"message": "slow down"}, {"Retry-After": header}))
    assert (await failure(client)).retry_after == seconds


async def test_a_date_until_which_to_wait(host: Host, client: Client) -> None:
    host.answer_with(
        error(503, None, {"Retry-After": formatdate(time.time() + 1000, usegmt=True)})
    )
    wait = (await failure(client)).retry_after
    assert wait is not None
    assert 800 < wait <= 1000


async def test_a_poll_has_the_time_to_wait(host: Host, client: Client) -> None:
    host.answer_with(
        JSONResponse({"id": "t1", "status": "running"}, headers={"Retry-After": "7"})
    )
    assert (await status(client)).retry_after == 7


# ---- a task that exists all the same


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(error(500, None, {"X-RunAPI-Task-Id": "tsk_9"}), id="500"),
        pytest.param(
            HTMLResponse(PAGE, 502, {"X-RunAPI-Task-Id": "tsk_9"}), id="502 page"
        ),
        pytest.param(
            HTMLResponse(PAGE, 200, {"X-RunAPI-Task-Id": "tsk_9"}), id="200 page"
        ),
        pytest.param(error(409, None, {"X-RunAPI-Task-Id": "tsk_9"}), id="409"),
    ],
)
async def test_an_error_keeps_the_id_of_its_task(
    host: Host, client: Client, response: Response
) -> None:
    host.answer_with(response)
    assert (await failure(client)).task_id == "tsk_9"


@pytest.mark.parametrize("said", [{}, {"status": "pending"}, {"message": "accepted"}])
async def test_an_accepted_task_may_be_named_by_the_header_alone(
    host: Host, client: Client, said: Any
) -> None:
    """It is made and will be billed: its id must not be lost."""
    host.answer_with(JSONResponse(said, headers={"X-RunAPI-Task-Id": "tsk_9"}))
    try:
        found = (await submit(client)).task_id
    except ServiceError as kept:
        found = kept.task_id
    assert found == "tsk_9"


async def test_an_accepted_task_survives_a_broken_location(
    host: Host, client: Client
) -> None:
    host.answer_with(JSONResponse({"id": "tsk_9"}, 202, {"Location": "https://["}))
    assert (await submit(client)).task_id == "tsk_9"


async def test_an_id_in_a_header_is_harmless(host: Host, client: Client) -> None:
    host.answer_with(
        error(500, None, {"X-RunAPI-Task-Id": "tsk\x9b31m_9", "X-Request-Id": "r\x9d1"})
    )
    said = await failure(client)
    assert "\x9b" not in said.task_id
    assert "\x9d" not in said.request_id


async def test_headers_may_hold_any_byte(host: Host, client: Client) -> None:
    host.answer_with(
        JSONResponse(
            {"id": "t1"}, headers={"X-Server": "Café \xff", "Retry-After": "3"}
        )
    )
    answer = await submit(client)
    assert (answer.task_id, answer.retry_after) == ("t1", 3)
    host.answer_with(error(401, None, {"X-Server": "Café \xff"}))
    assert isinstance(await failure(client), AuthenticationError)


async def test_an_accepted_request_without_any_id_is_unsure(
    host: Host, client: Client
) -> None:
    host.answer_with(JSONResponse({"status": "pending"}))
    said = await failure(client)
    assert isinstance(said, GarbledError)
    assert said.passing


# ---- bounds


async def test_an_endless_answer_is_cut_off(
    host: Host, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "MAX_ANSWER", 1000)
    host.answer_with(JSONResponse({"id": "t1", "x": "y" * 2000}))
    assert "too large" in str(await failure(client))
    host.answer_with(JSONResponse({"id": "t1", "x": "y" * 500}))
    assert (await submit(client)).task_id == "t1"


def bomb(layers: int, size: int) -> Response:
    content = bytes(size)
    for _ in range(layers):
        content = gzip.compress(content, 1 if len(content) > 1_000_000 else 9)
    return Response(content, headers={"Content-Encoding": ", ".join(["gzip"] * layers)})


@pytest.mark.parametrize("layers", [1, 2])
async def test_a_gzip_bomb_is_cut_off(
    host: Host,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    layers: int,
) -> None:
    monkeypatch.setattr(client_module, "MAX_ANSWER", 100_000)
    monkeypatch.setattr(file_hosts, "MAX_RESULT", 100_000)
    host.answer_with(bomb(layers, 1_000_000))
    assert isinstance(await failure(client), GarbledError)
    with pytest.raises(DownloadError):
        await client.download(f"{host.url}/a.png", tmp_path / "a.part")


async def test_what_is_kept_of_an_answer_is_bounded_and_says_so(
    host: Host, client: Client
) -> None:
    host.answer_with(JSONResponse({"id": "t1", "x": "y" * 200_000}))
    raw = (await submit(client)).raw
    assert raw.startswith('{"id":"t1"')
    assert raw.endswith("more characters were not kept.")
    assert len(raw) < 65_000
    host.answer_with(error(500, {"error": "no", "x": "y" * 200_000}))
    assert len((await failure(client)).raw) < 65_000
    host.answer_with(JSONResponse({"x": "y" * 200_000}))
    with pytest.raises(GarbledError) as caught:
        await client.upload(Path("a.png"), b"x", "abc")
    assert len(caught.value.raw) < 65_000


async def test_an_error_of_a_param_may_be_nested_without_end(
    host: Host, client: Client
) -> None:
    deep = "[" * 900 + "]" * 900
    said = f'{{"error": "No", "errors": {{"size": {deep}, "seed": {{"a": {deep}}}}}}}'
    host.answer_with(Response(said, 422))
    assert isinstance(await failure(client), RefusedError)


async def test_a_bomb_in_a_bomb_never_unfolds(host: Host, client: Client) -> None:
    """A few kilobytes that would be gigabytes: they must be refused before they are in
    memory.
    """
    host.answer_with(bomb(2, 40_000_000))
    tracemalloc.start()
    try:
        assert isinstance(await failure(client), GarbledError)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000


async def test_gzip_is_understood(host: Host, client: Client) -> None:
    content = gzip.compress(json.dumps({"id": "t1"}).encode())
    host.answer_with(
        Response(
            content,
            headers={"Content-Encoding": "gzip", "Content-Type": "application/json"},
        )
    )
    assert (await submit(client)).task_id == "t1"


async def test_broken_gzip_is_a_broken_connection(host: Host, client: Client) -> None:
    host.answer_with(Response(b"no gzip", headers={"Content-Encoding": "gzip"}))
    assert isinstance(await failure(client), NetworkError)


# ---- no connection


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


async def test_nobody_answers() -> None:
    async with speaking(f"http://127.0.0.1:{free_port()}") as client:
        said = await failure(client)
    assert isinstance(said, NetworkError)
    assert not said.sent
    assert str(said) == "127.0.0.1 can't be reached: nothing answers there."


async def test_no_such_host() -> None:
    async with speaking("https://nosuchhost.invalid") as client:
        said = await failure(client)
    assert isinstance(said, NetworkError)
    assert not said.sent
    assert str(said).startswith("nosuchhost.invalid was not found")


async def test_tls_to_a_port_that_speaks_none(host: Host) -> None:
    async with speaking(host.url.replace("http:", "https:")) as client:
        said = await failure(client)
    assert isinstance(said, NetworkError)
    assert not said.sent
    assert "TLS failed" in str(said)
    assert host.asked == []


async def test_a_certificate_that_nobody_vouches_for(
    self_signed: ssl.SSLContext,
) -> None:
    async with (
        raw_server(b"HTTP/1.1 200 OK\r\n\r\n", self_signed) as port,
        speaking(f"https://127.0.0.1:{port}") as client,
    ):
        said = await failure(client)
    assert isinstance(said, NetworkError)
    assert not said.sent
    assert "certificate" in str(said)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Len", id="half a header"),
        pytest.param(
            b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"id": "t1"}',
            id="half a body",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            id="half a chunk",
        ),
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", id="no HTTP at all"),
    ],
)
async def test_a_connection_that_breaks_off_leaves_the_outcome_open(
    reply: bytes,
) -> None:
    async with (
        raw_server(reply) as port,
        speaking(f"http://127.0.0.1:{port}") as client,
    ):
        said = await failure(client)
    assert isinstance(said, NetworkError)
    assert said.sent
    assert said.passing
    assert "127.0.0.1" in str(said)


# ---- status


PLACES = [
    "/v1/text_to_image/t1",
    "/v1/tasks/t1",
    "/api/v1/tasks/t1",
    "/api/v1/z_image/text_to_image/t1",
]


def only_at(path: str, code: int = 404) -> Any:
    def answer(asked: ReceivedRequest) -> Response:
        return (
            JSONResponse({"id": "t1", "status": "running"})
            if asked.path == path
            else error(code)
        )

    return answer


@pytest.mark.parametrize(
    ("index", "form"), enumerate(["action", "tasks", "api-tasks", "service"])
)
async def test_the_place_that_answers_is_found_and_remembered(
    host: Host, client: Client, index: int, form: str
) -> None:
    host.answer = only_at(PLACES[index])
    assert (await status(client)).state == "processing"
    assert host.paths == PLACES[: index + 1]
    assert client.status_form == form
    host.asked.clear()
    await status(client)
    assert host.paths == [PLACES[index]]


@pytest.mark.parametrize("code", [405, 501])
async def test_a_place_that_is_not_there_by_another_name(
    host: Host, client: Client, code: int
) -> None:
    host.answer = only_at(PLACES[1], code)
    await status(client)
    assert host.paths == PLACES[:2]


async def test_a_page_instead_of_a_task_is_not_the_place(
    host: Host, client: Client
) -> None:
    """A website answers every unknown path with its front page, and 200."""
    host.answer = lambda asked: (
        JSONResponse(DONE) if asked.path == PLACES[3] else HTMLResponse(PAGE)
    )
    assert (await status(client)).state == "completed"


async def test_a_status_path_must_answer_with_a_task(
    host: Host, client: Client
) -> None:
    host.answer = lambda asked: JSONResponse(
        DONE if asked.path == PLACES[3] else {"message": "Welcome"}
    )
    assert (await status(client)).state == "completed"


async def test_a_location_is_asked_first_and_not_remembered(
    host: Host, client: Client
) -> None:
    host.answer = only_at("/there/t1")
    await status(client, f"{host.url}/there/t1")
    assert host.paths == ["/there/t1"]
    assert client.status_form == ""


async def test_a_location_that_knows_nothing_is_not_the_end(
    host: Host, client: Client
) -> None:
    host.answer = only_at(PLACES[1])
    await status(client, f"{host.url}/there/t1")
    assert host.paths == ["/there/t1", *PLACES[:2]]


def trouble_at_a_location(host: Host, response: Response) -> None:
    """The location answers with this, and the usual place with a finished task."""
    host.answer = lambda asked: (
        response if asked.path == "/there/t1" else JSONResponse(DONE)
    )


@pytest.mark.parametrize(
    "response",
    [
        *(error(code) for code in (400, 401, 402, 403, 404, 409, 410, 418, 422)),
        *(error(code) for code in (500, 502, 503)),
        HTMLResponse(PAGE, 500),
        HTMLResponse(PAGE),
        RedirectResponse("/elsewhere"),
        JSONResponse({"message": "Welcome"}),
        Response(b"[" * 100_000),
        Response(b"\x1f\x8b", headers={"Content-Encoding": "gzip"}),
        Response(b"x", headers={"Content-Encoding": "br"}),
        Response(b" " * 5_000_000 + b"{}"),
    ],
)
async def test_trouble_at_a_location_hides_no_task(
    host: Host, client: Client, response: Response
) -> None:
    trouble_at_a_location(host, response)
    for _ in range(3):
        answer = await status(client, f"{host.url}/there/t1")
        assert answer.urls == ("https://x.example/a.png",)


async def test_a_location_in_trouble_is_asked_last_for_a_while(
    host: Host, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble_at_a_location(host, error(500))
    for _ in range(3):
        await status(client, f"{host.url}/there/t1")
    assert host.paths == ["/there/t1", *[PLACES[0]] * 3]
    host.answer = only_at("/there/t1")  # none of the others knows the task by now
    host.asked.clear()
    assert (await status(client, f"{host.url}/there/t1")).state == "processing"
    assert host.paths == [*PLACES, "/there/t1"]
    monkeypatch.setattr(client_module, "_AVOIDED_FOR", 0.0)
    async with speaking(host.url) as fresh:
        trouble_at_a_location(host, error(500))
        host.asked.clear()
        for _ in range(2):
            await status(fresh, f"{host.url}/there/t1")
    assert host.paths == ["/there/t1", PLACES[0]] * 2


async def test_trouble_at_a_location_is_told_where_no_other_place_answers(
    host: Host, client: Client
) -> None:
    host.answer = lambda asked: error(500 if asked.path == "/there/t1" else 404)
    for _ in range(2):
        with pytest.raises(ServerError):
            await status(client, f"{host.url}/there/t1")


async def test_a_location_that_wants_a_rest_is_heeded(
    host: Host, client: Client
) -> None:
    trouble_at_a_location(host, error(429))
    with pytest.raises(RateLimitError):
        await status(client, f"{host.url}/there/t1")
    assert host.paths == ["/there/t1"]


async def test_a_status_path_that_is_gone_is_replaced(
    host: Host, client: Client
) -> None:
    client.status_form = "service"
    host.answer = only_at(PLACES[0])
    await status(client)
    assert host.paths == [PLACES[3], PLACES[0]]
    assert client.status_form == "action"


async def test_no_place_knows_the_task(host: Host, client: Client) -> None:
    host.answer_with(error(404))
    with pytest.raises(NotFoundError):
        await status(client)
    assert host.paths == PLACES
    assert client.status_form == ""


@pytest.mark.parametrize("code", [401, 402, 429, 500])
async def test_any_other_answer_is_a_real_one(
    host: Host, client: Client, code: int
) -> None:
    host.answer_with(error(code))
    with pytest.raises(ServiceError):
        await status(client)
    assert host.paths == PLACES[:1]


async def test_a_service_task_teaches_nothing_of_unified_ones(
    host: Host, client: Client
) -> None:
    await client.status("service", "z_image", "text_to_image", "t1")
    assert client.status_form == ""


# ---- downloads


async def test_a_result_is_written_whole(
    host: Host, client: Client, tmp_path: Path
) -> None:
    content = os.urandom(300_000)
    host.answer_with(Response(content))
    await client.download(f"{host.url}/a.png?x=1", tmp_path / "a.part")
    assert (tmp_path / "a.part").read_bytes() == content


@pytest.mark.parametrize("code", [403, 404, 410])
async def test_a_result_that_has_gone(
    host: Host, client: Client, tmp_path: Path, code: int
) -> None:
    host.answer_with(error(code))
    with pytest.raises(GoneError) as caught:
        await client.download(f"{host.url}/a.png", tmp_path / "a.part")
    assert not caught.value.passing


@pytest.mark.parametrize("code", [401, 429, 500, 503])
async def test_a_file_host_in_trouble_may_be_asked_again(
    host: Host, client: Client, tmp_path: Path, code: int
) -> None:
    host.answer_with(error(code))
    with pytest.raises(DownloadError) as caught:
        await client.download(f"{host.url}/a.png", tmp_path / "a.part")
    assert type(caught.value) is DownloadError
    assert caught.value.passing


async def test_a_result_is_bounded(
    host: Host, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_hosts, "MAX_RESULT", 100_000)
    host.answer_with(Response(bytes(1_000_000)))
    with pytest.raises(GoneError, match="larger than"):
        await client.download(f"{host.url}/a.png", tmp_path / "a.part")
    assert (tmp_path / "a.part").stat().st_size <= 100_000


async def test_half_a_result_is_an_error(tmp_path: Path, client: Client) -> None:
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf"
    async with raw_server(reply) as port:
        with pytest.raises(DownloadError) as caught:
            await client.download(f"http://127.0.0.1:{port}/a.png", tmp_path / "a.part")
    assert caught.value.passing


async def test_a_redirect_in_circles(
    host: Host, client: Client, tmp_path: Path
) -> None:
    host.answer_with(RedirectResponse(f"{host.url}/a.png"))
    with pytest.raises(DownloadError):
        await client.download(f"{host.url}/a.png", tmp_path / "a.part")
    assert len(host.asked) < 10


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://x/a",
        "data:image/png;base64,xx",
        "/a.png",
        "",
        "http://",
        "https://[",
        "http://a b/",
    ],
)
async def test_only_web_urls_are_fetched(
    client: Client, tmp_path: Path, url: str
) -> None:
    with pytest.raises(DownloadError):
        await client.download(url, tmp_path / "a.part")


async def test_a_redirect_to_a_file_is_not_followed(
    host: Host, client: Client, tmp_path: Path
) -> None:
    host.answer_with(RedirectResponse("file:///etc/passwd"))
    with pytest.raises(DownloadError):
        await client.download(f"{host.url}/a.png", tmp_path / "a.part")
    assert not (tmp_path / "a.part").exists()


# ---- uploads


@pytest.mark.parametrize(
    "place",
    [
        {},
        {"signed_id": "s"},
        {"upload_url": "https://x", "signed_id": 5},
        {"upload_url": ["https://x"], "signed_id": "s"},
        {"upload_url": "https://x", "signed_id": "s", "headers": ["a"]},
    ],
)
async def test_no_place_to_upload_to(host: Host, client: Client, place: Any) -> None:
    host.answer_with(JSONResponse(place))
    with pytest.raises(GarbledError):
        await client.upload(Path("a.png"), b"x", "abc")


@pytest.mark.parametrize("url", ["", "ftp://x/a", "/a", "https://[", "http://a b/"])
async def test_an_invalid_upload_url(host: Host, client: Client, url: str) -> None:
    host.answer_with(
        JSONResponse({"signed_id": "s", "upload_url": url, "headers": {"X": "a\nb"}})
    )
    with pytest.raises(ServiceError):
        await client.upload(Path("a.png"), b"x", "abc")


async def test_an_upload_host_that_refuses(
    host: Host, other: Host, client: Client
) -> None:
    host.answer_with(JSONResponse({"signed_id": "s", "upload_url": f"{other.url}/put"}))
    other.answer_with(Response("no", 403))
    with pytest.raises(DownloadError, match=r"Uploading a\.png failed \(HTTP 403\)"):
        await client.upload(Path("a.png"), b"x", "abc")
    assert len(host.asked) == 1


@pytest.mark.parametrize(
    "url", [None, 5, "", "/a.png", "https://x/\x1b[31m", "https://x/" + "a" * 9000]
)
async def test_an_upload_without_an_address(
    host: Host, other: Host, client: Client, url: Any
) -> None:
    host.answer_with(
        JSONResponse({"signed_id": "s", "upload_url": f"{other.url}/put"}),
        JSONResponse({"url": url}),
    )
    with pytest.raises(GarbledError, match="no URL"):
        await client.upload(Path("a.png"), b"x", "abc")


@pytest.mark.parametrize("name", ["caf\udce9.png", "\x1b[31mred.png"])
async def test_an_odd_file_name_is_uploaded(
    host: Host, other: Host, client: Client, name: str
) -> None:
    host.answer_with(JSONResponse({"signed_id": "s", "upload_url": f"{other.url}/put"}))
    other.answer_with(Response("no", 403))
    with pytest.raises(ServiceError) as caught:
        await client.upload(Path(name), b"x", "abc")
    assert "\x1b" not in str(caught.value)


# ---- account


@pytest.mark.parametrize(
    ("said", "micro"),
    [
        ({"balance_cents": 5000, "paid_balance_cents": 4000}, 50_000_000),
        ({"balance_cents": 0}, 0),
        ({"balance_cents": -50}, -500_000),
        ({"balance_cents": None}, None),
        ({"balance_cents": "5000"}, None),
        ({"balance_cents": True}, None),
        ({}, None),
    ],
)
async def test_the_balance(
    host: Host, client: Client, said: Any, micro: int | None
) -> None:
    host.answer_with(JSONResponse(said))
    assert await client.balance_micro() == micro
    assert host.paths == ["/api/v1/me/balance"]


async def test_what_the_service_has_counted(host: Host, client: Client) -> None:
    host.answer_with(
        JSONResponse(
            {"balance_cents": 5000, "spent_cents_today": 100, "spent_cents_total": "x"}
        )
    )
    assert await client.account() == Account(50_000_000, 1_000_000, None)


@pytest.mark.parametrize(
    ("said", "micro"),
    [
        (
            {"price_quote": {"reservation_amount_cents": 5, "estimate_basis": "exact"}},
            50_000,
        ),
        ({"price_quote": {"reservation_amount_cents": 3.5}}, 35_000),
        ({"price_quote": {"reservation_amount_cents": 0}}, 0),
        ({"price_quote": {"reservation_amount_cents": None}}, None),
        ({"price_quote": {"reservation_amount_cents": -1}}, None),
        ({"price_quote": {"reservation_amount_cents": True}}, None),
        ({"price_quote": {"reservation_amount_cents": 1e300}}, None),
        ({"price_quote": [5]}, None),
        ({}, None),
    ],
)
async def test_a_quote(
    host: Host, client: Client, said: Any, micro: int | None
) -> None:
    host.answer_with(JSONResponse(said))
    assert (
        await client.quote("z_image", "text_to_image", "z-image", {"prompt": "a"})
        == micro
    )
    assert host.paths == ["/api/v1/price_quotes"]


async def test_whose_key_this_is(host: Host, client: Client) -> None:
    host.answer_with(
        JSONResponse({"id": 1, "email": "developer@runapi.ai", "tier": "x"})
    )
    assert (await client.me())["email"] == "developer@runapi.ai"
    assert host.paths == ["/api/v1/me"]


@pytest.mark.parametrize("said", [b"", b"[]", b"null", b'"x"', b"<html>"])
async def test_an_account_that_is_none(host: Host, client: Client, said: bytes) -> None:
    host.answer_with(Response(said, media_type="text/html"))
    with pytest.raises(GarbledError, match="text/html instead of JSON"):
        await client.me()


# ---- the library of prompts


async def test_prompts_are_asked_for_and_read(client: Client, host: Host) -> None:
    entry = {
        "title": "A\x1b[31m fox",
        "prompt": " a fox\x07 ",
        "action": "text-to-image",
        "runapi_model": "z-image",
        "category": None,
        "source_url": "https://x.example/1",
        "params": {"size": "1k", "seed": 7, "list": ["a"], "deep": [[1]], "none": None},
    }
    page = {"page": 2, "pages": 3, "total": 41}
    host.answer_with(
        JSONResponse(
            {"prompts": [entry, {"title": "no prompt"}, 7], "pagination": page}
        )
    )
    found = await client.prompts(
        "a fox & co", category="animal", model="z-image", page=2
    )
    assert host.paths == ["/api/v1/prompts"]
    (read,) = found.entries
    assert (read.title, read.prompt, read.action, read.model) == (
        "A fox",
        "a fox",
        "text_to_image",
        "z-image",
    )
    assert read.params == {"size": "1k", "seed": 7, "list": ["a"]}
    assert (found.total, found.more) == (41, True)


@pytest.mark.parametrize(
    "said", ['{"prompts": {}}', "[]", "<html>", '{"error": null}', "[" * 100_000]
)
async def test_an_unreadable_library_is_garbled(
    client: Client, host: Host, said: str
) -> None:
    host.answer_with(Response(said))
    with pytest.raises(GarbledError):
        await client.prompts()


async def test_a_page_of_the_library_is_bounded(client: Client, host: Host) -> None:
    params: dict[str, Any] = {f"p{number}": number for number in range(100)}
    entry = {
        "title": "t" * 500,
        "prompt": "p" * 21_000,
        "params": {
            "text": "\x1b]52;c;x\x07xxx",
            "long": [1] * 500,
            **params,
        },
    }
    counts = {"page": True, "pages": 10**40, "total": 10**40}
    host.answer_with(JSONResponse({"prompts": [entry] * 110, "pagination": counts}))
    found = await client.prompts()
    assert len(found.entries) == 100
    assert (found.total, found.more) == (1_000_000_000, True)
    (read, *_) = found.entries
    assert (len(read.title), len(read.prompt)) == (100, 20_000)
    assert len(read.params) < 64
    assert "long" not in read.params
    assert read.params["text"] == "xxx"


async def test_a_search_of_the_library_reaches_the_service() -> None:
    with serving(create_app(bundled(), delay=0)) as url:
        async with speaking(url) as client:
            found = await client.prompts(
                "FOX wall", category="animal", model="flux-2-flex-text-to-image"
            )
            assert [entry.title for entry in found.entries] == ["Fox on a wall"]
            assert (await client.prompts("fox&page=2")).total == 0
            assert (await client.prompts(modality="video")).total == 0
            assert not (await client.prompts(page=2)).more


async def test_a_bare_library_is_enough(client: Client, host: Host) -> None:
    host.answer_with(
        JSONResponse({"prompts": [{"prompt": "a fox"}], "pagination": "x"})
    )
    found = await client.prompts()
    assert (found.entries[0].title, found.total, found.more) == ("a fox", 1, False)


async def test_a_preview_is_fetched_without_the_key_encrypted_and_bounded(
    client: Client, host: Host, tmp_path: Path
) -> None:
    host.answer_with(Response(b"picture"))
    await client.preview(f"{host.url}/p.png", tmp_path / "p")
    assert (tmp_path / "p").read_bytes() == b"picture"
    assert "authorization" not in host.asked[0].headers
    for url in ("http://files.example.com/p.png", "file:///p.png", "https://x:y/p.png"):
        with pytest.raises(GoneError, match=r"^The preview's address is refused: not "):
            await client.preview(url, tmp_path / "q")
    host.answer_with(Response(b"x" * (client_module.MAX_PREVIEW + 1)))
    with pytest.raises(DownloadError, match="larger than 8 MB"):
        await client.preview(f"{host.url}/p.png", tmp_path / "q")


async def test_informational_responses_gain_no_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client_module, "_HEAD_TIME", 0.2)
    left = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            while True:
                writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
                await writer.drain()
                await asyncio.sleep(0.01)
        finally:
            left.set()

    async with listening(talk) as slow:
        client = Client(f"http://127.0.0.1:{slow.port}", KEY)
        with pytest.raises(NetworkError, match="did not answer in time"):
            await asyncio.wait_for(client.me(), 30)
        await client.aclose()
        await asyncio.wait_for(left.wait(), 10)


async def test_the_body_may_take_longer_than_the_head(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client_module, "_HEAD_TIME", 0.2)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{")
        await writer.drain()
        await asyncio.sleep(0.4)
        writer.write(b"}")
        await writer.drain()

    async with listening(talk) as slow:
        client = Client(f"http://127.0.0.1:{slow.port}", KEY)
        assert await client.me() == {}
        await client.aclose()


@pytest.mark.parametrize(
    "stranger",
    [
        {"id": "t2", "status": "failed", "error": {"message": "not yours"}},
        {"id": "t2", "status": "completed", "images": ["https://x.test/o.png"]},
        {"id": "app", "name": "gateway", "ok": True},
        {"data": {"task_id": "t2", "status": "failed"}},
    ],
)
async def test_an_answer_about_another_task_is_passed_over(
    host: Host, client: Client, stranger: dict[str, Any]
) -> None:
    """It would end a paid task, or hide where its picture is."""
    location = f"{host.url}/v1/tasks/t2"
    host.answer = lambda asked: JSONResponse(
        DONE | {"id": "t1"} if asked.path == "/v1/text_to_image/t1" else stranger
    )
    answer = await client.status("unified", "s", "text_to_image", "t1", location)
    assert (answer.task_id, answer.state) == ("t1", "completed")
    host.answer_with(JSONResponse(stranger))
    with pytest.raises(GarbledError):
        await client.status("unified", "s", "text_to_image", "t1")


async def test_the_task_may_be_named_beside_another_id(
    host: Host, client: Client
) -> None:
    host.answer_with(JSONResponse(DONE | {"id": "request-7", "task_id": "t1"}))
    answer = await client.status("unified", "s", "text_to_image", "t1")
    assert answer.state == "completed"


async def test_a_number_of_any_length_hides_nothing(host: Host, client: Client) -> None:
    content = json.dumps(DONE | {"id": "t1"})[:-1] + ', "seed": ' + "9" * 5000 + "}"
    host.answer_with(Response(content, media_type="application/json"))
    answer = await client.status("unified", "s", "text_to_image", "t1")
    assert answer.state == "completed"


@pytest.mark.parametrize("code", [421, 423, 425, 499])
async def test_a_word_that_says_later_is_no_refusal(
    host: Host, client: Client, code: int
) -> None:
    host.answer_with(error(code, {"error": "later"}))
    assert isinstance(await failure(client), ServerError)
