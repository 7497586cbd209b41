"""The page of everything that is kept of a task: all facts are there, nothing is
obeyed, and it stays quick.
"""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.binding import Binding
from textual.pilot import Pilot

from tests.themed import ThemedApp
from tui.paths import styles_dir
from tui.screens.inspect import InspectScreen, Page, format_text, wrap_row
from tui.tasks.task import Problem, Result, Status, Task, new_id
from tui.text import plain

Event = tuple[float, str, str]
BEGIN = 1_772_000_000.0  # 06:13:20 UTC
BODY = b'{"model":"z-image","prompt":"a fox \xe5\xae\xb6","seed":1.50,"seed":2}'
HOSTILE = "[red]no[/red] [@click=app.quit]x[/] \x1b]52;c;aGk=\x07\x1b[2J\x9b31m \u202eevil\u2066 \r\ttab"


def task(**fields: Any) -> Task:
    made: dict[str, Any] = {
        "id": new_id(),
        "created_at": BEGIN,
        "values": {"prompt": "a fox"},
        "route": "unified",
    }
    made |= {
        "action": "text_to_image",
        "model": "z-image",
        "service": "z_image",
        "base_url": "https://runapi.ai",
    }
    return Task(
        **made | {"body": BODY, "key": "3f0c6a52-6f0e-4a38-9d7f-0b9a3f1c2d4e"} | fields
    )


class Host(ThemedApp):
    """An app with nothing but the page."""

    CSS_PATH = [styles_dir() / name for name in ("app.tcss", "inspect.tcss")]

    def __init__(self, shown: Task, events: list[Event]) -> None:
        super().__init__()
        self.page = InspectScreen(shown, events)

    def on_mount(self) -> None:
        self.push_screen(self.page)

    @property
    def sight(self) -> str:
        strips = self.screen._compositor.render_strips()
        return "\n".join(
            "".join(segment.text for segment in line).rstrip() for line in strips
        )

    @property
    def scrolled(self) -> float:
        return self.page.query_one(Page).scroll_y


@asynccontextmanager
async def opened(
    shown: Task, events: list[Event] | None = None, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[Host, Pilot[None]]]:
    host = Host(shown, events or [])
    async with host.run_test(size=size) as pilot:
        await pilot.pause()
        yield host, pilot


async def read(shown: Task, events: list[Event] | None = None, width: int = 110) -> str:
    """The whole page."""
    async with opened(shown, events, (width, 200)) as (host, _):
        return host.sight


# ---- what it tells


async def test_the_request_is_there_as_it_is_sent() -> None:
    page = await read(task())
    for fact in (
        "POST",
        "/v1/text_to_image",
        "https://runapi.ai",
        "3f0c6a52-6f0e-4a38-9d7f-0b9a3f1c2d4e",
    ):
        assert fact in page
    assert f"Body {len(BODY)} bytes" in page
    for token in (
        '"model": "z-image",',
        '"prompt": "a fox 家",',
        '"seed": 1.50,',
        '"seed": 2',
    ):
        assert token in page
    assert "/api/v1/z_image/text_to_image" in await read(task(route="service"))


async def test_while_files_wait_there_is_no_body_yet() -> None:
    shown = task(body=b"", key="", values={"image": "/home/me/a.png"})
    page = await read(shown)
    assert "none yet: the files in these values are uploaded first" in page
    assert '"image": "/home/me/a.png"' in page
    async with opened(shown) as (host, pilot):
        assert "Copy request" not in host.sight
        await pilot.press("y")
        assert host.clipboard == ""


async def test_what_was_made_elsewhere_has_no_request_to_show() -> None:
    page = await read(task(body=b"", key="", values={}, adopted=True))
    assert "not known: the request was made elsewhere" in page
    assert "none yet" not in page
    assert "Idempotency-Key" not in page


async def test_the_timeline_and_every_answer() -> None:
    events = [
        (BEGIN, "held", ""),
        (BEGIN + 1.25, "accepted", '{"id":"t1","cost":0.10}'),
        (BEGIN + 12.34, "rejected", "<h1>Bad\n  gateway</h1>"),
        (BEGIN - 2, "saved /images/a.png", ""),
    ]
    page = await read(task(polls=7), events)
    lines = [line.strip() for line in page.split("\n")]
    assert "Timeline 7 polls" in page
    assert "06:13:20     +0.0s  held" in lines
    assert "06:13:21     +1.2s  accepted" in lines
    assert "06:13:32    +12.3s  rejected" in lines
    assert "06:13:18     -2.0s  saved /images/a.png" in lines
    assert page.count("Response 06") == 2
    assert '"cost": 0.10' in lines
    assert "  <h1>Bad\n      gateway</h1>" in page


async def test_results_with_their_files_or_how_long_their_urls_last() -> None:
    saved = Result(
        url="https://x/1.png",
        path="/images/1.png",
        format="PNG",
        width=8,
        height=9,
        bytes=3_100_000,
    )
    waiting = task(
        results=(saved, Result(url="https://x/2.png")), made_at=time.time() - 86400 - 60
    )
    page = await read(waiting)
    for fact in (
        "Image 1",
        "https://x/1.png",
        "/images/1.png",
        "8×9, PNG, 3.1 MB",
        "Image 2",
        "https://x/2.png",
    ):
        assert fact in page
    assert page.count("not saved") == 1
    assert ", in 5d 23h" in page
    assert "the URL expired at 2026-03-04 06:13" in await read(
        msgspec.structs.replace(waiting, made_at=BEGIN)
    )
    assert "it is unknown when" in await read(
        msgspec.structs.replace(waiting, made_at=0)
    )


async def test_what_went_wrong_is_said() -> None:
    page = await read(
        task(
            status=Status.REJECTED,
            error=Problem("refused", "The service said no."),
            cost_micro=0,
        )
    )
    assert "✗ rejected" in page
    assert "The service said no." in page
    assert "$0.00" in page


# ---- hostile texts


async def test_nothing_is_obeyed() -> None:
    fields = dict.fromkeys(
        ("model", "remote_id", "note", "base_url", "action", "service", "key"), HOSTILE
    )
    results = (Result(url=HOSTILE, path=HOSTILE, format=HOSTILE),)
    body = json.dumps({HOSTILE: HOSTILE}, ensure_ascii=False).encode()
    events = [(BEGIN, HOSTILE, body.decode()), (BEGIN, HOSTILE, HOSTILE)]
    page = await read(task(results=results, body=body, **fields), events)
    assert page.count("[red]no[/red] [@click=app.quit]x[/]") > 12
    assert plain(page, 10**6) == page
    assert "\t" not in page
    escaped = r"\u001b]52;c;aGk=\u0007\u001b[2J\u009b31m\u202eevil\u2066\r\ttab"
    # Name and value, of the body and of the answer
    assert "".join(page.split()).count(escaped) == 4


async def test_any_bytes_are_a_body() -> None:
    page = await read(task(body=b"\xff\xfe\x00{not json"))
    assert "{not json" in page
    assert "\x00" not in page


@pytest.mark.parametrize(
    "raw",
    [
        "[" * 50_000,
        '[{"a":' * 200 + "1" + "}]" * 200,
        "\n" * 30_000,
        "家" * 30_000,
        "\u0301" * 30_000,
    ],
    ids=["open brackets", "insets", "empty lines", "wide", "nothing but accents"],
)
def test_an_answer_is_shown_within_bounds(raw: str) -> None:
    rows = [piece for row in format_text(raw) for piece in wrap_row(row, 80)]
    assert sum(len(text) for _, text in rows) <= 20_100
    assert rows[-1] == (f"  … cut here; {len(raw):,} characters in total", "")
    assert all(cell_len(name + text) <= 80 for name, text in rows)


@given(
    st.text() | st.text("a 家\u0301\u200d👩", min_size=50),
    st.text(" ab", max_size=90),
    st.integers(20, 90),
)
def test_wrapping_loses_nothing_and_fits(text: str, name: str, width: int) -> None:
    text = plain(text).replace("\n", "").replace("\t", "")
    rows = list(wrap_row((f"  {name}", text), width))
    assert all(cell_len(name) + cell_len(text) <= width for name, text in rows)
    whole = "".join((rows[0][0], *(text for _, text in rows))) if rows else ""
    assert whole.strip() == f"  {name}{text}".strip()


@given(
    st.recursive(
        st.integers() | st.text() | st.booleans(),
        lambda inner: st.dictionaries(st.text(), inner),
    )
)
def test_json_is_spread_out_without_loss(value: Any) -> None:
    shown = "".join(
        name[2:] + text
        for name, text in format_text(json.dumps(value, ensure_ascii=False))
    )
    assert json.loads(shown) == value
    assert plain(shown) == shown


async def test_the_last_200_events_are_shown() -> None:
    events = [(BEGIN + number, f"event {number}.", "") for number in range(250)]
    async with opened(task(), events, (80, 300)) as (host, _):
        assert "the last 200 of 250 events" in host.sight
        assert "event 49." not in host.sight
        assert "+50.0s  event 50." in host.sight
        assert "event 249." in host.sight


async def test_many_large_answers_are_there_at_once() -> None:
    raw = json.dumps(
        [
            {"url": "https://x/" + "y" * 100, "text": "some 家 words " * 8}
            for _ in range(90)
        ]
    )
    assert len(raw) > 20_000
    async with opened(task(), [(BEGIN, "the service says", raw)] * 50) as (host, pilot):
        await pilot.press("end")
        assert "cut here" in host.sight
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        assert "Response" not in host.sight  # within the last one


# ---- keys


async def test_keys_scroll() -> None:
    events = [(BEGIN + number, f"event {number}", "") for number in range(100)]
    async with opened(task(), events) as (host, pilot):
        for keys, expected in (
            (("down", "j"), 2),
            (("up",), 1),
            (("k", "k"), 0),
            (("pagedown",), 22),
            (("space", "pageup", "pageup"), 0),
            (("G",), 999),
            (("g",), 0),
            (("end",), 999),
            (("home",), 0),
        ):
            await pilot.press(*keys)
            assert host.scrolled == min(
                expected, host.page.query_one(Page).max_scroll_y
            ), keys
        await pilot.press("G")
        assert "event 99" in host.sight


@pytest.mark.parametrize("key", ["escape", "q"])
async def test_back(key: str) -> None:
    async with opened(task()) as (host, pilot):
        await pilot.press(key)
        await pilot.pause()
        assert host.screen is not host.page


async def test_y_copies_the_body_byte_for_byte() -> None:
    async with opened(task()) as (host, pilot):
        assert "Copy request" in host.sight
        await pilot.press("y")
        await pilot.pause()
        assert host.clipboard.encode() == BODY
        (message,) = (notice.message for notice in host._notifications)
        assert (
            message == f"Sent to the terminal's clipboard: the body, {len(BODY)} bytes."
        )


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
@pytest.mark.parametrize("size", [(80, 24), (200, 50), (20, 5)])
async def test_it_fits_every_screen(size: tuple[int, int], theme: str) -> None:
    async with opened(
        task(), [(BEGIN, "held", '{"a": "' + "x" * 500 + '"}')], size
    ) as (host, pilot):
        host.theme = theme
        await pilot.press("end")
        await pilot.pause()
        assert "}" in host.sight
        assert host.page.query_one(Page).max_scroll_x == 0


def test_every_key_has_an_id_of_its_own() -> None:
    bindings = [binding for kind in (InspectScreen, Page) for binding in kind.BINDINGS]
    ids = [binding.id for binding in bindings if isinstance(binding, Binding)]
    assert None not in ids
    assert len(set(ids)) == len(bindings)
