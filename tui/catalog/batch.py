"""Turns one filled form into the many requests of a job.

This is arithmetic on values: nothing is sent or stored.
"""

import json
import math
import random
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import product

from msgspec import Struct

from tui.catalog import price, request
from tui.catalog.spec import Kind, Model, Param, Route, Value, Values
from tui.text import one_line

MOST = 10_000
"""The most requests of a job."""
_CHARACTERS = 50_000_000
"""The most characters of all texts of one prompt together.

It is MOST times the longest prompt that a bundled model takes.
"""
_LARGEST_SEED = 2**31 - 1
"""The largest seed where the service publishes no bound."""

# As many digits as Decimal's own context keeps exact through all steps.
_AMOUNT = r"(-?[0-9]{1,15}(?:\.[0-9]{1,10})?)"
_RANGE = re.compile(rf"{_AMOUNT}\s*\.\.\s*{_AMOUNT}(?:\s*\.\.\s*{_AMOUNT})?")


class BatchError(ValueError):
    """Why a job can't be made of this, as a sentence for the user."""


def alternatives(text: str) -> list[str]:
    r"""Returns every text of `{a|b}` groups; the leftmost group varies slowest.

    Groups nest. Braces that don't pair, or without a `|` of their own, are literal;
    so are `\{`, `\|` and `\}`. Raises BatchError for too many or too long texts.
    """
    return _Alternatives(text).texts()


class _Alternatives:
    """A prompt's groups, as a graph of its tokens."""

    def __init__(self, text: str) -> None:
        self._tokens = re.split(r"(\\?[{|}])", text)
        """Text and marks by turns; marks stand at odd places."""
        self._forks: dict[int, list[int]] = {}
        """By the opening brace of a group: where each alternative starts."""
        self._after: dict[int, int] = {}
        """By the end of an alternative: what follows the group."""
        self._find_groups()
        self._leaps = self._measure()
        """By each place: the next token with something to say."""

    def _find_groups(self) -> None:
        """Pairs the braces, and drops the backslash of marks that are literal."""
        # Braces without their other half so far, each with its bars
        opened: list[list[int]] = []
        for at in range(1, len(self._tokens), 2):
            token = self._tokens[at]
            if token == "{":
                opened.append([at])
            elif token == "|" and opened:
                opened[-1].append(at)
            elif token == "}" and opened:
                self._add_group(opened.pop(), at)
            elif len(token) > 1:
                self._tokens[at] = token[1:]

    def _add_group(self, starts: list[int], end: int) -> None:
        """Adds the group between an opening brace with its bars and a closing brace.

        Without a bar it is literal, and not added.
        """
        opening, *bars = starts
        if not bars:
            return
        self._forks[opening] = [mark + 1 for mark in starts]
        for mark in (*bars, end):
            self._after[mark] = end + 1

    def _measure(self) -> list[int]:
        """Returns the leaps. Raises BatchError for too many or too long texts.

        Goes from the end: how many texts there are from each token on, how long they
        are together, and where the next token with something to say is. Without such
        leaps deep nesting would cost its depth for each text.
        """
        end = len(self._tokens)
        count = [1] * (end + 1)
        length = [0] * (end + 1)
        leaps = list(range(end + 1))
        for at in reversed(range(end)):
            following = self._following(at)
            count[at] = sum(count[then] for then in following)
            length[at] = sum(length[then] for then in following)
            if at in self._after or not self._tokens[at]:
                leaps[at] = leaps[following[0]]
            elif at not in self._forks:
                length[at] += len(self._tokens[at]) * count[at]
            if count[at] > MOST:
                raise BatchError(
                    f"The braces of the prompt make more than {MOST:,} texts."
                )
            if length[at] > _CHARACTERS:
                raise BatchError("The prompt is too long for so many alternatives.")
        return leaps

    def _following(self, at: int) -> list[int]:
        """Returns the places of the tokens that may follow the one at a place."""
        if at in self._forks:
            return self._forks[at]
        return [self._after.get(at, at + 1)]

    def texts(self) -> list[str]:
        """Returns every text; the leftmost group varies slowest."""
        end = len(self._tokens)
        texts: list[str] = []
        parts: list[str] = []
        todo = [(self._leaps[0], 0)]
        while todo:
            at, kept_parts = todo.pop()
            del parts[kept_parts:]
            while at < end and at not in self._forks:
                parts.append(self._tokens[at])
                at = self._leaps[at + 1]
            if at == end:
                texts.append("".join(parts))
                continue
            for start in reversed(self._forks[at]):
                todo.append((self._leaps[start], len(parts)))
        return texts


def parse_vary_line(param: Param, text: str) -> list[Value]:
    r"""Returns the values that a vary line asks of a parameter, each once.

    `a | b` lists them, `1..9` and `0..1..0.1` are ranges, `*` stands for every choice.
    A `\|` is a bar within a value. Raises BatchError.
    """
    values: list[Value] = []
    for part in re.split(r"(?<!\\)\|", text):
        literal = part.strip().replace(r"\|", "|")
        try:
            values += _values(param, literal)
        except ValueError as error:
            raise BatchError(f"{param.name}: {one_line(error)}") from None
        if len(values) > MOST:
            raise BatchError(f"{param.name}: more than {MOST:,} values.")
    # Equal numbers and booleans differ in JSON.
    distinct = {json.dumps(value): value for value in values}
    return list(distinct.values())


class Variations(Struct, frozen=True, kw_only=True):
    """How the requests of a job differ from the form's values."""

    prompts: Sequence[str] = ()
    """They replace the form's own prompt."""
    braces: bool = True
    """Whether `{a|b}` in a prompt makes several texts of it."""
    vary: Mapping[str, str] = {}
    """Vary lines by parameter."""
    count: int = 1
    """Requests of the same values, which differ by their seed where there is one."""


_SAME = Variations()


def expand(
    model: Model,
    route: Route,
    values: Values,
    variations: Variations = _SAME,
    rng: random.Random | None = None,
) -> list[Values]:
    """Returns the values of each request.

    Prompts vary slowest, then their alternatives, then the vary lines in their order,
    then the seeds, which `rng` draws. Raises BatchError.
    """
    count = variations.count
    if not 1 <= count <= MOST:
        raise BatchError(f"How many of each: 1 to {MOST:,}.")
    varied: dict[str, list[Value]] = {}
    for name, text in variations.vary.items():
        param = _varied_param(model, route, name)
        varied[name] = parse_vary_line(param, text)
    prompts = _prompts(model, route, values, variations)
    _check_size(len(prompts), varied, count)
    rng = rng or random.Random()
    requests: list[Values] = []
    for prompt, choices in product(prompts, product(*varied.values())):
        chosen = dict(zip(varied, choices, strict=True))
        one = values | prompt | chosen
        for seed in _seeds(model, route, one, count, rng):
            requests.append(_own_copy(one | seed))
    return requests


def _check_size(prompts: int, varied: dict[str, list[Value]], count: int) -> None:
    """Raises BatchError when all combinations are more than a job takes."""
    factors = [(prompts, "prompts")]
    for name, choices in varied.items():
        factors.append((len(choices), name))
    factors.append((count, "of each"))
    asked = math.prod(many for many, _ in factors)
    if asked <= MOST:
        return
    terms = [f"{many:,} {name}" for many, name in factors if many > 1]
    raise BatchError(
        f"{' × '.join(terms)} are {asked:,} requests; a job takes at most {MOST:,}."
    )


def split_valid(
    model: Model, route: Route, requests: list[Values]
) -> tuple[list[Values], list[tuple[Values, str]]]:
    """Returns the requests that may be sent, and the others each with the reason."""
    valid: list[Values] = []
    invalid: list[tuple[Values, str]] = []
    for values in requests:
        errors = request.check(model, route, values)
        if not errors:
            valid.append(values)
            continue
        reasons = [f"{name}: {problem}" for name, problem in errors.items()]
        invalid.append((values, one_line(" ".join(reasons))))
    return valid, invalid


def total(model: Model, requests: list[Values]) -> int | None:
    """Returns the cost of all in micro-dollars; None if the price of one is unknown."""
    total = 0
    for values in requests:
        cost = price.estimate(model, values).micro
        if cost is None:
            return None
        total += cost
    return total


def _values(param: Param, part: str) -> list[Value]:
    """Returns the values of one part of a vary line. Raises ValueError."""
    if not part:
        raise ValueError("A value is missing.")
    if part == "*":
        return _every_choice(param)
    if param.kind is Kind.NUMBER or param.type == "integer":
        found = _RANGE.fullmatch(part)
        if found:
            return _range_values(param, part, found)
    return [request.parse(param, part)]


def _every_choice(param: Param) -> list[Value]:
    """Returns all values of a parameter with choices. Raises ValueError for others."""
    if param.kind is Kind.BOOLEAN:
        return [True, False]
    if not param.enum:
        raise ValueError("There is no list of choices for *.")
    return list(param.enum)


def _range_values(param: Param, part: str, found: re.Match[str]) -> list[Value]:
    """Returns the values of a range like `0..1..0.1`. Raises ValueError."""
    first = Decimal(found[1])
    last = Decimal(found[2])
    step = abs(Decimal(found[3] or 1))
    is_whole = first % 1 == 0 and last % 1 == 0
    if param.kind is Kind.NUMBER and not found[3] and not is_whole:
        raise ValueError(f"{part} needs a step, such as {part}..0.1.")
    if not step:
        raise ValueError(f"{part} has a step of 0.")
    steps = int(abs(last - first) // step)
    if steps >= MOST:
        raise ValueError(f"{part} has more than {MOST:,} values.")
    if first >= last:
        step = -step
    values: list[Value] = []
    for done in range(steps + 1):
        number = first + step * done
        values.append(request.parse(param, f"{number:f}"))
    return values


def _varied_param(model: Model, route: Route, name: str) -> Param:
    """Returns the parameter that a vary line names. Raises BatchError."""
    param = route.param(name)
    if not param:
        # The error of `check` also names the nearest parameter.
        errors = request.check(model, route, {name: "x"})
        raise BatchError(one_line(errors[name]))
    if name == "prompt":
        # A bar in a vary line would tear the prompt's own groups apart.
        raise BatchError(
            "A prompt is varied by {a|b} within it, or by a file of prompts."
        )
    return param


def _prompts(
    model: Model, route: Route, values: Values, variations: Variations
) -> list[Values]:
    """Returns each prompt as values to add; `{}` alone where none changes.

    Raises BatchError.
    """
    texts: list[Values] = []
    for line in _lines(model, route, values, variations.prompts):
        versions = alternatives(line) if variations.braces else [line]
        texts += [{"prompt": version} for version in versions]
        if len(texts) > MOST:
            raise BatchError(
                f"There are more than {MOST:,} prompts; a job takes at most {MOST:,}"
                " requests."
            )
    return texts or [{}]


def _lines(
    model: Model, route: Route, values: Values, prompts: Sequence[str]
) -> list[str]:
    """Returns the prompts before their braces are expanded. Raises BatchError."""
    takes_prompt = route.param("prompt") is not None
    if not prompts:
        own = values.get("prompt")
        return [own] if takes_prompt and isinstance(own, str) else []
    if not takes_prompt:
        raise BatchError(f"{model.title} takes no prompt.")
    lines = [line.strip() for line in prompts if not request.blank(line)]
    if not lines:
        raise BatchError("There is no prompt: all lines are blank.")
    return lines


def _seeds(
    model: Model, route: Route, values: Values, count: int, rng: random.Random
) -> list[Values]:
    """Returns for each of `count` requests of the same values the seed to add, or `{}`.

    Raises BatchError when there are too few different seeds.
    """
    if count == 1:
        return [{}]
    seed = values.get("seed")
    # A rule may forbid the seed, or bound it, for these very values.
    param = request.apply_rules(model, route, values).params.get("seed")
    if not param or param.kind is not Kind.INTEGER:
        return [{}] * count
    if not request.blank(seed) and type(seed) is not int:
        return [{}] * count
    room = _seed_range(param)
    if count > len(room):
        raise BatchError(
            f"seed: There are only {len(room):,} different seeds, too few for"
            f" {count:,} of each."
        )
    if type(seed) is not int:
        return [{"seed": drawn} for drawn in rng.sample(room, count)]
    if seed not in room:  # wrong, or the bounds aren't published
        return [{"seed": seed + number} for number in range(count)]
    start = room.index(seed)
    places = [(start + number) % len(room) for number in range(count)]
    return [{"seed": room[place]} for place in places]


def _seed_range(param: Param) -> range:
    """Returns all seeds that a parameter allows; below 2³¹ if nothing is published."""
    low = math.ceil(param.min or 0)
    high = _LARGEST_SEED if param.max is None else param.max
    # Bounds are floats: further up they are no longer exact.
    high = math.floor(min(high, low + 2**53))
    return range(low, high + 1)


def _own_copy(values: Values) -> Values:
    """Returns the same values, with no list or object that others hold too."""
    copy: Values = {}
    for name, value in values.items():
        if isinstance(value, list | dict):
            # Not deepcopy, which gives up on nesting that `request.parse` takes.
            value = json.loads(json.dumps(value))
        copy[name] = value
    return copy
