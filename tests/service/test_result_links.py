"""Pictures are found wherever they stand, and nothing that is none."""

import json
from typing import Any

import pytest

from tui.service.result_links import addresses_in
from tui.service.task_answer import MOST_RESULTS, Answer, read_answer

BASE = "https://runapi.ai"
A, B, C = (
    "https://file.runapi.ai/a.png",
    "https://file.runapi.ai/b",
    "https://cdn.example/c.png",
)
HERE = "inline:" + "0" * 64
CALLBACK = "https://hooks.example/done"


def read(said: Any, body: Any = None) -> Answer:
    """Reads a completed task's answer, after a request with this body."""
    sent = addresses_in(json.dumps(body).encode()) if body else frozenset()
    whole = json.dumps({"id": "t1", "status": "completed"} | said)
    return read_answer(whole, base_url=BASE, sent=sent, pictures={HERE: b"x"})


def urls(said: Any, body: Any = None) -> list[str]:
    """Returns what is taken for the results."""
    answer = read(said, body)
    return list(answer.urls or answer.elsewhere)


# ---- where they are


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"image_url": A}, [A]),
        ({"imageUrl": A}, [A]),
        ({"image_urls": [A, B]}, [A, B]),
        ({"output": {"image_url": A}}, [A]),
        ({"output": {"image": {"url": A}}}, [A]),
        ({"data": {"result": {"image_urls": [A, C]}}}, [A, C]),
        ({"images": [{"image_url": A}, {"imageUrl": B}]}, [A, B]),
        ({"images": [{"image_url": {"url": A}}]}, [A]),
        ({"images": [{"origin_url": A}]}, [A]),
        ({"images": [{"url": None, "origin_url": A}]}, [A]),
        ({"images": [{"url": A, "origin_url": C, "thumbnail_url": C}]}, [A]),
        (
            {"images": ["/files/a.png", "/files/b"]},
            [f"{BASE}/files/a.png", f"{BASE}/files/b"],
        ),
        ({"images": [{"url": "//cdn.example/c"}]}, ["https://cdn.example/c"]),
        ({"url": "/files/b"}, [f"{BASE}/files/b"]),
        ({"output": "/files/a.png"}, [f"{BASE}/files/a.png"]),
        ({"output": "files/a.png"}, [f"{BASE}/files/a.png"]),
        ({"output": "/imagine a fox"}, []),
        ({"result": "/ok"}, []),
        ({"made": {"path": "/files/a.png"}}, [f"{BASE}/files/a.png"]),
        ({"made": [{"src": A}]}, [A]),
        ({"choices": [{"message": {"content": f"![a fox]({A}) done."}}]}, [A]),
        ({"choices": [{"message": {"content": f"See {A}. Or {BASE}/docs"}}]}, [A]),
        ({"choices": [{"message": {"images": [{"image_url": {"url": A}}]}}]}, [A]),
    ],
)
def test_wherever_they_stand(said: Any, found: list[str]) -> None:
    assert urls(said) == found


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"b64_json": HERE}, [HERE]),
        ({"data": [{"b64_json": HERE}]}, [HERE]),
        ({"images": [{"url": HERE}]}, [HERE]),
        ({"images": [HERE, A]}, [HERE, A]),
        ({"output": HERE}, [HERE]),
        ({"made": {"x": HERE}}, [HERE]),
        ({"data": [{"url": A, "b64_json": HERE}]}, [A]),
        ({"images": None, "b64_json": HERE}, [HERE]),
        ({"data": [{"url": None, "b64_json": HERE}]}, [HERE]),
        ({"images": [{"url": "inline:" + "1" * 64}]}, []),
    ],
)
def test_pictures_that_came_with_the_answer(said: Any, found: list[str]) -> None:
    assert urls(said) == found


# ---- what is none


@pytest.mark.parametrize(
    "said",
    [
        {"image_url": C},
        {"url": C},
        {"output": {"image_url": C, "callback_url": CALLBACK}},
        {"made": [C, CALLBACK]},
        {"made": {"to": "https://CDN.example/c.png"}},
        {"made": {"to": "http://cdn.example/c%2Epng"}},
        {"request_echo": {"image_url": A}},
        {"params": {"image_url": A}, "input": [B]},
        {"webhook": {"url": A}},
        {"callback_url": "https://hooks.example/other"},
        {"choices": [{"message": {"content": f"You sent {C}"}}]},
    ],
)
def test_the_requests_own_addresses_are_no_results(said: Any) -> None:
    body = {"prompt": "a fox", "image_url": C, "callback_url": CALLBACK}
    assert urls(said, body) == []
    whole = urls(said | {"output": A}, body)
    assert whole == [A]


def test_a_source_in_a_prompt_or_in_base64_is_no_result() -> None:
    assert urls({"made": [C]}, {"prompt": f"{C}, but blue"}) == []
    assert urls({"made": [C]}, {"prompt": f"as in ({C})."}) == []
    png = (
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGA"
        "WjR9awAAAABJRU5ErkJggg=="
    )
    (address,) = addresses_in(json.dumps({"image": png}).encode())
    whole = json.dumps({"id": "t1", "status": "completed", "url": address})
    known = {address: b"x"}
    assert read_answer(whole, base_url=BASE, pictures=known).urls == (address,)
    sent = frozenset({address})
    assert not read_answer(whole, base_url=BASE, pictures=known, sent=sent).urls


def test_an_echo_alone_completes_nothing() -> None:
    """An answer without a status is completed by its pictures."""
    said = json.dumps({"id": "t1", "url": C})
    assert read_answer(said, base_url=BASE).state == "completed"
    answer = read_answer(said, base_url=BASE, sent=addresses_in(f'["{C}"]'.encode()))
    assert (answer.state, answer.urls) == ("pending", ())


@pytest.mark.parametrize(
    "beside",
    [
        {"url": f"{BASE}/tasks/t1"},
        {"url": "https://cdn.example/about.html"},
        {"image_url": C},
        {"preview": C, "thumbnail_url": C},
        {"user": {"avatar_url": C}, "docs_url": f"{BASE}/docs"},
        {"made": {"files": [C]}},
        {"b64_json": HERE},
    ],
)
def test_a_documented_place_is_enough(beside: Any) -> None:
    assert urls({"images": [{"url": A}]} | beside) == [A]


@pytest.mark.parametrize(
    ("said", "found", "doubtful"),
    [
        ({"made": {"file": A, "share": C}}, [A], (C,)),
        ({"made": {"file": A, "thumb": C}}, [A], (C,)),
        ({"made": {"x": A, "preview": {"image": C}}}, [A], (C,)),
        ({"made": {"picture": A, "x": C}}, [A], ()),
        ({"user": {"avatar": C, "image": C}, "made": A}, [A], (C,)),
        ({"author_image": C}, [], (C,)),
        ({"author_image": C, "images": []}, [], ()),
        ({"preview": C, "data": {"images": []}}, [], ()),
        ({"image_url": A, "images": []}, [], (A,)),
        ({"made": {"files": [A]}, "images": []}, [], (A,)),
        ({"author_image": C, "images": None}, [], (C,)),
        ({"help": C, "docs": C, "links": {"html": f"{BASE}/tasks/t1"}}, [], ()),
        ({"x": "https://cdn.example/index.html"}, [], ()),
        ({"x": f"{BASE}/tasks/t1"}, [], ()),
        ({"thumbnail_url": C}, [], (C,)),
    ],
)
def test_what_is_beside_them_is_taken_only_when_nothing_else_comes(
    said: Any, found: list[str], doubtful: tuple[str, ...]
) -> None:
    answer = read(said)
    assert list(answer.elsewhere) == found
    assert answer.doubtful == doubtful


# ---- any size


def test_ten_thousand_addresses_are_bounded_and_counted() -> None:
    many = [f"https://x.example/{number}" for number in range(10_000)]
    rows = [many[at : at + 1000] for at in range(0, 10_000, 1000)]
    answer = read({"images": [rows, rows]})
    assert (len(answer.results), answer.left_out) == (
        MOST_RESULTS,
        10_000 - MOST_RESULTS,
    )
    assert len(read({"made": rows}).elsewhere) == MOST_RESULTS
    assert urls({"images": [A] * 900}) == [A]


def test_sources_may_be_nested_without_end() -> None:
    body = "[" * 5_000 + "]" * 5_000
    assert addresses_in(body.encode()) == frozenset()
    assert addresses_in(b"\xff") == frozenset()
    assert addresses_in(b"") == frozenset()
