"""All that this program uses of Textual's private parts, under public names.

Textual may change them in any release. They were checked with Textual 8.2.8, the version
in tests/constraints.txt; tests/terminal/test_textual_private.py finds uses elsewhere.
"""

import termios
import tty
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

from textual._xterm_parser import XTermParser
from textual.app import App
from textual.binding import Binding, BindingsMap
from textual.cache import LRUCache
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.css.types import CSSLocation
from textual.dom import DOMNode
from textual.driver import Driver
from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key
from textual.geometry import Region, Size
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets._footer import FooterKey as FooterKey

from tui.terminal.screen_text import ScreenText
from tui.text import inert

KEYBOARD_FLAGS = (
    linux_driver.KITTY_DISAMBIGUATE_ESCAPE_CODES
    | linux_driver.KITTY_REPORT_ALL_KEYS
    | linux_driver.KITTY_REPORT_ASSOCIATED_TEXT
)
"""What Textual asks of a terminal with Kitty's keyboard protocol."""

# By identity, as Textual's own, but not written in Python: each widget that is styled
# asks for the hash of every rule, which is 100,000 times until the first page stands.
# Audit hooks, such as those of our tests, would hear of each of them too.
RuleSet.__hash__ = object.__hash__  # type: ignore[method-assign]


def driver_of(app: App[Any]) -> Driver | None:
    """Returns what the app writes to its terminal with; None while it doesn't run."""
    return app._driver


def bindings_in_reach(screen: Screen[Any]) -> list[BindingsMap]:
    """Returns the bindings that keys reach: from the focus out to the last modal page."""
    return [bindings for _, bindings in screen._modal_binding_chain]


def bound_on_page(screen: Screen[Any]) -> Iterator[tuple[DOMNode, Binding]]:
    """Yields the bindings of a page, the user's own keys applied, and who has them.

    Those in reach of the focus come first, then those of other widgets.
    """
    nodes = [node for node, _ in screen._binding_chain]
    for node in dict.fromkeys((*nodes, *screen.walk_children(), screen.app)):
        bindings = node._bindings.copy()
        bindings.apply_keymap(screen.app._keymap)
        for _, binding in bindings:
            yield node, binding


def is_possible(app: App[Any], node: DOMNode, action: str) -> bool:
    """Returns whether an action of a node's binding would do something now."""
    return bool(app._check_action_state(action, node))


def keys_in_force(node: DOMNode, binding_id: str) -> list[str]:
    """Returns the keys of an id: the user's own, or the default ones that are left.

    The nearest place that has the id counts: the node, what it is in, its page, the
    pages below that one. Empty if no open page has it.
    """
    for place in _places(node):
        if any(binding.id == binding_id for _, binding in place._bindings):
            bindings = place._bindings.copy()
            bindings.apply_keymap(node.app._keymap)
            return [key for key, binding in bindings if binding.id == binding_id]
    return []


def default_ids(node: DOMNode) -> list[str]:
    """Returns the ids of a node's bindings in their own order, whatever is remapped."""
    ids = (binding.id for _, binding in node._bindings if binding.id)
    return list(dict.fromkeys(ids))


def _places(node: DOMNode) -> Iterator[DOMNode]:
    yield from node.ancestors_with_self
    for screen in reversed(node.app.screen_stack):
        yield from (*screen.walk_children(), screen)
    yield node.app


def visible_widgets(screen: Screen[Any]) -> Iterator[tuple[Widget, Region, Region]]:
    """Yields each visible widget with its region and clip, from top to bottom."""
    for widget, (region, clip) in screen._compositor.visible_widgets.items():
        yield widget, region, clip


class OpenParser(XTermParser):
    """Textual's parser of terminal input, open to be subclassed and hurried."""

    @property
    def is_waiting(self) -> bool:
        """Whether it has read the beginning of a sequence."""
        return self._timeout_time is not None

    def wait_no_longer(self) -> None:
        """Take such a beginning for all that comes, at the next tick."""
        if self.is_waiting:
            self._timeout_time = 0.0

    def key_events(self, sequence: str, alt: bool) -> Iterable[Key]:
        """Returns the keys that an escape sequence means; for subclasses."""
        return super()._sequence_to_key_events(sequence, alt)

    def _sequence_to_key_events(
        self, sequence: str, alt: bool = False
    ) -> Iterable[Key]:
        return self.key_events(sequence, alt)


class OpenDriver(LinuxDriver):
    """Textual's driver for POSIX terminals, open to be subclassed."""

    @property
    def app(self) -> App[Any]:
        return self._app

    @property
    def is_app_exiting(self) -> bool:
        return self._app._exit

    @property
    def loop(self) -> Any:
        """The app's event loop."""
        return self._loop

    @property
    def is_debugging(self) -> bool:
        return self._debug

    @property
    def uses_mouse(self) -> bool:
        return self._mouse

    @property
    def uses_mouse_pixels(self) -> bool:
        return self._mouse_pixels

    @property
    def terminal_reports_size(self) -> bool:
        """Whether the terminal itself tells when it is resized (mode 2048)."""
        return self._in_band_window_resize

    @property
    def resumes_itself(self) -> bool:
        """Whether SIGCONT gives the terminal back to the app; not in `App.suspend`."""
        return self._auto_restart

    def terminal_size(self) -> Size:
        return Size(*self._get_terminal_size())

    def make_raw(self, attributes: list[Any]) -> None:
        """Change terminal attributes: keys come one by one, none of them is a signal."""
        attributes[tty.LFLAG] = self._patch_lflag(attributes[tty.LFLAG])
        attributes[tty.IFLAG] = self._patch_iflag(attributes[tty.IFLAG])
        attributes[tty.CC][termios.VMIN] = 1

    def enable_modes(self) -> None:
        """Turn on the mouse, focus reports and pastes; turn off cursor and line wrap."""
        self._enable_mouse_support()
        self.write("\x1b[?25l\x1b[?1004h")  # no cursor; focus is told
        self._enable_bracketed_paste()
        self._disable_line_wrap()
        if self._in_band_window_resize:
            self._enable_in_band_window_resize()
        if self._mouse_pixels:
            self._enable_mouse_pixels()

    def ask_for_features(self) -> None:
        """Ask the terminal for synchronized output and for reports of its size."""
        self._request_terminal_sync_mode_support()
        self._query_in_band_window_resize()

    def run_reader(self) -> None:
        """Run `run_input_thread`; an error in it ends the app with its traceback."""
        self._run_input_thread()

    def on_stop_signal(self) -> None:
        """Called at SIGTSTP, in the signal handler; for subclasses."""

    def on_continue_signal(self) -> None:
        """Called at SIGCONT, in the signal handler; for subclasses."""

    def _sigtstp_application(self, *_: object) -> None:
        self.on_stop_signal()

    def _sigcont_application(self, *_: object) -> None:
        self.on_continue_signal()


class ParsedOnce(Stylesheet):
    """Textual's style sheet, but a source is parsed once for each set of colors.

    Textual parses all of them twice until the first page stands, and again whenever the
    theme changes.
    """

    _parsed: ClassVar[LRUCache[tuple[Any, ...], list[RuleSet]]] = LRUCache(128)
    """Rules by source and variables: those of about three themes, for any app."""

    def reparse(self) -> None:
        self._invalid_css.clear()  # other variables may make it valid
        self.parse()

    def _parse_rules(
        self,
        css: str,
        read_from: CSSLocation,
        is_default_rules: bool = False,
        tie_breaker: int = 0,
        scope: str = "",
    ) -> list[RuleSet]:
        source = (css, read_from, is_default_rules, tie_breaker, scope)
        key = (source, tuple(self._variables.items()))
        rules = self._parsed.get(key)
        if rules is None:
            rules = super()._parse_rules(*source)
            self._parsed[key] = rules
        return rules


class OpenApp(App[None]):
    """Textual's app, with a say in what an unexpected error does.

    All that it writes to the terminal as text is harmless.
    """

    _screen_text = ScreenText([])

    def __init__(self, driver_class: type[Driver] | None = None) -> None:
        super().__init__(driver_class=driver_class)
        self.stylesheet = ParsedOnce(variables=self.get_css_variables())

    def get_line_filters(self) -> Sequence[ScreenText]:
        others = list(super().get_line_filters())
        if others != self._screen_text.others:
            self._screen_text = ScreenText(others)
        return (self._screen_text,)

    def copy_to_clipboard(self, text: str) -> None:
        super().copy_to_clipboard(inert(text))

    def handle_crash(self, error: Exception) -> None:
        """Called for an error that nobody has caught; Textual shows it and ends."""
        super()._handle_exception(error)

    def _handle_exception(self, error: Exception) -> None:
        self.handle_crash(error)
