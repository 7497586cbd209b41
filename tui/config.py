"""Preferences: `config.toml`, overridden by RUNAPI_TUI_* variables, as one frozen object."""

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec
from msgspec import Struct

from tui.catalog.route import Api
from tui.tasks import naming
from tui.text import one_line

ImagesChoice = Literal["auto", "kitty", "sixel", "iterm", "sextant", "quadrant", "half", "ascii", "none"]


class ConfigError(Exception):
    """A setting that can't be used; the text names the file or variable, the setting and what it may be."""


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the user prefers; everything has a default."""

    output: str = ""
    """Folder for images; empty: ~/Pictures/runapi."""
    api: Api = "auto"
    """Which of RunAPI's two routes to take; auto finds out."""
    images: ImagesChoice = "auto"
    """How images are drawn; auto asks the terminal."""
    image_bytes: int | None = None
    """Bytes that the pixels of an image may take; 0: any; unset: 40,000 over SSH, else any."""
    name: str = naming.DEFAULT
    """How saved images are named, by the fields of `tasks.naming`; `/` makes folders below the output folder."""
    embed: bool = False
    """Whether prompt and settings are written into saved images; without, they are kept byte for byte."""
    viewer: str = ""
    """Command that `o` opens images with, such as `feh -F`; empty: the system's own."""
    theme: str = ""
    """One of Textual's themes; empty: dark."""
    confirm_usd: float = 1.0
    """A job that costs more, or an unknown sum, is asked about before it is sent."""
    job_usd: float | None = None
    """What one job, or a single request, may cost without a question; unset: any sum."""
    day_usd: float | None = None
    """What a day may cost without a question; unset: any sum."""
    quiet_minutes: float = 10.0
    """A task without news for so long is marked."""
    concurrency: int = 8
    """How many tasks may be at the service at once."""
    poll_seconds: float = 2.0
    """Seconds between polls of a young task; older ones are asked less often."""
    keys: dict[str, str] = {}
    """Key bindings by id, e.g. `generate = "ctrl+g"`."""


_FROM_ENV = tuple(name for name in Config.__struct_fields__ if name != "keys")


def load(path: Path, options: Mapping[str, Any], env: Mapping[str, str] = os.environ) -> Config:
    """The file's preferences, overridden by RUNAPI_TUI_* variables and those by `options`. Raises ConfigError."""
    settings: dict[str, Any] = {}
    try:
        settings = msgspec.toml.decode(path.read_bytes())
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {one_line(error)}.") from error
    _checked(settings, str(path))
    for name in _FROM_ENV:
        variable = f"RUNAPI_TUI_{name.upper()}"
        if env.get(variable):
            settings[name] = env[variable]
            _checked(settings, variable)
    return _checked(settings | {name: value for name, value in options.items() if value}, "command line")


def _checked(settings: dict[str, Any], source: str) -> Config:
    for name in settings:
        if name not in Config.__struct_fields__:
            near = difflib.get_close_matches(name, Config.__struct_fields__, n=1)
            hint = f" Did you mean {near[0]}?" if near else f" Known are {', '.join(Config.__struct_fields__)}."
            raise ConfigError(f"{source}: there is no setting {one_line(name, 60)}.{hint}")
    try:
        config = msgspec.convert(settings, Config, strict=False)
    except msgspec.ValidationError as error:
        reason = re.sub(r"^(Expected|Invalid)", lambda found: found[0].lower(), one_line(error))
        name = str(error).rpartition("$.")[2].strip("`")
        allowed = {"api": get_args(Api), "images": get_args(ImagesChoice)}.get(name, ())
        hint = f" It is one of {', '.join(allowed)}." if allowed else ""
        raise ConfigError(f"{source}: {reason}.{hint}") from error
    if config.concurrency < 1 or not 0.01 <= config.poll_seconds <= 60:
        raise ConfigError(f"{source}: concurrency is at least 1, poll_seconds 0.01 to 60.")
    if config.image_bytes and config.image_bytes < 5000:
        raise ConfigError(f"{source}: image_bytes is 0, for any, or at least 5000.")
    if unnamable := naming.problem(config.name):
        raise ConfigError(f"{source}: name: {unnamable}")
    if not config.confirm_usd >= 0 or not config.quiet_minutes > 0:  # NaN is neither
        raise ConfigError(f"{source}: confirm_usd is at least 0, quiet_minutes more than 0.")
    if not all(limit is None or limit >= 0 for limit in (config.job_usd, config.day_usd)):
        raise ConfigError(f"{source}: job_usd and day_usd are at least 0.")
    return config
