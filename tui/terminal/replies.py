"""What a terminal answers when it is asked about itself: kept from being typed.

It may answer `tui.graphics.probe` when the app is running already, or be asked again.
"""

import re
from collections.abc import Callable

from tui.system.terminal_queries import QUERIES

_ANSWER = re.compile("|".join(query.answer for query in QUERIES))
# Long enough a beginning that no key is meant.
_BEGUN = re.compile(
    r"\x1b(?:P[>01][^\x1b]*\x1b?|_G[^\x1b]*\x1b?|\[[46](?:;[\d;]*)?|\[[?>][\d;]*)\Z"
)
_LONGEST = 300


class ReplyFilter:
    """Returns what of the input is typed: all but such answers, even when cut in two.

    Each answer goes to `on_reply`.
    """

    def __init__(self, on_reply: Callable[[str], None]) -> None:
        self._on_reply = on_reply
        self._held = ""

    def __call__(self, data: str) -> str:
        data = self._held + data
        for reply in _ANSWER.findall(data):
            self._on_reply(reply)
        text = _ANSWER.sub("", data)
        begun = _BEGUN.search(text)
        self._held = begun[0] if begun and len(begun[0]) <= _LONGEST else ""
        return text.removesuffix(self._held)
