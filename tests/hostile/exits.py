"""The exits through which text leaves, each with what would be obeyed there."""

import os
from collections.abc import Callable

from PIL import Image

from tests.hostile.commands import Said, run
from tests.hostile.doors import Stage
from tests.hostile.payloads import MARK, obeyed
from tui.tasks.store import Store

_COMMANDS = {
    "tasks": ["tasks"],
    "tasks as JSON": ["tasks", "--json"],
    "a search": ["tasks", "--search", MARK],
    "spent": ["spent"],
    "spent by model": ["spent", "--by", "model", "--json"],
    "models": ["models"],
    "models as JSON": ["models", "--json"],
    "a model": ["model", "z-image"],
    "doctor": ["doctor"],
    "doctor as JSON": ["doctor", "--json"],
    "an export": ["export", "-"],
    "a quote": ["quote", "z-image", "-p", "x"],
    "balance": ["balance"],
    "account": ["account"],
    "prices": ["prices"],
    "prices as JSON": ["prices", "--json"],
    "prompts": ["prompts"],
}
_PICTURES = {
    "a sheet": ["sheet", "--all", "--json", "--out", "Pictures/sheet.png"],
    "picks": ["export-picks", "--all", "--json", "--out", "Pictures/picks"],
}
"""What makes files of files, once there are any."""


class Behind:
    """What is behind a door: its stage, and what all commands said there."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        commands = dict(_COMMANDS)
        for number, task_id in enumerate(self.tasks):
            commands[f"task {number}"] = ["task", task_id, "--events"]
        for number, image in enumerate(sorted(stage.home.glob("image-*.png"))):
            commands[f"recipe {number}"] = ["recipe", str(image)]
        # At last, what waits is sent, and its images tell their prompts.
        commands["resume"] = ["resume"]
        commands |= _PICTURES
        words = [[*command, *stage.options] for command in commands.values()]
        env = stage.env | {"RUNAPI_TUI_EMBED": "1"}
        self.said = dict(zip(commands, run(words, env), strict=True))

    @property
    def tasks(self) -> dict[str, object]:
        """The values of all tasks in the queue, by id."""
        if not self.stage.queue.exists():
            return {}
        store = Store(self.stage.queue)
        try:
            return {task.id: task.values for task in store.search("", 500)}
        finally:
            store.close()


def _told(said: Said) -> list[str]:
    faults = [
        text for text in ("Traceback", "bug in runapi-tui") if text.encode() in said.err
    ]
    return [*obeyed(said.out), *obeyed(said.err), *faults]


def _command(name: str) -> Callable[[Behind], list[str]]:
    return lambda behind: _told(behind.said[name])


def _commands(kind: str) -> Callable[[Behind], list[str]]:
    return lambda behind: [
        found
        for name, said in behind.said.items()
        if name.startswith(f"{kind} ")
        for found in _told(said)
    ]


def _names_of_files(behind: Behind) -> list[str]:
    home = behind.stage.home
    saved = list((home / "Pictures").rglob("*"))
    made = [str(path) for path in home.parent.rglob(MARK) if path.name == MARK]
    return made + [text for path in saved for text in obeyed(os.fsencode(path.name))]


def _images(behind: Behind) -> list[str]:
    found = []
    for path in (behind.stage.home / "Pictures").rglob("*.png"):
        with Image.open(path) as image:
            image.load()
            texts = "".join(str(text) for text in image.info.values())
        found += obeyed(texts.encode("utf-8", "surrogateescape"))
    return found


def _log(behind: Behind) -> list[str]:
    logs = behind.stage.queue.parent.glob("*.log*")
    return [text for log in logs for text in obeyed(log.read_bytes())]


def _queue(behind: Behind) -> list[str]:
    texts = "".join(_texts(list(behind.tasks.values())))
    return obeyed(texts.encode("utf-8", "replace"))


def _texts(value: object) -> list[str]:
    """Returns all texts of a value but paths, which are kept as they are."""
    if isinstance(value, dict):
        return [
            text for pair in value.items() for part in pair for text in _texts(part)
        ]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) and "/" not in value else []


EXITS: dict[str, Callable[[Behind], list[str]]] = {
    **{name: _command(name) for name in (*_COMMANDS, "resume", *_PICTURES)},
    "each task": _commands("task"),
    "each recipe": _commands("recipe"),
    "names of files": _names_of_files,
    "texts in images": _images,
    "the log": _log,
    "the queue": _queue,
}
