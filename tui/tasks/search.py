"""Search lines over the history.

An example: `fox "in the snow" model:flux status:failed on:today cost>0.05 sort:cost`.
"""

import re
import time
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tui.catalog.extra import described, extra_of
from tui.tasks.search_order import Order, order_named
from tui.tasks.task import LIVE, REJECTED, SENT, Status, Task
from tui.text import one_line

HELP = (
    "words  model:flux  status:failed  date:today  after:2026-11-01"
    "  cost>0.05  rated:>3  tag:…  seed:…  is:favourite  sort:cost"
)

_TERM = re.compile(r'(?:(\w+)([:<>]))?(?:"([^"]*)"?|(\S+))')
_FIELDS = {
    *("model:", "status:", "job:", "is:", "tag:", "seed:", "sort:"),
    *("date:", "on:", "after:", "before:"),
    *("cost<", "cost>", "rated:", "rated<", "rated>"),
}
_MONTH = re.compile(r"(\d{4})-(\d\d)")
_RATED = re.compile(r"(>=|<=|>|<|=)?([0-5])")
_MOST_CHARACTERS = 4000  # of a prompt
_MOST_DIGITS = 40  # of a seed
_MOST_TERMS = 100
_MOST_MICRO = 2**63
_STATES: dict[str, frozenset[Status]] = {
    "live": LIVE,
    "sent": SENT,
    "ended": frozenset(Status) - LIVE,
    "unsaved": frozenset({Status.FETCHING, Status.EXPIRED, Status.FAILED}),
}
_Condition = tuple[str, list[Any]]
"""SQL, and the values for its question marks."""


def search_words(task: Task) -> str:
    """Returns the text of a task that plain words are searched in."""
    prompt = task.prompt[:_MOST_CHARACTERS]
    texts = [prompt, task.model, task.id, task.remote_id]
    extra = extra_of(task.values)
    if extra:
        texts.append(one_line(", ".join(described(extra)), _MOST_CHARACTERS))
    return "\n".join(texts).casefold()


def tag_words(task: Task) -> str:
    """Returns the tags of a task as they are searched: each on a line of its own."""
    return "".join(f"\n{tag.casefold()}\n" for tag in task.tags)


def seed_word(task: Task) -> str:
    """Returns the seed of a task as it is searched."""
    return task.seed[:_MOST_DIGITS]


def unknown_filters(query: str) -> list[str]:
    """Returns the terms that look like filters and are none, such as `rting:3`.

    They are searched as words.
    """
    unknown = []
    for name, sign, quoted, bare in _TERM.findall(query)[:_MOST_TERMS]:
        field = f"{name}{sign}".lower()
        text = quoted or bare
        if not name.isalpha() or _is_unfinished(field, text, bare):
            continue
        if _condition(name.lower(), sign, text, time.time()) is None:
            unknown.append(f"{name}{sign}{text}")
    return unknown


def conditions(query: str, now: float | None = None) -> _Condition:
    """Returns the SQL condition for a search line, with its values.

    A term of unknown form is a plain word.
    """
    now = time.time() if now is None else now
    parts = ["deleted = 0"]
    values = []
    query = query.encode(errors="replace").decode()  # an argument may not be UTF-8
    for name, sign, quoted, bare in _TERM.findall(query)[:_MOST_TERMS]:
        text = quoted or bare
        if _is_unfinished(f"{name}{sign}", text, bare):
            continue
        word = f"{name}{sign}{text}".casefold()
        condition = _condition(name.lower(), sign, text, now)
        part, part_values = condition or ("instr(words, ?)", [word])
        parts.append(part)
        values += part_values
    return " and ".join(parts), values


def order_of(query: str) -> Order:
    """Returns the order that a search line asks for; its last word counts."""
    order = Order.DATE
    for found in _TERM.finditer(query):
        order = _order_in(found) or order
    return order


def in_order(query: str, order: Order) -> str:
    """Returns a search line that asks for the same tasks in another order.

    The order comes first: the line may end within quotes, and is typed on.
    """
    terms = [
        found[0]
        for found in _TERM.finditer(query)
        if not (_order_in(found) or found[0].lower() == "sort:")
    ]
    rest = " ".join(terms)
    return rest if order is Order.DATE else f"sort:{order} {rest}"


def _order_in(term: re.Match[str]) -> Order | None:
    name, sign, quoted, bare = term.groups(default="")
    if (name.lower(), sign) != ("sort", ":"):
        return None
    return order_named((quoted or bare).lower())


def _is_unfinished(field: str, text: str, bare: str) -> bool:
    """Tells whether a term is still being typed: a field without its value."""
    if bare.lower() in _FIELDS:
        return True
    return not text and field.lower() in _FIELDS


def _condition(name: str, sign: str, text: str, now: float) -> _Condition | None:
    lower = text.lower()
    match name, sign:
        case "model", ":":
            return "instr(model, ?)", [lower]
        case "status", ":":
            states = list(_STATES.get(lower, {lower}))
            marks = ", ".join("?" for _ in states)
            return f"status in ({marks})", states
        case "job", ":":
            return "job = ?", [text]
        case "is", ":" if lower == "shown":
            return "cleared = 0", []
        case "is", ":" if "favourite".startswith(lower.replace("favor", "favour")):
            return "favourite = 1", []
        case "is", ":" if lower == "rejected":
            return "rating = ?", [REJECTED]
        case "is", ":" if lower == "rated":
            return "rating > 0", []
        case "rated", _:
            return _rated(text if sign == ":" else f"{sign}{text}")
        case "tag", ":":
            return "instr(tags, ?)", [f"\n{text.casefold()}\n"]
        case "seed", ":":
            return "seed = ?", [text]
        case "sort", ":" if order_named(lower):
            return "1", []
        case "date", ":":
            return _on_days("on", lower, now)
        case (("on" | "after" | "before"), ":"):
            return _on_days(name, lower, now)
        case "cost", ("<" | ">"):
            return _cost(sign, text)
    return None


def _rated(text: str) -> _Condition | None:
    found = _RATED.fullmatch(text)
    if found is None:
        return None
    return f"rating {found[1] or '='} ?", [int(found[2])]


def _cost(sign: str, text: str) -> _Condition | None:
    try:
        micro = Decimal(text.lstrip("$")) * 1_000_000
        if abs(micro) < _MOST_MICRO:
            return f"cost_micro {sign} ?", [int(micro)]
    except ArithmeticError:  # it is not a number, or beyond all bounds
        pass
    return None


def _on_days(name: str, text: str, now: float) -> _Condition | None:
    try:
        first, last = _days(text, date.fromtimestamp(now))
        begin = time.mktime(first.timetuple())
        end = time.mktime((last + timedelta(days=1)).timetuple())
    except (ValueError, OverflowError):
        return None
    if name == "on":
        return "created_at >= ? and created_at < ?", [begin, end]
    if name == "after":
        return "created_at >= ?", [begin]
    return "created_at < ?", [begin]


def _days(text: str, today: date) -> tuple[date, date]:
    """Returns the first and the last day of a day, a month, or `day..day`.

    Raises ValueError for what is not a date.
    """
    first, is_range, last = text.partition("..")
    if is_range:
        return _day(first, today), _day(last, today)
    month = _MONTH.fullmatch(text)
    if month:
        begin = date(int(month[1]), int(month[2]), 1)
        within_next = begin + timedelta(days=31)
        return begin, within_next.replace(day=1) - timedelta(days=1)
    day = _day(text, today)
    return day, day


def _day(text: str, today: date) -> date:
    """Returns a day. Raises ValueError for what is not a date."""
    if text == "today":
        return today
    if text == "yesterday":
        return today - timedelta(days=1)
    return date.fromisoformat(text)
