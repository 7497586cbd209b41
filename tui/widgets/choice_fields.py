"""Fields whose values are chosen: one of a few, yes or no, or the only one."""

from typing import Any

from textual import on
from textual.widget import Widget
from textual.widgets import Static

from tui.catalog.spec import Param, Value
from tui.text import one_line
from tui.widgets.chips import Chips, Option
from tui.widgets.fields import Field, Raw
from tui.widgets.switch import Switch


class ChoiceField(Field):
    """A few values, all in sight; none is sent until one is chosen."""

    chips: Chips

    def make_control(self, raw: Raw | None) -> Widget:
        self.chips = Chips(_options(self.param), raw, self.param.default)
        return self.chips

    @property
    def raw(self) -> Raw | None:
        wanted: Any = self.chips.wanted
        return None if wanted is None else wanted

    def read(self) -> Value | None:
        value: Any = self.chips.value
        return _or_default(self.param, value)

    def fill(self, value: Value | None) -> None:
        self.chips.choose(value)

    def adapt(self, param: Param) -> None:
        super().adapt(param)
        self.chips.set_options(_options(param))

    @on(Chips.Changed)
    def _changed(self, event: Chips.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(self))


class SwitchField(Field):
    """Yes or no; neither is sent until one is chosen."""

    switch: Switch

    def make_control(self, raw: Raw | None) -> Widget:
        default = self.param.default
        self.switch = Switch(
            raw if isinstance(raw, bool) else None,
            default if isinstance(default, bool) else None,
        )
        return self.switch

    @property
    def raw(self) -> Raw | None:
        return self.switch.value

    def read(self) -> Value | None:
        return _or_default(self.param, self.switch.value)

    def fill(self, value: Value | None) -> None:
        self.switch.value = value if isinstance(value, bool) else None

    @on(Switch.Changed)
    def _changed(self, event: Switch.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(self))


class ConstantField(Field):
    """The only allowed value, which is shown and can't be changed."""

    def make_control(self, raw: Raw | None) -> Widget:
        return Static(str(self.param.default), classes="constant", markup=False)

    @property
    def raw(self) -> Raw | None:
        return None

    def read(self) -> Value | None:
        return self.param.default

    def fill(self, value: Value | None) -> None:
        pass


def _or_default(param: Param, value: Value | None) -> Value | None:
    """Returns a value, or the default where one has to be sent anyway."""
    return param.default if value is None and param.required else value


def _options(param: Param) -> list[Option]:
    return [(value, _with_shape(one_line(value))) for value in param.enum]


def _with_shape(value: str) -> str:
    """Returns a ratio such as 16:9 with a drawing of its shape, or any other value."""
    sides = value.split(":")
    if len(sides) != 2 or not all(side.isdecimal() and int(side) for side in sides):
        return value
    ratio = int(sides[0]) / int(sides[1])
    if ratio > 1.1:
        return f"▭ {value}"
    if ratio < 0.9:
        return f"▯ {value}"
    return f"□ {value}"
