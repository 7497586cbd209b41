"""Models that work from a picture, also from one that comes later."""

import pytest

from tui.catalog import request
from tui.catalog.load import bundled
from tui.catalog.sources import (
    STAND_IN,
    by_use,
    source_param,
    with_picture,
    without_source,
)
from tui.catalog.spec import Model

MODELS = by_use(bundled()).models


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.slug)
def test_a_form_without_the_source_asks_for_all_the_rest(model: Model) -> None:
    reduced = without_source(model)
    for name, route in model.routes.items():
        param = source_param(route)
        if param is None:
            continue
        assert not reduced.routes[name].param(param.name)
        whole = with_picture(route, param.name, {}, STAND_IN)
        expected = request.check(model, route, whole)
        assert request.check(reduced, reduced.routes[name], {}) == expected
        assert param.name not in expected
