"""For any values: what is accepted can be sent, and what is typed is understood or
refused with a sentence.
"""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.catalog.models import model, param, route
from tui.catalog import request
from tui.catalog.image_items import images_in, is_url, parse_images, show_images
from tui.catalog.load import bundled
from tui.catalog.reach import reached_by
from tui.catalog.source_images import image_urls, local_files, with_uploads
from tui.catalog.spec import Kind, Model, Param, Presence, Route, Rule, Value, Values

QUICK = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)
NAMES = ("a", "b", "c", "d")
DEFAULTED = model(
    param("a", "choice", enum=("x", "y"), required=True, default="x"),
    param("b"),
    rules=(Rule(when={"a": "x"}, forbidden=("b",)),),
)
"""A default that is sent, and a rule that asks for it."""
ROUTES = [(each, way) for each in bundled().models for way in each.routes.values()]

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=12)
SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 12), st.integers(), st.floats(), ANY_TEXT
)
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES), inner, max_size=2)
    ),
    max_leaves=6,
)


@st.composite
def params(draw: st.DrawFn, name: str) -> Param:
    kind = draw(st.sampled_from(list(Kind)))
    enum: tuple[str | int, ...] = ()
    default: Value | None = None
    if kind is Kind.CHOICE:
        enum = draw(st.sampled_from([("x", "y", "z"), (1, 2, 3)]))
        default = draw(st.sampled_from([None, enum[0]]))
    elif kind is Kind.CONSTANT:
        enum = draw(st.sampled_from([("x",), (1,)]))
        default = enum[0]
    low, high = draw(st.sampled_from([(None, None), (0, 5), (1, None), (None, 3)]))
    bounded = kind in (Kind.TEXT, Kind.LINE, Kind.INTEGER, Kind.NUMBER, Kind.INTEGERS)
    return Param(
        name=name,
        kind=kind,
        enum=enum,
        default=default,
        required=draw(st.booleans()),
        min=low if bounded else None,
        max=high if bounded else None,
    )


@st.composite
def rules(draw: st.DrawFn, of: tuple[Param, ...]) -> Rule:
    conditions: list[Any] = [Presence(True), Presence(False), True, False, 1, "x"]
    when = draw(
        st.dictionaries(st.sampled_from(NAMES), st.sampled_from(conditions), max_size=2)
    )
    choices = [each for each in of if each.kind is Kind.CHOICE]
    enum = {each.name: each.enum[1:] for each in choices if draw(st.booleans())}
    names = st.lists(st.sampled_from(NAMES), max_size=1).map(tuple)
    return Rule(
        when=when,
        enum=enum,
        forbidden=draw(names),
        required=draw(names),
        required_any=draw(names),
    )


@st.composite
def models(draw: st.DrawFn) -> Model:
    of = tuple(draw(params(name)) for name in NAMES)
    return model(*of, rules=tuple(draw(st.lists(rules(of), max_size=2))))


def likely(of: Param) -> st.SearchStrategy[Any]:
    """Values of which many are good."""
    match of.kind:
        case Kind.CHOICE | Kind.CONSTANT:
            good: st.SearchStrategy[Any] = st.sampled_from(of.enum)
        case Kind.INTEGER:
            good = st.integers(0, 6)
        case Kind.NUMBER:
            good = st.floats(0, 6)
        case Kind.BOOLEAN:
            good = st.booleans()
        case Kind.IMAGES:
            good = st.lists(st.just("https://x.example/a.png"), min_size=1, max_size=3)
        case Kind.INTEGERS:
            good = st.lists(st.integers(0, 4), max_size=3)
        case Kind.JSON:
            good = st.lists(ANYTHING, max_size=2)
        case _:
            good = ANY_TEXT
    return st.none() | good | good | good | ANYTHING


@st.composite
def cases(draw: st.DrawFn) -> tuple[Model, Route, Values]:
    of = draw(models())
    return of, route(of), {each.name: draw(likely(each)) for each in route(of).params}


@st.composite
def bundled_cases(draw: st.DrawFn) -> tuple[Model, Route, Values]:
    of, way = draw(st.sampled_from(ROUTES))
    values = {each.name: draw(likely(each)) for each in way.params}
    return of, way, values | {"prompt": draw(st.just("a fox") | ANY_TEXT)}


def proven(of: Model, way: Route, values: Values) -> None:
    if request.check(of, way, values):
        return
    body = request.body(of, way, values)
    assert json.loads(json.dumps(body, allow_nan=False).encode()) == body
    json.dumps(body, ensure_ascii=False).encode()
    assert body["model"] == of.slug
    sent = {name: value for name, value in body.items() if name != "model"}
    assert set(sent) <= {each.name for each in way.params}
    assert not any(request.blank(value) for value in sent.values())
    assert request.check(of, way, sent) == {}
    assert request.body(of, way, sent) == body


@QUICK
@given(cases())
@example((DEFAULTED, route(DEFAULTED), {"b": "given"}))
def test_what_is_accepted_can_be_sent_whatever_the_model(
    case: tuple[Model, Route, Values],
) -> None:
    proven(*case)


@QUICK
@given(bundled_cases())
def test_what_is_accepted_can_be_sent_to_every_bundled_model(
    case: tuple[Model, Route, Values],
) -> None:
    proven(*case)


@QUICK
@given(
    st.sampled_from(ROUTES),
    st.dictionaries(st.sampled_from(("prompt", "size", "seed", "x", "")), ANYTHING),
)
def test_no_value_is_too_odd_to_be_judged(
    way: tuple[Model, Route], values: Values
) -> None:
    errors = request.check(*way, values)
    assert all(sentence.strip() for sentence in errors.values())


@pytest.mark.parametrize("kind", list(Kind))
@QUICK
@given(
    text=ANY_TEXT
    | st.text('0123456789-+.eE[]{},:" \nNaInfty', max_size=20)
    | st.integers().map(str)
)
@example(text="9" * 400)
@example(text="[" * 20_000)
@example(text='{"a":' * 20_000)
@example(text="NaN")
@example(text="\ud800")
def test_typing_raises_nothing_but_a_sentence(kind: Kind, text: str) -> None:
    of = Param(name="x", kind=kind, enum=("x", 1))
    with contextlib.suppress(ValueError):
        request.parse(of, text)


@QUICK
@given(st.sampled_from(list(Kind)), ANY_TEXT)
def test_what_was_understood_can_be_judged(kind: Kind, text: str) -> None:
    of = model(Param(name="x", kind=kind, enum=("x", 1)))
    with contextlib.suppress(ValueError):
        proven(of, route(of), {"x": request.parse(route(of).params[0], text)})


PIECES = (
    *("https://x/a.png", "HTTP://x", "https://", "/etc/passwd", "~/.ssh/id_rsa", "a b"),
    *("\n", "\r", "\t", " ", ", ", ",", '"', "\\", "\u2028", "\x85", "\xa0", "\x1b[2J"),
    *("\u202e", "\u200b", "\0", "\x1f", "é", "🦊", "file://", "{a|b}", "\ud800"),
)
IMAGE_TEXT = st.lists(st.sampled_from(PIECES), max_size=6).map("".join) | ANY_TEXT
IMAGE_VALUE: st.SearchStrategy[Any] = st.one_of(
    IMAGE_TEXT,
    st.lists(IMAGE_TEXT, max_size=4),
    st.lists(IMAGE_TEXT | ANYTHING),
    ANYTHING,
)
OF_IMAGES = model(param("one", "image"), param("many", "images"))


@settings(QUICK, max_examples=600)
@given(st.sampled_from(("one", "many")), IMAGE_VALUE)
@example("many", ["https://x/a.png\n/home/me/.ssh/id_rsa\nhttps://x/0.png"])
@example("many", "https://x/a.png, /home/me/.ssh/id_rsa")
@example("one", "https://x/a.png\n/home/me/.ssh/id_rsa")
def test_what_is_judged_to_need_no_upload_never_uploads_anything(
    name: str, value: Any
) -> None:
    way = route(OF_IMAGES)
    of = way.param(name)
    assert of
    accepted = not request.check(OF_IMAGES, way, {name: value})
    if request.needs_upload(of, value):
        return
    again: Value = parse_images(show_images(images_in(value)))
    for one in (value, again):
        values: Values = {name: one}
        assert local_files(way, values) == []
        assert reached_by(OF_IMAGES, values) == set()
    if accepted and not request.blank(value):
        sent = images_in(request.body(OF_IMAGES, way, {name: value})[name])
        assert [url for _, url in image_urls(way, {name: value})] == sent
        assert all(is_url(url) and url.isprintable() and " " not in url for url in sent)


@settings(QUICK, max_examples=600)
@given(st.lists(IMAGE_TEXT, max_size=4))
@example(["/a, b.png", '"c".png', "d,", '/"e", f.png', "\\", "g\\, h"])
def test_what_a_field_shows_of_images_is_read_as_the_same_images(
    value: list[str],
) -> None:
    way = route(OF_IMAGES)
    if request.check(OF_IMAGES, way, {"many": value}):
        return
    images = images_in(value)
    assert request.parse(way.params[1], show_images(images)) == images
    assert images_in(with_uploads(way, {"many": value}, {}).get("many")) == images
    files = [image for image in images if not is_url(image)]
    assert len(local_files(way, {"many": value})) == len(files)
