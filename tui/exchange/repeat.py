"""Requests like those of earlier tasks: the same again, or with other seeds."""

import random
from collections.abc import Iterable

from tui.catalog.batch import Variations, expand
from tui.catalog.extra import EXTRA
from tui.catalog.load import Catalog
from tui.catalog.reach import texts_of
from tui.catalog.request import Request
from tui.catalog.route import Api, choose
from tui.catalog.spec import Model, Values
from tui.exchange.consent import WantedJob
from tui.tasks.draft import InvalidRequestError
from tui.tasks.imported import UNCHECKED
from tui.tasks.models import known_model
from tui.tasks.task import Task


class Repeater:
    """Makes requests of tasks, as the catalog has their models now."""

    def __init__(self, catalog: Catalog, api: Api) -> None:
        self._catalog = catalog
        self._api: Api = api

    def same(self, tasks: Iterable[Task]) -> WantedJob:
        """Returns the requests of tasks.

        Raises UnknownModel without their model, and InvalidRequestError for an imported
        task with extra parameters.
        """
        tasks = list(tasks)
        requests = [
            Request(self._model(task), task.values, after=task.awaited)
            for task in tasks
        ]
        return _wanted(tasks, requests)

    def with_new_seeds(self, tasks: Iterable[Task], count: int = 1) -> WantedJob:
        """Returns `count` requests of each task, all with seeds of their own.

        A model without seeds draws another picture anyway. Raises what `same` raises,
        and BatchError where there are too few seeds.
        """
        tasks = list(tasks)
        requests = []
        for task in tasks:
            model = self._model(task)
            values = {name: task.values[name] for name in task.values if name != "seed"}
            requests += [
                Request(model, own, after=task.awaited)
                for own in self._with_seeds(model, values, count)
            ]
        return _wanted(tasks, requests)

    def _with_seeds(self, model: Model, values: Values, count: int) -> list[Values]:
        has_seeds = any(route.param("seed") for route in model.routes.values())
        names = [*values, "seed"] if has_seeds else list(values)
        route = model.routes[choose(model, names, self._api)]
        # One seed more than needed: a single request would keep the service's choice.
        variations = Variations(count=count + 1, braces=False)
        return expand(model, route, values, variations, random.Random())[:count]

    def _model(self, task: Task) -> Model:
        """Returns the model of a task, the values of which may be sent again."""
        if task.imported and EXTRA in task.values:
            raise InvalidRequestError({EXTRA: UNCHECKED})
        return known_model(self._catalog, task)


def _wanted(tasks: list[Task], requests: list[Request]) -> WantedJob:
    imported = [
        value for task in tasks if task.imported for value in task.values.values()
    ]
    return WantedJob(requests, frozenset(texts_of(imported)))
