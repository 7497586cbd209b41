"""Preferences: `config.toml`, overridden by RUNAPI_TUI_* variables and by options."""

import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, get_args

import msgspec
from msgspec import Struct

from tui.catalog.route import Api
from tui.service.base_url import canonical
from tui.settings.choices import ImagesChoice, NotifyChoice
from tui.system.toml_file import read_toml
from tui.tasks import naming
from tui.tasks.task import NO_PROFILE
from tui.text import did_you_mean, inert, is_text, one_line


class ConfigError(Exception):
    """A setting that can't be used.

    The text names the file or variable, the setting and what it may be.
    """


HIGHEST_CEILING = 1_000_000
"""Dollars that `job_usd` and `day_usd` may be."""
LONGEST_UNDO = 60
"""Seconds that `undo_send` may be."""
KEY_SOURCES = ("environment", "runapi", "openclaw", "hermes")
"""Where a profile may get its key, apart from `env:VARIABLE`."""
_MOST_BYTES = 400_000
"""The largest config.toml."""
_PROFILE_NAME = re.compile(r"[\w.-]{1,40}", re.ASCII)


class Profile(Struct, frozen=True, forbid_unknown_fields=True):
    """One of several services or accounts; an empty setting is as without a profile."""

    base_url: str = ""
    key: str = ""
    """The source of its key: one of `KEY_SOURCES` or `env:VARIABLE`, never a key."""
    output: str = ""
    """Folder for its images."""


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The user's preferences; each has a default."""

    output: str = ""
    """Folder for images; empty: ~/Pictures/runapi."""
    profile: str = ""
    """The profile in use, one of `profiles`; empty or `none`: no profile."""
    api: Api = "auto"
    """Which of RunAPI's two routes to use; auto finds out."""
    images: ImagesChoice = "auto"
    """How images are drawn; auto asks the terminal."""
    image_bytes: int | None = None
    """Most bytes for an image's pixels; 0: any; unset: 40,000 over SSH, else any."""
    name: str = naming.DEFAULT
    """How saved images are named, with fields of `tasks.naming`; `/` makes folders."""
    embed: bool = False
    """Whether to write prompt and settings into images; else they stay unchanged."""
    viewer: str = ""
    """Command that `o` opens images with, such as `feh -F`; empty: the system's own."""
    notify: NotifyChoice = "auto"
    """How the app tells that a job has ended, while another window has the focus.

    auto: by `notify_command` if there is one, or else by the terminal's bell, and a
    notification of the desktop where the terminal is known to show one.
    """
    notify_command: str = ""
    """Command that gets the sentence as its last word, such as `notify-send RunAPI`."""
    title: bool = True
    """Whether the title of the terminal's window shows how many tasks run."""
    theme: str = ""
    """One of Textual's themes; empty: dark."""
    confirm_usd: float = 1.0
    """The app asks before it sends a job that costs more, or an unknown sum."""
    job_usd: float | None = None
    """What one job may cost without a question; unset: any sum."""
    day_usd: float | None = None
    """What a day may cost without a question; unset: any sum."""
    undo_send: float = 0.0
    """Seconds for which a request of the app's waits, and can be taken back."""
    quiet_minutes: float = 10.0
    """Minutes without news after which a task is marked."""
    timeout: float = 3600.0
    """Seconds after which a command sets a task aside, for `resume` to follow again.

    The app does so for a task whose status makes no sense.
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
    def profile_in_use(self) -> str:
        """The name of the profile in use; empty for none."""
        return "" if self.profile == NO_PROFILE else self.profile


_FROM_ENV = tuple(
    name for name in Config.__struct_fields__ if name not in ("keys", "profiles")
)
_CHOICES: dict[str, Any] = {
    "api": Api,
    "images": ImagesChoice,
    "notify": NotifyChoice,
}
"""Settings of which an error names all choices."""


def load(
    path: Path, options: Mapping[str, Any], env: Mapping[str, str] = os.environ
) -> Config:
    """Return the file's preferences, overridden by variables, and those by `options`.

    Raises ConfigError.
    """
    settings = _read(path)
    profiles = _checked(settings, str(path)).profiles
    named = options.get("profile") or env.get("RUNAPI_TUI_PROFILE")
    named = named or settings.get("profile") or ""
    profile = profiles.get(named, Profile())
    if profile.output:
        settings["output"] = profile.output
    for name in _FROM_ENV:
        variable = f"RUNAPI_TUI_{name.upper()}"
        if env.get(variable):
            settings[name] = env[variable]
            _checked(settings, variable)
    for name, value in options.items():
        if value:
            settings[name] = value
    return _checked(settings, "command line")


def _read(path: Path) -> dict[str, Any]:
    """Return the settings of the file; none where there is no file."""
    try:
        settings = read_toml(path, _MOST_BYTES)
    except FileNotFoundError:
        return {}
    except OSError as error:
        reason = one_line(error.strerror or error).lower()
        raise ConfigError(f"{one_line(path)}: {reason}.") from error
    except ValueError as error:
        raise ConfigError(f"{one_line(path)}: {one_line(error)}.") from error
    return settings


def _checked(settings: dict[str, Any], source: str) -> Config:
    for name in settings:
        _check_name(name, Config.__struct_fields__, f"{source}: there is no setting")
        _check_text(settings[name], f"{source}: {name}")
    config = _converted(settings, source)
    _check_numbers(config, source)
    if config.notify == "command" and not config.notify_command.strip():
        raise ConfigError(
            f"{source}: notify is command, but notify_command has none. Set it, such as"
            ' notify_command = "notify-send RunAPI".'
        )
    for name, profile in config.profiles.items():
        _check_profile(name, profile, f"{source}: profiles.{one_line(name, 40)}")
    if config.profile not in ("", NO_PROFILE):
        _check_name(config.profile, config.profiles, f"{source}: there is no profile")
    problem = naming.problem(config.name)
    if problem:
        raise ConfigError(f"{source}: name: {problem}")
    return config


def _converted(settings: dict[str, Any], source: str) -> Config:
    try:
        return msgspec.convert(settings, Config, strict=False)
    except msgspec.ValidationError as error:
        reason = one_line(error)
        if reason.startswith(("Expected", "Invalid")):
            reason = reason[0].lower() + reason[1:]
        _, _, name = str(error).rpartition("$.")
        choices = _CHOICES.get(name.strip("`"))
        if choices:
            names = ", ".join(get_args(choices))
            raise ConfigError(f"{source}: {reason}. It is one of {names}.") from error
        raise ConfigError(f"{source}: {reason}.") from error


def _check_numbers(config: Config, source: str) -> None:
    if config.concurrency < 1 or not 0.01 <= config.poll_seconds <= 60:
        raise ConfigError(
            f"{source}: concurrency is at least 1, poll_seconds 0.01 to 60."
        )
    if config.image_bytes and config.image_bytes < 5000:
        raise ConfigError(f"{source}: image_bytes is 0, for any, or at least 5000.")
    if not config.confirm_usd >= 0 or not config.quiet_minutes > 0:  # NaN is neither
        raise ConfigError(
            f"{source}: confirm_usd is at least 0, quiet_minutes more than 0."
        )
    if not 0 <= config.undo_send <= LONGEST_UNDO:
        raise ConfigError(
            f"{source}: undo_send is a number of seconds, 0 to {LONGEST_UNDO}."
        )
    if not config.timeout > 0:
        raise ConfigError(f"{source}: timeout is a number of seconds, more than 0.")
    for usd in (config.job_usd, config.day_usd):
        # Neither NaN nor infinity: a ceiling that can't be passed is none
        if usd is not None and not 0 <= usd <= HIGHEST_CEILING:
            raise ConfigError(
                f"{source}: job_usd and day_usd are 0 to {HIGHEST_CEILING:,} dollars;"
                " leave them out for any sum."
            )


def _check_profile(name: str, profile: Profile, place: str) -> None:
    """Raises ConfigError where a profile in `place` can't be used."""
    if not _PROFILE_NAME.fullmatch(name) or name == NO_PROFILE:
        raise ConfigError(
            f"{place}: a name has up to 40 letters, digits, '.', '_', '-', and is not"
            f" {NO_PROFILE}."
        )
    kind, _, variable = profile.key.partition(":")
    is_variable = kind == "env" and variable.isidentifier()
    if profile.key and profile.key not in KEY_SOURCES and not is_variable:
        # Not repeated here: it may be a key.
        sources = f"{', '.join(KEY_SOURCES)} or env:VARIABLE"
        raise ConfigError(
            f"{place}.key says where the key comes from, never the key itself:"
            f" {sources}."
        )
    try:
        if profile.base_url:
            canonical(profile.base_url)
    except ValueError as error:
        raise ConfigError(f"{place}.base_url: {error}") from error


def _check_text(value: Any, place: str) -> None:
    """Raises ConfigError for text with what a terminal would obey, or can't show.

    Of bytes that are no UTF-8, `tasks.draft` says more.
    """
    if isinstance(value, dict):
        for name, item in value.items():
            _check_text(name, place)
            _check_text(item, f"{place}.{one_line(name, 40)}")
    elif isinstance(value, str) and is_text(value) and inert(value) != value:
        raise ConfigError(
            f"{place} has a character that can't be shown, such as an escape: type it"
            " again."
        )


def _check_name(name: str, known: Collection[str], refusal: str) -> None:
    """Raises ConfigError, with the words of `refusal`, for a name that isn't known."""
    if name in known:
        return
    hint = did_you_mean(name, known)
    if known and not hint:
        hint = f"Known are {', '.join(known)}."
    raise ConfigError(f"{refusal} {one_line(name, 60)}. {hint}".strip())
