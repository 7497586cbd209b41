"""Where Hermes Agent keeps its files, in each of its profiles.

By hermes_cli/main.py and hermes_constants.py of Hermes Agent 0.19: `HERMES_HOME` is a
profile's folder or the root; in the root, `active_profile` names the profile in use.
"""

import os.path
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tui.paths import home
from tui.settings.keyfiles.files import Unreadable, inside, read, shown
from tui.text import one_line

_PROFILE = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_LIMIT = 1_000


class Places(NamedTuple):
    """The folders of Hermes."""

    folder: Path
    """The one of the profile in use."""
    root: Path
    """The one around all profiles, whose keys are used where a profile has none."""
    problem: str = ""
    """What is wrong with the profile, if anything."""


def places(env: Mapping[str, str]) -> Places:
    """Return the folders of Hermes, whether they exist or not."""
    usual = home("~/.hermes")
    named = env.get("HERMES_HOME", "").strip()
    folder = home(named) if named else usual
    is_profile = bool(named) and folder.parent.name == "profiles"
    root = folder
    if inside(folder, usual):
        root = usual
    elif is_profile:
        root = folder.parent.parent
    if is_profile:
        return Places(folder, root)
    file = root / "active_profile"
    try:
        name = (read(file, _LIMIT) or "").strip()
    except Unreadable as error:
        return Places(folder, root, str(error))
    if name in ("", "default"):
        return Places(folder, root)
    own = root / "profiles" / name
    if _PROFILE.fullmatch(name) and os.path.isdir(own):
        return Places(own, root)
    return Places(
        folder,
        root,
        f"{shown(file)} names the profile {one_line(name, 64)}, which isn't there:"
        " `hermes profile use default` repairs that.",
    )
