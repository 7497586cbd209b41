"""Folders for settings, data and images: XDG's, or the platform's own."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tui.text import one_line

NO_HOME = "HOME is not set and the system knows none"

_HERE = Path(__file__).resolve().parent


def styles_dir() -> Path:
    """Return the folder of style sheets: in a wheel, or beside `tui` in a checkout."""
    packaged = _HERE / "styles"
    return packaged if packaged.is_dir() else _HERE.parent / "styles"


def home(text: str) -> Path:
    """Return `text` as a path, with `~` expanded where that home is known."""
    try:
        return Path(text).expanduser()
    except RuntimeError:  # ~nobody
        return Path(text)


def short(path: str) -> str:
    """Return a full path with `~` for the user's own home; `home` reads it back."""
    own = os.path.expanduser("~")
    if len(own) > 1 and path.startswith(own + os.sep):
        return f"~{path[len(own) :]}"
    return path


@dataclass(frozen=True)
class Folders:
    """The folders of one installation.

    The demo has its own, so that play money never mixes with real tasks; only
    preferences are shared.
    """

    config: Path
    state: Path
    cache: Path
    output: Path

    @property
    def queue(self) -> Path:
        return self.state / "queue.db"

    @property
    def config_file(self) -> Path:
        return self.config / "config.toml"


class PlaceError(Exception):
    """A folder that can't be found; the text says what to set."""


def config_dir() -> Path:
    """Return the folder of the preferences. Raises PlaceError."""
    from platformdirs import user_config_path

    return _own(
        "XDG_CONFIG_HOME", lambda: user_config_path("runapi-tui", appauthor=False)
    )


def state_dir() -> Path:
    """Return the folder of what the app remembers. Raises PlaceError."""
    from platformdirs import user_state_path

    return _own(
        "XDG_STATE_HOME", lambda: user_state_path("runapi-tui", appauthor=False)
    )


def folders(output: str = "", *, demo: bool = False) -> Folders:
    """Return the folders; `output` replaces ~/Pictures/runapi for images.

    Raises PlaceError.
    """
    from platformdirs import user_cache_path

    cache = _own(
        "XDG_CACHE_HOME", lambda: user_cache_path("runapi-tui", appauthor=False)
    )
    own = "demo" if demo else ""
    return Folders(config_dir(), state_dir() / own, cache / own, _images(output) / own)


def _own(variable: str, find: Callable[[], Path]) -> Path:
    """Return a standard folder, which `variable` can set. Raises PlaceError."""
    try:
        found = find()
    except RuntimeError:
        # No home; older versions of platformdirs return `~/...` as it is
        found = Path("~")
    if not found.is_absolute():
        raise PlaceError(
            f"There is no home folder: {NO_HOME}. Set HOME, or {variable} to a full"
            " path."
        )
    return found


def _images(output: str) -> Path:
    """Return the folder for images as a full path. Raises PlaceError."""
    try:
        if not output:
            return (Path.home() / "Pictures" / "runapi").absolute()
        folder = Path(output).expanduser().absolute()
        # Files are only known as this program's by a path without `..`.
        return Path(os.path.realpath(folder)) if ".." in folder.parts else folder
    except RuntimeError as error:
        if output:
            raise PlaceError(
                f"{one_line(output, 200)}: there is no such home folder. Write a full"
                " path."
            ) from error
        raise PlaceError(
            f"There is no home folder: {NO_HOME}. Set HOME, or RUNAPI_TUI_OUTPUT."
        ) from error
    except OSError as error:
        raise PlaceError(
            f"{one_line(output, 200)} can't be found: the working folder is gone. Write"
            " a full path."
        ) from error
