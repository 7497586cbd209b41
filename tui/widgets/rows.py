"""Names and values in two columns; long values wrap within theirs."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text


def rows(pairs: Iterable[tuple[str, str]], *, width: int = 0) -> Table:
    """Returns a renderable of names, in at least `width` cells, and values.

    The texts are literal, never markup.
    """
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, min_width=width)
    table.add_column(overflow="fold")
    for name, value in pairs:
        name_text = Text(name)
        value_text = Text(value)
        table.add_row(name_text, value_text)
    return table
