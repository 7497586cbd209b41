"""An app for one widget or page, which looks as in the whole app."""

from textual.app import App

from tui.widgets import themes


class ThemedApp(App[None]):
    """Has the colours that the style sheets name."""

    def get_css_variables(self) -> dict[str, str]:
        generated = super().get_css_variables()
        return generated | themes.variables(self.current_theme, generated)
