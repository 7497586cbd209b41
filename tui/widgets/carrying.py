"""What stays in the form when it shows another model."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tui.catalog.image_items import images_in, parse_images, show_images
from tui.catalog.spec import Kind, Param, Route
from tui.text import one_line
from tui.widgets.fields import Raw, short_title
from tui.widgets.make_field import fits

_LONGEST = 24
"""Characters of a value in a sentence, at most."""
_IMAGES = (Kind.IMAGE, Kind.IMAGES)
_SOURCES = ("source_image_url", "source_image_urls", "image_url")
"""What models call the picture that they work from."""


@dataclass
class Carried:
    """What the fields of one model have left for those of another."""

    raws: dict[str, Raw] = field(default_factory=dict)
    """By params of the other model."""
    origins: dict[str, str] = field(default_factory=dict)
    """The names that these had before."""
    kept: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    needed: list[str] = field(default_factory=list)
    """What the other model needs and nothing was left for."""

    def describe(self, title: str) -> str:
        """Returns what became of the values, and what is needed besides.

        It is nothing if all of them were kept and nothing is needed.
        """
        if not self.renamed and not self.dropped and not self.needed:
            return ""
        sentences = []
        if self.kept:
            sentences.append(f"{title}: kept {', '.join(self.kept)}.")
        else:
            sentences.append(f"{title}.")
        if self.renamed:
            sentences.append(f"Renamed: {', '.join(self.renamed)}.")
        if self.dropped:
            sentences.append(f"Not available: {', '.join(self.dropped)}.")
        if self.needed:
            sentences.append(f"Needed: {', '.join(self.needed)}.")
        return " ".join(sentences)


def carry(
    raws: Mapping[str, Raw], before: Mapping[str, Param], route: Route
) -> Carried:
    """Returns what fits the fields of another model's route.

    `before` are the params whose fields hold `raws`.
    """
    carried = Carried()
    for name, raw in raws.items():
        param = before[name]
        target = route.param(name) or _image_param(param, raw, raws, route)
        if target is None or not _carries(param, target, raw):
            carried.dropped.append(f"{short_title(param).lower()} {_shown(raw)}")
            continue
        carried.raws[target.name] = _as_raw(param, target, raw)
        carried.origins[target.name] = name
        old, new = short_title(param).lower(), short_title(target).lower()
        if target.name == name:
            carried.kept.append(old)
        else:
            carried.renamed.append(f"{old} is {new}")
    return carried


def _carries(param: Param, target: Param, raw: Raw) -> bool:
    if param.kind in _IMAGES and target.kind is Kind.IMAGE:
        return len(_images(param, raw)) == 1
    return fits(target, raw)


def _as_raw(param: Param, target: Param, raw: Raw) -> Raw:
    """Returns what stands in one field as it stands in another."""
    if target.kind in (Kind.CHOICE, Kind.BOOLEAN, Kind.CONSTANT):
        return raw
    if param.kind is not target.kind and param.kind in _IMAGES:
        images = _images(param, raw)
        return show_images(images) if target.kind is Kind.IMAGES else images[0]
    return str(raw)


def _image_param(
    param: Param, raw: Raw, raws: Mapping[str, Raw], route: Route
) -> Param | None:
    """Returns the param that takes the source image under another name, if any."""
    if param.name not in _SOURCES or param.kind not in _IMAGES:
        return None
    for target in route.params:
        is_free = target.kind in _IMAGES and target.name not in raws
        if is_free and target.name in _SOURCES and _carries(param, target, raw):
            return target
    return None


def _images(param: Param, raw: Raw) -> list[str]:
    return parse_images(str(raw)) if param.kind is Kind.IMAGES else images_in(raw)


def _shown(raw: Raw) -> str:
    if isinstance(raw, bool):
        return "yes" if raw else "no"
    return one_line(raw, _LONGEST)
