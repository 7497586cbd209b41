"""Names keys as they are in force, whatever the user has remapped."""

from textual.widget import Widget

from tui.terminal.textual_private import bindings_on_page


def key_text(widget: Widget, binding_id: str) -> str:
    """Returns the first key of an id on the widget's page; empty if it has none."""
    for binding in bindings_on_page(widget.screen):
        if binding.id == binding_id:
            return widget.app.get_key_display(binding)
    return ""
