"""Reads the JSON of a service, whatever numbers stand in it."""

import json
from typing import Any

_MOST_DIGITS = 300
"""Digits of a whole number. Python refuses a text with more than some thousand of them,
and no number of ours has that many: a longer one stays a text.
"""


def read_json(text: str) -> Any:
    """Returns what a text of JSON says.

    Raises ValueError where it is none, and RecursionError where it is too deep.
    """
    return json.loads(text, parse_int=_whole_number)


def _whole_number(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MOST_DIGITS else digits
