"""Answers of a terminal so slow that the app is running when they come: kept from being
typed.
"""

import re

_ANSWER = re.compile(
    r"\x1bP(?:>\||[01]\$r)[^\x1b]*\x1b\\"  # name, colour
    r"|\x1b_G[^\x1b]*\x1b\\"  # kitty images
    r"|\x1b\[6;\d+;\d+t"  # size of a cell
    r"|\x1b\[\?[\d;]*c"  # device attributes
)
# Long enough a beginning that no key is meant.
_BEGUN = re.compile(
    r"\x1b(?:P[>01][^\x1b]*\x1b?|_G[^\x1b]*\x1b?|\[6(?:;[\d;]*)?|\[\?[\d;]*)\Z"
)
_LONGEST = 300


class ReplyFilter:
    """What of the input is typed: all but answers to questions of `tui.graphics.probe`,
    even when cut in two.
    """

    def __init__(self) -> None:
        self._held = ""

    def __call__(self, data: str) -> str:
        text = _ANSWER.sub("", self._held + data)
        begun = _BEGUN.search(text)
        self._held = begun[0] if begun and len(begun[0]) <= _LONGEST else ""
        return text.removesuffix(self._held)
