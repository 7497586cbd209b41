"""Payments of the running app: quotes, balance, ceilings, and paid requests."""

import asyncio
import contextlib
import time
from collections.abc import Collection
from enum import IntEnum

from tui.catalog.batch import BatchError, Variations, expand
from tui.catalog.extra import not_checked, unchecked_names
from tui.catalog.price import cheapest
from tui.catalog.request import Request
from tui.exchange import consent
from tui.exchange.consent import WantedJob
from tui.screens.shell import Shell
from tui.spending import quotes
from tui.tasks.ceilings import CeilingError, Wanted
from tui.tasks.task import Task, new_id
from tui.text import by_count, duration, one_line
from tui.widgets.form import ParamForm
from tui.widgets.key_texts import key_text


class Approval(IntEnum):
    """What the user has agreed to pay."""

    NO = 0
    YES = 1
    """What stays below the ceilings."""
    OVER_CEILING = 2


def _cautions(requests: Collection[Request]) -> str:
    """Returns why the service may refuse requests, and what isn't checked, or ""."""
    cautions = dict.fromkeys(request.model.warning for request in requests)
    unchecked = not_checked(
        name
        for request in requests
        for name in unchecked_names(request.values, described=request.model.described)
    )
    return "\n".join(filter(None, [*cautions, unchecked]))


class Payments:
    """Asks the service for prices, and the user before much is spent.

    Every method that asks the user runs in a worker of the app.
    """

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._consent = consent.Consent()

    async def refresh_balance(self) -> None:
        """Shows today's spending and the balance."""
        shell, wallet = self._shell, self._shell.wallet
        if not (shell.engine and shell.main):
            return
        with shell.problems_shown():
            if await wallet.refresh(shell.engine) and wallet is shell.wallet:
                shell.main.status.spent = wallet.today
                shell.main.status.balance = wallet.balance

    async def refresh_prices(self) -> None:
        """Replaces the bundled prices with the service's own list."""
        from tui.service.errors import ServiceError

        shell = self._shell
        cache = shell.session.folders.cache
        base_url = shell.session.credential.base_url
        known = await asyncio.to_thread(quotes.load, cache, base_url)
        if not (shell.engine and shell.main):
            return
        with contextlib.suppress(ServiceError, OSError):
            newer = await quotes.fetch(shell.engine.reader, known)
            if newer:
                await asyncio.to_thread(quotes.save, cache, base_url, newer)
                catalog = shell.session.catalog
                shell.main.set_catalog(
                    await asyncio.to_thread(quotes.apply, catalog, newer)
                )

    async def quote(self, event: ParamForm.Settled) -> None:
        """Shows the service's quote for the form's values instead of the estimate."""
        from tui.service.errors import ServiceError

        shell = self._shell
        if not (shell.engine and shell.main):
            return
        if shell.engine.state.rest_until > time.time():
            return
        with contextlib.suppress(ServiceError):
            price = await shell.wallet.quotes.ask(
                shell.engine.reader, event.model, event.values
            )
            if price:
                shell.main.form.show_price()

    async def submit_form(self, event: ParamForm.Submitted) -> bool:
        """Sends the form's request, or one for each alternative of its prompt.

        Returns whether the requests were queued.
        """
        route = event.model.routes[event.route]
        variations = Variations(wildcards=event.wildcards)
        try:
            cells = expand(event.model, route, event.values, variations)
        except BatchError as error:
            self._shell.show_problem(str(error), "Not sent", "error")
            return False
        typed = str(event.values.get("prompt", "")) if len(cells) > 1 else ""
        requests = [Request(event.model, values, typed=typed) for values in cells]
        return await self.submit(WantedJob(requests, event.foreign))

    async def submit(self, wanted: WantedJob, *, ask: bool = False) -> bool:
        """Sends requests as one job, once the user has agreed to their price.

        The user is asked where much would be spent, or always with `ask`. Files and
        callbacks that need not be the user's own words are named first. Returns whether
        the requests were queued.
        """
        from tui.tasks.draft import InvalidRequestError

        shell = self._shell
        await shell.opened.wait()
        if shell.failure or not shell.engine or not shell.main:
            shell.show_problem(shell.failure, "Not sent", "error")
            return False
        try:
            priced = await shell.wallet.priced(wanted.requests)
            async with shell.wallet.spending:
                tasks = await self._submit_approved(
                    wanted._replace(requests=priced), ask
                )
        except InvalidRequestError as error:
            shell.main.form.show_errors(error.errors)
            shell.show_problem(str(error), "Not sent, not charged", "error")
        except Exception as error:
            sentence = f"{one_line(error)} Nothing was sent."
            shell.show_problem(sentence, "Not sent", "error")
        else:
            if tasks:
                shell.messages.outdate("Not sent")
                shell.main.queue.table.select(tasks[-1].id)
                self._say_queued(wanted)
            return bool(tasks)
        return False

    def _say_queued(self, wanted: WantedJob) -> None:
        """Says what was queued where the queue isn't seen, and what a probe leaves."""
        shell = self._shell
        if wanted.probe and shell.main:
            send = key_text(shell.main.queue.table, "stop")
            shell.show_sentence(
                f"The cheapest of {len(wanted.requests):,} is sent. Look at it: {send} in"
                " the queue sends the others."
            )
        elif self._can_undo(wanted) and shell.main:
            seconds = duration(shell.session.config.undo_send)
            undo = key_text(shell.main.queue.table, "undo")
            shell.show_sentence(
                by_count(
                    len(wanted.requests),
                    "Sent in {seconds}: {undo} in the queue takes it back.",
                    "Sent in {seconds}: {undo} in the queue takes them back.",
                    seconds=seconds,
                    undo=undo,
                )
            )
        elif shell.screen is not shell.main:
            count = len(wanted.requests)
            shell.show_sentence(
                by_count(count, "1 request queued.", "{count} requests queued.")
            )

    def _can_undo(self, wanted: WantedJob) -> bool:
        """Returns whether the requests wait only so that they can be taken back."""
        shell = self._shell
        if not shell.session.config.undo_send or not shell.engine:
            return False
        waits = any(request.after for request in wanted.requests)
        return not waits and not shell.engine.state.paused

    async def _submit_approved(self, job: WantedJob, ask: bool) -> list[Task]:
        """Queues requests once the user has approved; returns no task without that.

        What a job costs and what it names is one question, if any. Another program may
        have spent the sum meanwhile: then the user is asked again.
        """
        engine = self._shell.engine
        assert engine
        await engine.check_files(job.requests)  # rather than ask in vain
        job_id = new_id()
        sent = job.requests
        if job.probe:
            sent = [sent[cheapest([request.price for request in sent])]]
        wanted = [Wanted(job_id, request.model.slug, request.price) for request in sent]
        while True:
            named = await asyncio.to_thread(self._consent.needed, job)
            details = consent.describe(named)
            approval = await self.ask_approval(
                wanted, ask=ask, preface=_cautions(sent), details=details
            )
            if not approval:
                return []
            self._consent.agree(named)
            if await asyncio.to_thread(self._consent.needed, job):
                continue  # a link leads elsewhere by now
            over = approval is Approval.OVER_CEILING
            work = engine.submit_job(job.requests, over_ceiling=over, probe=job.probe)
            with contextlib.suppress(CeilingError):
                return await self._shell.run_detached(work)

    async def revise(
        self, task: Task, request: Request, foreign: frozenset[str]
    ) -> bool:
        """Changes what a waiting task asks for, once the user has agreed to it.

        Returns whether the user has.

        A question comes where the values name files or callbacks that need not be the
        user's own words, or where a ceiling would be passed.
        """
        shell = self._shell
        engine = shell.engine
        assert engine
        (priced,) = await shell.wallet.priced([request])
        await engine.check_files([priced])
        async with shell.wallet.spending:
            job = WantedJob([priced], foreign)
            named = await asyncio.to_thread(self._consent.needed, job)
            wanted = [Wanted(new_id(), priced.model.slug, priced.price)]
            details = consent.describe(named)
            preface = _cautions([priced])
            approval = await self.ask_approval(wanted, preface=preface, details=details)
            if approval:
                self._consent.agree(named)
                over = approval is Approval.OVER_CEILING
                work = engine.revise(task.id, priced, over_ceiling=over)
                await shell.run_detached(work)
                shell.show_sentence("The task is changed; it keeps its place.")
            return bool(approval)

    async def ask_approval(
        self,
        wanted: list[Wanted],
        *,
        ask: bool = False,
        preface: str = "",
        details: str = "",
    ) -> Approval:
        """Returns whether this may be paid.

        The user is asked where a ceiling requires it, or always with `ask` or
        `details`. `preface` begins the question; `details`, of any length, stand above.
        """
        from tui.screens.confirm import ConfirmScreen

        shell = self._shell
        if shell.engine is None:
            return Approval.YES
        ask = ask or bool(details)
        question = await shell.wallet.question(shell.engine, wanted, ask=ask)
        if not question:
            return Approval.YES
        whole = f"{preface}\n{question.text}".strip()
        if not await shell.push_screen_wait(ConfirmScreen(whole, "Send", details)):
            return Approval.NO
        return Approval.OVER_CEILING if question.passes_ceiling else Approval.YES
