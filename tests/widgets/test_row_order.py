"""The order of the queue's rows against a plain sorted list."""

import random

from tui.widgets.row_order import Rank, RowKey, RowOrder


def rank(turn: int, key: RowKey) -> Rank:
    return float(turn), key[0], float(turn), key[1]


def test_rows_stand_where_a_sorted_list_has_them() -> None:
    dice = random.Random(3)
    order = RowOrder()
    known: dict[RowKey, Rank] = {}
    for _ in range(2_000):
        keys = [(str(dice.randint(0, 40)), "x") for _ in range(dice.choice((1, 30)))]
        if dice.random() < 0.3:
            order.remove(keys[0])
            known.pop(keys[0], None)
        else:
            ranks = {key: rank(dice.randint(0, 3), key) for key in keys}
            changed = any(known.get(key) != new for key, new in ranks.items())
            assert order.place(ranks) is changed
            known |= ranks
        rows = sorted(known, key=lambda key: known[key], reverse=True)
        assert [order.at(row) for row in range(len(order))] == rows
        assert [order.number(key) for key in rows] == list(range(len(rows)))
        assert order.at(len(rows)) is None
        assert order.number(("gone", "x")) is None
