"""The user's own keys: what Textual takes without a word and would leave a binding without its key."""

import difflib
from collections.abc import Iterable, Iterator, Mapping

from textual.binding import Binding

from tui.text import one_line


def key_problems(keys: Mapping[str, str], bindings: Iterable[Binding]) -> Iterator[str]:
    """A sentence for each entry of `[keys]` that can't work."""
    known = {binding.id: binding for binding in bindings if binding.id}
    taken: dict[str, str] = {}
    for name, wanted in keys.items():
        shown = one_line(name, 60)
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            yield f"[keys] {shown}: there is no such key id." + (f" Did you mean {near[0]}?" if near else "")
            continue
        for key in wanted.split(","):
            if not key.strip() or key.strip().endswith("+"):
                yield f"[keys] {shown}: {one_line(wanted, 60)!r} is no key."
            elif taken.setdefault(key.strip(), name) != name:
                yield f"[keys] {shown}: {one_line(key, 60)} is taken by {taken[key.strip()]} already."
