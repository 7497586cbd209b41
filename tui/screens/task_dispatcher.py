"""Runs the actions on a task or the queue: one method per action.

Actions that only need the engine are in the table of `widgets/task_actions.py`; here
are those that need a page, a question or the clipboard.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from tui.catalog.extra import not_checked, unchecked_names
from tui.catalog.request import Request
from tui.catalog.sources import without_source
from tui.screens import share
from tui.screens.next_tasks import NextTasks
from tui.screens.payments import Approval, Payments
from tui.screens.picture_actions import Handler, PictureActions
from tui.screens.shell import Shell
from tui.settings.prompt_files import PromptFiles
from tui.spending import ceilings
from tui.tasks import actions
from tui.tasks.imported import may_be_billed
from tui.tasks.models import known_model
from tui.tasks.task import LIVE, Task
from tui.text import by_count
from tui.widgets.form import ParamForm
from tui.widgets.key_texts import key_text
from tui.widgets.messages import QueueActionRequested, TaskActionRequested
from tui.widgets.task_actions import (
    QUEUE_ACTIONS,
    TASK_ACTIONS,
    QueueAction,
    TaskAction,
    is_failed,
)
from tui.widgets.view_context import ViewContext


class TaskDispatcher:
    """Runs actions. Every method runs in a worker of the app."""

    def __init__(
        self, shell: Shell, payments: Payments, view: Callable[[], ViewContext]
    ) -> None:
        self._shell = shell
        self._payments = payments
        self._view = view
        self._being_retried: set[str] = set()
        self._being_edited: set[str] = set()
        self._handlers: dict[TaskAction, Handler] = {
            TaskAction.VIEW: self._show_image,
            TaskAction.INSPECT: self._inspect,
            TaskAction.LINEAGE: self._show_lineage,
            TaskAction.REUSE: self._reuse,
            TaskAction.EDIT: self._edit,
            TaskAction.COPY_PATH: self._copy_path,
            TaskAction.OPEN: self._open,
            TaskAction.COPY_LINK: self._copy_link,
            TaskAction.COPY_AS: self._copy_as,
            TaskAction.RETRY: self._retry,
            TaskAction.SEND: self._send,
            TaskAction.DELETE: self._delete,
            TaskAction.COMPARE: self._compare,
            TaskAction.TABLE: self._show_table,
            **NextTasks(shell, payments).handlers,
            **PictureActions(shell).handlers,
        }

    async def run(self, request: TaskActionRequested) -> None:
        """Runs an action on tasks; a failure is shown as a sentence."""
        shell = self._shell
        if shell.engine is None or shell.main is None:
            return
        handler = self._handlers.get(request.action)
        run = TASK_ACTIONS[request.action].run
        with shell.problems_shown():
            if handler:
                await handler(request)
            elif run:
                work = run(shell.engine, request.tasks)
                shell.show_sentence(await shell.run_detached(work))

    async def run_on_queue(self, request: QueueActionRequested) -> None:
        """Runs an action on the whole queue."""
        shell = self._shell
        run = QUEUE_ACTIONS[request.action].run
        if shell.engine is None or shell.main is None:
            return
        with shell.problems_shown():
            if run:
                shell.show_sentence(await shell.run_detached(run(shell.engine)))
            elif request.action is QueueAction.CLEAR:
                work = actions.clear(shell.engine, self._undo_key())
                shell.show_sentence(await shell.run_detached(work))
            else:
                await self._retry_failed()

    async def copy_draft(self, event: ParamForm.CopyRequested) -> None:
        """Copies the form's request as code or a command, as the user chooses."""
        from tui.exchange.snippets import of_draft

        shell = self._shell
        with shell.problems_shown():
            request = of_draft(
                event.model,
                event.route,
                event.values,
                shell.session.catalog,
                shell.session.credential.base_url,
            )
            await share.copy_as(shell, request)

    async def _show_image(self, request: TaskActionRequested) -> None:
        from tui.screens.viewer import ViewerScreen

        browsing = request.browsing
        viewer = ViewerScreen(self._view(), request.tasks[0], request.index, browsing)
        await self._shell.push_screen(
            viewer, lambda task_id: browsing.on_back(task_id or "", None)
        )

    async def _inspect(self, request: TaskActionRequested) -> None:
        from tui.screens.inspect import InspectScreen

        assert self._shell.engine
        task = request.tasks[0]
        events = await self._shell.engine.queue.events(task.id)
        await self._shell.push_screen(InspectScreen(task, events))

    async def _show_lineage(self, request: TaskActionRequested) -> None:
        from tui.screens import lineage as page
        from tui.tasks import lineage

        shell, view = self._shell, self._view()
        assert shell.engine
        task = request.tasks[0]
        relatives = await lineage.family(task, shell.engine.queue.with_pictures)
        gone = await asyncio.to_thread(page.missing, relatives)
        chosen = await shell.push_screen_wait(page.LineageScreen(view, relatives, gone))
        if chosen:
            await self._show_image(TaskActionRequested(TaskAction.VIEW, [chosen]))

    async def _reuse(self, request: TaskActionRequested) -> None:
        await self._fill_form(request.tasks[0])

    async def _edit(self, request: TaskActionRequested) -> None:
        """Changes what a waiting task asks for; it keeps its place in the queue.

        It isn't sent while the form is open.
        """
        shell = self._shell
        assert shell.engine
        engine, task_id = shell.engine, request.tasks[0].id
        if task_id in self._being_edited:
            return  # the key was pressed twice
        self._being_edited.add(task_id)
        try:
            task = await shell.run_detached(engine.hold_back(task_id))
            await self._edit_held(task)
        finally:  # also where this is cancelled once the task is held back
            self._being_edited.discard(task_id)
            shell.call_detached(partial(engine.let_go, task_id))

    async def _edit_held(self, task: Task) -> None:
        from tui.screens.task_form import Edited, FormStart, TaskForm, TaskFormScreen

        shell = self._shell
        assert shell.main

        async def save(edited: Edited) -> bool:
            wanted = Request(model, edited.values, after=task.awaited)
            return await self._payments.revise(task, wanted, edited.foreign)

        model = known_model(shell.main.filler.catalog, task)
        shown, note = model, ""
        if task.awaited:
            shown = without_source(model)
            note = "It works from the picture of another task."
        await shell.push_screen_wait(
            TaskFormScreen(
                TaskForm,
                FormStart(shown, task.route, task.values, note, shell.price_of),
                PromptFiles(shell.session.folders.config),
                shell.main.value_picker,
                save,
            )
        )

    async def _fill_form(self, task: Task) -> None:
        """Returns to the main page, and fills the form with a task's values."""
        shell = self._shell
        if shell.main:
            await shell.return_to_main()
            await shell.main.filler.use(task)

    async def _copy_path(self, request: TaskActionRequested) -> None:
        task = request.tasks[0]
        path = task.results[request.index].path or task.files[0]
        share.copy_path(self._shell, path)

    async def _open(self, request: TaskActionRequested) -> None:
        viewer = self._shell.session.config.viewer
        await share.open_result(self._shell, request.tasks[0], request.index, viewer)

    async def _copy_link(self, request: TaskActionRequested) -> None:
        await share.copy_link(self._shell, request.tasks[0], request.index)

    async def _copy_as(self, request: TaskActionRequested) -> None:
        from tui.exchange.snippets import of_task

        session = self._shell.session
        base_url = session.credential.base_url
        snippet = of_task(request.tasks[0], session.catalog, base_url)
        await share.copy_as(self._shell, snippet)

    async def _delete(self, request: TaskActionRequested) -> None:
        shell = self._shell
        assert shell.engine
        work = actions.delete(shell.engine, request.tasks, self._undo_key())
        shell.show_sentence(await shell.run_detached(work))

    def _undo_key(self) -> str:
        """Returns the key that brings tasks back on the page in front."""
        return key_text(self._shell.screen, "undo")

    async def _compare(self, request: TaskActionRequested) -> None:
        from tui.screens.compare import MOST, CompareScreen

        shell, pictures = self._shell, request.files
        if len(pictures) < 2:
            mark = key_text(shell.screen, "mark") or "space"
            compare = key_text(shell.screen, "compare")
            shell.show_sentence(
                f"Mark the images to compare, each with {mark}, then press {compare}."
            )
            return
        if len(pictures) > MOST:
            shell.show_sentence(f"Only the first {MOST} of them are compared.")

        def go_back(shown: tuple[str, int] | None) -> None:
            if shown:
                request.browsing.on_back(*shown)

        page = CompareScreen(self._view(), pictures[:MOST])
        await shell.push_screen(page, go_back)

    async def _show_table(self, request: TaskActionRequested) -> None:
        """Shows the pictures of a job, or those that are marked, as a table."""
        from tui.screens.sheet import SheetScreen

        tasks = sorted(request.tasks, key=lambda task: task.id, reverse=True)
        start = request.tasks[0]
        await self._shell.push_screen(
            SheetScreen(self._view(), tasks, start, self._save_table)
        )

    async def _save_table(
        self, tasks: Sequence[Task], numbers: Mapping[tuple[str, int], int]
    ) -> None:
        """Draws a table as an image, and saves it where the user wants it."""
        import tempfile

        from tui.exchange.task_sheet import save_table

        shell = self._shell
        with (
            shell.problems_shown(),
            tempfile.TemporaryDirectory(prefix="runapi-tui-") as folder,
        ):
            target = Path(folder) / "table.png"
            shell.show_sentence("Drawing the table …")
            await asyncio.to_thread(save_table, tasks, target, numbers)
            await share.save_copies(shell, [str(target)], "Save the table as")

    async def _send(self, request: TaskActionRequested) -> None:
        shell = self._shell
        assert shell.engine
        tasks, left_out = await actions.sendable(shell.engine, request.tasks)
        ask = len(request.tasks) > 1 or any(task.imported for task in tasks)
        preface = _preface(left_out, tasks)
        wanted = ceilings.wanted_again(shell.session.catalog, tasks)
        async with shell.wallet.spending:
            approval = await self._payments.ask_approval(
                wanted, ask=ask, preface=preface
            )
            if approval:
                over = approval is Approval.OVER_CEILING
                work = actions.send(shell.engine, tasks, over_ceiling=over)
                shell.show_sentence(await shell.run_detached(work))

    async def _retry(self, request: TaskActionRequested) -> None:
        await self._retry_all(request.tasks)

    async def _retry_failed(self) -> None:
        """Retries every failed task of the queue that wasn't retried yet."""
        engine = self._shell.engine
        assert engine
        shown = await engine.queue.search_all("is:shown status:ended")
        failed = [task for task in shown if is_failed(task) and not task.retried_by]
        if failed:
            await self._retry_all(failed)
        else:
            self._shell.show_sentence("No task has failed.")

    async def _retry_all(self, tasks: list[Task]) -> None:
        """Retries tasks; another press does nothing until that is done."""
        ids = {task.id for task in tasks}
        if ids & self._being_retried:
            return
        self._being_retried |= ids
        try:
            async with self._shell.wallet.spending:
                await self._retry_once(tasks)
        finally:
            self._being_retried -= ids

    async def _retry_once(self, tasks: list[Task]) -> None:
        """Retries tasks that haven't changed since the key was pressed.

        Those that were already retried before are sent again only after a question.
        """
        shell = self._shell
        assert shell.engine
        unchanged = [task for task in tasks if self._is_as_shown(task)]
        unchanged, left_out = await actions.sendable(shell.engine, unchanged)
        paid = [task for task in unchanged if not task.lacks_picture]
        approval = Approval.YES
        if paid:
            approval = await self._ask_for_retry(paid, left_out)
        if not approval:
            return
        over = approval is Approval.OVER_CEILING
        work = actions.retry(
            shell.engine, unchanged, over_ceiling=over, undo=self._undo_key()
        )
        shell.show_sentence(await shell.run_detached(work))
        self._select_retry(unchanged)

    def _select_retry(self, tasks: list[Task]) -> None:
        """Moves the queue's cursor to what takes the place of the tasks."""
        shell = self._shell
        assert shell.engine
        assert shell.main
        ids = {task.id for task in tasks}
        known = shell.engine.tasks.values()
        new = [task.id for task in known if task.retry_of in ids]
        if new:
            shell.main.queue.table.select(max(new))

    async def _ask_for_retry(self, tasks: list[Task], left_out: str) -> Approval:
        """Asks the user where a ceiling requires it, or a task was retried before.

        `left_out` says which tasks are not among them, or nothing.
        """
        retried = len([task for task in tasks if task.retried_by])
        is_any_imported = any(task.imported for task in tasks)
        ask = len(tasks) > 1 or retried > 0 or is_any_imported or bool(left_out)
        preface = left_out
        if retried:
            again = by_count(
                retried,
                "{count} task was retried already.",
                "{count} tasks were retried already.",
            )
            preface = f"{preface}\n{again}".strip()
        preface = _preface(preface, tasks)
        wanted = ceilings.wanted_again(self._shell.session.catalog, tasks)
        return await self._payments.ask_approval(wanted, ask=ask, preface=preface)

    def _is_as_shown(self, task: Task) -> bool:
        """Returns whether the task wasn't retried or resumed since it was shown."""
        assert self._shell.engine
        now = self._shell.engine.queue.latest(task.id) or task
        return task.retried_by == now.retried_by and now.status not in LIVE


def _preface(first: str, tasks: Iterable[Task]) -> str:
    """Returns what is known before a question is asked, one line each."""
    tasks = list(tasks)
    unchecked = not_checked(
        name for task in tasks for name in unchecked_names(task.values)
    )
    return "\n".join(filter(None, (first, _unsure_sentence(tasks), unchecked)))


def _unsure_sentence(tasks: list[Task]) -> str:
    """Returns what to know before imported tasks are sent as new ones, or ""."""
    count = len([task for task in tasks if may_be_billed(task)])
    if not count:
        return ""
    return by_count(
        count,
        "The imported task may already have been made and billed: this is a new one.",
        "{count} imported tasks may already have been made and billed: these are new"
        " ones.",
    )
