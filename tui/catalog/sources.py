"""Which models work from a picture, and by which of their params."""

from msgspec.structs import replace

from tui.catalog.load import Catalog
from tui.catalog.spec import Family, Kind, Model, Param, Route

_USES = {
    "edit_image": "Edit",
    "remix_image": "Remix",
    "upscale_image": "Upscale",
    "remove_background": "Remove background",
    "reframe_image": "Reframe",
    "decompose_layers": "Layers",
    "text_to_image": "With a reference",
}
"""What is done with a picture, the most usual first."""
_OTHER = "Other"
_NOT_SOURCES = ("mask_url", "reference_mask_urls", "style_reference_image_urls")


def source_param(route: Route) -> Param | None:
    """Returns the param that takes a picture to work from, if there is one."""
    images = [
        param
        for param in route.params
        if param.kind in (Kind.IMAGE, Kind.IMAGES) and param.name not in _NOT_SOURCES
    ]
    required = [param for param in images if param.required]
    return next(iter(required or images), None)


def by_use(catalog: Catalog) -> Catalog:
    """Returns the models that take a picture, as families by what they do with it."""
    uses: dict[str, list[Model]] = {use: [] for use in (*_USES.values(), _OTHER)}
    for model in catalog.models:
        if any(source_param(route) for route in model.routes.values()):
            use = _USES.get(model.action, _OTHER)
            uses[use].append(replace(model, family=use))
    return Catalog(
        tuple(
            Family(name=use, provider="", service="", about="", models=tuple(models))
            for use, models in uses.items()
            if models
        )
    )
