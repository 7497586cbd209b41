"""A pseudo-terminal that answers as kitty or a terminal with Sixel does, while the app
runs on it.
"""

import re
from collections.abc import Sequence

from tests.pty_app import PtyApp

_QUERY = re.compile(
    rb"(?P<name>\x1b\[>0?q)|(?P<da2>\x1b\[>0?c)|(?P<da1>\x1b\[0?c)|(?P<cell>\x1b\[16t)"
    rb"|(?P<sixels>\x1b\[\?2;1;0S)|(?P<colour>\x1bP\$qm\x1b\\)|(?P<mode>\x1b\[\?2048\$p)"
    rb"|(?P<kitty>\x1b_Gi=31,[^\x1b]*a=q[^\x1b]*\x1b\\)"
)
_SIXEL = re.compile(rb'\x1bP[\d;]*q"1;1;(\d+);(\d+)')
# tmux 3.3 loses the next answer of a terminal that hasn't answered DA2
_DA2 = b"\x1b[>1;4000;41c"
PLAIN = {"name": b"\x1bP>|plain(1)\x1b\\", "da2": _DA2, "da1": b"\x1b[?62;c"}
KITTY = {
    "name": b"\x1bP>|kitty(0.41.1)\x1b\\",
    "da2": _DA2,
    "da1": b"\x1b[?62;c",
    "kitty": b"\x1b_Gi=31;OK\x1b\\",
}
SIXEL = {"name": b"\x1bP>|sixels(1)\x1b\\", "da1": b"\x1b[?62;4c"}


class AnsweringTerminal(PtyApp):
    """Has an answer to each kind of query in `answers`, and none to others."""

    def __init__(
        self, answers: dict[str, bytes], *options: str, command: Sequence[str] = ()
    ) -> None:
        self.answers = answers
        self._answered = 0
        super().__init__(*options, command=command)

    def read(self, seconds: float = 0.0) -> bytes:
        data = super().read(seconds)
        for query in _QUERY.finditer(self.output, self._answered):
            self._answered = query.end()
            self.type(self.answers.get(query.lastgroup or "", b""))
        return data

    def widths(self, start: int = 0) -> list[int]:
        """The pixels across of all Sixel images from a former length of `output` on."""
        return [int(found[1]) for found in _SIXEL.finditer(self.output, start)]
