"""One form becomes the requests of a job: as many as were asked for, in their order,
and never too many.
"""

import contextlib
import math
import random
from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.catalog.models import model, param, route
from tui.catalog import batch, request
from tui.catalog.batch import MOST, BatchError, alternatives, parse_vary_line
from tui.catalog.load import bundled
from tui.catalog.request import blank
from tui.catalog.spec import Kind, Model, Param, Rule, Value, Values

QUICK = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=12)

PROMPT = param("prompt", "text", max=50)
SHAPE = param("shape", "choice", enum=("1:1", "2:1", "auto"))
OUTPUTS = param("outputs", "choice", enum=(1, 2, 4))
SEED = param("seed", "integer")
STEPS = param("steps", "integer", min=1, max=50)
STRENGTH = param("strength", "number", min=0, max=1)
PRO = param("pro", "boolean")
IMAGES = param("images", "images")
COLORS = param("colors", "json")
NOTE = param("note", "line")


def expand(
    of: Model, values: Values, rng: random.Random | None = None, **how: Any
) -> list[Values]:
    return batch.expand(of, route(of), values, batch.Variations(**how), rng)


PAINTER = model(
    PROMPT, SHAPE, OUTPUTS, SEED, STEPS, STRENGTH, PRO, IMAGES, COLORS, NOTE
)
SEEDLESS = model(PROMPT, SHAPE, IMAGES)


# ---- alternatives of a prompt


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("", [""]),
        ("a fox", ["a fox"]),
        ("a {red|blue} fox", ["a red fox", "a blue fox"]),
        ("{a|b}{1|2|3}", ["a1", "a2", "a3", "b1", "b2", "b3"]),
        ("{|very }red", ["red", "very red"]),
        ("{|}", ["", ""]),
        ("{a|a}", ["a", "a"]),
        ("{a|{b|c}d|e}", ["a", "bd", "cd", "e"]),
        ("{{a|b}|c}", ["a", "b", "c"]),
        ("{{a|b}{1|2}|c} x", ["a1 x", "a2 x", "b1 x", "b2 x", "c x"]),
        ("two\n{a|b}\nlines", ["two\na\nlines", "two\nb\nlines"]),
        # literal
        ("{a}", ["{a}"]),
        ("{}", ["{}"]),
        ("a | b", ["a | b"]),
        ('{"hex": "#fff"}', ['{"hex": "#fff"}']),
        ("{a{b|c}}", ["{ab}", "{ac}"]),
        ("{{a}|b}", ["{a}", "b"]),
        ("{a|b", ["{a|b"]),
        ("a|b}", ["a|b}"]),
        ("}{", ["}{"]),
        ("{a|b}}", ["a}", "b}"]),
        ("{x {a|b}", ["{x a", "{x b"]),
        ("{a|{b|c}", ["{a|b", "{a|c"]),
        # escapes
        (r"\{a\|b\}", ["{a|b}"]),
        (r"{a\|b|c}", ["a|b", "c"]),
        (r"{a\}|c}", ["a}", "c"]),
        (r"\{{a|b}", ["{a", "{b"]),
        (r"a \ b \n \\ c", [r"a \ b \n \\ c"]),
        (r"a\\{b|c}", [r"a\{b|c}"]),
    ],
)
def test_alternatives(text: str, texts: list[str]) -> None:
    assert alternatives(text) == texts


@st.composite
def groups(draw: st.DrawFn, depth: int = 0) -> tuple[str, list[str]]:
    """A text and what it stands for, known from how it was put together."""
    text, texts = "", [""]
    for _ in range(draw(st.integers(0, 2))):
        if depth < 3 and draw(st.booleans()):
            inner = draw(st.lists(groups(depth + 1), min_size=2, max_size=3))
            text += "{" + "|".join(part for part, _ in inner) + "}"
            more = [each for _, each_texts in inner for each in each_texts]
        else:
            literal = draw(st.text("ab {|}é", max_size=3))
            text += "".join(
                "\\" + letter if letter in "{|}" else letter for letter in literal
            )
            more = [literal]
        texts = [before + after for before in texts for after in more]
    return text, texts


@QUICK
@given(groups())
def test_alternatives_of_any_nesting(case: tuple[str, list[str]]) -> None:
    text, texts = case
    if len(texts) <= MOST:
        assert alternatives(text) == texts
    else:
        with pytest.raises(BatchError):
            alternatives(text)


@QUICK
@given(st.text("{|}\\a", max_size=24))
def test_any_braces_are_understood(text: str) -> None:
    texts = alternatives(text)
    assert texts
    assert not any(Counter(each) - Counter(text) for each in texts)
    if len(texts) == 1:
        assert texts == [
            text.replace(r"\{", "{").replace(r"\|", "|").replace(r"\}", "}")
        ]


@QUICK
@given(ANY_TEXT.filter(lambda text: not set(text) & set("{|}") and "__" not in text))
def test_text_without_groups_is_untouched(text: str) -> None:
    assert alternatives(text) == [text]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("{" * 10_000, 1),
        ("}" * 10_000, 1),
        ("{" * 10_000 + "}" * 10_000, 1),
        ("{a|" * 10_000, 1),
        ("{a}" * 10_000, 1),
        ("\\{" * 10_000, 1),
        ("{|" * 9_999 + "}" * 9_999, 10_000),
        ("{" * 9_999 + "|b}" * 9_999, 10_000),
        ("{a|b" * 2_000 + "}" * 2_000, 2_001),
        ("{" * 2_000 + "a" + "|b}x" * 2_000, 2_001),
        ("{" + "|" * 9_999 + "}", 10_000),
        ("{|}" * 13, 8_192),
        ("{a|{a}}" * 13, 8_192),
    ],
    ids=range(13),
)
def test_hostile_braces_take_no_time(text: str, count: int) -> None:
    assert len(alternatives(text)) == count


@pytest.mark.parametrize(
    "text",
    [
        "{|}" * 14,
        "{|}" * 10_000,
        "{" + "|" * 10_000 + "}",
        "{|" * 10_000 + "}" * 10_000,
        "{|}" * 13 + "x" * 99_999,
    ],
    ids=["14", "10,000", "wide", "deep", "long"],
)
def test_too_many_texts_are_not_made(text: str) -> None:
    with pytest.raises(BatchError, match=r"^The .+\.$"):
        alternatives(text)


# ---- a vary line


@pytest.mark.parametrize(
    ("of", "text", "values"),
    [
        (SHAPE, "1:1 | auto", ["1:1", "auto"]),
        (SHAPE, "auto|1:1|auto", ["auto", "1:1"]),
        (SHAPE, "*", ["1:1", "2:1", "auto"]),
        (SHAPE, "auto | *", ["auto", "1:1", "2:1"]),
        (SHAPE, "16:9", ["16:9"]),  # judged with the request
        (OUTPUTS, "*", [1, 2, 4]),
        (OUTPUTS, "1..2 | 4", [1, 2, 4]),
        (PRO, "*", [True, False]),
        (PRO, "no | yes", [False, True]),
        (SEED, "7", [7]),
        (SEED, "1..4", [1, 2, 3, 4]),
        (SEED, "1..9..2", [1, 3, 5, 7, 9]),
        (SEED, "1 .. 8 .. 3", [1, 4, 7]),
        (SEED, "3..1", [3, 2, 1]),
        (SEED, "9..1..4", [9, 5, 1]),
        (SEED, "9..1..-4", [9, 5, 1]),
        (SEED, "-1..1", [-1, 0, 1]),
        (SEED, "5..5", [5]),
        (SEED, "1..3 | 9 | 2..4", [1, 2, 3, 9, 4]),
        (SEED, "2147483647..2147483648", [2147483647, 2147483648]),
        (
            STRENGTH,
            "0..1..0.1",
            [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0],
        ),
        (STRENGTH, "0.3..0.1..0.1", [0.3, 0.2, 0.1]),
        (STRENGTH, "0..1", [0.0, 1.0]),
        (STRENGTH, "1e-3 | .5", [0.001, 0.5]),
        (NOTE, "1..3", ["1..3"]),
        (NOTE, r"a \| b | {c}", ["a | b", "{c}"]),
        (IMAGES, "a.png, b.png | c.png", [["a.png", "b.png"], ["c.png"]]),
        (param("x", "integers"), "1, 2 | 1 2 | 3", [[1, 2], [3]]),
        (COLORS, '[{"hex": "#fff"}] | []', [[{"hex": "#fff"}], []]),
    ],
)
def test_a_vary_line(of: Param, text: str, values: list[Value]) -> None:
    found = parse_vary_line(of, text)
    assert found == values
    assert list(map(type, found)) == list(map(type, values))


@pytest.mark.parametrize(
    ("of", "text", "told"),
    [
        (SEED, "", "seed: A value is missing."),
        (SEED, "1 | | 2", "seed: A value is missing."),
        (SHAPE, "1:1 |", "shape: A value is missing."),
        (SEED, "1 | many", "seed: 'many' is not a whole number."),
        (SEED, "1.5..3", "seed: '1.5' is not a whole number."),
        (SEED, "1..2..0.5", "seed: '1.0' is not a whole number."),
        (SEED, "1..", "seed: '1..' is not a whole number."),
        (SEED, "1..2..0", "seed: 1..2..0 has a step of 0."),
        (SEED, "1..10001", "seed: 1..10001 has more than 10,000 values."),
        (SEED, "1..6000 | 6001..12000", "seed: more than 10,000 values."),
        (
            STRENGTH,
            "0.2..0.8",
            "strength: 0.2..0.8 needs a step, such as 0.2..0.8..0.1.",
        ),
        (STRENGTH, "0..0.5", "strength: 0..0.5 needs a step, such as 0..0.5..0.1."),
        (STRENGTH, "0..inf", "strength: '0..inf' is not a number."),
        (PRO, "yes | maybe", "pro: Pro must be yes or no, not 'maybe'."),
        (NOTE, "*", "note: There is no list of choices for *."),
        (SEED, "*", "seed: There is no list of choices for *."),
    ],
)
def test_what_is_wrong_with_a_vary_line_is_said(
    of: Param, text: str, told: str
) -> None:
    with pytest.raises(BatchError) as caught:
        parse_vary_line(of, text)
    assert str(caught.value) == told


@QUICK
@given(
    st.decimals(-20, 20, places=2),
    st.decimals(-20, 20, places=2),
    st.decimals("0.05", 9, places=2),
)
def test_a_range_is_exact(first: Any, last: Any, step: Any) -> None:
    ahead = Fraction(step) if first <= last else -Fraction(step)
    count = math.floor((Fraction(last) - Fraction(first)) / ahead) + 1
    wanted = [float(Fraction(first) + ahead * taken) for taken in range(count)]
    assert parse_vary_line(param("x", "number"), f"{first}..{last}..{step}") == wanted


@pytest.mark.parametrize("kind", list(Kind))
@settings(QUICK, max_examples=25)
@given(text=ANY_TEXT | st.text("0123456789-+.|*\\ ", max_size=16))
@example(text="1..999999999999999")
@example(text="999999999999999..-999999999999999..0.0000000001")
@example(text="1..10000|" * 2_000)
@example(text="9" * 5_000 + "..1")
@example(text="1|" * 50_000)
@example(text="\\|" * 50_000)
@example(text="[" * 50_000)
def test_a_vary_line_raises_nothing_but_a_sentence(kind: Kind, text: str) -> None:
    with contextlib.suppress(BatchError):
        assert (
            len(parse_vary_line(Param(name="x", kind=kind, enum=("x", 1)), text))
            <= MOST
        )


# ---- the requests of a job


def test_the_form_alone_is_one_request() -> None:
    assert expand(PAINTER, {"prompt": "a fox", "steps": 4}) == [
        {"prompt": "a fox", "steps": 4}
    ]
    assert expand(PAINTER, {}) == [{}]


def test_prompts_are_outermost_then_alternatives_then_vary_lines_then_the_count() -> (
    None
):
    cells = expand(
        PAINTER,
        {"prompt": "not this", "seed": 5, "note": "x"},
        prompts=["{a|b}", "c"],
        vary={"steps": "1..2", "shape": "auto | 1:1"},
        count=2,
    )
    assert cells == [
        {"prompt": prompt, "seed": seed, "note": "x", "steps": steps, "shape": shape}
        for prompt in ("a", "b", "c")
        for steps in (1, 2)
        for shape in ("auto", "1:1")
        for seed in (5, 6)
    ]


def test_a_vary_line_wins_over_the_form() -> None:
    assert expand(PAINTER, {"steps": 9}, vary={"steps": "1 | 2"}) == [
        {"steps": 1},
        {"steps": 2},
    ]


def test_braces_can_be_left_alone() -> None:
    assert expand(PAINTER, {"prompt": r"{a|b} \{"}, braces=False) == [
        {"prompt": r"{a|b} \{"}
    ]
    assert expand(PAINTER, {}, prompts=["{a|b}"], braces=False) == [{"prompt": "{a|b}"}]


def test_braces_are_of_the_prompt_alone() -> None:
    assert expand(PAINTER, {"prompt": "x", "note": "{a|b}"}) == [
        {"prompt": "x", "note": "{a|b}"}
    ]
    assert expand(model(NOTE), {"prompt": "{a|b}"}) == [{"prompt": "{a|b}"}]


def test_blank_lines_of_a_file_are_no_prompts() -> None:
    assert expand(PAINTER, {}, prompts=["", " a\n", "\t", "b"]) == [
        {"prompt": "a"},
        {"prompt": "b"},
    ]
    with pytest.raises(BatchError, match="blank"):
        expand(PAINTER, {"prompt": "the form's"}, prompts=["", " "])


def test_a_blank_prompt_of_the_form_is_left_to_the_check() -> None:
    for empty in ("", "  "):
        assert expand(PAINTER, {"prompt": empty}, count=1) == [{"prompt": empty}]


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"vary": {"shpae": "*"}}, "Model has no parameter shpae. Did you mean shape?"),
        ({"vary": {"zzz": "*"}}, "Model has no parameter zzz."),
        ({"vary": {"model": "*"}}, "Model has no parameter model."),
        (
            {"vary": {"prompt": "a | b"}},
            "A prompt is varied by {a|b} within it, or by a file of prompts.",
        ),
        ({"vary": {"steps": "few"}}, "steps: 'few' is not a whole number."),
        ({"count": 0}, "How many of each: 1 to 10,000."),
        ({"count": 10**5000}, "How many of each: 1 to 10,000."),
        (
            {"count": 5_001},
            "2 prompts × 5,001 of each are 10,002 requests; a job takes at most 10,000.",
        ),
        (
            {"vary": {"steps": "1..5000", "shape": "*"}},
            "2 prompts × 5,000 steps × 3 shape are 30,000 requests; a job takes at most 10,000.",
        ),
        (
            {"prompts": ["x"] * 10_001},
            "There are more than 10,000 prompts; a job takes at most 10,000 requests.",
        ),
        (
            {"prompts": ["{" + "|" * 5_999 + "}"] * 2},
            "There are more than 10,000 prompts; a job takes at most 10,000 requests.",
        ),
    ],
)
def test_what_makes_no_job_is_said(how: dict[str, Any], told: str) -> None:
    with pytest.raises(BatchError) as caught:
        expand(PAINTER, {"prompt": "{a|b}"}, **how)
    assert str(caught.value) == told


def test_a_model_without_a_prompt_takes_no_file_of_them() -> None:
    with pytest.raises(BatchError, match="takes no prompt"):
        expand(model(NOTE), {}, prompts=["a"])


def test_too_many_are_counted_not_made() -> None:
    names = ("a", "b", "c", "d")
    of = model(*(param(name, "integer") for name in names))
    with pytest.raises(BatchError, match="are 100,000,000,000,000,000,000 requests"):
        expand(of, {}, vary=dict.fromkeys(names, "1..10000"), count=MOST)


def test_a_param_of_any_name_counts() -> None:
    of = model(PROMPT, param("prompts", "integer"))
    with pytest.raises(
        BatchError, match=r"^2 prompts × 5,001 prompts are 10,002 requests"
    ):
        expand(of, {"prompt": "{a|b}"}, vary={"prompts": "1..5001"})


def test_as_many_as_a_job_takes() -> None:
    cells = expand(
        PAINTER,
        {"prompt": "{a|b}", "images": ["x"]},
        vary={"steps": "1..50"},
        count=100,
    )
    assert len(cells) == MOST
    assert (
        len({(cell["prompt"], cell["steps"], cell["seed"]) for cell in cells}) == MOST
    )


def test_no_two_requests_share_a_list() -> None:
    deep: Any = []
    for _ in range(400):
        deep = [deep]
    values: Values = {
        "images": ["a"],
        "colors": [{"rgb": [1, 2]}, deep],
        "prompt": "{a|b}",
    }
    for name in ("steps", "images"):
        cells = expand(PAINTER, values, vary={name: "1 | 2"}, count=2)
        assert len(cells) == 8
        held: list[Any] = [values["images"], values["colors"]]
        held += [cell[key] for cell in cells for key in ("images", "colors")]
        held += [each["colors"][0] for each in (values, *cells)]  # type: ignore[index]
        held += [each["colors"][0]["rgb"] for each in (values, *cells)]  # type: ignore[index]
        assert len(set(map(id, held))) == len(held)
        assert all(cell["colors"] == values["colors"] for cell in cells)


@QUICK
@given(
    st.lists(st.sampled_from(["a", "{a|b}", "{a|b}{c|d}", "", " "]), max_size=3),
    st.dictionaries(
        st.sampled_from(["steps", "shape", "pro", "note"]),
        st.sampled_from(["1", "0 | 1", "1|0|1"]),
    ),
    st.integers(1, 4),
)
def test_a_job_is_the_product_of_what_was_asked(
    prompts: list[str], vary: dict[str, str], count: int
) -> None:
    if prompts and blank("".join(prompts)):
        return
    values: Values = {"prompt": "{x|y}", "images": ["a"]}
    cells = expand(PAINTER, values, prompts=prompts, vary=vary, count=count)
    texts = [
        text
        for line in prompts or ["{x|y}"]
        if not blank(line)
        for text in alternatives(line)
    ]
    each = math.prod(
        len(
            parse_vary_line(
                next(p for p in route(PAINTER).params if p.name == name), vary[name]
            )
        )
        for name in vary
    )
    assert len(cells) == len(texts) * each * count
    assert [cell["prompt"] for cell in cells] == [
        text for text in texts for _ in range(each * count)
    ]
    assert values == {"prompt": "{x|y}", "images": ["a"]}
    if count > 1:
        distinct = {
            repr(sorted(cell.items(), key=lambda item: item[0])) for cell in cells
        }
        assert len(distinct) >= each * count


# ---- variations


def seeds(of: Param, values: Values, count: int, **how: Any) -> list[Any]:
    return [
        cell.get("seed") for cell in expand(model(of, PRO), values, count=count, **how)
    ]


def test_one_of_each_has_no_seed_that_nobody_asked_for() -> None:
    assert expand(PAINTER, {"prompt": "a"}) == [{"prompt": "a"}]
    assert expand(PAINTER, {"seed": ""}) == [{"seed": ""}]


@pytest.mark.parametrize(
    ("of", "seed", "counted"),
    [
        (SEED, 5, [5, 6, 7]),
        (SEED, 0, [0, 1, 2]),
        (SEED, -2, [-2, -1, 0]),
        (SEED, 2**31 - 2, [2**31 - 2, 2**31 - 1, 0]),
        (SEED, 2**32, [2**32, 2**32 + 1, 2**32 + 2]),
        (param("seed", "integer", max=10), 9, [9, 10, 0]),
        (param("seed", "integer", min=1, max=10), 9, [9, 10, 1]),
        # Refused, each of them
        (param("seed", "integer", min=1, max=10), 99, [99, 100, 101]),
        (param("seed", "integer", min=-5, max=-3), -4, [-4, -3, -5]),
        (param("seed", "integer", max=2**64 - 1), 7, [7, 8, 9]),
        (SEED, "many", ["many"] * 3),  # refused
        (SEED, True, [True] * 3),
        (param("seed"), "a", ["a"] * 3),
    ],
)
def test_variations_count_a_seed_up(
    of: Param, seed: Value, counted: list[Value]
) -> None:
    assert seeds(of, {"seed": seed}, 3) == counted


def test_a_varied_seed_counts_up_too() -> None:
    assert seeds(SEED, {"seed": 1}, 2, vary={"seed": "10 | 20"}) == [10, 11, 20, 21]


@pytest.mark.parametrize("empty", [{}, {"seed": ""}, {"seed": None}])
def test_variations_without_a_seed_draw_different_ones(empty: Any) -> None:
    drawn = seeds(SEED, empty, 1_000)
    assert len(set(drawn)) == 1_000
    assert all(type(seed) is int and 0 <= seed < 2**31 for seed in drawn)
    assert max(drawn) > 2**24


def test_drawn_seeds_keep_the_bounds_and_can_be_had_again() -> None:
    narrow = param("seed", "integer", min=3, max=7)
    assert sorted(seeds(narrow, {}, 5)) == [3, 4, 5, 6, 7]
    assert seeds(SEED, {}, 3, rng=random.Random(1)) == seeds(
        SEED, {}, 3, rng=random.Random(1)
    )
    assert seeds(SEED, {}, 3, rng=random.Random(1)) != seeds(
        SEED, {}, 3, rng=random.Random(2)
    )
    assert len(set(seeds(param("seed", "integer", max=math.inf), {}, 9))) == 9


@pytest.mark.parametrize("values", [{}, {"seed": 3}])
def test_more_variations_than_seeds_would_pay_for_the_same_twice(
    values: Values,
) -> None:
    with pytest.raises(BatchError, match="5 different"):
        seeds(param("seed", "integer", min=3, max=7), values, 6)


def test_a_model_without_a_seed_gets_equal_requests() -> None:
    assert expand(SEEDLESS, {"prompt": "a"}, count=3) == [{"prompt": "a"}] * 3


def test_rules_speak_on_seeds() -> None:
    banned = Rule(when={"pro": True}, forbidden=("seed",))
    bounded = Rule(when={"pro": False}, max={"seed": 1})
    of = model(SEED, PRO, rules=(banned, bounded))
    cells = expand(of, {}, vary={"pro": "yes | no"}, count=2)
    assert cells[:2] == [{"pro": True}] * 2
    assert sorted(cell["seed"] for cell in cells[2:]) == [0, 1]  # type: ignore[type-var]
    assert all(not request.check(of, route(of), cell) for cell in cells)


def test_every_choice_of_every_bundled_model_makes_a_job() -> None:
    for of, way in (
        (each, way) for each in bundled().models for way in each.routes.values()
    ):
        needed: Values = {
            each.name: "x"
            for each in way.params
            if each.required and each.kind is Kind.TEXT
        }
        for each in way.params:
            if each.kind in (Kind.CHOICE, Kind.BOOLEAN):
                both = batch.Variations(vary={each.name: "*"}, count=2)
                for cell in batch.expand(of, way, needed, both):
                    assert not request.check(of, way, cell).keys() & {each.name, "seed"}
