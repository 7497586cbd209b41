"""Presets: a model and values under a name, each a plain JSON file of the user's.

Each is read when it is asked for, so that a change counts at once. All methods block.
"""

import re
from pathlib import Path

import msgspec
from msgspec import Struct

from tui.catalog.extra import is_deep, texts_in
from tui.catalog.load import Catalog, UnknownModel
from tui.catalog.reach import reached_by, without_callbacks
from tui.catalog.spec import Model, Values
from tui.system import atomic_file
from tui.system.small_file import read_small_file
from tui.text import one_line

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
_MOST_BYTES = 200_000
_MOST = 500
"""Presets that are listed."""


class PresetProblem(Exception):
    """Why a preset can't be used or saved, as a sentence for the user."""


class Preset(Struct, frozen=True):
    """A model and values for its form."""

    model: str
    action: str
    values: Values = {}

    @classmethod
    def of(cls, model: Model, values: Values) -> "Preset":
        """Returns a preset of a form, without the files and callbacks in its values."""
        values = without_callbacks(values)
        reached = {one.text for one in reached_by(model, values)}
        kept = {
            name: value for name, value in values.items() if not _names(value, reached)
        }
        return cls(model.slug, model.action, kept)

    def find_model(self, catalog: Catalog) -> Model:
        """Returns the model.

        Raises PresetProblem without it, and where a value would upload a file or let the
        service call somebody: nobody sees that in a preset's name.
        """
        try:
            model = catalog.find(self.model, self.action)
        except UnknownModel as error:
            raise PresetProblem(str(error)) from error
        for reached in sorted(reached_by(model, self.values)):
            raise PresetProblem(
                f"The preset names {one_line(reached.text, 200)}: give files and"
                " callbacks yourself, not in a preset."
            )
        return model


class Presets:
    """The presets of one settings folder."""

    def __init__(self, config: Path) -> None:
        self._folder = config / "presets"

    def names(self) -> list[str]:
        """Returns the names of all presets, in order."""
        try:
            files = [path for path in self._folder.iterdir() if path.suffix == ".json"]
        except OSError:
            return []
        return sorted(path.stem for path in files if _NAME.fullmatch(path.stem))[:_MOST]

    def read(self, name: str) -> Preset:
        """Returns a preset. Raises PresetProblem."""
        shown = one_line(name, 80)
        if not _NAME.fullmatch(name):
            raise PresetProblem(f"{shown} is no name of a preset.")
        try:
            content = read_small_file(self._path(name), _MOST_BYTES)
            preset = msgspec.json.decode(content, type=Preset)
        except FileNotFoundError as error:
            known = ", ".join(self.names()[:10])
            others = f"There are: {known}." if known else "None is saved yet."
            raise PresetProblem(f"There is no preset {shown}. {others}") from error
        except OSError as error:
            reason = one_line(error.strerror or error)
            raise PresetProblem(f"Preset {shown} can't be read: {reason}.") from error
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise PresetProblem(
                f"Preset {shown} is no preset: {one_line(error, 200)}."
            ) from error
        if is_deep(preset.values):
            raise PresetProblem(f"Preset {shown} is nested too deeply.")
        return preset

    def save(self, name: str, preset: Preset) -> Path:
        """Saves a preset, in place of one of the same name. Raises PresetProblem."""
        if not _NAME.fullmatch(name):
            raise PresetProblem(
                "The name of a preset has letters, digits, - and _ alone, 60 at most."
            )
        content = msgspec.json.format(msgspec.json.encode(preset), indent=2)
        path = self._path(name)
        try:
            atomic_file.make_private_folder(self._folder)
            atomic_file.save_small(path, content + b"\n")
        except OSError as error:
            reason = one_line(error.strerror or error)
            raise PresetProblem(f"The preset can't be saved: {reason}.") from error
        return path

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def _names(value: object, texts: set[str]) -> bool:
    """Returns whether a value has one of these texts in it."""
    return any(text in texts for text in texts_in(value))
