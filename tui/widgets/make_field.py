"""Makes the field of a param; its kind alone decides which one."""

from tui.catalog.spec import Kind, Param, Value
from tui.widgets.choice_fields import ChoiceField, ConstantField, SwitchField
from tui.widgets.fields import Field, Raw
from tui.widgets.text_fields import LineField, TextField, as_text

_FIELDS: dict[Kind, type[Field]] = {
    Kind.TEXT: TextField,
    Kind.LINE: LineField,
    Kind.CHOICE: ChoiceField,
    Kind.INTEGER: LineField,
    Kind.NUMBER: LineField,
    Kind.BOOLEAN: SwitchField,
    Kind.IMAGE: LineField,
    Kind.IMAGES: TextField,
    Kind.INTEGERS: LineField,
    Kind.JSON: TextField,
    Kind.OBJECT: TextField,
    Kind.TASK: LineField,
    Kind.CONSTANT: ConstantField,
}
_CHOSEN = frozenset({Kind.CHOICE, Kind.BOOLEAN, Kind.CONSTANT})


def make_field(param: Param, raw: Raw | None = None) -> Field:
    """Makes the field of a param, in which `raw` stands."""
    return _FIELDS[param.kind](param, raw)


def raw_of(param: Param, value: Value | None) -> Raw | None:
    """Returns a value as it stands in the field of a param, or None where it can't."""
    if value is None:
        return None
    if param.kind in _CHOSEN:
        return value if fits(param, value) else None
    return as_text(param, value) or None


def fits(param: Param, raw: Raw) -> bool:
    """Returns whether what stands in one field may stand in that of `param`."""
    if param.kind is Kind.BOOLEAN:
        return isinstance(raw, bool)
    if param.kind is Kind.CONSTANT:
        return raw == param.default
    if param.kind is Kind.CHOICE:
        # 1 and True are equal, but not the same choice.
        return any(raw == choice and type(raw) is type(choice) for choice in param.enum)
    return not isinstance(raw, bool)
