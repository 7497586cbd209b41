"""The model picker: the sidebar on its own page, for narrow screens."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from tui.catalog.load import Catalog
from tui.catalog.spec import Model
from tui.screens.modal import Modal
from tui.widgets.footer import Footer
from tui.widgets.sidebar import ModelKey, Sidebar


class ModelPickerScreen(Modal[Model | None]):
    """Lets the user choose a model; ends with it, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape",
            "dismiss(None)",
            "Back",
            id="picker-back",
            tooltip="Choose no other model",
        )
    ]

    def __init__(
        self,
        catalog: Catalog,
        chosen: Model,
        favourites: list[ModelKey],
        recent: list[ModelKey],
        title: str = "Models",
    ) -> None:
        super().__init__()
        self._sidebar = Sidebar(catalog, chosen, "picker", favourites, recent)
        self._sidebar.border_title = Content(title)

    def compose(self) -> ComposeResult:
        yield self._sidebar
        yield Footer()

    async def on_mount(self) -> None:
        await self._sidebar.mount_content()
        self._sidebar.focus_filter()

    @on(Sidebar.Selected)
    def _picked(self, event: Sidebar.Selected) -> None:
        event.stop()
        if self.is_current:  # a second enter may wait behind the first
            self.dismiss(event.model)
