"""Which model a name means: a slug, a title, the beginning of either, or a family.

Only what is certain is taken; anything else is answered with the models that may have
been meant, their actions and prices, since each request costs money.
"""

import re
from collections.abc import Callable, Sequence

from tui.catalog.price import list_price
from tui.catalog.spec import Model
from tui.text import dollars, one_line

_LONGEST = 80
"""Characters of a name that are compared and shown; no model has as many."""
_LEAST_BEGINNING = 3
"""Characters from which a beginning can stand for a model."""
_LEAST_PART = 4
"""Characters from which a part of a name is like all of it."""
_MOST_CHOICES = 9
"""Models that are listed; no family has more."""
_MOST_GUESSES = 3
_NEAR = 0.7
"""From which likeness on a model may have been meant; 1 is equal."""
_AS_NEAR = 0.1
"""How much less like the name a guess may be than the best one."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def meant_by(models: Sequence[Model], name: str, action: str = "") -> list[Model]:
    """Returns the models that a name stands for; it is certain if that is one.

    Without an action, it may be any. A beginning ends where a word does: `gpt-image-1`
    is none of `gpt-image-1.5`, which is another model. A model that isn't described yet
    is taken by its slug alone. A title whose slug has further actions stands for those,
    too, if their titles go on from it: `GPT Image 2` and `GPT Image 2 Edit`.
    """
    words = _spelled(name, " ")
    slug = _spelled(name, "-")
    allowed = [model for model in models if action in ("", model.action)]

    def is_slug(model: Model) -> bool:
        return _spelled(model.slug, "-") == slug

    def is_title(model: Model) -> bool:
        return model.title.casefold() == words

    def begins(model: Model) -> bool:
        return model.described and _begins(model, name)

    tests: list[Callable[[Model], bool]] = [is_slug, is_title, begins]
    if " " in words:
        tests = [is_title, is_slug, begins]
    found = ([model for model in allowed if test(model)] for test in tests)
    first = next(filter(None, found), [])
    slugs = {model.slug for model in first}
    also = [model for model in allowed if model.slug in slugs and _begins(model, name)]
    return [model for model in allowed if model in first or model in also]


def _begins(model: Model, name: str) -> bool:
    """Returns whether a name is the beginning of a model's, or that of its family."""
    words = _spelled(name, " ")
    if len(words) < _LEAST_BEGINNING:
        return False
    return (
        _spelled(model.slug, "-").startswith(f"{_spelled(name, '-')}-")
        or model.title.casefold().startswith(f"{words} ")
        or (model.described and model.family.casefold() == words)
    )


def _spelled(name: str, between: str) -> str:
    """Returns a name in lower case, with this between its words.

    Services are written with _ and slugs with -, so that both are taken.
    """
    return between.join(re.split(r"[\s_]+", name.casefold().strip()))


def problem_with(models: Sequence[Model], name: str, action: str = "") -> str:
    """Returns why a name stands for no single model, and what may be meant instead."""
    shown = one_line(name, _LONGEST)
    several = meant_by(models, name, action)
    if several:
        return _choose(shown, several)
    new = [model for model in models if not model.described and _begins(model, name)]
    if new:
        return _choose_new(shown, new)
    others = meant_by(models, name)
    if others and all(model.slug == name for model in others):
        actions = ", ".join(model.action for model in others)
        return f"{shown} has no action {action}; it has {actions}."
    guesses = _choices((others or near(models, name, action))[:_MOST_GUESSES])
    if others:
        return f"{shown} has no action {action}. Did you mean {guesses}?"
    if guesses:
        return f"There is no model named {shown}. Did you mean {guesses}?"
    return (
        f"There is no model named {shown}. `runapi-tui models` lists them all; with"
        " --service and --action, `generate` sends one that isn't listed."
    )


def near(models: Sequence[Model], name: str, action: str = "") -> list[Model]:
    """Returns the models whose slug or title is like a name, the likest first.

    Of models that are as like, the cheapest is first. One with other numbers is another
    model, however like it is: `flux-2-pro` is never `flux-pro`, at twice the price.
    """
    likeness = [
        (max(_likeness(name, model.slug), _likeness(name, model.title)), model)
        for model in models
    ]
    found = [(like, model) for like, model in likeness if like >= _NEAR]
    of_action = [pair for pair in found if pair[1].action == action]
    found = of_action or found
    best = max((like for like, _ in found), default=0)
    found = [pair for pair in found if pair[0] >= best - _AS_NEAR]
    found.sort(key=lambda pair: (-pair[0], _price_order(pair[1])))
    return [model for _, model in found]


def _likeness(name: str, known: str) -> float:
    """Returns how like a name is to a known one, or to a part of it: 0 to 1."""
    from difflib import SequenceMatcher  # rarely needed

    if not _has_numbers_of(known, name):
        return 0
    typed = _letters(name[:_LONGEST])
    whole = _letters(known)
    if len(typed) >= _LEAST_PART and typed in whole:
        return 1 if typed == whole else 0.95
    ratio = SequenceMatcher(None, typed, whole, autojunk=False).ratio()
    if not len(whole) > len(typed) >= _LEAST_BEGINNING:
        return ratio
    beginning = whole[: len(typed)]
    matcher = SequenceMatcher(None, typed, beginning, autojunk=False)
    return max(ratio, 0.95 * matcher.ratio())


def _has_numbers_of(known: str, name: str) -> bool:
    """Returns whether a known name has all numbers that stand in another one."""
    numbers = _NUMBER.findall(name)
    own = _NUMBER.findall(known)
    return set(numbers) <= set(own) or _digits(numbers) == _digits(own)


def _digits(numbers: Sequence[str]) -> str:
    return "".join(numbers).replace(".", "")


def _letters(text: str) -> str:
    """Returns a text without what stands between its words."""
    return re.sub(r"[\W_]+", "", text.casefold())


def _price_order(model: Model) -> tuple[bool, int]:
    micro = list_price(model).micro
    return micro is None, micro or 0


def _choose(shown: str, models: Sequence[Model]) -> str:
    slug = models[0].slug
    if all(model.slug == slug for model in models):
        actions = ", ".join(f"{model.action}: {_price(model)}" for model in models)
        return f"{slug} has more than one action: choose one with --action ({actions})."
    choices = _choices(models[:_MOST_CHOICES])
    if len(models) <= _MOST_CHOICES:
        return f"{shown} matches more than one model. Name one of them: {choices}."
    slugs = len({model.slug for model in models})
    actions = "" if slugs == len(models) else f" with {len(models)} actions"
    return (
        f"{shown} matches {slugs} models{actions}; `runapi-tui models` lists them all."
        f" The first {_MOST_CHOICES} are {choices}."
    )


def _choose_new(shown: str, models: Sequence[Model]) -> str:
    """Returns which models that aren't described begin so: none of them is guessed."""
    choices = _choices(models[:_MOST_CHOICES])
    return (
        f"{shown} is the beginning of what the catalog doesn't describe. Write a name in"
        f" full: {choices}."
    )


def _choices(models: Sequence[Model]) -> str:
    return ", ".join(map(with_price, models))


def with_price(model: Model) -> str:
    """Returns a model's slug with its action and price: `z-image (text_to_image, $0.01)`.

    It says so where the service's list marks the model.
    """
    facts = [model.action, _price(model), *filter(None, [model.remark])]
    return f"{one_line(model.slug, _LONGEST)} ({', '.join(facts)})"


def _price(model: Model) -> str:
    micro = list_price(model).micro
    return "price unknown" if micro is None else dollars(micro)
