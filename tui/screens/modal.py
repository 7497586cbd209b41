"""What all pages that lie over another one have in common."""

from typing import ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

T = TypeVar("T")


class Modal(ModalScreen[T]):
    """A page over another one, which the app's own keys don't reach."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "question_mark",
            "app.help",
            "Help",
            id="help",
            tooltip="Show the keys of this page",
            show=False,
        )
    ]
