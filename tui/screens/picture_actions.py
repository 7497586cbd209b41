"""What is done with pictures: copied, exported, rated, tagged."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from tui.paths import home
from tui.screens import share
from tui.screens.shell import Shell
from tui.tasks import actions
from tui.tasks.marks import read_tags
from tui.tasks.task import REJECTED
from tui.text import by_count, inert, one_line
from tui.widgets.messages import TaskActionRequested
from tui.widgets.task_actions import RATINGS, TaskAction

Handler = Callable[[TaskActionRequested], Awaitable[None]]
"""Does what a request asks for."""


class PictureActions:
    """Runs these actions. Every method runs in a worker of the app."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    @property
    def handlers(self) -> dict[TaskAction, Handler]:
        """The method for each action."""
        return {
            TaskAction.COPY_PROMPT: self._copy_prompt,
            TaskAction.REVEAL: self._reveal,
            TaskAction.SAVE_COPY: self._save_copy,
            TaskAction.EXPORT: self._export,
            TaskAction.TAG: self._tag,
            **dict.fromkeys(RATINGS, self._rate),
        }

    async def _copy_prompt(self, request: TaskActionRequested) -> None:
        prompts = dict.fromkeys(task.prompt for task in request.tasks if task.prompt)
        text = inert("\n".join(prompts))
        share.copy(self._shell, text, one_line(text, 200))

    async def _reveal(self, request: TaskActionRequested) -> None:
        task, index = request.files[0]
        await share.reveal(self._shell, task.results[index].path)

    async def _save_copy(self, request: TaskActionRequested) -> None:
        files = [task.results[index].path for task, index in request.files]
        if files:
            title = by_count(
                len(files), "Save a copy as", "Save copies of {count} pictures into"
            )
            await share.save_copies(self._shell, files, title)

    async def _export(self, request: TaskActionRequested) -> None:
        """Exports pictures, but for rejected ones, with a sheet and a list."""
        from tui.exchange import export_picks
        from tui.exchange.pictures import Picture
        from tui.screens.line_prompt import LinePromptScreen

        shell = self._shell
        pictures = [
            Picture(task, index, Path(task.results[index].path))
            for task, index in request.files
            if task.results[index].rating != REJECTED
        ]
        if not pictures:
            shell.show_sentence("Nothing to export: all of these are rejected.")
            return
        title = by_count(
            len(pictures), "Export 1 picture into", "Export {count} pictures into"
        )
        hint = "A folder. It gets the files, sheet.png and picks.jsonl."
        target = await shell.push_screen_wait(LinePromptScreen(title, "", hint))
        if not (target and target.strip()):
            return
        folder = home(target.strip())
        done = await asyncio.to_thread(export_picks.export, pictures, folder)
        sentence = by_count(
            len(done.files),
            "1 picture is in {folder}.",
            "{count} pictures are in {folder}.",
            folder=one_line(done.folder, 200),
        )
        shell.show_sentence(" ".join([sentence, *done.problems[:1]]))

    async def _rate(self, request: TaskActionRequested) -> None:
        pictures: dict[str, list[int]] = {}
        for task, index in request.files:
            pictures.setdefault(task.id, []).append(index)
        engine = self._shell.engine
        assert engine
        rating = RATINGS[request.action]
        work = actions.rate(engine, pictures, rating)
        self._shell.show_sentence(await self._shell.run_detached(work))

    async def _tag(self, request: TaskActionRequested) -> None:
        from tui.screens.line_prompt import LinePromptScreen

        shell = self._shell
        before = ", ".join(request.tasks[0].tags)
        title = by_count(len(request.tasks), "Tags", "Tags of {count} tasks")
        asked = LinePromptScreen(
            title,
            before,
            "Words with commas between. tag:word finds them in the history.",
        )
        line = await shell.push_screen_wait(asked)
        if line is not None and shell.engine:
            work = actions.tag(shell.engine, request.tasks, read_tags(line))
            shell.show_sentence(await shell.run_detached(work))
