"""History as JSON lines: a round trip, and harmless imports."""

import io
import json
import os
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from PIL import Image

from tests.loopback import serving
from tests.tasks.conftest import OpenEngine
from tui.catalog.load import bundled
from tui.demo import DEMO_KEY
from tui.demo.service import create_app
from tui.tasks import archive
from tui.tasks.archive import IMPORTED, MAX_LINE, dump, lines_of, load
from tui.tasks.store import Entry, Store
from tui.tasks.task import LIVE, Problem, Result, SetAside, Status, Task, new_id
from tui.text import plain

FLUX = bundled().find("flux-2-pro-text-to-image")
Opened = Callable[[str], Store]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Opens the queue file of that name."""
    stores: list[Store] = []

    def opened(name: str = "queue") -> Store:
        stores.append(Store(tmp_path / f"{name}.db"))
        return stores[-1]

    yield opened
    for store in stores:
        store.close()


@contextmanager
def two_stores() -> Iterator[tuple[Store, Store]]:
    """Empty ones, for a single example of many."""
    with TemporaryDirectory() as folder:
        one, two = (Store(Path(folder, name)) for name in "12")
        with closing(one), closing(two):
            yield one, two


@pytest.fixture
def store(opened: Opened) -> Store:
    return opened("queue")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    return folder


def task(**fields: Any) -> Task:
    made: dict[str, Any] = {
        "id": new_id(),
        "created_at": time.time(),
        "values": {"prompt": "a fox"},
    }
    made |= {
        "action": "text_to_image",
        "model": "z-image",
        "service": "z_image",
        "base_url": "https://runapi.ai",
    }
    return Task(**made | {"route": "unified"} | fields)


def line(**changes: Any) -> str:
    """Returns a line as a stranger may have written it; None removes a field."""
    whole = (
        json.loads(msgspec.json.encode(task()))
        | {"format": "runapi-tui 1", "events": []}
        | changes
    )
    return json.dumps(
        {name: value for name, value in whole.items() if value is not None}
    )


def import_lines(
    store: Store, lines: list[str], out_dir: Path = Path("/nowhere")
) -> tuple[int, list[str]]:
    """Returns how many tasks were new, and the sentences that were reported."""
    told: list[str] = []
    return load(store, lines, out_dir, told.append).new, told


# ---- export


def test_every_line_is_a_task_with_its_events_newest_first(store: Store) -> None:
    older, newer = (
        task(body=b"\xff\x00", key="k1"),
        task(results=(Result(url="https://x/a.png"),)),
    )
    store.save_all(
        [
            Entry(older, "held"),
            Entry(newer, "held"),
            Entry(newer, "accepted", '{"id": "t1"}'),
        ]
    )
    first, second = map(json.loads, dump(store))
    assert (first["format"], first["id"], second["id"]) == (
        "runapi-tui 1",
        newer.id,
        older.id,
    )
    assert [event[1:] for event in first["events"]] == [
        ["held", ""],
        ["accepted", '{"id": "t1"}'],
    ]
    assert msgspec.convert(second, Task) == older


def test_a_search_line_chooses(store: Store) -> None:
    kept = task(favourite=True)
    store.save_all(
        [Entry(kept), Entry(task()), Entry(task(favourite=True, deleted=True))]
    )
    assert [json.loads(line)["id"] for line in dump(store, "is:favourite")] == [kept.id]
    cheap, dear = task(cost_micro=1), task(cost_micro=2)
    store.save_all([Entry(dear), Entry(cheap)])
    newest_first = sorted((cheap.id, dear.id), reverse=True)
    lines = dump(store, "sort:cost cost>0")
    assert [json.loads(line)["id"] for line in lines] == newest_first


def test_more_than_a_page_goes_out_a_page_at_a_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_PAGE", 3)
    store.save_all([Entry(task()) for _ in range(8)])
    asked: list[Task | None] = []
    search = store.search

    def counted(query: str, limit: int, last: Task | None) -> list[Task]:
        asked.append(last)
        return search(query, limit, last)

    monkeypatch.setattr(store, "search", counted)
    lines = dump(store)
    assert next(lines)
    assert len(asked) == 1
    ids = [json.loads(line)["id"] for line in lines]
    assert ids == sorted(set(ids), reverse=True)
    assert len(ids) == 7


def test_what_cannot_be_read_ends_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_PAGE", 2)
    tasks = [task() for _ in range(5)]
    store.save_all(map(Entry, tasks))
    store._db.execute("update tasks set data = 'junk' where id = ?", (tasks[2].id,))
    assert len(list(dump(store))) == 4
    assert tasks[2].id in store.notices[0]


@given(st.text(st.characters(exclude_categories=["Cs"])))
@settings(max_examples=50, deadline=None)
def test_no_terminal_obeys_a_line_and_an_import_is_harmless(text: str) -> None:
    hostile = f"\x1b]52;c;aGk=\x07\x9b31m\u202e\u2028\r\n\t{text}"
    told = task(values={"prompt": hostile}, note=hostile)
    with two_stores() as (store, back):
        store.save(told, "event", hostile)
        (out,) = dump(store)
        assert plain(out, len(out)) == out
        assert len(out.splitlines()) == 1
        assert import_lines(back, [out]) == (1, [])
        found = back.get(told.id)
        assert found
        assert found.prompt == plain(hostile)
        assert back.events(told.id)[0][2] == plain(hostile)


async def test_the_key_is_not_in_it(
    open_engine: OpenEngine, store: Store, images: Path
) -> None:
    """After tasks that completed, failed, were refused, and were sent with another key."""
    with serving(create_app(bundled(), delay=0)) as url:
        async with open_engine(url) as watched:
            for prompt in ("a fox", "demo:fail", "demo:refused", "demo:adopt"):
                made = await watched.engine.submit(FLUX, {"prompt": prompt})
                await watched.engine.wait(made.id)
        async with open_engine(url, key="another-key-of-mine") as watched:
            made = await watched.engine.submit(FLUX, {"prompt": "an owl"})
            await watched.until_note(made.id, "refused the API key")
    out = "\n".join(dump(store))
    assert out.count("runapi-tui 1") == 5
    for secret in (DEMO_KEY, "another-key-of-mine", "Bearer", "Authorization"):
        assert secret not in out


# ---- import


def png(path: Path) -> Path:
    Image.new("RGB", (8, 9), "red").save(path)
    return path


def test_out_and_in_again_is_the_same_history(
    store: Store, opened: Opened, images: Path
) -> None:
    file = png(images / "a.png")
    made = Result(
        url="https://x/a.png",
        path=str(file),
        format="PNG",
        width=8,
        height=9,
        bytes=file.stat().st_size,
        sha256="a" * 64,
    )
    given = [
        task(
            status=status,
            out_dir=str(images),
            results=(made,),
            polls=3,
            remote_id="tsk_1",
            made_at=0.0 if status in LIVE else 5.0,
            values={"a": [1, {"b": 2.5}], "c": 2**60, "prompt": "a\nfox"},
            error=Problem("validation", "Choose."),
        )
        for status in Status
    ]
    store.save_all(Entry(task, "held", '{"a": 1}') for task in given)
    elsewhere = opened("elsewhere")
    assert import_lines(elsewhere, list(dump(store)), images) == (len(given), [])
    waiting = {"watched": False, "set_aside": SetAside.IMPORTED, "note": IMPORTED}
    changed: dict[Status, dict[str, Any]] = {
        **dict.fromkeys(LIVE, waiting),
        Status.SUBMITTING: {**waiting, "status": Status.HELD, "unsure": True},
        Status.FETCHING: {**waiting, "status": Status.PROCESSING},
    }
    for before in given:
        after = changed.get(before.status, {})
        assert elsewhere.get(before.id) == replace(before, imported=True, **after)
        assert elsewhere.events(before.id) == store.events(before.id)
    again = opened("again")
    assert import_lines(again, list(dump(elsewhere)), images) == (len(given), [])
    assert list(dump(again)) == list(dump(elsewhere))
    assert import_lines(again, list(dump(store)), images) == (0, [])


def test_nothing_that_acts_comes_in(store: Store) -> None:
    acting = line(
        status="submitting",
        body=b64encode(b'{"model": "forged"}').decode(),
        key="a-key",
        location="https://evil.example/status",
        remote_id="../../me/api_keys?x=1#y",
        rank=7.0,
        resend_at=5.0,
        uploads_until=time.time() + 3000,
        revision=2**62,
        watched=True,
        deleted=True,
        imported=False,
        retry_of="../x",
        retried_by=new_id(),
        job="x\x1b]0;hi\x07",
        base_url="https://user:secret@evil.example/",
    )
    assert import_lines(store, [acting]) == (1, [])
    (found,) = store.search()
    assert (found.body, found.key, found.location, found.remote_id) == (b"", "", "", "")
    assert (found.rank, found.resend_at, found.uploads_until) == (0, 0, 0)
    assert (found.revision, found.watched, found.deleted) == (0, False, False)
    assert (found.retry_of, found.retried_by, found.job) == ("", "", "")
    assert (found.base_url, found.imported, found.unsure) == ("", True, True)


HOSTILE_TEXT = "\x1b]52;c;aGk=\x07\x9b31m\u202e\u2028\r\n"


def test_every_text_is_harmless(store: Store) -> None:
    text = f"a{HOSTILE_TEXT}b"
    facts = {"label": text, "path": text, "format": text}
    urls = ("https://x/", f"https://x/{text}", "javascript:x", "https://x/ y")
    whole = line(
        model=text,
        note=text,
        word=text,
        progress=text,
        error={"kind": text, "message": text},
        values={text: [text, {text: text}]},
        results=[{"url": url, **facts} for url in urls],
        status="completed",
        events=[[1.0, text, text]],
    )
    assert import_lines(store, [whole]) == (1, [])
    (found,) = store.search()
    kept = json.dumps([msgspec.to_builtins(found), store.events(found.id)])
    texts = json.loads(kept)
    assert plain(repr(texts)) == repr(texts)
    assert "\\x" not in repr(texts)
    assert "\\u" not in repr(texts)
    assert [result.url for result in found.results] == ["https://x/"]


def test_one_line_takes_only_so_much_room(store: Store) -> None:
    results = [{"url": f"https://x/{number}"} for number in range(1000)]
    events = [[1.0, f"event {number}", "x" * 1000] for number in range(1000)]
    long = line(
        results=results,
        events=[*events, [2.0, "e" * 9000, "r" * 100_000]],
        values={"prompt": "p" * 1_000_000},
        note="n" * 9000,
    )
    assert import_lines(store, [long]) == (1, [])
    (found,) = store.search()
    kept = store.events(found.id)
    assert len(found.results) == 64
    assert [event for _, event, _ in kept[:2]] == ["event 801", "event 802"]
    assert len(kept) == 200
    assert max(len(event) + len(raw) for _, event, raw in kept) <= 9000
    assert len(found.prompt) == 100_000
    many = line(values={f"name{number}": 1 for number in range(201)})
    (new, (sentence,)) = import_lines(store, [many])
    assert (new, sentence) == (
        0,
        "Line 1 is skipped: its values are nested too deeply, or too large.",
    )


def test_what_an_earlier_version_imported_is_history_too(
    store: Store,
) -> None:
    acting = task(
        status=Status.SUBMITTING,
        body=b"{}",
        key="k",
        location="https://x/",
        watched=False,
        set_aside=SetAside.IMPORTED,
    )
    store.save(acting)
    found = store.get(acting.id)
    assert found
    assert (found.imported, found.status) == (True, Status.HELD)
    assert (found.body, found.key, found.location) == (b"", "", "")


def test_its_cost_is_told_and_counts_for_no_limit(store: Store) -> None:
    now = time.time()
    gold = line(
        status="completed", cost_micro=10**12, sent_at=now, base_url="https://runapi.ai"
    )
    paid = task(status=Status.COMPLETED, cost_micro=50_000, sent_at=now)
    store.save(paid)
    assert import_lines(store, [gold, line(estimate_micro=10**12)]) == (2, [])
    spent = store.spent("https://runapi.ai")
    assert (spent.today.micro, spent.month.micro, spent.live.micro) == (50_000,) * 2 + (
        0,
    )
    report = store.spending_report("https://runapi.ai")
    assert (report.total.micro, report.total.imported) == (10**12 + 50_000, 10**12)
    assert report.today.micro == 50_000
    _, today = report.days[-1]
    assert str(today) == "$1000000.05 ($1000000.00 imported)"


def test_known_ids_are_left_as_they_are(store: Store) -> None:
    known = task()
    store.save(known, "held")
    changed = line(id=known.id, values={"prompt": "not a fox"}, events=[[1.0, "x", ""]])
    assert import_lines(store, [changed, line(), "", "\n"]) == (1, [])
    assert store.get(known.id) == known
    assert len(store.events(known.id)) == 1


def test_of_one_id_twice_the_first_counts(store: Store) -> None:
    one = task()
    twice = [
        line(id=one.id, values={"prompt": prompt}) for prompt in ("a fox", "an owl")
    ]
    assert import_lines(store, twice) == (1, [])
    found = store.get(one.id)
    assert found
    assert found.prompt == "a fox"


@pytest.mark.parametrize("status", sorted(LIVE))
def test_nothing_goes_on_by_itself(store: Store, status: Status) -> None:
    assert import_lines(store, [line(status=status, watched=True)]) == (1, [])
    assert store.claim("me", "https://runapi.ai") == []
    (found,) = store.search()
    assert not found.live
    assert found.note == IMPORTED


def test_a_file_is_shown_only_where_it_is_an_image_in_our_folder(
    store: Store, images: Path, tmp_path: Path
) -> None:
    png(images / "ours.png")
    png(tmp_path / "other.png")
    (images / "folder.png").mkdir()
    (images / "link.png").symlink_to(tmp_path / "other.png")
    (images / "text.png").write_text("no image")
    (images / "thesis.odt").write_text("months of work")
    png(images / ".hidden.png")
    png(images / "my holiday (1).png")
    (images / "wrong.jpg").write_bytes((images / "ours.png").read_bytes())
    os.mkfifo(images / "pipe.png")
    shown = ["/far/away/ours.png", "ours.png"]
    others = [
        *("gone.png", "folder.png", "link.png", "text.png", "thesis.odt"),
        *(".hidden.png", "my holiday (1).png", "wrong.jpg", "pipe.png"),
        *(str(tmp_path / "other.png"), "../other.png", "..", "", "/", "a\0b"),
        "x" * 5000,
    ]
    results = [{"url": "https://x/", "path": path} for path in [*shown, *others]]
    assert import_lines(
        store, [line(results=results, out_dir="/etc", status="completed")], images
    ) == (1, [])
    (found,) = store.search()
    assert [result.path for result in found.results] == [
        *[str(images / "ours.png")] * len(shown),
        *[""] * len(others),
    ]
    assert found.out_dir == str(images)
    result = found.results[0]
    assert (result.format, result.width, result.height) == ("PNG", 8, 9)


def test_no_file_is_claimed_by_a_note_from_elsewhere(
    store: Store, images: Path
) -> None:
    size = png(images / "ours.png").stat().st_size
    known, odd = "a" * 64, "../x"
    results = [
        {"url": "https://x/", "reserved": "/etc/passwd", "sha256": known},
        {"url": "https://x/", "path": "ours.png", "sha256": known, "bytes": size},
        {"url": "https://x/", "path": "ours.png", "sha256": odd},
        {"url": "https://x/", "path": "ours.png", "sha256": known, "bytes": size + 1},
    ]
    assert import_lines(
        store, [line(results=results, status="fetching", uploads_until=5e9)], images
    ) == (1, [])
    (found,) = store.search()
    assert [(bool(result.path), result.sha256) for result in found.results] == [
        (False, ""),
        (True, known),
        (True, ""),
        (False, ""),
    ]
    assert not any(result.reserved for result in found.results)
    assert found.uploads_until == 0


DEEP: Any = ["fox"]
for _ in range(500):
    DEEP = [DEEP]

HOSTILE = {
    "no JSON": "{'id': 1}",
    "half a line": line()[:200],
    "no object": "[1, 2]",
    "another format": line(format="runapi-tui 2"),
    "no format": line(format=None),
    "no values": line(values=None),
    "unknown status": line(status="\x1b[31mnew\u202e"),
    "unknown route": line(route="free"),
    "a path as id": line(id="../../../etc/x"),
    "a short id": line(id="abc"),
    "an id of other letters": line(id="ilouilouilouil"),
    "an id and more": line(id=new_id() + "\n"),
    "a way out of the action": line(action="../../account"),
    "a way out of the service": line(service=".."),
    "no action": line(action=""),
    "NaN": line(created_at=float("nan")),
    "Infinity": line(updated_at=float("inf")),
    "NaN among the values": line(values={"seed": float("nan")}),
    "a number without end": line().replace('"polls": 0', '"polls": 1e999'),
    "before time began": line(created_at=-1),
    "in years": line(finished_at=time.time() + 1e8),
    "an absurd rank": line(rank=1e300),
    "an event in years": line(events=[[1e12, "x", ""]]),
    "an event without a time": line(events=[["x", ""]]),
    "gold": line(cost_micro=10**18),
    "a gift": line(cost_micro=-1),
    "an estimated gift": line(estimate_micro=-1),
    "a moment without a clock": line(resend_at=1e300),
    "a revision that no database holds": line(revision=2**63),
    "a dot in the service": line(service="a.b"),
    "a number that no database holds": line(polls=2**70),
    "a size below nothing": line(results=[{"url": "", "bytes": -1}]),
    "digits without end": line(values={"seed": int("9" * 4000)}),
    "nested deeply": line(values={"prompt": DEEP}),
    "nested without end": "[" * 200_000,
    "nested without end among the values": line(values={"a": 7}).replace(
        "7", "[" * 100_000 + "]" * 100_000
    ),
    "half a character": line(note="x").replace('"x"', '"\\ud800"'),
    "no UTF-8": line(note="\udcff")
    .encode(errors="surrogateescape")
    .decode(errors="surrogateescape")
    + "\udcff",
    "no base64": line(body="%%%"),
    "a null among the values": line(values={"prompt": None}),
    "too long": line(note="x" * MAX_LINE),
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=list(HOSTILE))
def test_lines_without_a_task_are_skipped_and_reported(
    store: Store, hostile: str
) -> None:
    new, told = import_lines(store, [line(), hostile, line()])
    assert new == 2
    (sentence,) = told
    assert sentence.startswith("Line 2 is skipped: ")
    assert sentence.endswith(".")
    assert plain(sentence) == sentence
    assert len(sentence) < 300


def test_unknown_fields_are_ignored(store: Store) -> None:
    assert import_lines(store, [line(of_a_later_version={"x": 1})]) == (1, [])


def test_a_flood_of_bad_lines_is_only_counted(store: Store) -> None:
    told: list[str] = []
    taken = load(store, ["junk"] * 1500 + ["", line()], Path("/nowhere"), told.append)
    assert taken == (1, 1500)
    assert len(told) == 21
    assert told[-1] == "1,480 more lines are skipped."


def test_it_is_written_in_batches(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    add = store.add_missing

    def counted(batch: list[Any]) -> int:
        sizes.append(len(batch))
        return add(batch)

    monkeypatch.setattr(store, "add_missing", counted)
    assert import_lines(store, [line() for _ in range(1100)]) == (1100, [])
    assert sizes == [500, 500, 100]
    sizes.clear()
    assert import_lines(store, [line(note="x" * 4_900_000) for _ in range(6)]) == (
        6,
        [],
    )
    assert sizes == [5, 1]


def test_a_line_without_end_is_not_read_whole(store: Store) -> None:
    file = io.StringIO("x" * (3 * MAX_LINE) + "\n" + line() + "\njunk\n" + line())
    lines = list(lines_of(file))
    assert max(map(len, lines)) <= MAX_LINE + 1
    new, told = import_lines(store, lines)
    assert new == 2
    assert told[0] == "Line 1 is skipped: it is longer than 5 MB."
    assert told[1].startswith("Line 3 ")


FIELDS = [*Task.__struct_fields__, "events", "format"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
ALMOST = st.dictionaries(st.sampled_from(FIELDS), JSON, min_size=1, max_size=3).map(
    lambda changes: line(**changes)
)


@given(
    st.lists(
        st.text() | st.text(st.characters()) | JSON.map(json.dumps) | ALMOST, max_size=5
    )
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_odd_lines_are_skipped_or_survive_a_round_trip(
    lines: list[str],
) -> None:
    with two_stores() as (store, again):
        new, told = import_lines(store, lines)
        assert new + len(told) == len([line for line in lines if line.strip()])
        out = list(dump(store))
        assert len(out) <= new
        assert import_lines(again, out) == (len(out), [])
        assert list(dump(again)) == out
