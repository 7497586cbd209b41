"""What a search line asks of the history: `fox "in the snow" model:flux status:failed
on:today cost>0.05`.
"""

import re
import time
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tui.tasks.task import LIVE, SENT, Status, Task

HELP = (
    "words  model:flux  status:failed  on:today  after:2026-11-01  before:…  cost>0.05 "
    " is:favourite"
)

_TERM = re.compile(r'(?:(\w+)([:<>]))?(?:"([^"]*)"?|(\S+))')
_UNFINISHED = {
    "model:",
    "status:",
    "job:",
    "is:",
    "on:",
    "after:",
    "before:",
    "cost<",
    "cost>",
}
_WORDS_KEPT = 4000
_MOST_TERMS = 100
_STATES: dict[str, frozenset[Status]] = {
    "live": LIVE,
    "sent": SENT,
    "ended": frozenset(Status) - LIVE,
    "unsaved": frozenset({Status.FETCHING, Status.EXPIRED, Status.FAILED}),
}


def search_words(task: Task) -> str:
    """What plain words are looked for in."""
    return "\n".join(
        (task.prompt[:_WORDS_KEPT], task.model, task.id, task.remote_id)
    ).casefold()


def conditions(query: str, now: float | None = None) -> tuple[str, list[Any]]:
    """The SQL condition, with its values, that a search line stands for. What isn't
    understood is a plain word.
    """
    wanted, values = ["deleted = 0"], []
    query = query.encode(errors="replace").decode()  # an argument that was no UTF-8
    for name, sign, quoted, bare in _TERM.findall(query)[:_MOST_TERMS]:
        text = quoted or bare
        if bare.lower() in _UNFINISHED or (
            not text and f"{name}{sign}".lower() in _UNFINISHED
        ):
            continue  # still being typed
        found = (
            _condition(name.lower(), sign, text, time.time() if now is None else now)
            if name
            else None
        )
        if found is None:
            found = "instr(words, ?)", [f"{name}{sign}{text}".casefold()]
        wanted.append(found[0])
        values += found[1]
    return " and ".join(wanted), values


def _condition(
    name: str, sign: str, text: str, now: float
) -> tuple[str, list[Any]] | None:
    match name, sign:
        case "model", ":":
            return "instr(model, ?)", [text.lower()]
        case "status", ":":
            states = _STATES.get(text.lower(), {text.lower()})
            return f"status in ({', '.join('?' * len(states))})", list(states)
        case "job", ":":
            return "job = ?", [text]
        case "is", ":" if text.lower() == "shown":
            return "cleared = 0", []
        case "is", ":" if "favourite".startswith(
            text.lower().replace("favor", "favour")
        ):
            return "favourite = 1", []
        case (("on" | "after" | "before"), ":"):
            return _on_days(name, text.lower(), now)
        case "cost", ("<" | ">"):
            try:
                micro = Decimal(text.lstrip("$")) * 1_000_000
                return (
                    (f"cost_micro {sign} ?", [int(micro)])
                    if abs(micro) < 2**63
                    else None
                )
            except ArithmeticError:  # no number, or one beyond all bounds
                return None
    return None


def _on_days(name: str, text: str, now: float) -> tuple[str, list[Any]] | None:
    today = date.fromtimestamp(now)
    named = {"today": today, "yesterday": today - timedelta(days=1)}
    try:
        day = named.get(text) or date.fromisoformat(text)
        begin, end = (
            time.mktime((day + timedelta(days=days)).timetuple()) for days in (0, 1)
        )
    except (ValueError, OverflowError):
        return None
    bounds: dict[str, tuple[str, list[Any]]] = {
        "on": ("created_at >= ? and created_at < ?", [begin, end]),
        "after": ("created_at >= ?", [begin]),
        "before": ("created_at < ?", [begin]),
    }
    return bounds[name]
