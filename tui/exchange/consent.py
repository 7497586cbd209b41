"""What others named in a request, and the user has agreed to: files and callbacks.

A pasted command or path may name any file of this machine for upload, and any address to
be called. Before anything is sent, the user sees the whole name once.
"""

import os
from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import urlsplit

from tui.catalog.reach import Reached, reached_by
from tui.catalog.request import Request
from tui.paths import home
from tui.text import one_line

_LONGEST_NAME = 10_000
_LONGEST_ADDRESS = 200
"""Characters of an address that is shown whole: three lines of a narrow screen."""
_END = 60
"""Characters that are shown of each end of a longer one, and of its host."""


class Use(StrEnum):
    """What becomes of something that is named, in words that its name follows."""

    UPLOAD = "Upload"
    PROMPTS = "Send the lines of"
    CALL = "The service calls"


class Named(NamedTuple):
    """A file with the one that it is a link to, or a callback's address."""

    use: Use
    name: str
    target: str = ""
    """The real path of a file; empty for an address."""

    def describe(self) -> str:
        """Return what would happen, on one line."""
        if self.use is Use.CALL:
            return f"{self.use} {_address(self.name)}"
        name = _visible(self.name)
        target = _visible(self.target)
        if target in ("", name):
            return f"{self.use} {name}"
        return f"{self.use} {name}, a link to {target}"


class WantedJob(NamedTuple):
    """Requests that are to be sent together."""

    requests: list[Request]
    foreign: Collection[str] = frozenset()
    """Texts in their values that need not be the user's own words."""
    prompt_file: str = ""
    """A file that their prompts are from, if its name need not be the user's own."""
    probe: bool = False
    """Whether only the cheapest is sent at first."""


class Consent:
    """Remembers for one run of the app what the user has agreed to."""

    def __init__(self) -> None:
        self._agreed: set[Named] = set()

    def needed(self, job: WantedJob) -> list[Named]:
        """Return what the user has to agree to before a job is sent, in order.

        Links may be followed on slow disks: call it in a thread.
        """
        named: set[Named] = set()
        for model, values, *_ in job.requests if job.foreign else ():
            for reached in reached_by(model, values):
                if reached.text in job.foreign:
                    named.add(_named(reached))
        if job.prompt_file:
            named.add(_file(job.prompt_file, Use.PROMPTS))
        return sorted(named - self._agreed, key=_place)

    def agree(self, named: Iterable[Named]) -> None:
        """Remember that the user has agreed: to these targets, not to later ones."""
        self._agreed |= set(named)


def describe(named: Collection[Named]) -> str:
    """Return what the user has to agree to; empty where that is nothing."""
    if not named:
        return ""
    lines = "\n".join(one.describe() for one in named)
    return f"You may not have typed all of this:\n{lines}"


def _place(named: Named) -> tuple[int, str, str]:
    """Return what to sort by: files come first."""
    return list(Use).index(named.use), named.name, named.target


def _address(url: str) -> str:
    """Return an address; of a long one its host, and both ends."""
    whole = one_line(url, _LONGEST_NAME)
    if len(whole) <= _LONGEST_ADDRESS:
        return whole
    host = _host(url)
    if len(host) > _END:
        host = f"…{host[1 - _END :]}"
    ends = f"{whole[:_END]} … {whole[-_END:]}"
    return f"{host or 'an address'} ({len(url):,} characters): {ends}"


def _host(url: str) -> str:
    """Return the host of a URL, or nothing."""
    try:
        return one_line(urlsplit(url).hostname or "")
    except ValueError:
        return ""


def _named(reached: Reached) -> Named:
    if reached.is_file:
        return _file(reached.text, Use.UPLOAD)
    return Named(Use.CALL, reached.text)


def _file(text: str, use: Use) -> Named:
    path = home(text)
    target = os.path.realpath(path)
    # After a link, ".." leads elsewhere than the text says.
    name = target if ".." in path.parts else os.path.abspath(path)
    return Named(use, name, target)


def _visible(path: str) -> str:
    """Return a path in which no two look alike for a space that nobody sees."""
    shown = (_escape(letter) for letter in path[:_LONGEST_NAME])
    return "".join(shown)


def _escape(letter: str) -> str:
    return letter if letter.isprintable() else f"\\u{ord(letter):04x}"
