"""Names and values in two columns, values wrapped under themselves."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text


def rows(pairs: Iterable[tuple[str, str]], *, width: int = 0) -> Table:
    """A renderable; `width` cells for the names, or as many as they need. Texts are
    literal, never markup.
    """
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, min_width=width)
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(Text(name, style="dim"), Text(value))
    return table
