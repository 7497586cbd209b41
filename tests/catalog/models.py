"""Small hand-made models."""

from tui.catalog.spec import Kind, Model, Param, Price, Route, Rule


def param(name: str, kind: str = "line", **fields: object) -> Param:
    return Param(name=name, kind=Kind(kind), **fields)  # type: ignore[arg-type]


def model(
    *params: Param,
    rules: tuple[Rule, ...] = (),
    price: Price | None = None,
    slug: str = "model",
) -> Model:
    """A model of one route."""
    return Model(
        family="Family",
        provider="Provider",
        service="service",
        action="text_to_image",
        slug=slug,
        title=slug.capitalize(),
        routes={"service": Route("service", params, rules)},
        price=price,
    )


def route(of: Model) -> Route:
    return next(iter(of.routes.values()))
