"""Answers for a task are read in every shape, and hostile ones do no harm."""

import contextlib
import gc
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tui.service.base_url import same_origin
from tui.service.error_body import error_fields, error_message
from tui.service.task_answer import (
    MOST_RESULTS,
    MOST_URL,
    Answer,
    ServerState,
    read_answer,
)

BASE = "https://runapi.ai"
A, B, C = (
    "https://file.runapi.ai/a.png",
    "https://file.runapi.ai/b.png",
    "https://cdn.example/c.png",
)


def read(said: object, location: str = "") -> Answer:
    return read_answer(json.dumps(said), base_url=BASE, location=location)


# ---- ids and status


@pytest.mark.parametrize(
    ("said", "task_id", "state"),
    [
        (
            {"task_id": "tsk_abc123", "status": "pending", "model": "imagen-4"},
            "tsk_abc123",
            "pending",
        ),
        ({"id": "281e5b0f-0001"}, "281e5b0f-0001", "pending"),
        ({"id": "task_123", "status": "processing"}, "task_123", "processing"),
        ({"id": "t1", "status": "pending", "task_replayed": True}, "t1", "pending"),
        ({"data": {"id": "t1", "status": "queued"}}, "t1", "pending"),
        ({"data": {"task_id": "t1", "status": "running"}}, "t1", "processing"),
        ({"id": 17, "status": "completed"}, "17", "completed"),
        ({"id": "", "task_id": "t1"}, "t1", "pending"),
        ({"id": None, "data": {"id": "t1"}}, "t1", "pending"),
        ({"id": True, "task_id": "t1"}, "t1", "pending"),
        ({"id": "t1", "images": [{"url": A}]}, "t1", "completed"),
        ({"id": "t1", "status": "completed", "images": []}, "t1", "completed"),
        ({"status": "failed", "error": "x"}, "", "failed"),
        ({}, "", "pending"),
    ],
)
def test_ids_and_states(said: Any, task_id: str, state: ServerState) -> None:
    answer = read(said)
    assert (answer.task_id, answer.state) == (task_id, state)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("pending", "pending queued PENDING Queued submitted"),
        ("processing", "processing running in_progress Running"),
        ("completed", "completed complete succeeded success finished COMPLETED"),
        ("failed", "failed error canceled cancelled timeout Failed"),
        ("unknown", "paused 7 moderating"),
    ],
)
def test_status_words(state: ServerState, words: str) -> None:
    for word in words.split():
        answer = read({"id": "t1", "status": word})
        assert (answer.state, answer.word) == (state, word)
    assert read({"id": "t1", "status": f" {words.split()[0]} "}).state == state


def test_the_raw_answer_stays_complete() -> None:
    raw = ' {"id" : "t1", "unheard-of": [1, 2]} '
    assert read_answer(raw, base_url=BASE).raw == raw


# ---- results


@pytest.mark.parametrize(
    ("said", "urls"),
    [
        ({"images": [{"url": A}, {"url": B}]}, [A, B]),
        ({"images": [{"url": A, "origin_url": B}]}, [A]),
        ({"images": [A, B]}, [A, B]),
        ({"images": [{"url": A}, {"url": B}, {"url": A}]}, [A, B]),
        (
            {
                "segments": [
                    {"url": B, "name": "sky", "index": 0},
                    {"url": A, "name": "sea", "index": 1},
                ]
            },
            [B, A],
        ),
        ({"layers": [{"url": B, "z_index": 1}], "base_image": {"url": A}}, [A, B]),
        ({"masks": [{"url": A}]}, [A]),
        ({"covers": [{"url": A}]}, [A]),
        ({"videos": [{"url": A}]}, [A]),
        ({"result_urls": [B, A]}, [B, A]),
        ({"urls": [A, B]}, [A, B]),
        ({"url": A}, [A]),
        ({"output_url": A}, [A]),
        ({"output": A}, [A]),
        ({"output": {"images": [{"url": A}]}}, [A]),
        ({"output": [A, {"url": B}]}, [A, B]),
        ({"outputs": [{"url": A}]}, [A]),
        ({"result": {"images": [{"url": A}]}}, [A]),
        ({"result": A}, [A]),
        ({"data": {"images": [{"url": A}]}}, [A]),
        ({"data": [{"url": A}, {"url": B}]}, [A, B]),
        ({"response": {"status": 200, "body": {"images": [{"url": A}]}}}, [A]),
        ({"images": [{"url": A}], "result_urls": [A, B], "url": C}, [A, B, C]),
        (
            {
                "images": [
                    {"url": "ftp://x/a"},
                    {"url": "javascript:x"},
                    {"url": ""},
                ]
            },
            [],
        ),
        ({"images": [{"url": None}, {"url": 5}, None, 7, True, {"src": A}]}, []),
        ({"images": {"url": A}}, [A]),
        ({"images": "none"}, []),
        ({"thumbnail_url": A, "callback_url": B, "preview": {"url": C}}, []),
        ({"images": []}, []),
    ],
)
def test_results_from_every_place_in_order_without_duplicates(
    said: Any, urls: list[str]
) -> None:
    assert list(read({"id": "t1", "status": "completed"} | said).urls) == urls


@pytest.mark.parametrize(
    ("said", "labels"),
    [
        ({"images": [{"url": A}, B]}, ["", ""]),
        (
            {"base_image": {"url": A}, "layers": [{"url": B, "z_index": 2}]},
            ["base", "layer 2"],
        ),
        ({"base_image": A, "layers": [B, {"url": C}]}, ["base", "layer 1", "layer 2"]),
        (
            {"layers": [{"url": A, "z_index": 0, "name": "the sea"}]},
            ["layer 0: the sea"],
        ),
        (
            {"layers": [{"url": A, "name": "sky"}, {"url": B, "z_index": "7"}]},
            ["layer: sky", "layer 2"],
        ),
        (
            {"layers": [{"url": A, "z_index": True}, {"url": B, "z_index": -1}]},
            ["layer 1", "layer 2"],
        ),
        ({"layers": [{"url": A, "z_index": 10**9, "name": ["x"]}]}, ["layer 1"]),
        ({"layers": {"url": A}}, ["layer"]),
        (
            {
                "segments": [
                    {"url": B, "name": "sky", "index": 3},
                    {"url": A, "name": "空", "index": 1},
                ]
            },
            ["segment 3: sky", "segment 1: 空"],
        ),
        (
            {"segments": [{"url": A, "index": 4}, {"url": B}]},
            ["segment 4", "segment 2"],
        ),
        ({"data": {"layers": [{"images": [{"url": A}], "z_index": 5}]}}, ["layer 5"]),
        (
            {
                "response": {
                    "body": {"output": {"segments": [{"url": A, "name": "sky"}]}}
                }
            },
            ["segment: sky"],
        ),
        ({"images": [A, B], "base_image": {"url": B}}, ["", "base"]),
        ({"layers": [{"url": A, "z_index": 1}], "urls": [A, C]}, ["layer 1", ""]),
        ({"images": [{"url": A, "name": "sky", "index": 2}]}, [""]),
    ],
)
def test_layers_are_labelled(said: Any, labels: list[str]) -> None:
    results = read({"id": "t1", "status": "completed"} | said).results
    assert [result.label for result in results] == labels


def test_a_label_is_harmless_and_short() -> None:
    named = read(
        {
            "layers": [
                {
                    "url": A,
                    "z_index": 1,
                    "name": "\x1b]0;x\x07\u202esky\n and " + "sea " * 5000,
                }
            ]
        }
    )
    (label,) = [result.label for result in named.results]
    assert label.startswith("layer 1: sky and sea sea")
    assert len(label) <= 60


@pytest.mark.parametrize("hidden", ["\x1b[31m", "\x07", "\x9b1m", "\u202e", "\n"])
def test_an_address_is_as_harmless_as_all_other_text(hidden: str) -> None:
    for url in read(
        {"id": "t1", "images": [{"url": f"https://x.example/{hidden}a.png"}]}
    ).urls:
        assert hidden not in url


def test_the_hybrid_protocol() -> None:
    answer = read(
        {
            "id": "t1",
            "status": "completed",
            "response": {
                "status": 200,
                "content_type": "application/json",
                "body": {"images": [{"url": A}]},
            },
            "usage": {"cost": 0.05},
        }
    )
    assert (answer.state, answer.urls, answer.cost_micro) == ("completed", (A,), 50_000)


@pytest.mark.parametrize("error", [{"message": "No luck."}, "No luck."])
def test_a_failure_inside_the_hybrid_envelope(error: Any) -> None:
    answer = read(
        {
            "id": "t1",
            "status": "failed",
            "response": {"status": 500, "body": {"error": error}},
        }
    )
    assert (answer.state, answer.error) == ("failed", "No luck.")


@pytest.mark.parametrize(
    ("said", "state", "error"),
    [
        ({"error": "No luck."}, "completed", "No luck."),
        ({"errors": ["No luck."]}, "completed", "No luck."),
        (
            {"errors": [{"field": "size", "message": "is odd"}]},
            "completed",
            "size: is odd",
        ),
        ({"data": {"error": {"detail": "No luck."}}}, "completed", "No luck."),
        (
            {"response": {"status": 500, "body": {"message": "No luck."}}},
            "completed",
            "No luck.",
        ),
        ({"response": {"status": 500, "body": "No luck."}}, "completed", "No luck."),
        (
            {"response": {"status": 502, "body": "<html>x</html>"}},
            "completed",
            "The service's result is an error (HTTP 502).",
        ),
        ({"message": "success", "msg": "ok"}, "completed", ""),
        ({"error": None, "errors": []}, "completed", ""),
        ({"error": {"code": 0, "message": ""}}, "completed", ""),
        ({"error": "none"}, "completed", ""),
        ({"images": [A], "error": "1 of 2 failed"}, "completed", "1 of 2 failed"),
        ({"images": [A], "message": "success"}, "completed", ""),
    ],
)
def test_a_task_may_be_completed_with_an_error(
    said: Any, state: ServerState, error: str
) -> None:
    answer = read({"id": "t1", "status": "completed"} | said)
    assert (answer.state, answer.error) == (state, error)


def test_failures_have_a_reason() -> None:
    assert (
        read({"id": "t1", "status": "failed", "error": "Generation failed"}).error
        == "Generation failed"
    )
    assert (
        read(
            {"data": {"id": "t1", "status": "failed", "error": "Generation failed"}}
        ).error
        == "Generation failed"
    )


# ---- money


@pytest.mark.parametrize(
    ("said", "micro"),
    [
        ({}, None),
        ({"usage": None}, None),
        ({"usage": {}}, None),
        ({"usage": {"cost": 0.05, "generated_images": 1}}, 50_000),
        ({"usage": {"cost": 0}}, 0),
        ({"usage": {"cost": 0.000001}}, 1),
        ({"usage": {"cost": 0.1}}, 100_000),
        ({"usage": {"cost": 1.15}}, 1_150_000),
        ({"usage": {"cost": "0.05"}}, None),
        ({"usage": {"cost": None}}, None),
        ({"usage": {"cost": True}}, None),
        ({"usage": [0.05]}, None),
        (
            {
                "billing": {
                    "reservation": {"amount_cents": 12},
                    "settlement": None,
                    "refund": None,
                }
            },
            None,
        ),
        (
            {
                "billing": {
                    "settlement": {
                        "charged_amount_cents": 11,
                        "amount_micro_cents": 1050000,
                    }
                }
            },
            110_000,
        ),
        ({"billing": {"settlement": {"charged_amount_cents": 3.5}}}, 35_000),
        ({"billing": None, "cost_cents": 5}, 50_000),
        (
            {
                "usage": {"cost": 0.05},
                "billing": {"settlement": {"charged_amount_cents": 11}},
            },
            50_000,
        ),
        ({"data": {"id": "t1", "usage": {"cost": 0.05}}}, 50_000),
    ],
)
def test_cost_in_both_generations(said: Any, micro: int | None) -> None:
    assert read({"id": "t1", "status": "completed"} | said).cost_micro == micro


@pytest.mark.parametrize(
    "cost",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "1e300",
        pytest.param("9" * 4000, id="endless"),
    ],
)
def test_a_cost_that_cannot_be_one_is_unknown(cost: str) -> None:
    said = f'{{"id": "t1", "status": "completed", "usage": {{"cost": {cost}}}}}'
    assert read_answer(said, base_url=BASE).cost_micro is None


# ---- progress, location


@pytest.mark.parametrize(
    ("progress", "told"),
    [
        (40, "40"),
        ("40%", "40%"),
        (0.4, "0.4"),
        (0, "0"),
        (None, ""),
        (True, ""),
        ({"percent": 4}, ""),
        ("", ""),
    ],
)
def test_progress(progress: Any, told: str) -> None:
    assert (
        read({"id": "t1", "status": "processing", "progress": progress}).progress
        == told
    )


@pytest.mark.parametrize(
    ("location", "kept"),
    [
        ("", ""),
        ("/api/v1/tasks/t1", f"{BASE}/api/v1/tasks/t1"),
        ("/api/v1/tasks/t1/result?x=1", f"{BASE}/api/v1/tasks/t1/result?x=1"),
        (f"{BASE}/api/v1/tasks/t1", f"{BASE}/api/v1/tasks/t1"),
        ("https://runapi.ai:443/x", "https://runapi.ai:443/x"),
        ("https://evil.example/x", ""),
        ("//evil.example/x", ""),
        ("http://runapi.ai/x", ""),
        ("https://runapi.ai:8443/x", ""),
        ("https://runapi.ai.evil.example/x", ""),
        ("https://runapi.ai@evil.example/x", ""),
        ("https://evil.example\\@runapi.ai/x", ""),
        ("ftp://runapi.ai/x", ""),
        ("javascript:alert(1)", ""),
        ("https://[", ""),
        ("https://runapi.ai:port/x", ""),
    ],
)
def test_only_a_location_of_the_same_origin_is_used(location: str, kept: str) -> None:
    answer = read({"id": "t1"}, location)
    assert answer.task_id == "t1"
    assert answer.location == kept


# ---- harmless


def test_all_text_but_the_raw_is_harmless() -> None:
    evil = "\x1b]52;c;x\x07\u202eboo\n"
    answer = read({"id": evil, "status": evil, "progress": evil, "error": evil})
    assert answer.word == answer.error == answer.progress == answer.task_id == "boo"


def test_long_text_is_bounded() -> None:
    answer = read(
        {
            "id": "x" * 9999,
            "status": "y" * 9999,
            "progress": "z" * 9999,
            "error": "e" * 9999,
        }
    )
    assert (
        max(map(len, (answer.task_id, answer.word, answer.progress, answer.error)))
        <= 512
    )


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "null",
        "[]",
        '"id"',
        "17",
        "<html>",
        '{"id": "t1"',
        "{'id': 't1'}",
        pytest.param("[" * 200_000, id="deep list"),
        pytest.param('{"data":' * 200_000, id="deep object"),
    ],
)
def test_an_unreadable_answer_is_a_value_error(raw: str) -> None:
    gc.collect()  # what other tests have left must not end deep in this recursion
    with pytest.raises(ValueError):  # noqa: PT011  (whose words don't matter)
        read_answer(raw, base_url=BASE)


def test_a_huge_list_is_bounded() -> None:
    said = {
        "id": "t1",
        "images": [{"url": f"https://x.example/{index}"} for index in range(50_000)],
    }
    assert 0 < len(read(said).urls) <= 1000


def test_results_written_as_json_text_are_read() -> None:
    text = json.dumps({"images": [{"url": A}]})
    assert read({"id": "t1", "status": "completed", "result": text}).urls == (A,)
    padded = text + " " * 1_000_000
    assert read({"id": "t1", "status": "completed", "result": padded}).urls == ()


@pytest.mark.parametrize(
    ("levels", "results", "elsewhere"),
    [(5, (A,), ()), (6, (), (A,)), (7, (), (A,)), (8, (), ())],
)
def test_results_are_looked_for_a_few_levels_deep(
    levels: int, results: tuple[str, ...], elsewhere: tuple[str, ...]
) -> None:
    nested: Any = A
    for _ in range(levels):
        nested = [nested]
    answer = read({"id": "t1", "status": "completed", "result": nested})
    assert (answer.urls, answer.elsewhere) == (results, elsewhere)
    inside: Any = {"result": A}
    for _ in range(levels - 1):
        inside = {"data": inside}
    answer = read({"id": "t1", "status": "completed", "data": inside})
    assert bool(answer.urls) is (levels <= 5)


def test_results_nested_without_end_are_not_followed() -> None:
    said: Any = {"url": A}
    for _ in range(500):
        said = {"output": said}
    assert read(said).urls == ()


KEYS = st.sampled_from(
    [
        *(
            "id",
            "task_id",
            "status",
            "state",
            "data",
            "images",
            "url",
            "urls",
            "output",
            "result",
            "response",
        ),
        *("base_image", "layers", "segments", "z_index", "name", "index"),
        *(
            "body",
            "usage",
            "cost",
            "billing",
            "settlement",
            "charged_amount_cents",
            "cost_cents",
            "progress",
        ),
        *("error", "errors", "message", "code"),
    ]
)
ODD: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([A, B, "failed"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5)
    ),
    max_leaves=20,
)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(ODD, st.text(max_size=20) | st.sampled_from(["//[", "https://[", "/x", "?"]))
@example({"id": float("nan"), "usage": {"cost": float("inf")}}, "https://[")
def test_nothing_is_too_odd(said: Any, location: str) -> None:
    with contextlib.suppress(ValueError):
        answer = read_answer(json.dumps(said), base_url=BASE, location=location)
        assert len(set(answer.urls)) == len(answer.urls)
        assert not answer.location or same_origin(answer.location, BASE)
    error_message(said)
    error_fields(said)


def test_only_so_many_results_are_kept_and_the_others_counted() -> None:
    many = [f"https://x.example/{number}.png" for number in range(1000)]
    answer = read({"status": "completed", "images": [many, many, *many[:5]]})
    assert answer.urls == tuple(many[:MOST_RESULTS])
    assert answer.left_out == 1000 - MOST_RESULTS
    assert read({"status": "completed", "images": many[:MOST_RESULTS]}).left_out == 0
    elsewhere = read({"status": "completed", "made": {"files": many}}).elsewhere
    assert elsewhere == tuple(many[:MOST_RESULTS])


def test_a_url_or_location_of_any_length_is_none() -> None:
    long = "https://x.example/" + "a" * MOST_URL
    assert read({"images": [long, A]}).urls == (A,)
    assert read({"status": "completed", "made": long}).elsewhere == ()
    assert read_answer("{}", base_url=BASE, location="/a" * 1000).location
    assert not read_answer("{}", base_url=BASE, location="/a" * 2000).location


def test_the_other_texts_are_short() -> None:
    long = "x" * 100_000
    said = {"id": long, "status": long, "progress": long, "error": long}
    answer = read(said)
    for text in (answer.task_id, answer.word, answer.progress, answer.error):
        assert len(text) <= 512
    named = read({"layers": [{"name": long, "z_index": 3, "url": A}]})
    assert len(named.results[0].label) < 60


@pytest.mark.parametrize("cost", ["1e300", "-1", "NaN", "-1e300", "1e9", "true"])
def test_a_cost_that_cannot_be_meant_is_unknown(cost: str) -> None:
    said = f'{{"id": "t1", "usage": {{"cost": {cost}}}}}'
    assert read_answer(said, base_url=BASE).cost_micro is None
