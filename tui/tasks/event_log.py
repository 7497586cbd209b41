"""A task's events in the queue file: what happened, and what the service said, bounded.

A service may answer each poll with something new, and with megabytes.
"""

import sqlite3

from tui.service.raw_answer import kept

MOST_EVENTS = 200
"""Events of a task that are kept."""
FIRST_EVENTS = 20
"""Events that stay when others have to go; beside them, the latest stay."""
MOST_ANSWERS = 16
"""Events of a task that keep their raw answer."""
FIRST_ANSWERS = 4
_MOST_TEXT = 5_000
"""Characters of an event's description."""


def add(db: sqlite3.Connection, task_id: str, at: float, event: str, raw: str) -> None:
    """Adds an event; an answer that came before is not repeated. Raises sqlite3.Error."""
    answer = kept(raw)
    if answer and answer == _latest_answer(db, task_id):
        answer = ""
    db.execute(
        "insert into events values (?, ?, ?, ?)",
        (task_id, at, event[:_MOST_TEXT], answer),
    )
    _shorten(db, task_id)


def _latest_answer(db: sqlite3.Connection, task_id: str) -> str:
    query = (
        "select raw from events where task_id = ? and raw <> ''"
        " order by at desc, rowid desc limit 1"
    )
    found = db.execute(query, (task_id,)).fetchone()
    return found[0] if found else ""


def _shorten(db: sqlite3.Connection, task_id: str) -> None:
    events = _rows(db, "select rowid from events where task_id = ?", task_id)
    if len(events) <= MOST_ANSWERS:
        return
    for row in _middle(events, FIRST_EVENTS, MOST_EVENTS):
        db.execute("delete from events where rowid = ?", (row,))
    query = "select rowid from events where task_id = ? and raw <> ''"
    answers = _rows(db, query, task_id)
    for row in _middle(answers, FIRST_ANSWERS, MOST_ANSWERS):
        db.execute("update events set raw = '' where rowid = ?", (row,))


def _rows(db: sqlite3.Connection, query: str, task_id: str) -> list[int]:
    return sorted(row for (row,) in db.execute(query, (task_id,)))


def _middle(rows: list[int], first: int, most: int) -> list[int]:
    """Returns the rows that are too many: neither the first ones nor the latest."""
    return rows[first : first + max(0, len(rows) - most)]
