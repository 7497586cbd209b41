"""Every combination is a cell: priced, or with the reason why it can't be sent."""

from typing import Any

import pytest

from tests.catalog.models import model, param, route
from tui.catalog import matrix
from tui.catalog.batch import MOST, BatchError, Variations
from tui.catalog.load import bundled
from tui.catalog.matrix import Cell, FilledModel
from tui.catalog.price import cheapest, estimate
from tui.catalog.spec import Model, Presence, Price, Rule, Values
from tui.text import dollars

PROMPT = param("prompt", "text", max=50)
SHAPE = param("shape", "choice", enum=("1:1", "2:1", "auto"))
OUTPUTS = param("outputs", "choice", enum=(1, 2, 4))
STEPS = param("steps", "integer", min=1, max=50)
PRO = param("pro", "boolean")


def filled(of: Model, values: Values) -> FilledModel:
    return FilledModel(of, route(of), values)


def cells(of: Model, values: Values, **how: Any) -> list[Cell]:
    return matrix.cells([filled(of, values)], Variations(**how))


def test_the_illegal_are_told_apart_with_the_reason() -> None:
    rule = Rule(
        when={"shape": "auto", "pro": Presence(True)},
        forbidden=("steps",),
        why="Auto has no steps.",
    )
    of = model(PROMPT, SHAPE, STEPS, PRO, rules=(rule,))
    found = cells(of, {"steps": 99, "pro": True}, vary={"shape": "1:1 | auto | odd"})
    found += cells(of, {"steps": 1, "pro": True}, vary={"shape": "* | odd"})
    good = [cell.values["shape"] for cell in found if not cell.problem]
    assert good == ["1:1", "2:1"]
    bad = [(cell.values["shape"], cell.problem) for cell in found if cell.problem]
    assert bad == [
        ("1:1", "steps: 1 to 50: 99 is too high."),
        ("auto", "steps: Auto has no steps."),
        (
            "odd",
            "shape: odd is not one of 1:1, 2:1, auto. steps: 1 to 50: 99 is too high.",
        ),
        ("auto", "steps: Auto has no steps."),
        ("odd", "shape: odd is not one of 1:1, 2:1, auto."),
    ]


def test_reasons_are_harmless() -> None:
    of = model(PROMPT, SHAPE)
    (cell,) = cells(of, {"shape": "\x1b[31mred\n" + "x" * 9_999})
    assert cell.problem.isprintable()
    assert len(cell.problem) <= 300


def test_the_total_is_the_sum_of_the_estimates() -> None:
    price = Price(cents=6, by="outputs", cases={"1": 6, "2": 7, "4": 8.5})
    of = model(PROMPT, OUTPUTS, price=price)
    found = cells(of, {}, vary={"outputs": "*"})
    assert [cell.price for cell in found] == [60_000, 70_000, 85_000]
    assert matrix.price_text(found) == "about $0.215"
    assert cheapest([cell.price for cell in reversed(found)]) == 2


def test_a_total_with_an_unknown_price_is_unknown() -> None:
    of = model()
    assert matrix.price_text(cells(of, {}, count=2)) == "price unknown"
    two = [Cell(of, {}, 20_000), Cell(of, {}, None), Cell(of, {}, 30_000)]
    assert matrix.price_text(two) == "about $0.05 + 1 of unknown price"
    assert cheapest([None, 7, 3, None]) == 2
    assert cheapest([None, None]) == 0


def test_a_whole_job_is_priced_at_once() -> None:
    of = next(each for each in bundled().models if each.price and each.price.by)
    cost = estimate(of, {}).micro or 0
    found = matrix.price_text([Cell(of, {}, cost)] * MOST)
    assert found == f"about {dollars(MOST * cost)}"


def test_each_model_takes_its_share_of_what_varies() -> None:
    square = model(PROMPT, SHAPE, price=Price(cents=1))
    other = model(PROMPT, STEPS, slug="other", price=Price(cents=2))
    models = [filled(square, {"prompt": "x"}), filled(other, {"prompt": "x"})]
    found = matrix.cells(models, Variations(vary={"shape": "1:1 | 2:1"}))
    told = [(cell.model.slug, cell.values, cell.problem) for cell in found]
    assert told == [
        (square.slug, {"prompt": "x", "shape": "1:1"}, ""),
        (square.slug, {"prompt": "x", "shape": "2:1"}, ""),
        ("other", {"shape": "1:1 | 2:1"}, "Other has no shape."),
    ]


def test_a_value_of_the_wrong_kind_is_a_cell_of_its_own() -> None:
    one, two = model(PROMPT, STEPS), model(PROMPT, STEPS, slug="two")
    models = [filled(one, {}), filled(two, {})]
    found = matrix.cells(models, Variations(vary={"steps": "3 | many | 4"}))
    assert [cell.values["steps"] for cell in found] == ["many", 3, 4] * 2
    assert [bool(cell.problem) for cell in found] == [True, False, False] * 2


def test_a_name_that_no_model_has_is_an_error() -> None:
    models = [filled(model(PROMPT, SHAPE), {}), filled(model(PROMPT, SHAPE), {})]
    with pytest.raises(BatchError, match="Did you mean shape"):
        matrix.cells(models, Variations(vary={"shap": "1:1"}))


def test_no_job_is_larger_than_one_of_a_single_model() -> None:
    models = [filled(model(PROMPT, STEPS), {"prompt": "x"})] * 2
    with pytest.raises(BatchError, match="at most 10,000"):
        matrix.cells(models, Variations(count=MOST // 2 + 1))


def test_another_model_gets_what_it_takes() -> None:
    catalog = bundled()
    edit = catalog.find("gpt-image-2", "edit_image")
    start = FilledModel(
        edit,
        edit.routes["service"],
        {
            "prompt": "a fox",
            "source_image_urls": ["https://example.com/a.png"],
            "aspect_ratio": "21:9",
        },
    )
    kontext = catalog.find("flux-kontext-pro")
    other = matrix.adapted(start, kontext, kontext.routes["service"])
    assert other.values["prompt"] == "a fox"
    assert "https://example.com/a.png" in str(other.values)
