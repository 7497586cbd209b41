"""A task is sent where it was made for, whatever the catalog has learnt since."""

from typing import Any

import pytest
from msgspec.structs import replace

from tests.app import past
from tui.catalog.load import bundled
from tui.exchange.repeat import Repeater
from tui.tasks.draft import InvalidRequestError
from tui.tasks.models import (
    ModelGoneError,
    RequestUnknownError,
    find_model,
    known_model,
)
from tui.tasks.task import Task


def task(**changes: Any) -> Task:
    return replace(past("a fox"), **changes)


def test_a_model_of_another_service_is_not_the_catalog_s() -> None:
    other = task(service="other", model="z-image", values={"prompt": "x", "+": {}})
    model = find_model(bundled(), other)
    assert model
    assert (model.service, model.described) == ("other", False)


def test_a_model_that_has_gone() -> None:
    gone = task(model="z-image-0")
    with pytest.raises(ModelGoneError, match="no longer in the catalog"):
        known_model(bundled(), gone)
    imported = task(model="z-image-0", imported=True, values={"+": {"style": "ink"}})
    assert find_model(bundled(), imported) is None


def test_no_name_in_the_queue_file_leads_elsewhere() -> None:
    assert (
        find_model(bundled(), task(service="me", model="x", values={"+": {}})) is None
    )


def test_extra_parameters_of_an_import_are_not_sent_again_unseen() -> None:
    imported = task(imported=True, values={"prompt": "x", "+": {"n": 15}})
    repeater = Repeater(bundled(), "auto")
    with pytest.raises(InvalidRequestError, match="nothing checks"):
        repeater.same([imported])
    with pytest.raises(InvalidRequestError, match="nothing checks"):
        repeater.with_new_seeds([imported], 3)
    assert repeater.same([replace(imported, imported=False)]).requests


def test_what_was_made_elsewhere_has_no_request_to_make_again() -> None:
    adopted = task(model="z-image", service="z_image", adopted=True, values={})
    repeater = Repeater(bundled(), "auto")
    for again in (repeater.same, repeater.with_new_seeds):
        with pytest.raises(RequestUnknownError, match="its request isn't known here"):
            again([adopted])
    assert adopted.caption == "made elsewhere"
