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

from tui.catalog import request
from tui.catalog.spec import Kind, Model, Param, Route, Value, Values
from tui.catalog.wildcards import NAMED, NONE, WildcardError, Wildcards, names_in
from tui.text import one_line

MOST = 10_000
"""The most requests of a job."""
_CHARACTERS = 50_000_000
"""The most characters of all texts of one prompt together.

It is MOST times the prompt that most of the bundled models take at most.
"""
_LONGEST_TEXT = 5_000_000
"""The most characters of a prompt together with the lines that its wildcards name."""
_MOST_TOKENS = 5 * MOST
"""Of a prompt with all these lines: what is beyond makes more than `MOST` texts, or has
more marks than any prompt of people.
"""
_MARK = re.compile(r"(\\?[{|}])")
"""A mark of groups, or one that is literal."""
_BAR = re.compile(r"(?<!\\)\|")
"""A bar between values, not one within a value."""
_SPECIAL = re.compile(r"[{|}]|__")
"""What a text has that is more than words."""
_LARGEST_SEED = 2**31 - 1
"""The largest seed where the service publishes no bound."""

# As many digits as Decimal's own context keeps exact through all steps.
_AMOUNT = r"(-?[0-9]{1,15}(?:\.[0-9]{1,10})?)"
_RANGE = re.compile(rf"{_AMOUNT}\s*\.\.\s*{_AMOUNT}(?:\s*\.\.\s*{_AMOUNT})?")


class BatchError(ValueError):
    """Why a job can't be made of this, as a sentence for the user."""


def alternatives(text: str, wildcards: Wildcards = NONE) -> list[str]:
    r"""Returns every text of `{a|b}` groups; the leftmost group varies slowest.

    Groups nest. Braces that don't pair, or without a `|` of their own, are literal;
    so are `\{`, `\|` and `\}`. A wildcard's name is a group of its lines. Raises
    BatchError for too many or too long texts, and for names that stand for nothing.
    """
    return _Alternatives(_tokens(text, wildcards)).texts()


def count_alternatives(text: str, wildcards: Wildcards = NONE) -> int:
    """Returns how many texts `alternatives` has. Raises BatchError as it does."""
    return _Alternatives(_tokens(text, wildcards)).count


def _tokens(text: str, wildcards: Wildcards) -> list[str]:
    """Returns text and marks by turns; marks stand at odd places. Raises BatchError."""
    if not names_in(text):
        # A name with a backslash before it is the name itself.
        return _MARK.split(NAMED.sub(lambda found: found[0][1:], text))
    return _TokenReader(wildcards).read(text).tokens


class _Tokens:
    """Text and marks by turns, and how many texts they make so far.

    What only grows is checked with each addition: a few short files could name more
    than fits into memory. Each addition raises BatchError.
    """

    def __init__(self) -> None:
        self.count = 1
        self._marks_and_texts: list[str] = []
        self._words: list[str] = []
        """Pieces of the text after the last mark."""
        self._length = 0
        self._opened: list[tuple[int, int]] = []
        """By open group: texts of what is before it, and of its alternatives so far."""

    @property
    def tokens(self) -> list[str]:
        return [*self._marks_and_texts, "".join(self._words)]

    def add_text(self, text: str) -> None:
        self._words.append(text)
        self._length += len(text)
        self._check()

    def add_mark(self, mark: str, is_paired: bool) -> None:
        """Adds a mark; one that is paired belongs to a group."""
        self._marks_and_texts += ["".join(self._words), mark]
        self._words = []
        if not is_paired:
            self._length += len(mark)
        elif mark == "{":
            self._opened.append((self.count, 0))
            self.count = 1
        else:
            before, alternatives = self._opened.pop()
            alternatives += self.count
            if mark == "|":
                self._opened.append((before, alternatives))
                self.count = 1
                _check_count(alternatives)
            else:
                self.count = before * alternatives
        self._check()

    def add(self, other: "_Tokens") -> None:
        """Adds what was read before, whose groups are all closed."""
        if other._marks_and_texts:
            first, *rest = other._marks_and_texts
            self._words.append(first)
            self._marks_and_texts += ["".join(self._words), *rest]
            self._words = []
        self._words.append("".join(other._words))
        self._length += other._length
        self.count *= other.count
        self._check()

    def _check(self) -> None:
        _check_count(self.count)
        if self._length > _LONGEST_TEXT or len(self._marks_and_texts) > _MOST_TOKENS:
            raise BatchError("The wildcards of the prompt are too long together.")


def _check_count(count: int) -> None:
    if count > MOST:
        raise BatchError(
            f"The alternatives of the prompt make more than {MOST:,} texts."
        )


class _TokenReader:
    """Turns a prompt with wildcards into tokens; each name is read once."""

    def __init__(self, wildcards: Wildcards) -> None:
        self._wildcards = wildcards
        self._known: dict[str, _Tokens] = {}
        self._within: set[str] = set()
        """Names whose lines are being read."""

    def read(self, text: str) -> _Tokens:
        """Reads a prompt, or a line of a wildcard. Raises BatchError."""
        tokens = _Tokens()
        if not _SPECIAL.search(text):  # as most of the lines
            tokens.add_text(text)
            return tokens
        parts = _MARK.split(text)
        paired = {place for group in _groups(parts) for place in group}
        if self._within:
            _quote_lone_marks(parts, paired)
        for at, part in enumerate(parts):
            if at % 2:
                tokens.add_mark(part, at in paired)
            else:
                self._add_named(tokens, part)
        return tokens

    def _add_named(self, tokens: _Tokens, text: str) -> None:
        """Adds a text without marks, which may name wildcards."""
        at = 0
        for found in NAMED.finditer(text):
            tokens.add_text(text[at : found.start()])
            at = found.end()
            if found[0].startswith("\\"):
                tokens.add_text(found[0][1:])
            else:
                tokens.add(self._lines(found[1]))
        tokens.add_text(text[at:])

    def _lines(self, name: str) -> _Tokens:
        """Returns the lines of a wildcard as a group; a single one needs none."""
        if name in self._within:
            raise BatchError(f"The wildcard {name} contains itself.")
        if name not in self._known:
            self._within.add(name)
            self._known[name] = self._read_lines(name)
            self._within.remove(name)
        return self._known[name]

    def _read_lines(self, name: str) -> _Tokens:
        try:
            lines = self._wildcards.lines_of(name)
        except WildcardError as error:
            raise BatchError(str(error)) from None
        if len(lines) == 1:
            return self.read(lines[0])
        group = _Tokens()
        mark = "{"
        for line in lines:
            group.add_mark(mark, is_paired=True)
            group.add(self.read(line))
            mark = "|"
        group.add_mark("}", is_paired=True)
        return group


def _quote_lone_marks(tokens: list[str], paired: set[int]) -> None:
    """Makes those marks literal that form no group among these tokens.

    A line's own brace or bar must not end the group that the line stands in.
    """
    for at in range(1, len(tokens), 2):
        if at not in paired and len(tokens[at]) == 1:
            tokens[at] = f"\\{tokens[at]}"


def _groups(tokens: list[str]) -> list[list[int]]:
    """Returns the places of each group's marks: brace, bars, brace."""
    groups: list[list[int]] = []
    # Braces without their other half so far, each with its bars
    opened: list[list[int]] = []
    for at in range(1, len(tokens), 2):
        token = tokens[at]
        if token == "{":
            opened.append([at])
        elif token == "|" and opened:
            opened[-1].append(at)
        elif token == "}" and opened:
            group = [*opened.pop(), at]
            if len(group) > 2:  # without a bar it is literal
                groups.append(group)
    return groups


class _Alternatives:
    """A prompt's groups, as a graph of its tokens."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._forks: dict[int, list[int]] = {}
        """By the opening brace of a group: where each alternative starts."""
        self._after: dict[int, int] = {}
        """By the end of an alternative: what follows the group."""
        for group in _groups(tokens):
            self._add_group(group)
        # The backslash of marks that are literal is dropped.
        for at in range(1, len(tokens), 2):
            if len(tokens[at]) > 1:
                tokens[at] = tokens[at][1:]
        self.count = 1
        """How many texts there are."""
        self._leaps = self._measure()
        """By each place: the next token with something to say."""

    def _add_group(self, marks: list[int]) -> None:
        """Adds the group of an opening brace, bars and a closing brace."""
        *starts, end = marks
        self._forks[marks[0]] = [mark + 1 for mark in starts]
        for mark in marks[1:]:
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
            _check_count(count[at])
            if length[at] > _CHARACTERS:
                raise BatchError("The prompt is too long for so many alternatives.")
        self.count = count[0]
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


def vary_parts(text: str) -> list[str]:
    """Returns what stands between the bars of a vary line."""
    return _BAR.split(text)


def parse_vary_line(param: Param, text: str) -> list[Value]:
    r"""Returns the values that a vary line asks of a parameter, each once.

    `a | b` lists them, `1..9` and `0..1..0.1` are ranges, `*` stands for every choice.
    A `\|` is a bar within a value. Raises BatchError.
    """
    values: list[Value] = []
    for part in vary_parts(text):
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
    """Whether `{a|b}`, or a wildcard, in a prompt makes several texts of it."""
    wildcards: Wildcards = NONE
    """What the names of wildcards stand for."""
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
        versions = [line]
        if variations.braces:
            versions = alternatives(line, variations.wildcards)
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
