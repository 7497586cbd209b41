"""Where things are kept: XDG directories, and the platform's own where XDG isn't spoken."""

from dataclasses import dataclass
from pathlib import Path

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
    """The places of one installation. The demo has its own, so that play money never meets real tasks; only
    preferences are shared."""

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


def config_dir() -> Path:
    from platformdirs import user_config_path

    return user_config_path("runapi-tui", appauthor=False)


def folders(output: str = "", *, demo: bool = False) -> Folders:
    """`output` is where images go, if the user wishes them elsewhere than ~/Pictures/runapi."""
    from platformdirs import user_cache_path, user_state_path

    images = Path(output).expanduser() if output else Path.home() / "Pictures" / "runapi"
    state = user_state_path("runapi-tui", appauthor=False)
    cache = user_cache_path("runapi-tui", appauthor=False)
    own = "demo" if demo else ""
    return Folders(config_dir(), state / own, cache / own, images.absolute() / own)
