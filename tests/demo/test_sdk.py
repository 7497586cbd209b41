"""The vendor's own SDK against the real server in a child process: the stand-in tells
the truth.
"""

import io
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from runapi.core import (
    ConflictError,
    InsufficientCreditsError,
    PricingClient,
    RequestOptions,
)
from runapi.core.errors import (
    AuthenticationError,
    NotFoundError,
    TaskFailedError,
    ValidationError,
)
from runapi.flux_2 import Flux2Client
from runapi.flux_kontext import FluxKontextClient
from runapi.imagen_4 import Imagen4Client
from runapi.z_image import ZImageClient

from tui.demo.server import ServeError, serve

SERVER = """
from tui.catalog.load import bundled
from tui.demo import DEMO_KEY
from tui.demo.server import serve
from tui.demo.service import create_app
serve(create_app(bundled(), delay=0, balance_cents={cents}), api_key=DEMO_KEY)
"""
Options = dict[str, str]


@contextmanager
def running(cents: int = 1000) -> Iterator[tuple[subprocess.Popen[str], Options]]:
    """A server process, and what its first line of output says."""
    code = SERVER.format(cents=cents)
    server = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stdout
    try:
        yield server, json.loads(server.stdout.readline())
    finally:
        server.kill()
        server.communicate()


@pytest.fixture(scope="module")
def options() -> Iterator[Options]:
    """What an SDK client needs to know."""
    with running() as (_, announced):
        yield announced


def picture(result: Any) -> Image.Image:
    """The one picture of a completed task, downloaded without the key."""
    (image,) = result.images
    # It is painted now, and the machine may be busy
    file = httpx.get(image.url, timeout=60)
    assert file.status_code == 200
    return Image.open(io.BytesIO(file.content))


def source(options: Options, tmp_path: Path) -> str:
    """The URL of an uploaded picture, twice as wide as high."""
    path = tmp_path / "source.png"
    Image.new("RGB", (128, 64), "orange").save(path)
    uploaded = Flux2Client(**options).files.create(file=path)
    assert (uploaded.file_name, uploaded.mime_type) == ("source.png", "image/png")
    assert uploaded.size_bytes == path.stat().st_size
    assert httpx.get(uploaded.url).content == path.read_bytes()
    return str(uploaded.url)


def test_flux_2_paints_and_remixes(options: Options, tmp_path: Path) -> None:
    client = Flux2Client(**options)
    painted = client.text_to_image.run(
        model="flux-2-pro-text-to-image", prompt="a fox by the sea", aspect_ratio="16:9"
    )
    assert (painted.status, painted.usage.cost) == ("completed", 0.05)
    assert picture(painted).size == (1024, 576)
    remixed = client.remix_image.run(
        model="flux-2-flex-remix-image",
        prompt="at night",
        source_image_urls=[source(options, tmp_path)],
        aspect_ratio="auto",
    )
    assert remixed.usage.cost == 0.14
    assert picture(remixed).size == (1024, 512)


def test_imagen_4_paints_and_remixes(options: Options, tmp_path: Path) -> None:
    client = Imagen4Client(**options)
    painted = client.text_to_image.run(
        model="imagen-4-fast", prompt="a lighthouse", seed=7
    )
    assert painted.images[0].origin_url
    assert picture(painted).size == (1024, 1024)
    remixed = client.remix_image.run(
        model="imagen-4-pro-remix-image",
        prompt="in winter",
        source_image_urls=[painted.images[0].url, source(options, tmp_path)],
        output_format="jpg",
    )
    assert remixed.usage.cost == 0.18
    assert picture(remixed).format == "JPEG"


def test_flux_kontext_paints_and_edits(options: Options, tmp_path: Path) -> None:
    client = FluxKontextClient(**options)
    painted = client.text_to_image.run(
        model="flux-kontext-pro", prompt="a harbour", aspect_ratio="1:1"
    )
    assert picture(painted).size == (1024, 1024)
    edited = client.text_to_image.run(
        model="flux-kontext-max",
        prompt="add a balloon",
        source_image_url=source(options, tmp_path),
        output_format="png",
    )
    assert edited.images[0].origin_url
    assert picture(edited).format == "PNG"


def test_z_image_paints(options: Options) -> None:
    client = ZImageClient(**options)
    created = client.text_to_image.create(
        model="z-image", prompt="a city", aspect_ratio="9:16"
    )
    assert created.status == "pending"
    assert created.runapi_task_id == created.id
    done = client.text_to_image.get(created.id)
    assert (done.status, done.usage.cost) == ("completed", 0.01)
    assert picture(done).size == (576, 1024)


def test_the_account_and_its_balance(options: Options) -> None:
    account = ZImageClient(**options).account
    assert account.info().email.endswith(".invalid")
    before = account.balance()
    ZImageClient(**options).text_to_image.run(
        model="z-image", prompt="a city", aspect_ratio="1:1"
    )
    after = account.balance()
    assert after.balance_cents == before.balance_cents - 1
    assert after.spent_cents_total == before.spent_cents_total + 1


def test_prices_are_public(options: Options) -> None:
    pricing = PricingClient(base_url=options["base_url"])
    listed = pricing.list_schedules(service="flux_kontext")
    assert listed is not None
    assert {item.model: item.unit_price_cents for item in listed.price_schedules} == {
        "flux-kontext-pro": 5,
        "flux-kontext-max": 10,
    }
    tag = RequestOptions(
        headers={"If-None-Match": listed.response_header("ETag") or ""}
    )
    assert pricing.list_schedules(service="flux_kontext", options=tag) is None
    quote = pricing.create_quote(
        "imagen_4",
        "remix_image",
        "imagen-4-pro-remix-image",
        {"output_resolution": "4k"},
    ).price_quote
    assert (quote.reservation_amount_cents, quote.pricing_status) == (24, "available")


def test_the_sdk_knows_every_error_for_what_it_is(options: Options) -> None:
    images = ZImageClient(**options).text_to_image
    with pytest.raises(ValidationError) as refused:
        images.create(model="z-image", prompt="a city")
    assert refused.value.details["errors"].keys() == {"aspect_ratio"}
    assert refused.value.request_id
    with pytest.raises(NotFoundError):
        images.get("nothing")
    with pytest.raises(AuthenticationError):
        ZImageClient("wrong", base_url=options["base_url"]).account.info()
    with pytest.raises(TaskFailedError, match="demo:fail"):
        images.run(model="z-image", prompt="demo:fail", aspect_ratio="1:1")


def test_an_empty_account_buys_nothing() -> None:
    with running(cents=4) as (_, options):
        images = Flux2Client(**options).text_to_image
        with pytest.raises(InsufficientCreditsError):
            images.create(model="flux-2-pro-text-to-image", prompt="a fox")


def test_the_sdk_finds_a_task_again_by_its_key(options: Options) -> None:
    images = ZImageClient(**options, retry_base_delay=0).text_to_image
    with_key = RequestOptions(headers={"Idempotency-Key": "k1"})
    lost = images.create(
        options=with_key, model="z-image", prompt="demo:lost", aspect_ratio="1:1"
    )
    assert lost.task_replayed is True
    with pytest.raises(ConflictError) as conflict:
        images.create(
            options=with_key, model="z-image", prompt="a city", aspect_ratio="1:1"
        )
    assert conflict.value.code == "request_conflict"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_server_stops_cleanly_when_told_to(number: signal.Signals) -> None:
    with (
        running() as (server, options),
        httpx.Client(base_url=options["base_url"]) as kept_open,
    ):
        assert kept_open.get("/v1/models").status_code == 200
        server.send_signal(number)
        assert server.wait(timeout=10) == 0
        assert server.stdout
        assert server.stderr
        assert (server.stdout.read(), server.stderr.read()) == ("", "")


def test_a_port_that_cannot_be_had_is_told_in_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for port in (taken.getsockname()[1], 70_000):
            with pytest.raises(
                ServeError,
                match=rf"^Port {port} on 127\.0\.0\.1 can't be opened: .+\.$",
            ):
                serve(nobody, api_key="", port=port)


async def nobody(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("never served")
