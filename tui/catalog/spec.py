"""The vocabulary of the catalog. Everything here is frozen data; `load` fills it,
`request` obeys it.
"""

from enum import StrEnum
from typing import Any, Literal

from msgspec import Struct

RouteName = Literal["unified", "service"]
Value = str | int | float | bool | list[Any] | dict[str, Any]
Values = dict[str, Value]


class Kind(StrEnum):
    """What a param holds. Decides its field in the form, and nothing else does."""

    TEXT = "text"  # several lines
    LINE = "line"
    CHOICE = "choice"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"  # yes, no, or not sent at all
    IMAGE = "image"  # a URL or a local path, uploaded at submit
    IMAGES = "images"  # an ordered list of them
    INTEGERS = "integers"
    JSON = "json"  # a list
    OBJECT = "object"  # a JSON object
    TASK = "task"  # the id of an earlier task
    CONSTANT = "constant"  # one allowed value: shown, not asked


_TYPES = {
    Kind.INTEGER: "integer",
    Kind.NUMBER: "number",
    Kind.BOOLEAN: "boolean",
    Kind.IMAGES: "array",
    Kind.INTEGERS: "array",
    Kind.JSON: "array",
    Kind.OBJECT: "object",
}


class FileLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a service takes as an image file; anything it doesn't publish is open."""

    formats: tuple[str, ...] = ()
    """As Pillow calls them: JPEG, PNG, WEBP."""
    max_bytes: int | None = None
    min_pixels: int | None = None
    max_pixels: int | None = None
    max_ratio: float | None = None
    """Longer side to shorter side."""
    same_size_as: str = ""
    """The param whose image has to have the same width and height."""


class Param(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One named input of a model on a route."""

    name: str = ""
    """In a family file, its key."""
    kind: Kind
    label: str = ""
    help: str = ""
    required: bool = False
    default: Value | None = None
    """Required params start with it and send it; else it is what the service does when
    nothing is sent.
    """
    enum: tuple[str | int, ...] = ()
    min: float | None = None
    """Characters for text and line, the value itself for numbers."""
    max: float | None = None
    min_items: int | None = None
    max_items: int | None = None
    pattern: str = ""
    """A regular expression that text must match."""
    example: str = ""
    tasks: tuple[str, ...] = ()
    """For a task: the actions whose finished tasks it takes."""
    file: FileLimits | None = None
    """For images: what is known of the files that are taken."""
    more: bool = False
    """Rarely needed: folded away in the form."""
    other: str = ""
    """What the same input is called on the model's other route, where only the name
    differs.
    """

    @property
    def type(self) -> str:
        """The JSON type on the wire."""
        if self.enum and all(isinstance(value, int) for value in self.enum):
            return "integer"
        return _TYPES.get(self.kind, "string")

    @property
    def title(self) -> str:
        """What the form calls it."""
        return self.label or self.name.replace("_", " ").capitalize()


class Presence(Struct, frozen=True, forbid_unknown_fields=True):
    """A condition on whether a param has a value at all."""

    present: bool


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What some values demand of other params. Without `when` it always holds."""

    when: dict[str, str | int | bool | Presence] = {}
    forbidden: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    required_any: tuple[str, ...] = ()
    enum: dict[str, tuple[str | int, ...]] = {}
    min: dict[str, float] = {}
    max: dict[str, float] = {}
    why: str = ""


class Route(Struct, frozen=True):
    """The params by which a model is reached in one of RunAPI's two ways."""

    name: RouteName
    params: tuple[Param, ...]
    rules: tuple[Rule, ...] = ()

    def param(self, name: str) -> Param | None:
        return next((param for param in self.params if param.name == name), None)


MOST_CENTS = 10_000_000


class Price(Struct, frozen=True, forbid_unknown_fields=True):
    """A list price in US cents a call; `cases` by the value of the param `by` where it
    depends on one.
    """

    cents: float
    by: str = ""
    cases: dict[str, float] = {}
    as_of: str = ""
    """The day of which it was so."""
    live: bool = False
    """True where the service itself said so, False in the snapshot that ships with the
    program.
    """

    def __post_init__(self) -> None:
        """Raises ValueError for a price that nobody could be charged."""
        for cents in (self.cents, *self.cases.values()):
            if not 0 <= cents < MOST_CENTS:  # nor NaN
                raise ValueError(f"a price is 0 to {MOST_CENTS:,} cents")


class Listing(StrEnum):
    """What the service's live price list says of a model."""

    ACTIVE = "active"
    """Listed, or the list is not known."""
    MISSING = "missing"
    """The list has left the model out."""
    INACTIVE = "inactive"
    """The list says that the model is not offered."""
    NEW = "new"
    """Listed as offered, and not described by the catalog."""


LISTING_WORDS = {Listing.MISSING: "not listed", Listing.INACTIVE: "inactive"}
"""What is said of a model in place of its price, or beside it."""
_REASONS = {
    Listing.MISSING: "is no longer in the service's price list",
    Listing.INACTIVE: "is marked inactive by the service",
}


class Model(Struct, frozen=True, kw_only=True):
    """One slug within one action; a slug alone is ambiguous."""

    family: str
    provider: str
    service: str
    action: str
    slug: str
    title: str
    about: str = ""
    routes: dict[RouteName, Route]
    price: Price | None = None
    listing: Listing = Listing.ACTIVE
    described: bool = True
    """Whether its parameters are known."""

    @property
    def key(self) -> tuple[str, str]:
        return self.action, self.slug

    @property
    def remark(self) -> str:
        """What sets it apart from what is known and offered, in a word or two, or ""."""
        words = [] if self.described else ["not described"]
        return ", ".join([*words, *filter(None, [LISTING_WORDS.get(self.listing)])])

    @property
    def warning(self) -> str:
        """Why the service may refuse it, as a sentence, or ""."""
        reason = _REASONS.get(self.listing)
        return f"{self.slug} {reason}: it may be refused." if reason else ""


class Family(Struct, frozen=True, kw_only=True):
    """A model line of one provider."""

    name: str
    provider: str
    service: str
    about: str
    models: tuple[Model, ...]
