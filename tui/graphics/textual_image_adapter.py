"""The one door to textual-image (0.12 to 0.14): its encoders, kept away from the
terminal.

What the library does itself is left out on purpose: it asks the terminal at import,
resizes and encodes on the event loop, writes kitty images past Textual's writer and
never frees them (it says `I=`, an image number, where the terminal knows an id), and
names kitty images by a 24-bit colour that is lost without COLORTERM.
"""

import sys
import threading
from importlib import import_module
from typing import Any, TextIO

from tui.graphics.cell_size import USUAL_CELL

_IMPORT = threading.Lock()


def renderable(name: str) -> Any:
    """A module of textual_image.renderable, imported without a question to the
    terminal.

    The package asks the terminal at import when stdout is one; the modules ask for the
    size of a cell, which nobody needs here as every size is given in cells.
    """
    with _IMPORT:
        stdout = sys.__stdout__
        sys.__stdout__ = stdout and _NotATerminal(stdout)  # type: ignore[assignment, misc]
        try:
            module: Any = import_module(f"textual_image.renderable.{name}")
        finally:
            sys.__stdout__ = stdout  # type: ignore[misc]
    module.get_cell_size = lambda: USUAL_CELL
    return module


class _NotATerminal:
    """A stream that says that it is no terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def isatty(self) -> bool:
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
