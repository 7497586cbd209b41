"""Tasks that work from the picture of another one, which they wait for."""

import asyncio
from collections.abc import Callable

from msgspec.structs import replace

from tui.catalog.source_images import with_real_paths
from tui.catalog.sources import with_picture
from tui.catalog.spec import Kind, Model
from tui.service.errors import TimedOutError
from tui.tasks import draft
from tui.tasks.cache import TaskCache
from tui.tasks.models import ModelGoneError
from tui.tasks.options import EngineOptions
from tui.tasks.retry import GaveUpError
from tui.tasks.task import LIVE, Problem, Status, Task
from tui.text import duration, one_line

_LONGEST_NAME = 60
_WAITS = "Waits for the picture of another task."
_STUCK = "Waits for the picture of a task that is set aside: send or watch that one."


class Chain:
    """Gives waiting tasks the picture that they work from."""

    def __init__(
        self,
        cache: TaskCache,
        model_of: Callable[[Task], Model],
        options: EngineOptions,
    ) -> None:
        """`model_of` returns the catalog's model of a task, or raises ModelGoneError."""
        self._cache = cache
        self._model_of = model_of
        self._patience = options.longest_wait if options.tries is not None else None
        """Seconds that a command waits for a picture; an app waits for ever."""

    async def take_picture(self, task_id: str) -> None:
        """Waits until the other task has ended, and takes its first picture.

        Without one, the task is rejected unsent, with the reason. Raises GaveUpError
        where a command has waited too long.
        """
        task = self._cache.tasks[task_id]
        try:
            async with asyncio.timeout(self._patience):
                source = await self._until_ended(task_id, task.awaited)
        except TimeoutError:
            waited = duration(self._patience or 0)
            reason = f"The task whose picture this needs has not ended after {waited}."
            raise GaveUpError(TimedOutError(reason)) from None
        task = self._cache.tasks[task_id]
        if source is None or not source.has_own_files:
            await self._skip(task, source)
            return
        try:
            ready = await asyncio.to_thread(self._with_picture, task, source.files[0])
        except (draft.InvalidRequestError, ModelGoneError) as error:
            problem = Problem("validation", str(error))
            held = task.change(error=problem, note="")
            await self._cache.save(held, "held for the user")
        else:
            await self._cache.save(ready, f"takes the picture of {source.id}")

    async def retried(self, task_id: str) -> str:
        """Returns the id of the task that was last sent in place of another one.

        Raises InvalidRequestError where that one has ended without a picture.
        """
        task = await self._last_retry(task_id)
        if task and (task.status in LIVE or task.has_own_files):
            return task.id
        sentence = "The task before it has no picture to work from: retry that first."
        raise draft.InvalidRequestError({"source": sentence})

    async def _until_ended(self, waiting_id: str, task_id: str) -> Task | None:
        """Returns a task once it has ended; where it was retried, the last retry.

        Returns None for a task that isn't in the queue.
        """
        while True:
            task = await self._last_retry(task_id)
            if task is None or task.status not in LIVE:
                return task
            await self._cache.note(waiting_id, _WAITS if task.live else _STUCK)
            await self._cache.until_other_than(task)

    async def _last_retry(self, task_id: str) -> Task | None:
        """Returns a task; where it was sent again for want of a picture, the last one
        that was sent.
        """
        seen: set[str] = set()
        task = await self._known(task_id)
        while task and task.retried_by not in ("", *seen) and not task.saved:
            seen.add(task.id)
            task = await self._known(task.retried_by)
        return task

    async def _known(self, task_id: str) -> Task | None:
        """Returns a task, from disk where it isn't in memory. Raises StoreError."""
        if task_id not in self._cache.tasks:
            for task in await self._cache.named([task_id]):
                self._cache.show(task)
        return self._cache.tasks.get(task_id)

    def _with_picture(self, task: Task, picture: str) -> Task:
        """Returns the next snapshot of a task that has its picture.

        Raises InvalidRequestError, and ModelGoneError.
        """
        model = self._model_of(task)
        route = model.routes.get(task.route)
        if route is None:
            raise ModelGoneError("The catalog no longer has the route of this task.")
        param = route.param(task.after_param)
        if param is None or param.kind not in (Kind.IMAGE, Kind.IMAGES):
            name = one_line(task.after_param, _LONGEST_NAME)
            raise draft.InvalidRequestError({"source": f"{name} takes no picture."})
        values = with_picture(route, task.after_param, task.values, picture)
        planned = draft.plan(replace(task, values=values, after_param=""), model)
        named = with_real_paths(route, planned.values)
        return task.change(
            values=named,
            body=planned.body,
            key=planned.key,
            after_param="",
            note="",
        )

    async def _skip(self, task: Task, source: Task | None) -> None:
        reason = "Skipped, not charged: the task before it has no picture to work from."
        if source and source.prompt:
            name = one_line(source.prompt, _LONGEST_NAME)
            reason = f'Skipped, not charged: "{name}" has no picture to work from.'
        skipped = task.change(
            Status.REJECTED, error=Problem("dependency", reason), note=""
        )
        await self._cache.save(skipped, "skipped")
