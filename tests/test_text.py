"""Hostile text made harmless; money, time and keys as they are told."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.text import (
    by_count,
    did_you_mean,
    dollars,
    duration,
    file_size,
    mask,
    one_line,
    plain,
    steady,
)


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("red \x1b[31malert\x1b[0m", "red alert"),
        ("copy \x1b]52;c;ZXZpbA==\x07this", "copy this"),
        ("link \x1b]8;;https://evil.example\x1b\\here\x1b]8;;\x1b\\", "link here"),
        ("dcs \x1bPq#0;2;0;0;0\x1b\\end", "dcs end"),
        ("apc \x1b_Gf=100;AAAA\x1b\\end", "apc end"),
        ("pm \x1b^secret\x1b\\end, sos \x1bXsecret\x1b\\end", "pm end, sos end"),
        ("c1 \x9b31mred \x9d0;title\x9cdone", "c1 red done"),
        ("charset \x1b(0lqqk\x1b(B", "charset lqqk"),
        ("reset \x1bc now", "reset  now"),
        ("unended \x1b]0;title", "unended "),
        ("unended csi \x1b[38;2;1", "unended csi "),
        ("lone escape \x1b", "lone escape "),
        ("doubled \x1b\x1b[2Jtwice", "doubled twice"),
        ("split \x1b[3\x001m", "split 1m"),
        ("nul\x00bel\x07backspace\x08delete\x7f", "nulbelbackspacedelete"),
        ("back\rto start", "backto start"),
        ("windows\r\nline", "windows\nline"),
        ("tabs\tand\nlines", "tabs\tand\nlines"),
        ("bidi \u202eevil\u202c \u2066x\u2069 \u200f\u200e\u061c", "bidi evil x "),
        ("\ufeffbom", "bom"),
        ("lines\u2028and\u2029paragraphs", "linesandparagraphs"),
        ("tags \U000e0041\U000e007f!", "tags !"),
        ("surrogate \ud83d and \udcff", "surrogate  and "),
        ("família 家 👩\u200d🎨", "família 家 👩\u200d🎨"),
        (None, "None"),
        (12, "12"),
    ],
)
def test_plain_removes_what_a_terminal_would_obey(
    hostile: object, harmless: str
) -> None:
    assert plain(hostile) == harmless


@settings(deadline=None, derandomize=True)
@given(
    st.text(
        st.characters() | st.sampled_from("\x1b[]P_^X;\x9b\x9d\x07\\0m\ud800\u202e")
    )
)
def test_plain_text_holds_no_controls_and_stays_as_it_is(text: str) -> None:
    shown = plain(text)
    assert all(
        unicodedata.category(char) not in ("Cc", "Cs") or char in "\t\n"
        for char in shown
    )
    assert plain(shown) == shown


@pytest.mark.parametrize(
    "piece",
    ["\x1b]", "\x1b[", "\x1b[0;", "\x1b", "\x9d\x1b", "\x1bP\x1b", "0;"],
    ids=["OSC", "CSI", "parameters", "escape", "C1", "DCS", "rest"],
)
def test_a_million_pieces_are_read_once_each(piece: str) -> None:
    """Were one of them quadratic, this would not end."""
    assert len(plain(piece * 1_000_000, limit=1_000_000)) <= 1_000_000


def test_long_text_is_cut_and_says_so() -> None:
    assert plain("x" * 30, limit=10) == "x" * 9 + "…"
    assert plain("x" * 10, limit=10) == "x" * 10
    assert len(plain("x" * 1_000_000)) == 20_000


def test_words_lost_behind_many_escapes_are_not_lost_silently() -> None:
    assert plain("\x1b[0m" * 10_000 + "words", limit=100).endswith(("words", "…"))


def test_one_line_folds_white_space_and_cuts() -> None:
    assert one_line("  a\n\tb \u2003 c\r\n") == "a b c"
    assert one_line("\x1b[1m a \x1b]0;x\x07 b") == "a b"
    assert one_line("word " * 100, limit=12) == "word word w…"
    assert one_line(ValueError("broken\nin two")) == "broken in two"


@pytest.mark.parametrize(
    ("micro", "told"),
    [
        (None, "?"),
        (0, "$0.00"),
        (50_000, "$0.05"),
        (35_000, "$0.035"),
        (1, "$0.000001"),
        (10, "$0.00001"),
        (4_999, "$0.004999"),
        (1_000_000, "$1.00"),
        (1_500_000, "$1.50"),
        (12_345_678, "$12.345678"),
        (999_999_999_999, "$999999.999999"),
        (-250_000, "-$0.25"),
    ],
)
def test_money_is_told_to_its_last_decimal(micro: int | None, told: str) -> None:
    assert dollars(micro) == told


@given(st.integers(1, 10**12))
def test_no_amount_looks_like_nothing(micro: int) -> None:
    assert dollars(micro) != "$0.00"
    assert round(float(dollars(micro)[1:]) * 1_000_000) == micro


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-5, "0s"),
        (0.9, "0s"),
        (8, "8s"),
        (59.99, "59s"),
        (60, "1m 00s"),
        (65, "1m 05s"),
        (3599, "59m 59s"),
        (7620, "2h 07m"),
        (86_399, "23h 59m"),
        (86_400, "1d 0h"),
        (273_600, "3d 4h"),
    ],
)
def test_duration(seconds: float, told: str) -> None:
    assert duration(seconds) == told


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 KB"),
        (48_400, "48 KB"),
        (999_999, "1.0 MB"),
        (3_100_000, "3.1 MB"),
    ],
)
def test_file_size(count: int, told: str) -> None:
    assert file_size(count) == told


@pytest.mark.parametrize("length", range(1, 65))
def test_mask_shows_less_than_half_of_a_key(length: int) -> None:
    secret = "".join(chr(ord("A") + index % 26) for index in range(length))
    shown = mask(secret).replace("…", "")
    assert len(shown) * 2 <= length


def test_mask_lets_a_key_be_recognised() -> None:
    masked = mask("runapi_0123456789abcdefghijklmnop")
    assert masked.startswith("runapi_")
    assert masked.endswith("mnop")
    assert mask("") == ""


def test_a_count_chooses_the_sentence_and_values_are_not_parsed() -> None:
    one, many = "1 task: {name}", "{count} tasks: {name}"
    assert by_count(1, one, many, name="{count}") == "1 task: {count}"
    assert by_count(1200, one, many, name="x") == "1,200 tasks: x"
    assert by_count(0, one, many, name="x") == "0 tasks: x"


def test_the_nearest_name_is_asked_for() -> None:
    assert did_you_mean("promt", ["seed", "prompt"]) == "Did you mean prompt?"
    assert did_you_mean("xyz", ["seed", "prompt"]) == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a fox", "a fox"),
        ("\U0001f469\u200d\U0001f469\u200d\U0001f467 walk", "\U0001f469 walk"),
        ("\u2764\ufe0f love", "\u2764 love"),
        ("\U0001f44d\U0001f3fd", "\U0001f44d"),
        ("\U0001f1e9\U0001f1ea", "DE"),
        ("1\ufe0f\u20e3", "1"),
        ("caf" + "e\u0301", "caf\xe9"),
        ("夜市の霓虹燈", "夜市の霓虹燈"),
    ],
)
def test_a_steady_text_has_as_many_cells_everywhere(text: str, shown: str) -> None:
    assert steady(text) == shown
