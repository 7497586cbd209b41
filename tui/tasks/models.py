"""The model of a task, also of one that the catalog doesn't describe."""

from tui.catalog.extra import EXTRA
from tui.catalog.load import Catalog, UnknownModel
from tui.catalog.spec import Model
from tui.catalog.undescribed import NameProblem, undescribed
from tui.tasks.task import Task
from tui.text import one_line


class ModelGoneError(UnknownModel):
    """The model of a task is not in the catalog, and never went beyond it."""


class RequestUnknownError(ModelGoneError):
    """What a task has asked for isn't known: another program has made it."""

    def __init__(self, task: Task) -> None:
        super().__init__(
            f"Task {task.id} was made elsewhere: its request isn't known here."
        )


def find_model(catalog: Catalog, task: Task) -> Model | None:
    """Returns a task's model; None where the catalog no longer has it.

    A task that was made for a model beyond the catalog has extra parameters, be they
    empty, and names its service itself.
    """
    model = catalog.get(task.action, task.model)
    if task.imported or EXTRA not in task.values:
        return model
    if model and model.service == task.service:
        return model
    try:
        return undescribed(task.service, task.action, task.model)
    except NameProblem:
        return None


def known_model(catalog: Catalog, task: Task) -> Model:
    """Returns the model of a task whose request may be made again.

    Raises ModelGoneError.
    """
    if task.adopted:
        raise RequestUnknownError(task)
    model = find_model(catalog, task)
    if model is None:
        name = one_line(task.model, 80)
        raise ModelGoneError(f"{name} is no longer in the catalog.")
    return model
