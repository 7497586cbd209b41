"""Every kind of param as a field: filled through the keyboard, judged live, read back
as the right type.
"""

import re
from typing import Any

import pytest
from textual.app import ComposeResult
from textual.binding import Binding
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import TextArea

from tests.themed import ThemedApp
from tui.catalog.price import Estimate
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
from tui.widgets.fields import Field
from tui.widgets.form import ParamForm
from tui.widgets.form_fields import TWO_COLUMNS, Fold
from tui.widgets.form_note import FormNote, cut
from tui.widgets.text_fields import Area


class FormApp(ThemedApp):
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
        (
            Param(name="x", kind=Kind.TEXT),
            ["a", "shift+enter", "b", "alt+enter", "c"],
            "a\nb\nc",
        ),
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
    async with app.run_test(size=(60, 24)) as pilot:
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


def region_of(app: FormApp, selector: str) -> Region:
    return app.form.query_one(selector).region


async def test_the_prompt_has_the_rows_that_are_left_and_two_columns_are_below_it() -> (
    None
):
    params = [Param(name="prompt", kind=Kind.TEXT)]
    params += [Param(name=f"x{number}", kind=Kind.LINE) for number in range(4)]
    app = FormApp(*params)
    async with app.run_test(size=(TWO_COLUMNS + 2, 30)) as pilot:
        await pilot.pause()
        prompt = region_of(app, "Prompt")
        rows = {field.region.y for field in app.form.query("LineField").results(Field)}
        columns = {
            field.region.x for field in app.form.query("LineField").results(Field)
        }
        assert (len(rows), len(columns)) == (2, 2)
        assert prompt.width > 60
        assert prompt.bottom < min(rows)
        fold = app.form.query_one(Fold).region
        assert fold.bottom == app.form.query_one(FormNote).region.y
        await pilot.resize_terminal(TWO_COLUMNS - 10, 30)
        await pilot.pause()
        rows = {field.region.y for field in app.form.query("LineField").results(Field)}
        assert len(rows) == 4
        # two more rows of fields, and one of help
        assert region_of(app, "Prompt").height == prompt.height - 3


async def test_the_prompt_grows_with_its_text_and_keeps_three_rows() -> None:
    params = [Param(name="prompt", kind=Kind.TEXT)]
    params += [Param(name=f"x{number}", kind=Kind.LINE) for number in range(9)]
    app = FormApp(*params)
    async with app.run_test(size=(46, 14)) as pilot:
        await press_into(pilot, app, "a")
        assert region_of(app, "Prompt").height == 3
        await pilot.press(*["enter"] * 4)
        await pilot.pause()
        assert region_of(app, "Prompt").height == 5
        await pilot.press(*["enter"] * 20)
        await pilot.pause()
        assert region_of(app, "Prompt").height == 5


@pytest.mark.parametrize("size", [(46, 13), (42, 22), (60, 28), (120, 36), (60, 5)])
async def test_the_price_is_in_one_row_at_every_size(size: tuple[int, int]) -> None:
    app = FormApp(
        Param(name="prompt", kind=Kind.TEXT),
        *(Param(name=f"x{number}", kind=Kind.LINE) for number in range(30)),
        price=Price(5, as_of="2026-07-23"),
    )
    async with app.run_test(size=size) as pilot:
        await press_into(pilot, app, *"{a|b|c} fox")
        words = app.text().splitlines()[-1].split()
        assert words[:2] + words[3:] == ["Generate", "3", "$0.15", "snapshot"]
        assert words[2].endswith("j"), "the key is named"
        assert region_of(app, "Prompt").height >= min(3, size[1] - 3)


async def test_nothing_moves_when_something_is_wrong_or_quoted() -> None:
    app = FormApp(
        Param(name="prompt", kind=Kind.TEXT, required=True, max=9, help="Words."),
        Param(name="seed", kind=Kind.INTEGER, help="A number."),
        price=Price(5, as_of="2026-07-23"),
    )

    def places() -> list[Region]:
        return [widget.region for widget in app.form.query("*").results(Widget)]

    async with app.run_test(size=(46, 14)) as pilot:
        await press_into(pilot, app, "tab")
        before = places()
        for keys in (["x"], ["ctrl+j"], ["shift+tab", *"much too long"], ["ctrl+n"]):
            await pilot.press(*keys)
            await pilot.pause()
            assert places() == before
        at = app.text().splitlines()[-1].index("$")
        app.form.price_of = lambda model, values: Estimate(50_000, "quoted")
        app.form.show_price()
        await pilot.pause()
        last = app.text().splitlines()[-1]
        assert "quoted" in last
        assert last.index("$") == at


async def test_a_default_is_a_dot_on_its_chip_and_is_not_sent() -> None:
    app = FormApp(
        Param(name="size", kind=Kind.CHOICE, enum=("1k", "2k"), default="1k"),
        Param(name="safe", kind=Kind.BOOLEAN, default=True),
    )
    async with app.run_test(size=(46, 14)) as pilot:
        await pilot.pause()
        assert "1k•  2k" in app.text()
        assert "yes•" in app.text()
        assert app.form.values() == {}
        await pilot.click("Chips", offset=(1, 0))
        await pilot.pause()
        assert app.form.values() == {"size": "1k"}
        await pilot.click("Chips", offset=(1, 0))
        await pilot.pause()
        assert app.form.values() == {}


async def test_folded_fields_are_shown_by_key_and_sent_while_hidden() -> None:
    app = FormApp(
        Param(name="prompt", kind=Kind.TEXT),
        Param(name="rare", kind=Kind.LINE, more=True),
    )
    async with app.run_test(size=(46, 14)) as pilot:
        await press_into(pilot, app, "tab")
        assert "▸ 2 more" in app.text()
        await pilot.press("enter", "tab", *"abc")
        await pilot.pause()
        await pilot.press("shift+tab", "enter")
        await pilot.pause()
        assert "▸ 2 more, 1 set" in app.text()
        assert app.form.values() == {"rare": "abc"}


@pytest.mark.parametrize(
    ("width", "rows", "lines"),
    [
        (20, 1, ["What to paint. …"]),
        (20, 2, ["What to paint. Long,", "exact words pay …"]),
        (20, 3, ["What to paint. Long,", "exact words pay off", "here."]),
        (60, 1, ["What to paint. Long, exact words pay off here."]),
        (20, 0, []),
    ],
)
def test_help_is_cut_between_words(width: int, rows: int, lines: list[str]) -> None:
    text = "What to paint. Long, exact words pay off here."
    assert cut(text, width, rows) == lines


@pytest.mark.parametrize("binding", TextArea.BINDINGS)
def test_no_text_takes_a_function_key(binding: Binding) -> None:
    area = Area("a fox")
    if re.fullmatch(r"f\d+", binding.key):
        assert area.check_action(binding.action, ()) is False
