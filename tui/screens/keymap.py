"""The user's own keys: what Textual takes without a word and would leave a binding
without its key.
"""

from collections.abc import Iterable, Iterator, Mapping

from textual.binding import Binding, BindingType

from tui.text import did_you_mean, one_line


def problems(keys: Mapping[str, str], bindings: Iterable[BindingType]) -> Iterator[str]:
    """A sentence for each entry of `[keys]` that can't work."""
    known = {
        binding.id: binding
        for binding in bindings
        if isinstance(binding, Binding) and binding.id
    }
    taken: dict[str, str] = {}
    for name, wanted in keys.items():
        shown = one_line(name, 60)
        if name not in known:
            hint = did_you_mean(name, known)
            yield f"[keys] {shown}: there is no such key id. {hint}".rstrip()
            continue
        for key in wanted.split(","):
            if not key.strip() or key.strip().endswith("+"):
                yield f"[keys] {shown}: {one_line(wanted, 60)!r} is no key."
            elif taken.setdefault(key.strip(), name) != name:
                yield (
                    f"[keys] {shown}: {one_line(key, 60)} is taken by"
                    f" {taken[key.strip()]} already."
                )


def page_bindings() -> Iterator[BindingType]:
    """Those of all pages and their parts; all of them are loaded for this."""
    from tui.screens.batch import BatchScreen
    from tui.screens.grid import GridScreen
    from tui.screens.history import HistoryScreen
    from tui.screens.inspect import InspectScreen, Page
    from tui.screens.main import MainScreen
    from tui.screens.money import MoneyScreen
    from tui.screens.prompts import PromptsScreen
    from tui.screens.setup import SetupScreen
    from tui.screens.sources import SourcesScreen
    from tui.screens.viewer import ViewerScreen
    from tui.widgets.fields import Field
    from tui.widgets.form import ParamForm
    from tui.widgets.queue import QueueTable
    from tui.widgets.sidebar import Sidebar

    pages = (
        MainScreen,
        ViewerScreen,
        GridScreen,
        SourcesScreen,
        SetupScreen,
        BatchScreen,
        HistoryScreen,
        InspectScreen,
        PromptsScreen,
        MoneyScreen,
    )
    for place in (*pages, ParamForm, Field, QueueTable, Sidebar, Page):
        yield from place.BINDINGS
