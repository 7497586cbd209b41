"""Tasks that come from earlier ones: again, variations, from a picture, after another."""

from tui.catalog.batch import BatchError
from tui.catalog.request import Request
from tui.catalog.spec import Model
from tui.exchange.consent import WantedJob
from tui.exchange.repeat import Repeater
from tui.screens.main import MainScreen
from tui.screens.payments import Payments
from tui.screens.picture_actions import Handler
from tui.screens.shell import Shell
from tui.settings.prompt_files import PromptFiles
from tui.text import by_count, dollars, one_line
from tui.widgets.messages import TaskActionRequested
from tui.widgets.task_actions import TaskAction


class NextTasks:
    """Sends them, or fills the form. Every method runs in a worker of the app."""

    def __init__(self, shell: Shell, payments: Payments) -> None:
        self._shell = shell
        self._payments = payments

    @property
    def handlers(self) -> dict[TaskAction, Handler]:
        """The method for each action."""
        return {
            TaskAction.AGAIN: self._again,
            TaskAction.NEW_SEED: self._with_new_seed,
            TaskAction.VARIATIONS: self._vary,
            TaskAction.USE_AS_SOURCE: self._use_as_source,
            TaskAction.THEN: self._then,
        }

    @property
    def _repeater(self) -> Repeater:
        main = self._shell.main
        assert main
        return Repeater(main.filler.catalog, self._shell.session.config.api)

    async def _again(self, request: TaskActionRequested) -> None:
        await self._send(self._repeater.same(request.tasks))

    async def _with_new_seed(self, request: TaskActionRequested) -> None:
        await self._send(self._repeater.with_new_seeds(request.tasks))

    async def _send(self, job: WantedJob) -> None:
        """Sends requests; the price of several is said first."""
        await self._payments.submit(job, ask=len(job.requests) > 1)

    async def _vary(self, request: TaskActionRequested) -> None:
        from tui.screens.how_many import HowManyScreen

        shell, repeater = self._shell, self._repeater
        same = repeater.same(request.tasks[:1])
        (priced,) = await shell.wallet.priced(same.requests)

        def price_of(count: int) -> str:
            if priced.price is None:
                return "price unknown"
            return dollars(priced.price * count)

        count = await shell.push_screen_wait(HowManyScreen(price_of))
        if not count:
            return
        try:
            job = repeater.with_new_seeds(request.tasks[:1], count)
        except BatchError:  # there are fewer seeds than that
            job = same._replace(requests=same.requests * count)
        await self._payments.submit(job)

    async def _use_as_source(self, request: TaskActionRequested) -> None:
        """Fills the form of a model that the user chooses with the picture."""
        main = self._shell.main
        files = [task.results[index].path for task, index in request.files]
        if main is None or not files:
            return
        title = by_count(
            len(files),
            "Use the picture with",
            "Use {count} pictures with",
        )
        model = await self._chosen_model(main, title)
        if model:
            await self._shell.return_to_main()
            await main.filler.use_as_source(model, files)

    async def _chosen_model(self, main: MainScreen, title: str) -> Model | None:
        """Asks which model is to work from a picture."""
        from tui.catalog.sources import by_use
        from tui.screens.picker import ModelPickerScreen

        models = by_use(main.filler.catalog)
        picker = ModelPickerScreen(models, *main.usual_sources(models), title)
        return await self._shell.push_screen_wait(picker)

    async def _then(self, request: TaskActionRequested) -> None:
        """Queues tasks that work from pictures which are not made yet."""
        from tui.catalog.sources import without_source
        from tui.screens.task_form import (
            Edited,
            FormStart,
            NextTaskForm,
            TaskFormScreen,
        )

        shell, main = self._shell, self._shell.main
        tasks = request.tasks
        if main is None:
            return
        title = by_count(
            len(tasks), "When it is done", "When each of {count} tasks is done"
        )
        chosen = await self._chosen_model(main, title)
        if chosen is None:
            return
        model = main.filler.catalog.known(*chosen.key)
        note = by_count(
            len(tasks),
            'Sent once the picture of "{prompt}" is there, and made from it.',
            "One for each of {count} tasks: sent once its picture is there.",
            prompt=one_line(tasks[0].prompt, 60),
        )
        route = main.filler.route(model)

        async def save(edited: Edited) -> bool:
            wanted = [Request(model, edited.values, after=task.id) for task in tasks]
            job = WantedJob(wanted, edited.foreign)
            return await self._payments.submit(job, ask=len(wanted) > 1)

        await shell.push_screen_wait(
            TaskFormScreen(
                NextTaskForm,
                FormStart(without_source(model), route, {}, note, shell.price_of),
                PromptFiles(shell.session.folders.config),
                main.value_picker,
                save,
            )
        )
