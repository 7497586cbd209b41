"""Texts that act wherever they are taken for more than text, and how one recognises that."""

import re

MARK = "h0stile"
"""Stands in each payload: no escape sequence of the program itself has it."""

PAYLOADS = {
    "clipboard": f"\x1b]52;c;{MARK}\x07",
    "title": f"\x1b]0;{MARK}\x1b\\",
    "link": f"\x1b]8;;https://{MARK}.example\x1b\\click\x1b]8;;\x1b\\",
    "cursor": f"\x1b[2J\x1b[6n{MARK}",
    "device": f"\x1bP$q{MARK}\x1b\\",
    "application": f"\x1b_G{MARK}\x1b\\",
    "private": f"\x1b^{MARK}\x1b\\",
    "string": f"\x1bX{MARK}\x1b\\",
    "reset": f"\x1bc{MARK}",
    "open end": f"\x1b]0;{MARK}",
    "clipboard in C1": f"\x9d52;c;{MARK}\x9c",
    "cursor in C1": f"\x9b2J{MARK}",
    "device in C1": f"\x90{MARK}\x9c",
    "controls": f"\a\b\r\x0b\x0c\x0e\x7f\x05{MARK}",
    "bidi": f"\u202e{MARK}\u202c\u2066{MARK}\u2069\u200f\u061c",
    "lines": f"{MARK}\u2028{MARK}\u2029\x85{MARK}",
    "tags": f"{MARK}\U000e0041\U000e007f\ufeff",
    "markup": f"[/b][@click=app.quit]{MARK}[/][bold red]",
    "brackets": f"[[{MARK}]] [/] [$text-error on $x]",
    "shell": f"$(touch {MARK}) `touch {MARK}`; touch {MARK} # ' \" \\",
    "path": f"../../{MARK}",
    "format": f"{{0}} {{x.__class__}} %s %n {MARK}",
    "option": f"--{MARK}",
}
"""By name. None has a NUL, which no argument or file name can hold."""

TOGETHER = {
    "for terminals": "".join(
        text for text in PAYLOADS.values() if not text.isprintable()
    ),
    "for people": "".join(text for text in PAYLOADS.values() if text.isprintable()),
    "for shells": PAYLOADS["shell"],
}
"""The payloads in few texts, where each costs many commands."""

_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff"
    "\U000e0000-\U000e007f]"
)
"""Matches what a terminal obeys, or what changes the order of what is read."""
_STRINGS = re.compile(r"\x1b[\]PX^_](.*?)(?:\x07|\x1b\\|\Z)", re.DOTALL)
_SEQUENCE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_].*?(?:\x07|\x1b\\)|[ -/]*[0-~])", re.DOTALL
)


def name_of_file(text: str) -> str:
    """Returns a payload as it can stand in a file's name."""
    return text.replace("/", "∕")[:60]


def obeyed(output: bytes) -> list[str]:
    """Returns what a terminal would obey in output that should be text alone."""
    text = output.decode("utf-8", "surrogateescape")
    return [ascii(found[0]) for found in _OBEYED.finditer(text)]


def obeyed_on_screen(output: bytes) -> list[str]:
    """Returns what a terminal would obey in an app's output that isn't the app's own.

    An app writes sequences; those with the mark of a payload are none of its own.
    """
    text = output.decode("utf-8", "replace")
    found = [
        ascii(whole[0][:60]) for whole in _STRINGS.finditer(text) if MARK in whole[0]
    ]
    rest = _SEQUENCE.sub("", text)
    return found + [
        ascii(char)
        for char in _OBEYED.findall(rest)
        if char not in "\r\n\b\x0e\x0f\x1b"
    ]
