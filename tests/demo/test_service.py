"""The embedded service, endpoint by endpoint, spoken to over ASGI with a clock that the
test turns.
"""

import asyncio
import base64
import hashlib
import io
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from PIL import Image

from tui.catalog.load import bundled
from tui.catalog.request import check
from tui.catalog.spec import RouteName, Values
from tui.demo import DEMO_KEY, DEMO_URL, tasks
from tui.demo.library import PromptLibraryEntry, entries
from tui.demo.limited_cache import LimitedCache
from tui.demo.pictures import picture_size
from tui.demo.service import create_app
from tui.demo.tasks import TaskRegistry, fingerprint

UNIFIED = "/v1/text_to_image"
Z_IMAGE = "/api/v1/z_image/text_to_image"
FLUX = "/api/v1/flux_2/text_to_image"
REMIX = "/api/v1/flux_2/remix_image"
IMAGEN = "/api/v1/imagen_4/text_to_image"
KONTEXT = "/api/v1/flux_kontext/text_to_image"
LAYERS = "/api/v1/seedream/decompose_layers"
SEGMENTS = "/api/v1/grok_imagine/segment_map"
SMALL: Values = {"model": "z-image", "prompt": "a fox", "size": "64x64"}
SQUARE: Values = {"model": "z-image", "prompt": "a fox", "aspect_ratio": "1:1"}
Json = dict[str, Any]


class Clock:
    """Time as the test tells it."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Api:
    """A client of one demo service."""

    def __init__(self, client: httpx.AsyncClient, clock: Clock) -> None:
        self.client = client
        self.clock = clock

    async def post(
        self, path: str, body: object, key: str = "", **headers: str
    ) -> httpx.Response:
        if key:
            headers["Idempotency-Key"] = key
        return await self.client.post(path, json=body, headers=headers)

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers=headers)

    async def made(self, path: str, body: Values, key: str = "") -> str:
        """The path of a new task."""
        answer = await self.post(path, body, key)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        return f"{path}/{told.get('id') or told.get('task_id')}"

    async def images(self, path: str, body: Values) -> list[Json]:
        """The images of a new task that is over at once."""
        done = (await self.get(await self.made(path, body))).json()
        assert done["status"] == "completed"
        images: list[Json] = done["images"]
        return images

    async def download(self, url: str) -> httpx.Response:
        """As a client should: without the key."""
        return await self.client.get(url, auth=without_key)

    async def picture(self, path: str, body: Values) -> Image.Image:
        (image,) = await self.images(path, body)
        file = await self.download(image["url"])
        assert file.status_code == 200
        return Image.open(io.BytesIO(file.content))

    async def upload(self, data: bytes, name: str = "source.png") -> httpx.Response:
        """Prepare, PUT and confirm."""
        ticket = (
            await self.post("/api/v1/files/prepare", announcement(data, name))
        ).json()
        stored = await self.put(ticket, data)
        assert stored.is_success, stored.text
        return await self.post(
            "/api/v1/files/confirm", {"signed_id": ticket["signed_id"]}
        )

    async def put(self, ticket: Json, data: bytes) -> httpx.Response:
        return await self.client.put(
            ticket["upload_url"],
            content=data,
            headers=ticket["headers"],
            auth=without_key,
        )

    async def balance(self) -> tuple[int, int]:
        told = (await self.get("/api/v1/me/balance")).json()
        return told["balance_cents"], told["spent_cents_total"]


def without_key(request: httpx.Request) -> httpx.Request:
    del request.headers["Authorization"]
    return request


@asynccontextmanager
async def demo(**options: Any) -> AsyncIterator[Api]:
    """A service of its own with a client."""
    clock = options.setdefault("clock", Clock())
    transport = httpx.ASGITransport(create_app(bundled(), **{"delay": 0, **options}))
    headers = {"Authorization": f"Bearer {DEMO_KEY}"}
    async with httpx.AsyncClient(
        transport=transport, base_url=DEMO_URL, headers=headers
    ) as client:
        yield Api(client, clock)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with demo() as opened:
        yield opened


def png(size: tuple[int, int] = (90, 30), colour: str = "red") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


def announcement(data: bytes, name: str = "source.png") -> Json:
    checksum = base64.b64encode(hashlib.md5(data).digest()).decode()
    return {"filename": name, "byte_size": len(data), "checksum": checksum}


# Tasks


async def test_a_unified_task_goes_from_pending_to_a_picture() -> None:
    async with demo(delay=4) as api:
        created = await api.post(UNIFIED, SMALL)
        task_id = created.json()["task_id"]
        assert created.json() == {
            "task_id": task_id,
            "status": "pending",
            "model": "z-image",
        }
        assert task_id.startswith("tsk_")
        assert created.headers["X-RunAPI-Task-Id"] == task_id
        seen = []
        for _ in range(60):
            status = (await api.get(f"{UNIFIED}/{task_id}")).json()
            seen.append(status["status"])
            api.clock.now += 0.1
        assert list(dict.fromkeys(seen)) == ["pending", "processing", "completed"]
        assert 28 <= seen.index("completed") <= 52  # 4 s, give or take 30 %
        done = (await api.get(f"/v1/tasks/{task_id}")).json()
        (image,) = done.pop("images")
        assert done == {
            "task_id": task_id,
            "status": "completed",
            "model": "z-image",
            "usage": {"cost": 0.01},
        }
        file = await api.download(image["url"])
        assert file.headers["Content-Type"] == "image/png"
        assert Image.open(io.BytesIO(file.content)).size == (64, 64)


async def test_a_service_task_has_the_shape_that_the_sdks_read(api: Api) -> None:
    created = (
        await api.post(FLUX, {"model": "flux-2-pro-text-to-image", "prompt": "a fox"})
    ).json()
    assert created == {"id": created["id"], "status": "pending"}
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", created["id"])
    done = (await api.get(f"{FLUX}/{created['id']}")).json()
    assert done.keys() == {"id", "status", "images", "usage"}
    assert done["images"][0].keys() == {"url"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (IMAGEN, {"model": "imagen-4", "prompt": "x"}),
        (KONTEXT, {"model": "flux-kontext-pro", "prompt": "x"}),
    ],
)
async def test_imagen_and_kontext_offer_the_untouched_file_too(
    api: Api, painted: list[Json], path: str, body: Values
) -> None:
    (image,) = await api.images(path, body)
    assert image["origin_url"] != image["url"]
    files = [await api.download(url) for url in (image["url"], image["origin_url"])]
    assert files[0].content == files[1].content


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (UNIFIED, {**SMALL, "aspect_ratio": "1:1"}),
        (Z_IMAGE, {**SQUARE, "style": {"like": ["ink"]}}),
    ],
)
async def test_what_the_catalog_does_not_know_is_taken(
    api: Api, path: str, body: Values
) -> None:
    answer = await api.post(path, body)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (UNIFIED, {"prompt": "a fox"}, "model"),
        (UNIFIED, {"model": "nothing", "prompt": "a fox"}, "model"),
        (UNIFIED, {"model": ["z-image"], "prompt": "a fox"}, "model"),
        (UNIFIED, {"model": "flux-2-max-text-to-image", "prompt": "a fox"}, "model"),
        (UNIFIED, {"model": "z-image"}, "prompt"),
        (UNIFIED, {"model": "z-image", "prompt": None}, "prompt"),
        (UNIFIED, {"model": "z-image", "prompt": 7}, "prompt"),
        (UNIFIED, {**SMALL, "size": "big"}, "size"),
        (
            UNIFIED,
            {"model": "flux-kontext-pro", "prompt": "x", "image_url": "photo.png"},
            "image_url",
        ),
        (
            UNIFIED,
            {"model": "flux-kontext-pro", "prompt": "x", "image_url": "ftp://a/b.png"},
            "image_url",
        ),
        (
            UNIFIED,
            {
                "model": "flux-kontext-pro",
                "prompt": "x",
                "image_url": f"{DEMO_URL}/files/temp/no.png",
            },
            "image_url",
        ),
        (Z_IMAGE, {"model": "z-image", "prompt": "a fox"}, "aspect_ratio"),
        (Z_IMAGE, {**SQUARE, "aspect_ratio": "7:5"}, "aspect_ratio"),
        (Z_IMAGE, {**SQUARE, "prompt": "x" * 1001}, "prompt"),
        (Z_IMAGE, {**SQUARE, "enable_safety_checker": "yes"}, "enable_safety_checker"),
        (IMAGEN, {"model": "imagen-4", "prompt": "x", "seed": 1.5}, "seed"),
        (
            KONTEXT,
            {"model": "flux-kontext-pro", "prompt": "x", "safety_tolerance": 7},
            "safety_tolerance",
        ),
        (
            REMIX,
            {"model": "flux-2-pro-remix-image", "prompt": "abc"},
            "source_image_urls",
        ),
        (
            REMIX,
            {
                "model": "flux-2-pro-remix-image",
                "prompt": "abc",
                "source_image_urls": ["http://a/b", "c"],
            },
            "source_image_urls",
        ),
        (
            REMIX,
            {
                "model": "flux-2-pro-remix-image",
                "prompt": "abc",
                "source_image_urls": ["http://a/b"] * 9,
            },
            "source_image_urls",
        ),
    ],
)
async def test_what_the_catalog_forbids_is_refused_by_field(
    api: Api, path: str, body: Values, field: str
) -> None:
    answer = await api.post(path, body)
    assert answer.status_code == 422
    told = answer.json()
    assert told["error"] == "Validation failed"
    assert list(told["errors"]) == [field]
    assert all(isinstance(reason, str) and reason for reason in told["errors"][field])
    assert await api.balance() == (5000, 0)


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{not json", "application/json", 400),
        (b"[1, 2]", "application/json", 400),
        (b'{"model": NaN}', "application/json", 400),
        (b'{"prompt": "\\ud800"}', "application/json", 400),
        (b'{"a": ' + b"[" * 50_000, "application/json", 400),
        (b"", "application/json", 400),
        (b'{"model": "z-image"}', "text/plain", 415),
        (b'{"prompt": "' + b"x" * 200_000 + b'"}', "application/json", 413),
    ],
)
async def test_a_body_that_is_no_json_object_is_refused(
    api: Api, content: bytes, kind: str, status: int
) -> None:
    answer = await api.client.post(
        UNIFIED, content=content, headers={"Content-Type": kind}
    )
    assert answer.status_code == status
    assert isinstance(answer.json()["error"], str)


async def test_a_body_without_a_stated_length_is_bounded_too(api: Api) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 10_000

    answer = await api.client.post(
        UNIFIED, content=endless(), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer wrong", f"Basic {DEMO_KEY}", "Bearer \u00fc"]
)
async def test_the_key_is_needed_for_all_that_is_private(api: Api, header: str) -> None:
    for method, path in [
        ("POST", UNIFIED),
        ("GET", f"{UNIFIED}/x"),
        ("GET", "/v1/tasks/x"),
        ("POST", FLUX),
        ("GET", f"{FLUX}/x"),
        ("GET", "/api/v1/me"),
        ("GET", "/api/v1/me/balance"),
        ("POST", "/api/v1/files"),
        ("POST", "/api/v1/files/prepare"),
        ("POST", "/api/v1/files/confirm"),
    ]:
        answer = await api.client.request(
            method, path, headers=[(b"Authorization", header.encode())]
        )
        assert answer.status_code == 401, path
        assert isinstance(answer.json()["error"], str)


async def test_ids_are_known_only_where_they_were_made(api: Api) -> None:
    unified = (await api.made(UNIFIED, SMALL)).rpartition("/")[2]
    service = (await api.made(Z_IMAGE, SQUARE)).rpartition("/")[2]
    for path in [
        f"{Z_IMAGE}/{unified}",
        f"/v1/remix_image/{unified}",
        f"{UNIFIED}/{service}",
        f"/v1/tasks/{service}",
        f"{FLUX}/{service}",
        f"{UNIFIED}/nothing",
    ]:
        answer = await api.get(path)
        assert answer.status_code == 404, path
        assert answer.json() == {"error": "Not found", "code": "not_found"}


async def test_wrong_methods_and_unknown_paths_are_told_in_json(api: Api) -> None:
    wrong = await api.client.put(UNIFIED)
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "POST")
    assert "error" in wrong.json()
    for path in ["/v1/paint", "/api/v1/flux_2/upscale_image", f"{UNIFIED}/", "/"]:
        unknown = await api.post(path, SMALL)
        assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("routes", "there", "gone"),
    [
        ("unified", (UNIFIED, SMALL), (Z_IMAGE, SQUARE)),
        ("service", (Z_IMAGE, SQUARE), (UNIFIED, SMALL)),
    ],
)
async def test_one_route_family_can_be_left_out(
    routes: str, there: tuple[str, Values], gone: tuple[str, Values]
) -> None:
    async with demo(routes=routes) as api:
        assert (await api.get(await api.made(*there))).json()["status"] == "completed"
        assert (await api.post(*gone)).status_code == 404
        assert (await api.get(f"{gone[0]}/x")).status_code == 404
        assert await api.balance() == (4999, 1)


async def test_every_answer_has_a_request_id_and_gives_the_clients_own_back(
    api: Api,
) -> None:
    answers = [
        await api.post(UNIFIED, SMALL),
        await api.post(UNIFIED, {}),
        await api.post(UNIFIED, {**SMALL, "prompt": "demo:500"}),
        await api.get("/nowhere"),
        await api.get("/api/v1/me", Authorization="no"),
    ]
    assert [answer.status_code for answer in answers] == [200, 422, 500, 404, 401]
    assert len({answer.headers["X-Request-Id"] for answer in answers}) == 5
    echoed = await api.get("/api/v1/me", **{"X-Client-Request-Id": "mine"})
    assert echoed.headers["X-Client-Request-Id"] == "mine"


# Idempotency


async def test_the_same_key_and_body_are_the_same_task_paid_once(api: Api) -> None:
    first = await api.post(UNIFIED, SMALL, key="k1")
    again = await api.post(UNIFIED, dict(reversed(SMALL.items())), key="k1")
    assert "task_replayed" not in first.json()
    assert again.json()["task_replayed"] is True
    assert (
        again.json()["task_id"]
        == first.json()["task_id"]
        == again.headers["X-RunAPI-Task-Id"]
    )
    assert await api.balance() == (4999, 1)
    other = await api.post(UNIFIED, SMALL, key="k2")
    assert other.json()["task_id"] != first.json()["task_id"]


@pytest.mark.parametrize(
    ("path", "body"),
    [(UNIFIED, {**SMALL, "prompt": "two foxes"}), (KONTEXT, SMALL), (UNIFIED, {})],
)
async def test_the_same_key_with_other_input_is_a_conflict(
    api: Api, path: str, body: Values
) -> None:
    await api.made(UNIFIED, SMALL, "k1")
    answer = await api.post(path, body, key="k1")
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "request_conflict"
    assert await api.balance() == (4999, 1)


async def test_a_refused_create_leaves_its_key_free(api: Api) -> None:
    assert (await api.post(UNIFIED, {"model": "z-image"}, key="k1")).status_code == 422
    await api.made(UNIFIED, SMALL, "k1")
    assert (await api.post(UNIFIED, SMALL, key="k" * 513)).status_code == 400


# Trouble on demand


async def test_a_failure_is_told_and_not_charged() -> None:
    async with demo(delay=4) as api:
        path = await api.made(Z_IMAGE, {**SQUARE, "prompt": "demo:fail"})
        assert await api.balance() == (4999, 1)
        api.clock.now += 6
        failed = (await api.get(path)).json()
        assert failed.keys() == {"id", "status", "error"}
        assert failed["status"] == "failed"
        assert isinstance(failed["error"], str)
        assert await api.balance() == (5000, 0)


async def test_a_refused_prompt_makes_no_task(api: Api) -> None:
    answer = await api.post(UNIFIED, {**SMALL, "prompt": "demo:refused"})
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["prompt"])
    assert await api.balance() == (5000, 0)


@pytest.mark.parametrize("key", ["k1", ""])
async def test_some_trouble_passes_when_the_create_is_sent_again(
    api: Api, key: str
) -> None:
    limited = {**SMALL, "prompt": "demo:429"}
    first = await api.post(UNIFIED, limited, key)
    assert (first.status_code, first.headers["Retry-After"]) == (429, "1")
    assert first.json()["error"]["code"] == "rate_limit"
    await api.made(UNIFIED, limited, key)
    broken = {**SMALL, "prompt": "demo:500"}
    first = await api.post(UNIFIED, broken, key and "k2")
    assert (first.status_code, first.headers["Content-Type"]) == (
        500,
        "text/html; charset=utf-8",
    )
    await api.made(UNIFIED, broken, key and "k2")
    assert await api.balance() == (4998, 2)


async def test_a_lost_answer_is_found_by_its_key(api: Api) -> None:
    body = {**SMALL, "prompt": "demo:lost"}
    lost = await api.post(UNIFIED, body, "k1")
    assert lost.status_code == 504
    assert "X-RunAPI-Task-Id" not in lost.headers
    found = await api.post(UNIFIED, body, "k1")
    assert found.json()["task_replayed"] is True
    assert await api.balance() == (4999, 1)


async def test_an_error_can_carry_a_live_task(api: Api) -> None:
    answer = await api.post(UNIFIED, {**SMALL, "prompt": "demo:adopt"})
    assert answer.status_code == 500
    status = await api.get(f"{UNIFIED}/{answer.headers['X-RunAPI-Task-Id']}")
    assert status.json()["status"] == "completed"


async def test_a_poll_can_fail_once(api: Api) -> None:
    path = await api.made(UNIFIED, {**SMALL, "prompt": "demo:flaky"})
    assert [(await api.get(path)).status_code for _ in range(3)] == [503, 200, 200]


async def test_slow_is_ten_times_as_long() -> None:
    async with demo(delay=4) as api:
        path = await api.made(UNIFIED, {**SMALL, "prompt": "demo:slow"})
        api.clock.now += 27
        assert (await api.get(path)).json()["status"] == "processing"
        api.clock.now += 26
        assert (await api.get(path)).json()["status"] == "completed"


async def test_results_can_be_missing_broken_or_gone(
    api: Api, painted: list[Json]
) -> None:
    assert await api.images(UNIFIED, {**SMALL, "prompt": "demo:empty"}) == []
    (broken,) = await api.images(UNIFIED, {**SMALL, "prompt": "DEMO:BROKEN, please"})
    with pytest.raises(OSError, match=r"truncated|cannot identify"):
        Image.open(io.BytesIO((await api.download(broken["url"])).content)).load()
    (gone,) = await api.images(UNIFIED, {**SMALL, "prompt": "demo:gone"})
    assert (await api.download(gone["url"])).status_code == 404


async def test_pictures_can_be_told_a_moment_after_the_end(api: Api) -> None:
    path = await api.made(UNIFIED, {**SMALL, "prompt": "demo:late"})
    told = [(await api.get(path)).json() for _ in range(5)]
    assert {answer["status"] for answer in told} == {"completed"}
    assert [len(answer["images"]) for answer in told] == [0, 0, 0, 1, 1]


@pytest.mark.parametrize(("path", "body"), [(UNIFIED, SMALL), (Z_IMAGE, SQUARE)])
async def test_the_finished_answer_can_be_text_in_an_envelope(
    api: Api, path: str, body: Values
) -> None:
    done = (await api.get(await api.made(path, {**body, "prompt": "demo:json"}))).json()
    assert done["status"] == "completed"
    assert done["usage"] == {"cost": 0.01}
    assert "images" not in done
    inner = json.loads(done["response"]["body"])
    assert inner["status"] == "completed"
    assert (await api.download(inner["images"][0]["url"])).status_code == 200


@pytest.mark.parametrize(
    ("word", "status"), [("demo:word", "create_task_failed"), ("demo:nsfw", "nsfw")]
)
async def test_a_task_can_fail_with_words_of_the_sdks(word: str, status: str) -> None:
    async with demo(delay=4) as api:
        path = await api.made(UNIFIED, {**SMALL, "prompt": word})
        assert (await api.get(path)).json()["status"] == "pending"
        assert await api.balance() == (4999, 1)
        api.clock.now += 6
        failed = (await api.get(path)).json()
        assert (failed["status"], "images" in failed) == (status, False)
        assert word in failed["error"]
        assert await api.balance() == (5000, 0)


async def test_a_status_can_be_a_word_that_nobody_knows_for_ever() -> None:
    async with demo(delay=4) as api:
        path = await api.made(UNIFIED, {**SMALL, "prompt": "demo:odd"})
        for _ in range(3):
            assert (await api.get(path)).json()["status"] == "percolating"
            api.clock.now += 86400
        assert await api.balance() == (4999, 1)


async def test_a_task_can_be_unknown_at_first(api: Api) -> None:
    path = await api.made(UNIFIED, {**SMALL, "prompt": "demo:missing"})
    api.clock.now += 89
    for place in (path, path.replace("text_to_image", "tasks")):
        assert (await api.get(place)).status_code == 404
    api.clock.now += 1
    assert (await api.get(path)).json()["status"] == "completed"


@pytest.mark.parametrize(
    ("word", "status", "kind"),
    [
        ("demo:notyet", 404, "application/json"),
        ("demo:forbidden", 403, "text/html; charset=utf-8"),
        ("demo:html", 200, "text/html; charset=utf-8"),
    ],
)
async def test_the_file_host_can_be_late(
    word: str, status: int, kind: str, api: Api, painted: list[Json]
) -> None:
    body: Values = {"model": "wan-2.7-image", "prompt": word, "output_count": 2}
    first, second = await api.images("/api/v1/wan/text_to_image", body)
    for image in (first, second):
        early = [await api.download(image["url"]) for _ in range(3)]
        assert {
            (answer.status_code, answer.headers["Content-Type"]) for answer in early
        } == {(status, kind)}
        file = await api.download(image["url"])
        assert (file.status_code, file.headers["Content-Type"]) == (200, "image/png")


async def test_a_key_can_be_in_use_for_a_moment(api: Api) -> None:
    body = {**SMALL, "prompt": "demo:conflict"}
    answers = [await api.post(UNIFIED, body, "k1") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [504, 409, 200]
    message = "A request with this key is still being processed."
    assert answers[1].json() == {
        "error": {"code": "request_conflict", "message": message}
    }
    assert answers[2].json()["task_replayed"] is True
    assert await api.balance() == (4999, 1)


# Money


async def test_the_price_is_held_at_once_and_too_little_money_is_told() -> None:
    async with demo(delay=4, balance_cents=9) as api:
        body: Values = {
            "model": "flux-2-pro-text-to-image",
            "prompt": "a fox",
            "output_resolution": "2k",
        }
        await api.made(FLUX, body)
        assert await api.balance() == (2, 7)
        answer = await api.post(FLUX, body)
        assert (answer.status_code, answer.json()) == (
            402,
            {"error": "Insufficient credits"},
        )
        assert await api.balance() == (2, 7)


async def test_a_model_without_a_list_price_costs_something_too(api: Api) -> None:
    body: Values = {
        "model": "flux-2-max-text-to-image",
        "prompt": "a fox",
        "aspect_ratio": "1:1",
    }
    done = (await api.get(await api.made(FLUX, body))).json()
    assert done["usage"] == {"cost": 0.1}
    assert await api.balance() == (4990, 10)


async def test_the_account_has_all_its_fields(api: Api) -> None:
    assert (await api.get("/api/v1/me")).json().keys() == {
        "id",
        "name",
        "email",
        "account",
    }
    balance = (await api.get("/api/v1/me/balance")).json()
    assert {
        "balance_cents",
        "paid_balance_cents",
        "bonus_balance_cents",
    } < balance.keys()
    assert all(type(amount) is int for amount in balance.values())


async def test_price_schedules_filter_and_are_not_sent_twice(api: Api) -> None:
    everything = (
        await api.client.get("/api/v1/price_schedules", auth=without_key)
    ).json()
    assert everything["as_of"].startswith("2026-07-23T")
    assert len(everything["price_schedules"]) == len(bundled().models)
    some = await api.get("/api/v1/price_schedules?service=flux_2&action=remix_image")
    by_model = {item["model"]: item for item in some.json()["price_schedules"]}
    assert sorted(by_model) == [
        f"flux-2-{tier}-remix-image" for tier in ("flex", "max", "pro")
    ]
    flex = by_model["flux-2-flex-remix-image"]
    assert (flex["unit_price_cents"], flex["pricing_status"]) == (14, "available")
    assert flex["billing_config"] == {
        "key": "output_resolution",
        "overrides": {"1k": 14, "2k": 24},
    }
    assert by_model["flux-2-max-remix-image"]["unit_price_cents"] is None
    tag = some.headers["ETag"]
    same = await api.get(
        "/api/v1/price_schedules?service=flux_2&action=remix_image",
        **{"If-None-Match": tag},
    )
    assert (same.status_code, same.content) == (304, b"")
    other = await api.get("/api/v1/price_schedules", **{"If-None-Match": tag})
    assert other.status_code == 200


async def test_a_quote_is_the_price_that_is_taken(api: Api) -> None:
    asked = {
        "service": "flux_2",
        "action": "text_to_image",
        "model": "flux-2-pro-text-to-image",
    }
    for params, cents in [({}, 5), ({"output_resolution": "2k"}, 7)]:
        answer = await api.client.post(
            "/api/v1/price_quotes", json={**asked, "params": params}, auth=without_key
        )
        assert answer.json()["price_quote"]["reservation_amount_cents"] == cents
    wrongs: list[Json] = [{"service": "z_image"}, {"model": "nothing"}, {"params": [1]}]
    for wrong in wrongs:
        assert (
            await api.post("/api/v1/price_quotes", asked | wrong)
        ).status_code == 422


async def test_models_are_listed_as_openai_does(api: Api) -> None:
    told = (await api.get("/v1/models")).json()["data"]
    assert [item["id"] for item in told] == list(
        dict.fromkeys(model.slug for model in bundled().models)
    )


# Files


async def test_a_file_goes_up_and_can_be_read_for_an_hour(api: Api) -> None:
    data = png()
    answer = await api.upload(data, "ein Bild.png")
    told = answer.json()
    assert told.keys() == {
        "file_name",
        "url",
        "size_bytes",
        "mime_type",
        "created_at",
        "expires_at",
    }
    assert (told["file_name"], told["size_bytes"], told["mime_type"]) == (
        "ein Bild.png",
        len(data),
        "image/png",
    )
    file = await api.download(told["url"])
    assert (file.content, file.headers["Content-Type"]) == (data, "image/png")
    api.clock.now += 3599
    assert (await api.download(told["url"])).status_code == 200
    api.clock.now += 2
    assert (await api.download(told["url"])).status_code == 404


async def test_a_file_can_be_sent_inline(api: Api) -> None:
    text = base64.b64encode(png()).decode()
    for data in (text, f"data:image/png;base64,{text}"):
        body = {"source": {"type": "base64", "data": data}, "file_name": "a.png"}
        told = (await api.post("/api/v1/files", body)).json()
        assert (await api.download(told["url"])).content == png()
    for source in (
        {"type": "url", "url": "https://example.com/a.png"},
        {"type": "base64", "data": "%"},
        None,
    ):
        answer = await api.post("/api/v1/files", {"source": source})
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["source"])


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"filename": ""}, 422),
        ({"byte_size": 0}, 422),
        ({"byte_size": True}, 422),
        ({"checksum": "abc"}, 422),
        ({"checksum": None}, 422),
        ({"byte_size": 30_000_001}, 413),
    ],
)
async def test_an_upload_must_be_announced_truly(
    api: Api, change: Json, status: int
) -> None:
    answer = await api.post("/api/v1/files/prepare", announcement(png()) | change)
    assert answer.status_code == status


async def test_an_upload_url_takes_only_what_was_announced_and_once(api: Api) -> None:
    async def ticket() -> Json:
        told: Json = (
            await api.post("/api/v1/files/prepare", announcement(png()))
        ).json()
        return told

    one = await ticket()
    assert (await api.put({**one, "headers": {}}, png())).status_code == 400
    assert (await api.put(await ticket(), png() + b"x")).status_code == 400
    assert (
        await api.put(
            await ticket(), png(colour="blue")[: len(png())].ljust(len(png()))
        )
    ).status_code == 400
    assert (
        await api.post("/api/v1/files/confirm", {"signed_id": one["signed_id"]})
    ).status_code == 404
    longer = announcement(png()) | {"byte_size": len(png()) + 1}
    lie = (await api.post("/api/v1/files/prepare", longer)).json()
    assert (await api.put(lie, png())).status_code == 400
    good = await ticket()
    assert (await api.put(good, png())).is_success
    assert (await api.put(good, png())).status_code == 404
    assert (await api.post("/api/v1/files/confirm", {})).status_code == 422


async def test_the_file_host_refuses_the_key(api: Api) -> None:
    ticket = (await api.post("/api/v1/files/prepare", announcement(png()))).json()
    with_key = await api.client.put(
        ticket["upload_url"], content=png(), headers=ticket["headers"]
    )
    assert with_key.status_code == 400
    assert (await api.put(ticket, png())).is_success
    told = (
        await api.post("/api/v1/files/confirm", {"signed_id": ticket["signed_id"]})
    ).json()
    (image,) = await api.images(UNIFIED, SMALL)
    for url in (told["url"], image["url"]):
        assert (await api.get(url)).status_code == 400
        assert (await api.download(url)).status_code == 200


async def test_results_expire_and_cannot_be_guessed(
    api: Api, painted: list[Json]
) -> None:
    (image,) = await api.images(UNIFIED, SMALL)
    assert (
        await api.download(image["url"].replace("0.png", "1.png"))
    ).status_code == 404
    assert (await api.download("/files/results/tsk_x/0.png")).status_code == 404
    assert (await api.download("/files/temp/x.png")).status_code == 404
    api.clock.now += 7 * 86400 + 1
    assert (await api.download(image["url"])).status_code == 404


async def test_urls_begin_as_the_service_is_told() -> None:
    async with demo(public_url="https://files.example/") as api:
        (image,) = await api.images(UNIFIED, SMALL)
        assert image["url"].startswith("https://files.example/files/results/")
        assert (
            (await api.upload(png()))
            .json()["url"]
            .startswith("https://files.example/files/temp/")
        )


# Pictures


async def test_the_same_seed_gives_the_same_picture_from_any_service() -> None:
    body: Values = {"model": "imagen-4", "prompt": "a fox by the sea", "seed": 7}
    pictures = []
    for seed in (7, 7, 8):
        async with demo() as api:
            pictures.append(
                (await api.picture(IMAGEN, {**body, "seed": seed})).convert("RGB")
            )
    assert pictures[0].size == (1024, 1024)
    assert pictures[0].tobytes() == pictures[1].tobytes()
    assert pictures[0].tobytes() != pictures[2].tobytes()


async def test_without_a_seed_every_task_has_its_own(api: Api) -> None:
    one, other = [await api.picture(UNIFIED, SMALL) for _ in range(2)]
    assert one.tobytes() != other.tobytes()


async def test_file_types_are_those_asked_for(api: Api, painted: list[Json]) -> None:
    body: Values = {"model": "flux-kontext-pro", "prompt": "a fox"}
    assert (await api.picture(UNIFIED, body)).format == "JPEG"
    assert (await api.picture(KONTEXT, body)).format == "JPEG"
    assert (
        await api.picture(KONTEXT, {**body, "output_format": "png"})
    ).format == "PNG"
    assert (
        await api.picture(
            FLUX, {"model": "flux-2-pro-text-to-image", "prompt": "a fox"}
        )
    ).format == "PNG"


@pytest.mark.parametrize(
    ("slug", "route", "values", "source", "size"),
    [
        ("z-image", "unified", {}, None, (1024, 1024)),
        ("z-image", "unified", {"size": "1280x720"}, None, (1280, 720)),
        ("z-image", "unified", {"size": "1000x500"}, None, (992, 496)),
        ("z-image", "unified", {"size": "9999x10"}, None, (4096, 16)),
        ("z-image", "unified", {"size": "00x00"}, None, (16, 16)),
        ("z-image", "service", {"aspect_ratio": "9:16"}, None, (576, 1024)),
        ("flux-kontext-pro", "unified", {}, None, (1024, 576)),
        (
            "flux-2-pro-text-to-image",
            "service",
            {"aspect_ratio": "3:2"},
            None,
            (1024, 688),
        ),
        (
            "flux-2-pro-text-to-image",
            "unified",
            {"aspect_ratio": "16:9", "output_resolution": "2k"},
            None,
            (2048, 1152),
        ),
        (
            "flux-2-pro-remix-image",
            "unified",
            {"aspect_ratio": "auto"},
            (300, 600),
            (512, 1024),
        ),
        ("imagen-4-fast", "unified", {"aspect_ratio": "auto"}, None, (1024, 1024)),
        (
            "imagen-4-pro-remix-image",
            "service",
            {"output_resolution": "4k"},
            (400, 300),
            (4096, 3072),
        ),
    ],
)
def test_pictures_have_the_size_that_was_asked(
    slug: str,
    route: RouteName,
    values: Values,
    source: tuple[int, int] | None,
    size: tuple[int, int],
) -> None:
    book = TaskRegistry(delay=0, balance_cents=1000, clock=Clock())
    task = book.add(route, bundled().find(slug), values, fingerprint("", "", {}))
    assert picture_size(task, source) == size


async def test_a_remix_works_from_its_uploaded_source(
    api: Api, painted: list[Json]
) -> None:
    url = (await api.upload(png((90, 30), "red"))).json()["url"]
    await api.picture(
        REMIX,
        {
            "model": "flux-2-pro-remix-image",
            "prompt": "snow",
            "source_image_urls": [url],
        },
    )
    (wishes,) = painted
    assert wishes["source"].getpixel((1, 1)) == (255, 0, 0)
    assert wishes["size"] == (1024, 336)


async def test_a_remix_of_a_result_works_from_that_result(
    api: Api, painted: list[Json]
) -> None:
    (image,) = await api.images(UNIFIED, {**SMALL, "size": "64x32"})
    await api.picture(
        UNIFIED,
        {"model": "flux-kontext-pro", "prompt": "at night", "image_url": image["url"]},
    )
    assert [wishes["prompt"] for wishes in painted] == ["a fox", "at night"]
    assert painted[1]["source"].size == (64, 32)


async def test_a_source_that_is_elsewhere_or_no_picture_is_imagined(
    api: Api, painted: list[Json]
) -> None:
    text = (await api.upload(b"no picture", "notes.txt")).json()["url"]
    for url in ("https://example.com/photo.jpg", text):
        await api.picture(
            KONTEXT,
            {"model": "flux-kontext-pro", "prompt": "x", "source_image_url": url},
        )
    assert [wishes["prompt"] for wishes in painted if not wishes.get("source")] == [
        "https://example.com/photo.jpg",
        text,
    ]


async def test_a_prompt_may_be_left_out_where_the_source_is_enough(
    api: Api, painted: list[Json]
) -> None:
    body: Json = {
        "model": "grok-imagine-edit-image",
        "prompt": None,
        "source_image_url": "http://a/b",
    }
    await api.picture("/api/v1/grok_imagine/edit_image", body)
    assert painted[-1]["prompt"] == ""


async def test_a_picture_is_painted_once_however_many_ask(
    api: Api, painted: list[Json]
) -> None:
    (image,) = await api.images(UNIFIED, SMALL)
    files = await asyncio.gather(*(api.download(image["url"]) for _ in range(5)))
    assert len({file.content for file in files}) == 1
    assert len(painted) == 1


# Pictures in parts


def split(url: str, **values: Any) -> Json:
    return {"model": "seedream-5-pro-layer-decomposition", "image_url": url, **values}


async def test_layers_laid_over_each_other_are_the_picture_again(api: Api) -> None:
    source = Image.new("RGB", (512, 384), "navy")
    source.paste("khaki", (0, 200, 512, 384))
    file = io.BytesIO()
    source.save(file, "PNG")
    url = (await api.upload(file.getvalue())).json()["url"]
    done = (await api.get(await api.made(LAYERS, split(url)))).json()
    assert done.keys() == {"id", "status", "base_image", "layers", "usage"}
    assert done["base_image"].keys() == {"url"}
    base = Image.open(
        io.BytesIO((await api.download(done["base_image"]["url"])).content)
    )
    assert (base.format, base.size) == ("JPEG", (1024, 768))
    whole = base.convert("RGBA")
    assert [layer["z_index"] for layer in done["layers"]] == [1, 2, 3, 4]
    for layer in done["layers"]:
        assert layer.keys() == {"url", "z_index", "bounding_box", "name", "description"}
        image = Image.open(io.BytesIO((await api.download(layer["url"])).content))
        assert (image.format, image.mode) == ("PNG", "RGBA")
        assert image.getchannel("A").getextrema() == (0, 255)
        left, top, right, bottom = layer["bounding_box"]["absolute"]
        assert image.size == (right - left, bottom - top)
        assert layer["bounding_box"]["normalized"][2:] == [
            round(right / 1.024),
            round(bottom / 0.768),
        ]
        whole.alpha_composite(image, (left, top))
    for place, colour in (((500, 40), (0, 0, 128)), ((500, 700), (240, 230, 140))):
        assert whole.getpixel(place) == (*colour, 255)


async def test_layers_are_those_that_the_prompt_names(
    api: Api, painted: list[Json]
) -> None:
    wanted = split(
        "https://example.com/a.png",
        prompt="a fox, 雪;the sky\n",
        output_format="png",
        size="2K",
    )
    done = (await api.get(await api.made(LAYERS, wanted))).json()
    assert [layer["name"] for layer in done["layers"]] == ["a fox", "雪", "the sky"]
    base = Image.open(
        io.BytesIO((await api.download(done["base_image"]["url"])).content)
    )
    assert (base.format, base.size) == ("PNG", (2048, 2048))
    assert len(painted) == 1
    nothing = await api.get(
        await api.made(LAYERS, split("https://example.com/a.png", prompt="demo:empty"))
    )
    assert nothing.json()["layers"] == []


async def test_a_picture_is_taken_apart_and_edited_in_parts(
    api: Api, painted: list[Json]
) -> None:
    grok = {"model": "grok-imagine-image-2-0"}
    path = "/api/v1/grok_imagine/text_to_image"
    picture = await api.made(path, {**grok, "prompt": "a fox", "aspect_ratio": "16:9"})
    segments = await api.made(
        SEGMENTS, {**grok, "source_task_id": picture.rpartition("/")[2]}
    )
    done = (await api.get(segments)).json()
    assert done.keys() == {"id", "status", "segments", "usage"}
    assert [(part["index"], part["name"]) for part in done["segments"]] == [
        *((1, "sky"), (2, "distance"), (3, "land"), (4, "foreground")),
    ]
    images = [
        Image.open(io.BytesIO((await api.download(part["url"])).content)).convert("RGB")
        for part in done["segments"]
    ]
    assert {image.size for image in images} == {(1024, 576)}
    assert [image.getpixel((500, 20)) == (0, 128, 128) for image in images] == [
        True,
        False,
        False,
        False,
    ]
    sky = done["segments"][0]["url"]
    edit: Json = {**grok, "prompt": "at night", "aspect_ratio": "auto"}
    await api.picture(
        "/api/v1/grok_imagine/edit_image", {**edit, "source_image_urls": [sky]}
    )
    assert [wishes["prompt"] for wishes in painted] == ["a fox", "at night"]
    assert painted[1]["source"].size == (1024, 576)


async def test_a_picture_is_taken_apart_by_its_url_or_its_task_and_not_both(
    api: Api, painted: list[Json]
) -> None:
    grok: Json = {"model": "grok-imagine-image-2-0"}
    url = "https://example.com/a.png"
    done = (await api.get(await api.made(SEGMENTS, {**grok, "image_url": url}))).json()
    assert len(done["segments"]) == 4
    await api.download(done["segments"][0]["url"])
    assert [wishes["prompt"] for wishes in painted] == [url]
    for sources in ({}, {"image_url": url, "source_task_id": "tsk_1"}):
        refused = await api.post(SEGMENTS, grok | sources)
        assert refused.status_code == 422
        assert len(refused.json()["errors"]) == 1


async def test_a_task_works_from_another_one_only_once_that_is_over(
    painted: list[Json],
) -> None:
    async with demo(delay=4) as api:
        grok = {"model": "grok-imagine-image-2-0"}
        path = "/api/v1/grok_imagine/text_to_image"
        picture = await api.made(
            path, {**grok, "prompt": "a fox", "aspect_ratio": "1:1"}
        )
        early = await api.post(
            SEGMENTS, {**grok, "source_task_id": picture.rpartition("/")[2]}
        )
        assert (early.status_code, early.json()["error"]["code"]) == (
            409,
            "source_task_not_ready",
        )
        api.clock.now += 6
        await api.made(SEGMENTS, {**grok, "source_task_id": picture.rpartition("/")[2]})
        unknown = await api.made(SEGMENTS, {**grok, "source_task_id": "https://["})
        api.clock.now += 6
        assert len((await api.get(unknown)).json()["segments"]) == 4


# Bounds


async def test_the_oldest_finished_tasks_and_their_keys_are_forgotten(
    monkeypatch: pytest.MonkeyPatch, api: Api
) -> None:
    monkeypatch.setattr(tasks, "KEPT_TASKS", 3)
    paths = [await api.made(UNIFIED, SMALL, f"k{number}") for number in range(5)]
    assert [(await api.get(path)).status_code for path in paths] == [
        404,
        404,
        200,
        200,
        200,
    ]
    anew = await api.post(UNIFIED, {**SMALL, "prompt": "two foxes"}, "k0")
    assert anew.status_code == 200
    assert await api.balance() == (4994, 6)


async def test_live_tasks_are_never_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "KEPT_TASKS", 3)
    async with demo(delay=4) as api:
        paths = [await api.made(UNIFIED, SMALL) for _ in range(5)]
        assert {(await api.get(path)).status_code for path in paths} == {200}


def test_a_limited_cache_makes_room_for_what_is_used() -> None:
    cache: LimitedCache[str, bytes] = LimitedCache(10, len)
    cache.put("a", b"1234")
    cache.put("b", b"1234")
    cache.get("a")
    cache.put("c", b"1234")
    assert [cache.get(key) is not None for key in "abc"] == [True, False, True]
    cache.put("a", b"12345678901234567890")
    assert [cache.get(key) is not None for key in "abc"] == [True, False, False]
    assert cache.pop("a") == b"12345678901234567890"
    cache.put("d", b"1234567890")
    assert cache.get("d") == b"1234567890"


def test_importing_the_service_loads_no_heavy_library() -> None:
    code = (
        "import sys, tui.demo.service, tui.demo.server; print(*sys.modules, sep='\\n')"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert not {"PIL", "textual", "rich", "httpx"} & set(loaded.splitlines())


# ---- the library of prompts


async def test_the_library_is_searched_and_turned_page_by_page(api: Api) -> None:
    async def found(query: str) -> Json:
        answer = await api.client.get(f"/api/v1/prompts?{query}", auth=without_key)
        told: Json = answer.json()
        return told

    first, second = await found("per_page=20"), await found("per_page=20&page=2")
    assert first["pagination"] == {
        "page": 1,
        "per_page": 20,
        "total": len(entries()),
        "pages": 2,
    }
    titles = [entry["title"] for entry in first["prompts"] + second["prompts"]]
    assert titles == [entry.title for entry in entries()]
    assert [entry["title"] for entry in (await found("q=FOX+wall"))["prompts"]] == [
        "Fox on a wall"
    ]
    assert {
        entry["category"] for entry in (await found("category=food"))["prompts"]
    } == {"food"}
    assert len((await found("model=z-image&tags=rain,mountains"))["prompts"]) == 1
    for nothing in ("modality=video", "featured=true", "tags=rain,nothing", "page=9"):
        assert (await found(nothing))["prompts"] == []
    for bad in ("page=0", "page=x", "per_page=101", "page=" + "9" * 5000):
        assert "errors" in await found(bad)


async def test_an_entry_has_a_painted_preview(api: Api) -> None:
    (entry,) = (await api.get("/api/v1/prompts?q=lighthouse")).json()["prompts"]
    picture = Image.open(io.BytesIO((await api.download(entry["preview_url"])).content))
    assert picture.size == (384, 256)
    for name in ("0.png", "99.png", "x.png", "999999999999.png"):
        assert (await api.download(f"/files/prompts/{name}")).status_code == 404


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.title)
def test_every_entry_can_be_sent_as_it_is(entry: PromptLibraryEntry) -> None:
    model = bundled().find(entry.model, "text_to_image")
    assert (
        check(model, model.routes["service"], {"prompt": entry.prompt, **entry.params})
        == {}
    )
