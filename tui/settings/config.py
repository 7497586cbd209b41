"""Preferences: `config.toml`, overridden by RUNAPI_TUI_* variables, as one frozen
object.
"""

import difflib
import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec
from msgspec import Struct

from tui.catalog.route import Api
from tui.service.base_url import canonical
from tui.system.small_file import read_small_file
from tui.tasks import naming
from tui.tasks.task import NO_PROFILE
from tui.text import one_line

ImagesChoice = Literal[
    "auto", "kitty", "sixel", "iterm", "sextant", "quadrant", "half", "ascii", "none"
]


class ConfigError(Exception):
    """A setting that can't be used; the text names the file or variable, the setting
    and what it may be.
    """


KEY_SOURCES = ("environment", "runapi", "openclaw", "hermes")
"""Where a profile may take its key from, beside `env:` and the name of a variable."""
_PROFILE_NAME = re.compile(r"[\w.-]{1,40}", re.ASCII)


class Profile(Struct, frozen=True, forbid_unknown_fields=True):
    """One of several services or accounts. Empty: as without a profile."""

    base_url: str = ""
    key: str = ""
    """Where its key comes from: one of `KEY_SOURCES` or `env:VARIABLE`; never the key
    itself.
    """
    output: str = ""
    """Folder for its images."""


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the user prefers; everything has a default."""

    output: str = ""
    """Folder for images; empty: ~/Pictures/runapi."""
    profile: str = ""
    """The profile in force, of `profiles`; empty or `none`: no one."""
    api: Api = "auto"
    """Which of RunAPI's two routes to take; auto finds out."""
    images: ImagesChoice = "auto"
    """How images are drawn; auto asks the terminal."""
    image_bytes: int | None = None
    """Bytes that the pixels of an image may take; 0: any; unset: 40,000 over SSH, else
    any.
    """
    name: str = naming.DEFAULT
    """How saved images are named, by the fields of `tasks.naming`; `/` makes folders
    below the output folder.
    """
    embed: bool = False
    """Whether prompt and settings are written into saved images; without, they are kept
    byte for byte.
    """
    viewer: str = ""
    """Command that `o` opens images with, such as `feh -F`; empty: the system's own."""
    theme: str = ""
    """One of Textual's themes; empty: dark."""
    confirm_usd: float = 1.0
    """A job that costs more, or an unknown sum, is asked about before it is sent."""
    job_usd: float | None = None
    """What one job, or a single request, may cost without a question; unset: any sum.
    """
    day_usd: float | None = None
    """What a day may cost without a question; unset: any sum."""
    quiet_minutes: float = 10.0
    """A task without news for so long is marked."""
    timeout: float = 3600.0
    """Seconds after which a command stops waiting for a task, and the app for one whose
    status makes no sense. It is set aside then, and `resume` follows it again.
    """
    concurrency: int = 8
    """How many tasks may be at the service at once."""
    poll_seconds: float = 2.0
    """Seconds between polls of a young task; older ones are asked less often."""
    keys: dict[str, str] = {}
    """Key bindings by id, e.g. `generate = "ctrl+g"`."""
    profiles: dict[str, Profile] = {}
    """Services and accounts by name."""

    @property
    def named(self) -> str:
        """The name of the profile in force, or nothing."""
        return "" if self.profile == NO_PROFILE else self.profile


_FROM_ENV = tuple(
    name for name in Config.__struct_fields__ if name not in ("keys", "profiles")
)


def load(
    path: Path, options: Mapping[str, Any], env: Mapping[str, str] = os.environ
) -> Config:
    """The file's preferences, overridden by RUNAPI_TUI_* variables and those by
    `options`. Raises ConfigError.
    """
    settings: dict[str, Any] = {}
    try:
        settings = msgspec.toml.decode(read_small_file(path))
    except FileNotFoundError:
        pass
    except OSError as error:
        reason = one_line(error.strerror or error).lower()
        raise ConfigError(f"{one_line(path)}: {reason}.") from error
    except ValueError as error:
        raise ConfigError(f"{one_line(path)}: {one_line(error)}.") from error
    except RecursionError:
        raise ConfigError(f"{one_line(path)}: nested too deeply.") from None
    named = (
        options.get("profile")
        or env.get("RUNAPI_TUI_PROFILE")
        or settings.get("profile")
    )
    profile = _checked(settings, str(path)).profiles.get(named or "", Profile())
    if profile.output:
        settings["output"] = profile.output
    for name in _FROM_ENV:
        variable = f"RUNAPI_TUI_{name.upper()}"
        if env.get(variable):
            settings[name] = env[variable]
            _checked(settings, variable)
    return _checked(
        settings | {name: value for name, value in options.items() if value},
        "command line",
    )


def _checked(settings: dict[str, Any], source: str) -> Config:
    for name in settings:
        _known(name, Config.__struct_fields__, f"{source}: there is no setting")
    try:
        config = msgspec.convert(settings, Config, strict=False)
    except msgspec.ValidationError as error:
        reason = re.sub(
            r"^(Expected|Invalid)", lambda found: found[0].lower(), one_line(error)
        )
        name = str(error).rpartition("$.")[2].strip("`")
        allowed = {"api": get_args(Api), "images": get_args(ImagesChoice)}.get(name, ())
        hint = f" It is one of {', '.join(allowed)}." if allowed else ""
        raise ConfigError(f"{source}: {reason}.{hint}") from error
    if config.concurrency < 1 or not 0.01 <= config.poll_seconds <= 60:
        raise ConfigError(
            f"{source}: concurrency is at least 1, poll_seconds 0.01 to 60."
        )
    if config.image_bytes and config.image_bytes < 5000:
        raise ConfigError(f"{source}: image_bytes is 0, for any, or at least 5000.")
    for name, profile in config.profiles.items():
        _check_profile(name, profile, f"{source}: profiles.{one_line(name, 40)}")
    if config.profile not in ("", NO_PROFILE):
        _known(config.profile, config.profiles, f"{source}: there is no profile")
    if unnamable := naming.problem(config.name):
        raise ConfigError(f"{source}: name: {unnamable}")
    if not config.confirm_usd >= 0 or not config.quiet_minutes > 0:  # NaN is neither
        raise ConfigError(
            f"{source}: confirm_usd is at least 0, quiet_minutes more than 0."
        )
    if not config.timeout > 0:
        raise ConfigError(f"{source}: timeout is a number of seconds, more than 0.")
    if not all(
        limit is None or limit >= 0 for limit in (config.job_usd, config.day_usd)
    ):
        raise ConfigError(f"{source}: job_usd and day_usd are at least 0.")
    return config


def _check_profile(name: str, profile: Profile, place: str) -> None:
    if not _PROFILE_NAME.fullmatch(name) or name == NO_PROFILE:
        raise ConfigError(
            f"{place}: a name has up to 40 letters, digits, '.', '_', '-', and is not {NO_PROFILE}."
        )
    kind, _, variable = profile.key.partition(":")
    if (
        profile.key
        and profile.key not in KEY_SOURCES
        and not (kind == "env" and variable.isidentifier())
    ):
        # Not repeated here: it may be a key.
        sources = f"{', '.join(KEY_SOURCES)} or env:VARIABLE"
        raise ConfigError(
            f"{place}.key says where the key comes from, never the key itself: {sources}."
        )
    try:
        if profile.base_url:
            canonical(profile.base_url)
    except ValueError as error:
        raise ConfigError(f"{place}.base_url: {error}") from error


def _known(name: str, known: Collection[str], refusal: str) -> None:
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = (
            f"Did you mean {near[0]}?"
            if near
            else f"Known are {', '.join(known)}."
            if known
            else ""
        )
        raise ConfigError(f"{refusal} {one_line(name, 60)}. {hint}".strip())
