"""One filled form -> the many requests of a job. Arithmetic on values: nothing is sent
or stored.
"""

import json
import math
import random
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import product

from tui.catalog import price, request
from tui.catalog.spec import Kind, Model, Param, Route, Value, Values
from tui.text import one_line

MOST = 10_000
"""A job's requests at most."""
_CHARACTERS = 50_000_000
"""What the texts of one prompt may come to together: MOST prompts of the longest that a
bundled model takes.
"""

# As many digits as Decimal's own context keeps exact through all steps.
_AMOUNT = r"(-?[0-9]{1,15}(?:\.[0-9]{1,10})?)"
_RANGE = re.compile(rf"{_AMOUNT}\s*\.\.\s*{_AMOUNT}(?:\s*\.\.\s*{_AMOUNT})?")


class BatchError(ValueError):
    """A job that can't be made of this; a sentence for the user."""


def alternatives(text: str) -> list[str]:
    r"""Every text that `{a|b}` groups stand for, the leftmost group varying slowest.

    Groups nest. Braces that don't pair, or without a `|` of their own, are literal;
    so are `\{`, `\|` and `\}`.
    """
    tokens = re.split(r"(\\?[{|}])", text)
    # The opening brace of a group -> where each alternative starts
    forks: dict[int, list[int]] = {}
    after: dict[int, int] = {}  # the end of an alternative -> what follows the group
    # Braces yet without their other half, each with its bars
    opened: list[list[int]] = []
    for at in range(1, len(tokens), 2):
        if tokens[at] == "{":
            opened.append([at])
        elif tokens[at] == "|" and opened:
            opened[-1].append(at)
        elif tokens[at] == "}" and opened:
            marks = opened.pop()
            if len(marks) > 1:
                forks[marks[0]] = [mark + 1 for mark in marks]
                after |= dict.fromkeys((*marks[1:], at), at + 1)
        elif len(tokens[at]) > 1:
            tokens[at] = tokens[at][1:]
    # From the end: how many texts there are from each token on, how long they are
    # together, and where the next token with something to say is. Without such leaps
    # deep nesting would cost its depth for each text.
    end = len(tokens)
    count, length, leap = [1] * (end + 1), [0] * (end + 1), list(range(end + 1))
    for at in reversed(range(end)):
        following = forks.get(at) or [after.get(at, at + 1)]
        count[at] = sum(count[then] for then in following)
        length[at] = sum(length[then] for then in following)
        if at in after or not tokens[at]:
            leap[at] = leap[following[0]]
        elif at not in forks:
            length[at] += len(tokens[at]) * count[at]
        if count[at] > MOST:
            raise BatchError(f"The braces of the prompt make more than {MOST:,} texts.")
        if length[at] > _CHARACTERS:
            raise BatchError("The prompt is too long for so many alternatives.")
    texts: list[str] = []
    parts: list[str] = []
    todo = [(leap[0], 0)]
    while todo:
        at, kept = todo.pop()
        del parts[kept:]
        while at < end and at not in forks:
            parts.append(tokens[at])
            at = leap[at + 1]
        if at < end:
            todo += [(leap[start], len(parts)) for start in reversed(forks[at])]
        else:
            texts.append("".join(parts))
    return texts


def parse_vary_line(param: Param, text: str) -> list[Value]:
    r"""The values that a vary line asks of `param`.

    `a | b` lists them, `1..9` and `0..1..0.1` are ranges, `*` stands for every choice.

    A `\|` is a bar within a value.
    """
    values: list[Value] = []
    for part in re.split(r"(?<!\\)\|", text):
        try:
            values += _values(param, part.strip().replace(r"\|", "|"))
        except ValueError as error:
            raise BatchError(f"{param.name}: {one_line(error)}") from None
        if len(values) > MOST:
            raise BatchError(f"{param.name}: more than {MOST:,} values.")
    return list({json.dumps(value): value for value in values}.values())


def expand(
    model: Model,
    route: Route,
    values: Values,
    *,
    vary: Mapping[str, str] = {},
    count: int = 1,
    prompts: Sequence[str] = (),
    braces: bool = True,
    rng: random.Random | None = None,
) -> list[Values]:
    """The values of each request: prompts by their alternatives by the vary lines in
    their order by count.

    `prompts` take the place of the one in `values`. `count` of each differ by their
    seed where there is one.
    """
    if not 1 <= count <= MOST:
        raise BatchError(f"How many of each: 1 to {MOST:,}.")
    spreads = {
        name: parse_vary_line(_varied(model, route, name), text)
        for name, text in vary.items()
    }
    texts = _texts(model, route, values, prompts, braces)
    factors = [
        (len(texts), "prompts"),
        *((len(many), name) for name, many in spreads.items()),
        (count, "of each"),
    ]
    if (asked := math.prod(many for many, _ in factors)) > MOST:
        told = " × ".join(f"{many:,} {what}" for many, what in factors if many > 1)
        raise BatchError(
            f"{told} are {asked:,} requests; a job takes at most {MOST:,}."
        )
    rng = rng or random.Random()
    cells: list[Values] = []
    for text, chosen in product(texts, product(*spreads.values())):
        one = values | text | dict(zip(spreads, chosen, strict=True))
        cells += [_own(one | seed) for seed in _seeds(model, route, one, count, rng)]
    return cells


def split_valid(
    model: Model, route: Route, cells: list[Values]
) -> tuple[list[Values], list[tuple[Values, str]]]:
    """The requests that may be sent, and the others each with the reason."""
    good: list[Values] = []
    bad: list[tuple[Values, str]] = []
    for values in cells:
        if errors := request.check(model, route, values):
            bad.append(
                (
                    values,
                    one_line(
                        " ".join(
                            f"{name}: {problem}" for name, problem in errors.items()
                        )
                    ),
                )
            )
        else:
            good.append(values)
    return good, bad


def total(model: Model, cells: list[Values]) -> int | None:
    """What all of them cost in micro-dollars; None where the price of one is unknown."""
    costs = [
        cost
        for values in cells
        if (cost := price.estimate(model, values).micro) is not None
    ]
    return sum(costs) if len(costs) == len(cells) else None


def _values(param: Param, part: str) -> list[Value]:
    """What one part of a vary line stands for. Raises ValueError with a sentence."""
    if not part:
        raise ValueError("A value is missing.")
    if part == "*":
        every: list[Value] = (
            [True, False] if param.kind is Kind.BOOLEAN else list(param.enum)
        )
        if not every:
            raise ValueError("There are no choices for * to stand for.")
        return every
    asked = (
        _RANGE.fullmatch(part)
        if param.kind is Kind.NUMBER or param.type == "integer"
        else None
    )
    if not asked:
        return [request.parse(param, part)]
    first, last, step = (
        Decimal(asked[1]),
        Decimal(asked[2]),
        abs(Decimal(asked[3] or 1)),
    )
    if param.kind is Kind.NUMBER and not asked[3] and (first % 1 or last % 1):
        raise ValueError(f"{part} needs a step, such as {part}..0.1.")
    if not step:
        raise ValueError(f"{part} has a step of 0.")
    steps = int(abs(last - first) // step)
    if steps >= MOST:
        raise ValueError(f"{part} has more than {MOST:,} values.")
    step = step if first < last else -step
    return [
        request.parse(param, format(first + step * taken, "f"))
        for taken in range(steps + 1)
    ]


def _varied(model: Model, route: Route, name: str) -> Param:
    param = route.param(name)
    if not param:
        # Which names the nearest
        raise BatchError(one_line(request.check(model, route, {name: "x"})[name]))
    if name == "prompt":
        # A bar in a vary line would tear the prompt's own groups apart.
        raise BatchError(
            "A prompt is varied by {a|b} within it, or by a file of prompts."
        )
    return param


def _texts(
    model: Model, route: Route, values: Values, prompts: Sequence[str], braces: bool
) -> list[Values]:
    """The prompt of each request, as values; nothing where the one in `values` stays as
    it is.
    """
    lines = [line.strip() for line in prompts if not request.blank(line)]
    if prompts and not route.param("prompt"):
        raise BatchError(f"{model.title} takes no prompt.")
    if prompts and not lines:
        raise BatchError("There is no prompt: all lines are blank.")
    filled_in = values.get("prompt")
    if not prompts and route.param("prompt") and isinstance(filled_in, str):
        lines = [filled_in]
    texts: list[Values] = []
    for line in lines:
        texts += [
            {"prompt": text} for text in (alternatives(line) if braces else [line])
        ]
        if len(texts) > MOST:
            raise BatchError(
                f"There are more than {MOST:,} prompts; a job takes at most {MOST:,}"
                " requests."
            )
    return texts or [{}]


def _seeds(
    model: Model, route: Route, values: Values, count: int, rng: random.Random
) -> list[Values]:
    """What tells `count` requests of the same values apart, as values: nothing, or
    seeds.
    """
    seed = values.get("seed")
    # A rule may forbid the seed, or bound it, for these very values.
    param = (
        request.apply_rules(model, route, values).params.get("seed")
        if count > 1
        else None
    )
    if (
        not param
        or param.kind is not Kind.INTEGER
        or not (request.blank(seed) or type(seed) is int)
    ):
        return [{}] * count
    low = math.ceil(param.min or 0)
    # Bounds are floats: further up they are no longer exact.
    high = math.floor(min(2**31 - 1 if param.max is None else param.max, low + 2**53))
    room = range(low, high + 1)
    if count > len(room):
        raise BatchError(
            f"seed: There are {len(room):,} different ones, too few for {count:,} of"
            " each."
        )
    if type(seed) is not int:
        return [{"seed": drawn} for drawn in rng.sample(room, count)]
    if seed not in room:  # wrong, or the bounds aren't published
        return [{"seed": seed + further} for further in range(count)]
    return [
        {"seed": room[(seed - low + further) % len(room)]} for further in range(count)
    ]


def _own(values: Values) -> Values:
    """The same values, with no list or object that others hold too."""
    # Through JSON, because deepcopy gives up on nesting that `request.parse` takes.
    return {
        name: json.loads(json.dumps(v)) if isinstance(v, list | dict) else v
        for name, v in values.items()
    }
