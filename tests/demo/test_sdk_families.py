"""Every family of the vendor's own SDK runs every action against the embedded service.

The packages are those of the extra `vendor`: a family whose package isn't installed is
skipped.
"""

import inspect
import tomllib
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from runapi.core import ProviderClient, Resource

from tests.loopback import serving
from tui.catalog.load import bundled
from tui.catalog.request import body, check
from tui.catalog.spec import Kind, Model, Param, Value, Values
from tui.demo import DEMO_KEY
from tui.demo.service import create_app

SERVICES = sorted({model.service for model in bundled().models})
PICTURES = {"images", "segments", "layers"}
"""Where the SDK's completed answers have pictures."""
NOT_OURS: dict[tuple[str, str], str] = {
    ("grok_imagine", "upscale_image"): "its answer has a video"
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(create_app(bundled(), delay=0, balance_cents=10_000_000)) as url:
        yield url


def client_of(service: str, url: str) -> ProviderClient:
    """The vendor's client of a family; skips where its package isn't installed."""
    module = pytest.importorskip(
        f"runapi.{service}", reason=f"runapi-{service} is not installed"
    )
    (found,) = (
        value
        for _, value in inspect.getmembers(module, inspect.isclass)
        if issubclass(value, ProviderClient) and value is not ProviderClient
    )
    client: ProviderClient = found(DEMO_KEY, base_url=url)
    return client


def resources_of(client: ProviderClient) -> dict[tuple[str, str], Resource]:
    """What a client can run, by the service and the action of its path."""
    found = {}
    for resource in vars(client).values():
        path = getattr(resource, "ENDPOINT", "").removeprefix("/api/v1/")
        if isinstance(resource, Resource) and path.count("/") == 1:
            service, _, action = path.partition("/")
            found[service, action] = resource
    return found


def sample(param: Param, picture: str, task_id: str) -> Value:
    """A value that a parameter takes."""
    match param.kind:
        case Kind.CHOICE | Kind.CONSTANT:
            return param.default if param.default is not None else param.enum[0]
        case Kind.INTEGER:
            return int(param.min or 1)
        case Kind.NUMBER:
            return param.max if param.max is not None else 0.5
        case Kind.BOOLEAN:
            return True
        case Kind.IMAGE:
            return picture
        case Kind.IMAGES:
            return [picture] * (param.min_items or 1)
        case Kind.INTEGERS:
            return [int(param.min or 1)]
        case Kind.JSON:
            return []
        case Kind.TASK:
            return task_id
        case _:
            return "a fox by the sea"


def least(model: Model, picture: str, task_id: str) -> Values:
    """The fewest values that a model takes."""
    route = model.routes["service"]
    values: Values = {
        param.name: sample(param, picture, task_id)
        for param in route.params
        if param.required
    }
    for param in route.params:  # a rule may want one more
        if check(model, route, values):
            more = values | {param.name: sample(param, picture, task_id)}
            if len(check(model, route, more)) < len(check(model, route, values)):
                values = more
    return values


def most(model: Model, picture: str, task_id: str) -> Values:
    """As many values as a model takes together."""
    route = model.routes["service"]
    values = least(model, picture, task_id)
    for param in route.params:
        more = {param.name: sample(param, picture, task_id)} | values
        if not check(model, route, more):
            values = more
    return values


@pytest.mark.parametrize("service", SERVICES)
def test_every_action_of_a_family_runs(service: str, url: str, tmp_path: Path) -> None:
    client = client_of(service, url)
    resources = resources_of(client)
    models = [model for model in bundled().models if model.service == service]
    picture = tmp_path / "source.png"
    Image.new("RGB", (64, 64), "orange").save(picture)
    source = client.files.create(file=picture).url
    task_id = "none"
    for model in models:
        images: Any = resources[service, model.action]
        for wanted in (least, most):
            values = wanted(model, source, task_id)
            route = model.routes["service"]
            assert check(model, route, values) == {}, (model.slug, values)
            done = images.run(**body(model, route, values))
            assert done.status == "completed"
            pieces = [getattr(done, name, None) for name in PICTURES]
            assert any(pieces), (model.slug, done)
            assert done.usage.cost > 0
            task_id = done.id


def test_no_action_that_makes_pictures_is_missing(url: str) -> None:
    """Of the packages that are installed, also of those that the catalog lacks."""
    names = {found.metadata["Name"] for found in distributions()}
    services = {
        name.removeprefix("runapi-").replace("-", "_").replace(".", "_")
        for name in names
        if name and name.startswith("runapi-")
    } - {"core", "tui"}
    ours = {(model.service, model.action) for model in bundled().models}
    missing = set()
    for service in services:
        for key, resource in resources_of(client_of(service, url)).items():
            completed = resource.COMPLETED_RESPONSE_CLASS or resource.RESPONSE_CLASS
            fields = set(getattr(completed, "_fields", ()))
            if fields & PICTURES and key not in ours:
                missing.add(key)
    assert missing - set(NOT_OURS) == set()


def test_the_extra_names_every_package_of_a_family() -> None:
    """A family that is new in the catalog is not left out of the test by accident."""
    project = Path(__file__).parent.parent.parent / "pyproject.toml"
    extras = tomllib.loads(project.read_text("utf-8"))["project"][
        "optional-dependencies"
    ]
    named = {
        text.partition(">")[0].removeprefix("runapi-") for text in extras["vendor"]
    }
    assert {service.replace("_", "-") for service in SERVICES} <= named
