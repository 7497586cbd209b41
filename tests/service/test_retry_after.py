"""A wait is understood in every form that HTTP has for it, and in odd ones."""

import time

import pytest

from tui.service.retry_after import LONGEST, seconds_of


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30),
        (" 30 ", 30),
        ("1.5", 1.5),
        ("0", 0),
        ("30, 30", 30),
        ("30,60", 60),
        ("30;", 30),
        ('"30"', 30),
        ("30s", 30),
        ("30 s", 30),
        ("30 seconds", 30),
        ("1m30s", 90),
        ("500ms", 0.5),
        ("2h", LONGEST),
        ("999999", LONGEST),
        ("inf", LONGEST),
        ("-5", None),
        ("-inf", None),
        ("nan", None),
        ("soon", None),
        ("1 m 30.5 sec", 90.5),
        ("250 milliseconds", 0.25),
        ("30 sausages", None),
        ("", None),
        ("30," * 10_000, None),
    ],
)
def test_numbers_and_spans(header: str, seconds: float | None) -> None:
    assert seconds_of(header) == seconds


@pytest.mark.parametrize(
    "form",
    [
        "%a, %d %b %Y %H:%M:%S GMT",
        "%A, %d-%b-%y %H:%M:%S GMT",
        "%a %b %d %H:%M:%S %Y",
        "%a, %d %b %Y %H:%M:%S",
        "%a, %d %b %Y %H:%M:%S -0000",
        "%a, %d %b %Y %H:%M:%S GMT, %a, %d %b %Y %H:%M:%S GMT",
        "%Y-%m-%dT%H:%M:%SZ",
        "%Y-%m-%dT%H:%M:%S",
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_a_date_is_utc_wherever_this_machine_is(
    form: str, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        asked = seconds_of(time.strftime(form, time.gmtime(time.time() + 1000)))
        past = seconds_of(time.strftime(form, time.gmtime(time.time() - 1000)))
        far = seconds_of(time.strftime(form, time.gmtime(time.time() + 90_000)))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert asked is not None
    assert 900 < asked <= 1000
    assert past is None
    assert far == LONGEST


@pytest.mark.parametrize("unit", ["millis", "1millis", "1m", "1 ", "9", "1.", "1ms"])
@pytest.mark.parametrize("end", ["!", "", " ", "1", "millis"])
def test_a_long_header_is_read_at_once(unit: str, end: str) -> None:
    """Each of these is 200 characters: a search that goes back would never end."""
    header = (unit * 200)[: 200 - len(end)] + end
    asked = seconds_of(header)
    assert asked is None or 0 <= asked <= LONGEST


@pytest.mark.parametrize("each", [1, 1000])
def test_a_moment_since_the_epoch(each: int) -> None:
    """In seconds, or in milliseconds."""
    asked = seconds_of(str((int(time.time()) + 1000) * each))
    assert asked is not None
    assert 900 < asked <= 1000
