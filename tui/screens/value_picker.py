"""Lets the user pick the value of a field: image files, or a finished task."""

from pathlib import Path

from tui.catalog.spec import Kind, Param
from tui.screens.past import Past
from tui.tasks.task import Status, Task
from tui.widgets.fields import Field
from tui.widgets.view_context import ViewContext

CHOICES = 500
"""Results or tasks that are listed at most."""


class ValuePicker:
    """Offers what earlier tasks have made."""

    def __init__(self, past: Past, view: ViewContext) -> None:
        self._past = past
        self._view = view

    async def pick(self, field: Field, service: str) -> None:
        """Opens the page for a field of a model of a service."""
        if field.param.kind is Kind.TASK:
            await self._pick_task(field, service)
        else:
            await self._pick_images(field)

    async def _pick_task(self, field: Field, service: str) -> None:
        from tui.screens.chooser import ChooserScreen

        param = field.param

        def fits(task: Task) -> bool:
            return _fits(param, task) and task.service == service

        tasks = await self._past.find("status:completed", fits, CHOICES)
        options = [
            (task.remote_id, f"{self._view.title_of(task)}  {task.prompt or task.id}")
            for task in tasks
        ]
        empty = f"No task can be used here yet. {param.help}"
        chooser = ChooserScreen(param.title, options, empty)
        await field.app.push_screen(chooser, field.set_picked)

    async def _pick_images(self, field: Field) -> None:
        from tui.screens.sources import SourcesScreen

        many = field.param.kind is Kind.IMAGES
        results = await self._past.find("", lambda task: task.has_own_files, CHOICES)
        picker = SourcesScreen(
            self._view.terminal, results, start=str(Path.cwd()), many=many
        )
        await field.app.push_screen(picker, field.set_picked)


def _fits(param: Param, task: Task) -> bool:
    """Returns whether a task can be the value of a param."""
    if param.tasks and task.action not in param.tasks:
        return False
    return task.status is Status.COMPLETED
