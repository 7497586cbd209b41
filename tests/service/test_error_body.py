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
        ({"errors": ["first", "second"]}, "first; second"),
        ({"errors": [{"message": "first"}, {"detail": "second"}]}, "first; second"),
        ({"errors": ["", None, 5, "x", "x"]}, "x"),
        ({"errors": "one text"}, "one text"),
        ({"errors": ["a list"], "message": "a sentence"}, "a list"),
        ({"errors": {"prompt": ["is short"]}, "message": "a sentence"}, "a sentence"),
        ({"error": {"detail": "no"}}, "no"),
        ({"error": {"error": {"message": "no"}}}, "no"),
        ({"error": ["one", {"message": "two"}]}, "one; two"),
        ({"error": {"type": "invalid_request"}}, "invalid_request"),
        ({"detail": [{"loc": ["body"], "msg": "of a param"}, {"msg": "no"}]}, "no"),
        ({"code": "not_found", "title": "a picture"}, ""),
        (["one", {"detail": "two"}], "one; two"),
        ("a plain text", "a plain text"),
        ("<!DOCTYPE html><p>a page", ""),
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
        (
            {
                "errors": [
                    {"field": "prompt", "message": "is short"},
                    {"param": "prompt", "detail": "is dull"},
                    {"loc": ["body", "size"], "msg": "is odd"},
                    {"field": "seed"},
                ]
            },
            {"prompt": "is short, is dull", "body.size": "is odd"},
        ),
        ({"detail": [{"loc": ["size"], "msg": "is odd"}]}, {"size": "is odd"}),
        ({"errors": "prompt"}, {}),
        ({"errors": None}, {}),
        ([], {}),
        (None, {}),
    ],
)
def test_errors_of_params(said: Any, fields: dict[str, str]) -> None:
    assert error_fields(said) == fields
