"""File names of saved images, by a template such as `{date}/{model}-{prompt}-{id}`."""

import difflib
import re
import time
from collections.abc import Callable

from tui.tasks.task import Result, Task

DEFAULT = "{date}-{model}-{prompt}-{id}"

_FIELDS: dict[str, Callable[[Task], str]] = {
    "date": lambda task: time.strftime("%Y%m%d", time.localtime(task.created_at)),
    "time": lambda task: time.strftime("%H%M%S", time.localtime(task.created_at)),
    "model": lambda task: task.model,
    "service": lambda task: task.service,
    "action": lambda task: task.action,
    "prompt": lambda task: "-".join(task.prompt.split()[:6]),
    "seed": lambda task: str(task.values.get("seed", "")),
    "id": lambda task: task.id[-6:],
    "job": lambda task: task.job[-6:],
}
_NAMES = (*_FIELDS, "index", "label")
_FIELD = re.compile(r"\{(\w*)\}")
_MOST_CHARACTERS, _MOST_FOLDERS = 200, 4


def render(template: str, task: Task, index: int) -> str:
    """The name of a task's result below the output folder, without its ending; `/`
    stands between folders.

    Harmless and bounded whatever the template: by the default where there is a
    `problem`.
    """
    # Pillow: only once there is something to name
    from tui.images.files import safe_stem

    def filled(found: re.Match[str]) -> str:
        if found[1] == "index":
            return str(index + 1) if len(task.results) > 1 else ""
        if found[1] == "label":
            return label
        text = _FIELDS[found[1]](task)
        # What a name that is too long loses is its end, and there stands what makes it
        # unique.
        room = 24 if label else 40
        return (
            text.encode()[:room].decode(errors="ignore")
            if found[1] == "prompt"
            else text
        )

    label = task.results[index].label if index < len(task.results) else ""
    template = DEFAULT if problem(template) else template
    # A name is made of each part by itself: no value can lead into another folder.
    *folders, stem = (safe_stem(_FIELD.sub(filled, part)) for part in _split(template))
    if label and "{label}" not in template:
        ending = safe_stem(label)
        stem = safe_stem(
            stem.encode()[: 99 - len(ending.encode())].decode(errors="ignore")
            + f"-{ending}"
        )
    return "/".join([*folders, stem])


def problem(template: str) -> str:
    """Why names can't be made by a template, as a sentence, or nothing."""
    parts = _split(template)
    if len(template) > _MOST_CHARACTERS or len(parts) > _MOST_FOLDERS + 1:
        return (
            f"At most {_MOST_CHARACTERS} characters and {_MOST_FOLDERS} folders are"
            " possible."
        )
    unknown = next(
        (name for name in _FIELD.findall(template) if name not in _NAMES), None
    )
    if unknown is not None:
        near = difflib.get_close_matches(unknown, _NAMES, n=1)
        return f"There is no field {{{unknown}}}. " + (
            f"Did you mean {{{near[0]}}}?"
            if near
            else f"There are {', '.join(_NAMES)}."
        )
    if re.search(r"[{}]", _FIELD.sub("", template)):
        return "A field is a name in braces, such as {date}."
    if not parts:
        return f"A file needs a name, such as {DEFAULT}."
    if template.startswith(("/", "~")) or any(part.strip(". ") == "" for part in parts):
        return (
            "Images stay in the output folder: a name can't start with / or ~, nor go"
            " through . or .. folders."
        )
    return ""


def example(template: str) -> str:
    """The name that a template would give to one image of four, made up but always the
    same.
    """
    task = Task(
        id="01k0vwn3m4a7xq",
        action="text_to_image",
        model="flux-2-pro",
        service="flux_2",
        base_url="",
        route="unified",
        values={"prompt": "A red fox in fresh snow, at dawn", "seed": 7},
        created_at=time.mktime((2026, 7, 23, 14, 3, 20, 0, 0, -1)),
        results=(Result(url=""),) * 4,
        job="01k0vwn3m1c9te",
    )
    return render(template, task, 0) + ".png"


def _split(template: str) -> list[str]:
    return [part for part in template.split("/") if part.strip()]
