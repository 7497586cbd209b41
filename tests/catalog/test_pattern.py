"""Patterns of one's own: what could take long is refused, the rest is matched."""

import pytest

from tui.catalog.pattern import LONGEST, PatternError, check_pattern, matches


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        ("", "anything", "a\n"),
        ("^[0-9]{2,4}x[0-9]{2,4}$", "64x1024", "64x10240"),
        ("^#[0-9a-fA-F]{6}$", "#00ff7F", "#00ff7"),
        (r"^https?://\S+$", "https://x.example/a", "ftp://x"),
        ("^(png|jpe?g|webp)$", "jpg", "gif"),
        (r"^(?:\d+)x(\d+)$", "1x2", "x2"),
        (r"^[^\]\\]+$", "abc", "a]b"),
        ("^[]a]$", "]", "b"),
        (r"^a\.b$", "a.b", "axb"),
        (r"^\S+@\S+\.\S+$", "a@b.c", "a@b"),
        ("fox", "a fox", "a cat"),
    ],
)
def test_what_is_simple_is_matched(pattern: str, good: str, bad: str) -> None:
    check_pattern(pattern)
    assert matches(pattern, good)
    assert not matches(pattern, bad)


@pytest.mark.parametrize(
    "pattern",
    [
        "^(a+)+$",
        "^(a|a)*$",
        "^(a|aa)+$",
        r"^(\w+\s?)*$",
        "(a{1,100}){1,100}$",
        "a*a*a*a*a*a*b",
        "^a*a*a*a*b$",
        "a?" * 60 + "a" * 60,
        "(a|b)" * 38,
        "^" + "(a|a)" * 38,
        r"^(.*)\1$",
        "^(?=(a+))b$",
        "^(?!a)b$",
        "^(?i:a)$",
        "(?P<n>a)",
        "^a*?b$",
        "^a*+b$",
        "^a{1,99}{1,99}$",
        "[a",
        "(a",
        "a)",
        "*a",
        "a{9999}",
        "a" * (LONGEST + 1),
        "a\\",
    ],
)
def test_what_could_take_long_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        check_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "^a*a*a*b$",
        "a*a*b",
        "^(a|a)(a|a)(a|a)a*b$",
        "^a{1,99}a{1,99}a{1,99}b$",
        "^.*.*.*x$",
    ],
)
def test_the_worst_that_is_taken_ends(pattern: str) -> None:
    """A bound that were wrong by much would keep this for hours."""
    check_pattern(pattern)
    assert not matches(pattern, "a" * LONGEST)
    assert not matches(pattern, "a" * 1_000_000)
