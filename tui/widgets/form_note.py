"""The rows below the fields: help, or what is wrong. They never grow."""

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget


class FormNote(Widget):
    """Shows as many whole words as it has room for."""

    ALLOW_SELECT = False
    text: reactive[str] = reactive("")

    def render(self) -> Content:
        return Content("\n".join(cut(self.text, *self.size)))

    def watch_text(self, text: str) -> None:
        self.tooltip = Content(text) if text else None


def cut(text: str, width: int, rows: int) -> list[str]:
    """Returns a text in at most so many rows, with a mark where words are left out."""
    lines = _wrapped(text.split(), width)
    if len(lines) <= rows:
        return lines
    if rows <= 0:
        return []
    words = lines[rows - 1].split()
    while words and cell_len(" ".join(words)) + 2 > width:
        words.pop()
    return [*lines[: rows - 1], " ".join([*words, "…"])]


def _wrapped(words: list[str], width: int) -> list[str]:
    lines: list[str] = []
    for word in words:
        if lines and cell_len(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
