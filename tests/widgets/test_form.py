"""Every kind of param as a field: filled through the keyboard, judged live, read back
as the right type.
"""

from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from tui.catalog.spec import (
    Kind,
    Model,
    Param,
    Presence,
    Price,
    Route,
    Rule,
    Value,
    Values,
)
from tui.paths import styles_dir
from tui.text import inert
from tui.widgets.form import ParamForm


class FormApp(App[None]):
    """One form on a page."""

    CSS_PATH = [styles_dir() / "widgets.tcss"]

    def __init__(
        self, *params: Param, rules: tuple[Rule, ...] = (), price: Price | None = None
    ) -> None:
        super().__init__()
        self.form = ParamForm(
            "form", make_model(*params, rules=rules, price=price), "service"
        )
        self.submitted: list[Values] = []

    def compose(self) -> ComposeResult:
        yield self.form

    def on_param_form_submitted(self, event: ParamForm.Submitted) -> None:
        self.submitted.append(event.values)

    def text(self) -> str:
        return "\n".join(
            "".join(segment.text for segment in line)
            for line in self.screen._compositor.render_strips()
        )


def make_model(
    *params: Param,
    rules: tuple[Rule, ...] = (),
    price: Price | None = None,
    slug: str = "m",
) -> Model:
    route = Route("service", params, rules)
    routes: dict[Any, Route] = {"service": route}
    return Model(
        family="F",
        provider="P",
        service="s",
        action="a",
        slug=slug,
        title=slug.upper(),
        routes=routes,
        price=price,
    )


async def press_into(pilot: Pilot[None], app: FormApp, *keys: str) -> None:
    """Focus the form's first field and type."""
    app.form.focus_first()
    await pilot.pause()
    await pilot.press(*keys)
    await pilot.pause()


@pytest.mark.parametrize(
    ("param", "keys", "value"),
    [
        (Param(name="x", kind=Kind.TEXT), [*"a b", "enter", "c"], "a b\nc"),
        (Param(name="x", kind=Kind.LINE), [*"a b"], "a b"),
        (
            Param(name="x", kind=Kind.CHOICE, enum=("1k", "2k")),
            ["right", "right"],
            "2k",
        ),
        (Param(name="x", kind=Kind.CHOICE, enum=(1, 2, 4)), ["right", "l"], 2),
        (Param(name="x", kind=Kind.INTEGER), [*"42"], 42),
        (Param(name="x", kind=Kind.INTEGER, min=0, max=6, default=2), ["up"], 2),
        (Param(name="x", kind=Kind.INTEGER, min=0, max=6), [*"6", "up"], 6),
        (Param(name="x", kind=Kind.NUMBER), [*"0.5"], 0.5),
        (Param(name="x", kind=Kind.BOOLEAN), ["right"], True),
        (Param(name="x", kind=Kind.BOOLEAN), ["left"], False),
        (Param(name="x", kind=Kind.BOOLEAN), ["space", "space"], False),
        (Param(name="x", kind=Kind.BOOLEAN, default=True), ["space"], False),
        (Param(name="x", kind=Kind.BOOLEAN), ["right", "backspace"], None),
        (Param(name="x", kind=Kind.BOOLEAN), [], None),
        (Param(name="x", kind=Kind.CHOICE, enum=("1k", "2k")), [], None),
        (Param(name="x", kind=Kind.CHOICE, enum=("1k", "2k")), ["left"], "2k"),
        (
            Param(name="x", kind=Kind.CHOICE, enum=("1k", "2k"), default="1k"),
            ["right"],
            "2k",
        ),
        (
            Param(name="x", kind=Kind.CHOICE, enum=("1k", "2k"), default="1k"),
            ["space"],
            "1k",
        ),
        (
            Param(name="x", kind=Kind.CHOICE, enum=("1k", "2k"), default="1k"),
            ["right", "space"],
            None,
        ),
        (
            Param(name="x", kind=Kind.CHOICE, enum=("1k", "2k"), default="1k"),
            ["right", "delete"],
            None,
        ),
        (Param(name="x", kind=Kind.IMAGE), [*"~/a.png"], "~/a.png"),
        (
            Param(name="x", kind=Kind.IMAGES),
            [*"a.png", "enter", *"b.png"],
            ["a.png", "b.png"],
        ),
        (Param(name="x", kind=Kind.INTEGERS), [*"1 2,3"], [1, 2, 3]),
        (Param(name="x", kind=Kind.JSON), [*'[{"a":1}]'], [{"a": 1}]),
        (Param(name="x", kind=Kind.TASK), [*"tsk_1"], "tsk_1"),
        (Param(name="x", kind=Kind.CONSTANT, enum=("1k",), default="1k"), [], "1k"),
    ],
)
async def test_each_kind_reads_what_was_typed(
    param: Param, keys: list[str], value: Value | None
) -> None:
    app = FormApp(param)
    async with app.run_test() as pilot:
        await press_into(pilot, app, *keys)
        assert app.form.values().get("x") == value
        await pilot.press("ctrl+j")
        await pilot.pause()
    assert app.submitted == [{} if value is None else {"x": value}]


@pytest.mark.parametrize(
    ("param", "keys", "sentence"),
    [
        (
            Param(name="x", kind=Kind.TEXT, min=3, max=5),
            [*"ab"],
            "3 to 5 characters: this has 2.",
        ),
        (Param(name="x", kind=Kind.INTEGER), [*"4x"], "'4x' is not a whole number."),
        (
            Param(name="x", kind=Kind.INTEGER, max=6),
            [*"7"],
            "At most 6: 7 is too high.",
        ),
        (Param(name="x", kind=Kind.NUMBER), [*"nan"], "'nan' is not a number."),
        (Param(name="x", kind=Kind.JSON), [*"{"], "Not JSON"),
        (
            Param(name="x", kind=Kind.IMAGES, max_items=1),
            ["a", "enter", "b"],
            "At most 1: this has 2.",
        ),
        (
            Param(name="x", kind=Kind.LINE, pattern=r"^\d+x\d+$", example="8x8"),
            [*"8"],
            "Must look like 8x8.",
        ),
    ],
)
async def test_what_is_wrong_is_said_at_once_and_not_submitted(
    param: Param, keys: list[str], sentence: str
) -> None:
    app = FormApp(param)
    async with app.run_test() as pilot:
        await press_into(pilot, app, *keys)
        assert sentence in app.text()
        await pilot.press("ctrl+j")
        await pilot.pause()
    assert app.submitted == []


async def test_nothing_is_called_wrong_before_it_was_touched() -> None:
    app = FormApp(Param(name="prompt", kind=Kind.TEXT, required=True))
    async with app.run_test() as pilot:
        await pilot.pause()
        assert "needed" not in app.text()
        await press_into(pilot, app, "ctrl+j")
        assert "Required." in app.text()


async def test_a_bad_field_among_the_folded_ones_is_unfolded() -> None:
    app = FormApp(
        Param(name="prompt", kind=Kind.TEXT),
        Param(name="tolerance", kind=Kind.INTEGER, max=2, more=True, required=True),
    )
    async with app.run_test() as pilot:
        await press_into(pilot, app, "ctrl+j")
        assert "Tolerance" in app.text()
        assert "Required." in app.text()
        await pilot.press("2", "ctrl+j")
        await pilot.pause()
    assert app.submitted == [{"tolerance": 2}]


async def test_rules_hide_and_bound_fields_live() -> None:
    given: dict[str, str | int | bool | Presence] = {"source": Presence(present=True)}
    app = FormApp(
        Param(name="source", kind=Kind.LINE),
        Param(name="seed", kind=Kind.INTEGER),
        Param(name="tolerance", kind=Kind.INTEGER, max=6),
        rules=(
            Rule(when=given, forbidden=("seed",)),
            Rule(when=given, max={"tolerance": 2}),
        ),
    )
    async with app.run_test() as pilot:
        await press_into(pilot, app, "tab", *"7", "tab", *"5")
        assert app.form.values() == {"seed": 7, "tolerance": 5}
        await press_into(pilot, app, "u")
        assert "Seed: Not available when source is set." in app.text()
        assert app.form.values() == {"source": "u", "tolerance": 5}
        assert "At most 2" in app.text()
        await press_into(pilot, app, "backspace")
        assert app.form.values() == {"seed": 7, "tolerance": 5}


async def test_the_price_follows_the_values() -> None:
    app = FormApp(
        Param(name="size", kind=Kind.CHOICE, enum=("1k", "2k")),
        price=Price(5, "size", {"1k": 5, "2k": 7.5}, "2026-07-23"),
    )
    async with app.run_test() as pilot:
        await pilot.pause()
        assert "$0.05 snapshot" in app.text()
        await press_into(pilot, app, "end")
        assert "$0.075 snapshot" in app.text()


async def test_an_unknown_price_is_never_zero() -> None:
    app = FormApp(Param(name="prompt", kind=Kind.TEXT))
    async with app.run_test() as pilot:
        await pilot.pause()
        assert "price unknown" in app.text()
        assert "$0" not in app.text()


async def test_values_carry_over_by_name_where_they_fit() -> None:
    ratio = Param(name="ratio", kind=Kind.CHOICE, enum=("1:1", "4:3"))
    app = FormApp(
        Param(name="prompt", kind=Kind.TEXT),
        ratio,
        Param(name="seed", kind=Kind.INTEGER),
    )
    other = make_model(
        Param(name="prompt", kind=Kind.TEXT),
        Param(name="ratio", kind=Kind.CHOICE, enum=("1:1",)),
        slug="other",
    )
    async with app.run_test() as pilot:
        first = app.form._model
        await press_into(pilot, app, *"fox", "tab", "end", "tab", *"7")
        await app.form.show(other, "service")
        assert app.form.values() == {"prompt": "fox"}
        app.form.set_prompt("cat")
        await app.form.show(first, "service")
        assert app.form.values() == {"prompt": "cat", "ratio": "4:3", "seed": 7}


async def test_hostile_labels_and_values_are_literal() -> None:
    app = FormApp(
        Param(
            name="x",
            kind=Kind.CHOICE,
            label="[/red]",
            help="[@click=app.quit]",
            enum=("[/]", "b"),
        ),
        Param(name="y", kind=Kind.LINE, label="[link=x]", example="[/]"),
    )
    async with app.run_test() as pilot:
        await press_into(pilot, app, "right")
        for text in ("[/red]", "[/]", "[@click=app.quit]", "[link=x]"):
            assert text in app.text()


@pytest.mark.parametrize(
    "nothing", ["\ufeff", "\u200b\u200d", "\u00ad \u2060", "\u3164\u180e"]
)
async def test_what_nobody_can_see_is_nothing_filled_in(nothing: str) -> None:
    app = FormApp(
        Param(name="prompt", kind=Kind.TEXT, required=True),
        Param(name="x", kind=Kind.LINE),
    )
    async with app.run_test() as pilot:
        app.form._fields["prompt"].fill(nothing)
        app.form._fields["x"].fill(nothing)
        await pilot.pause()
        assert app.form.values() == {}
        await pilot.press("ctrl+j")
        await pilot.pause()
        assert "Required." in app.text()
        app.form._fields["prompt"].fill(f"{nothing}👨\u200d👩\u200d👧")
        app.form.focus_first()
        await pilot.pause()
        await pilot.press("ctrl+j")
        await pilot.pause()
    # What turns the direction of text, or marks its bytes, is taken out
    assert app.submitted == [{"prompt": f"{inert(nothing)}👨\u200d👩\u200d👧"}]


async def test_a_field_reads_the_images_that_it_was_filled_with() -> None:
    """No URL comes back as a file, and no name falls apart at a comma."""
    values = [
        ["https://x/a.png"],
        ["https://x/w_200,h_100/a.png", "b.png"],
        ["/home/me/a, b.png", "~/c.png"],
        ['"quoted".png', "back\\slash, and.png", "ends with,"],
        ["Screenshot\u202fPM.png"],
    ]
    app = FormApp(Param(name="x", kind=Kind.IMAGES), Param(name="y", kind=Kind.IMAGE))
    async with app.run_test():
        model = make_model(
            Param(name="x", kind=Kind.IMAGES), Param(name="y", kind=Kind.IMAGE)
        )
        for images in values:
            await app.form.show(model, "service", {"x": images, "y": images[0]})
            assert app.form.values() == {"x": images, "y": images[0]}
            await app.form.show(model, "service")
            assert app.form.values() == {"x": images, "y": images[0]}
