"""Sentences and params in the body of an error."""

from typing import Any

import pytest

from tui.service.error_body import error_fields, error_message


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"error": "Bad input"}, "Bad input"),
        ({"error": {"message": "Bad input"}}, "Bad input"),
        ({"error": {"code": "rate_limit", "message": "slow down"}}, "slow down"),
        ({"error": {"code": "request_conflict"}}, "request_conflict"),
        ({"error": "Not found", "code": "not_found"}, "Not found"),
        ({"message": "slow down"}, "slow down"),
        ({"detail": "no"}, "no"),
        ({"errorMessage": "no"}, "no"),
        ({"msg": "no"}, "no"),
        (
            {"error": {"message": "first"}, "message": "second", "detail": "third"},
            "first",
        ),
        ({"error": "", "message": "second"}, "second"),
        ({"error": None, "detail": "third", "msg": "fifth"}, "third"),
        ({"error": {"message": 5}, "message": "second"}, "second"),
        ({"error": 5, "message": ["x"], "detail": {"x": 1}}, ""),
        ({"errors": ["ignored on purpose"]}, ""),
        ({"error": "two\nlines\x1b[31m"}, "two lines"),
        ({}, ""),
        ([], ""),
        (None, ""),
        ("<html>", ""),
    ],
)
def test_the_sentence_in_an_error(said: Any, words: str) -> None:
    assert error_message(said) == words


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        (
            {"error": "Validation failed", "errors": {"prompt": ["is required"]}},
            {"prompt": "is required"},
        ),
        (
            {"errors": {"prompt": ["is short", "is dull"], "size": "is odd"}},
            {"prompt": "is short, is dull", "size": "is odd"},
        ),
        ({"errors": {"n": 5, "x\x1b[1m": ["\u202ey"]}}, {"n": "5", "x": "y"}),
        ({"errors": ["prompt is required"]}, {}),
        ({"errors": "prompt"}, {}),
        ({"errors": None}, {}),
        ([], {}),
        (None, {}),
    ],
)
def test_errors_of_params(said: Any, fields: dict[str, str]) -> None:
    assert error_fields(said) == fields
