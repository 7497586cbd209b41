"""Until when an upload can be read, as the service says it."""

from datetime import UTC, datetime, timedelta

import pytest

from tui.service.public_file import read_moment

SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=59)


@pytest.mark.parametrize(
    "text",
    [
        SOON.isoformat(),
        SOON.strftime("%Y-%m-%dT%H:%M:%SZ"),
        SOON.strftime("%Y-%m-%dT%H:%M:%S"),
        SOON.astimezone().isoformat(),
    ],
    ids=["offset", "zulu", "no zone", "local"],
)
def test_an_end_is_read_in_each_form(text: str) -> None:
    assert read_moment(text) == SOON.timestamp()


@pytest.mark.parametrize(
    "text",
    [None, 5, "", "soon", "1999-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "\x1b[2J"],
    ids=["null", "number", "empty", "words", "past", "endless", "control"],
)
def test_an_odd_end_is_not_believed(text: object) -> None:
    assert read_moment(text) == 0
