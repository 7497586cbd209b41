"""Contact sheets: many pictures with their captions in one PNG, as a table."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tui.system import atomic_file
from tui.text import one_line

MOST_PICTURES = 200


@dataclass(frozen=True)
class SheetCell:
    """A place for a picture."""

    path: Path | None
    """The file, or None where there is no picture."""
    caption: str = ""
    """What stands below it: at most two lines, each cut to the cell's width."""
    reason: str = ""
    """What stands in place of a picture that isn't there."""
    label: str = ""
    """What stands before the caption; the cell's number where it is empty."""


@dataclass(frozen=True)
class SheetTable:
    """What is on a sheet. A row may be shorter than others; None leaves a gap."""

    rows: tuple[tuple[SheetCell | None, ...], ...]
    column_titles: tuple[str, ...] = ()
    row_titles: tuple[str, ...] = ()
    """One for each row; those that belong together have the same."""
    title: str = ""
    note: str = ""
    """A line below the title."""

    @property
    def cells(self) -> Iterator[SheetCell]:
        """The cells in the order of their numbers: along the rows, from 1 on."""
        for row in self.rows:
            for cell in row:
                if cell:
                    yield cell


@dataclass(frozen=True)
class Sheet:
    """A sheet that was saved."""

    path: Path
    width: int
    height: int
    problems: dict[int, str]
    """Why a picture is not on the sheet, by the number of its cell."""
    lacks_letters: bool
    """True if the captions have letters that no font here has."""


def save(table: SheetTable, target: Path) -> Sheet:
    """Draws a sheet and saves it as `target`, with a number where that is taken.

    Blocks for some seconds where there are many pictures. Raises ImageError, without a
    file, when the table is too large for one sheet, or nothing can be written.
    """
    from tui.images.files import ImageError
    from tui.images.sheet_painter import paint

    painted = paint(table)
    image = painted.image
    try:
        atomic_file.make_folder(target.parent)
        with tempfile.TemporaryDirectory(prefix=".", dir=target.parent) as place:
            part = Path(place) / "sheet.part"
            image.save(part, "PNG")
            atomic_file.forbid_writing(part)
            atomic_file.sync_file(part)
            path = atomic_file.give_free_name(part, target)
        atomic_file.sync_folder(path.parent)
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise ImageError(
            f"The sheet can't be written to {one_line(target.parent)}: {reason}."
        ) from error
    return Sheet(
        path, image.width, image.height, painted.problems, painted.lacks_letters
    )
