"""Where things are kept: XDG directories, and the platform's own where XDG isn't
spoken.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tui.text import one_line

NO_HOME = "HOME is not set and the system knows none"

_HERE = Path(__file__).resolve().parent


def styles_dir() -> Path:
    """`tui/styles` in a wheel, `../styles` in a checkout."""
    packaged = _HERE / "styles"
    return packaged if packaged.is_dir() else _HERE.parent / "styles"


def home(text: str) -> Path:
    """`text` as a path, its `~` opened where there is such a home."""
    try:
        return Path(text).expanduser()
    except RuntimeError:  # ~nobody
        return Path(text)


@dataclass(frozen=True)
class Folders:
    """The places of one installation. The demo has its own, so that play money never
    meets real tasks; only preferences are shared.
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
    """A folder that can't be told where it is; the text says what to set."""


def config_dir() -> Path:
    """Where preferences are. Raises PlaceError."""
    from platformdirs import user_config_path

    return _own(
        "XDG_CONFIG_HOME", lambda: user_config_path("runapi-tui", appauthor=False)
    )


def folders(output: str = "", *, demo: bool = False) -> Folders:
    """`output` is where images go, if the user wishes them elsewhere than
    ~/Pictures/runapi. Raises PlaceError.
    """
    from platformdirs import user_cache_path, user_state_path

    state = _own(
        "XDG_STATE_HOME", lambda: user_state_path("runapi-tui", appauthor=False)
    )
    cache = _own(
        "XDG_CACHE_HOME", lambda: user_cache_path("runapi-tui", appauthor=False)
    )
    own = "demo" if demo else ""
    return Folders(config_dir(), state / own, cache / own, _images(output) / own)


def _own(variable: str, find: Callable[[], Path]) -> Path:
    """One of the usual folders, of which `variable` could say where it is. Raises
    PlaceError.
    """
    try:
        found = find()
    except (
        RuntimeError
    ):  # no home; older versions of platformdirs answer `~/...` as it is
        found = Path("~")
    if not found.is_absolute():
        raise PlaceError(
            f"There is no home folder: {NO_HOME}. Set HOME, or {variable} to a full"
            " path."
        )
    return found


def _images(output: str) -> Path:
    """The folder for images, as a full path. Raises PlaceError."""
    try:
        if not output:
            return (Path.home() / "Pictures" / "runapi").absolute()
        return Path(output).expanduser().absolute()
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
