"""What a terminal is asked about itself, and the form of its answers.

Both stand side by side: an answer that is unknown here would be typed into a field. The
sequences are those of xterm's "XTerm Control Sequences" and of kitty's graphics protocol.
"""

from typing import NamedTuple


class Query(NamedTuple):
    """A question, and a pattern for the whole of its answer, without groups."""

    text: str
    answer: str


DA1 = Query("\x1b[c", r"\x1b\[\?[\d;]*c")
"""Device attributes: every terminal answers this one."""
DA2 = Query("\x1b[>c", r"\x1b\[>[\d;]*c")
NAME = Query("\x1b[>0q", r"\x1bP>\|[^\x1b]*\x1b\\")
COLOUR = Query("\x1b[48;2;1;2;3m\x1bP$qm\x1b\\\x1b[m", r"\x1bP[01]\$r[^\x1b]*\x1b\\")
"""A 24-bit colour that is set and read back."""
KITTY = Query(
    "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\",
    r"\x1b_G[^\x1b]*\x1b\\",
)
CELL = Query("\x1b[16t", r"\x1b\[6;\d+;\d+t")
"""The pixels of a cell."""
TEXT_AREA = Query("\x1b[14t", r"\x1b\[4;\d+;\d+t")
"""The pixels of all cells."""
SIXEL_AREA = Query("\x1b[?2;1;0S", r"\x1b\[\?\d+;\d+(?:;\d+)*S")
"""The pixels that Sixel has (XTSMGRAPHICS)."""

QUERIES = (DA1, DA2, NAME, COLOUR, KITTY, CELL, TEXT_AREA, SIXEL_AREA)
