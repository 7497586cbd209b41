"""File names of saved images, by a template such as `{date}/{model}-{prompt}-{id}`."""

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
_MOST_CHARACTERS, _MOST_FOLDERS = 200, 4  # of a template
_MOST_STEM_BYTES = 99


def render(template: str, task: Task, index: int) -> str:
    """Returns a result's path below the output folder, without the ending.

    `/` separates folders. The path is safe and bounded whatever the template is; one
    that has a `problem` is replaced by the default.
    """
    # Pillow: only once there is something to name
    from tui.images.files import safe_stem

    label = ""
    if index < len(task.results):
        label = task.results[index].label
    fields = _fields(task, index, label)
    if problem(template):
        template = DEFAULT
    # Each part becomes a name of its own: no value can lead into another folder.
    *folders, stem = (
        safe_stem(_FIELD.sub(lambda found: fields[found[1]], part))
        for part in _parts(template)
    )
    if label and "{label}" not in template:
        ending = safe_stem(label)
        room = _MOST_STEM_BYTES - len(ending.encode())
        stem = safe_stem(f"{_cut(stem, room)}-{ending}")
    return "/".join([*folders, stem])


def _fields(task: Task, index: int, label: str) -> dict[str, str]:
    fields = {name: value(task) for name, value in _FIELDS.items()}
    # A name that is too long would lose its end, and what makes it unique with it.
    fields["prompt"] = _cut(fields["prompt"], 24 if label else 40)
    fields["index"] = str(index + 1) if len(task.results) > 1 else ""
    fields["label"] = label
    return fields


def _cut(text: str, most_bytes: int) -> str:
    return text.encode()[:most_bytes].decode(errors="ignore")


def problem(template: str) -> str:
    """Returns why a template can't be used, as a sentence, or ""."""
    parts = _parts(template)
    if len(template) > _MOST_CHARACTERS or len(parts) > _MOST_FOLDERS + 1:
        return (
            f"A template has at most {_MOST_CHARACTERS} characters and {_MOST_FOLDERS}"
            " folders."
        )
    for name in _FIELD.findall(template):
        if name not in _NAMES:
            return _unknown_field(name)
    if re.search(r"[{}]", _FIELD.sub("", template)):
        return "A field is a name in braces, such as {date}."
    if not parts:
        return f"A file needs a name, such as {DEFAULT}."
    has_dots = any(part.strip(". ") == "" for part in parts)
    if has_dots or template.startswith(("/", "~")):
        return (
            "Images stay in the output folder: a name can't start with / or ~, nor"
            " contain . or .. folders."
        )
    return ""


def _unknown_field(name: str) -> str:
    import difflib  # rarely needed

    similar = difflib.get_close_matches(name, _NAMES, n=1)
    if similar:
        return f"There is no field {{{name}}}. Did you mean {{{similar[0]}}}?"
    return f"There is no field {{{name}}}. The fields are {', '.join(_NAMES)}."


def example(template: str) -> str:
    """Returns the file name of a made-up task's image, always the same."""
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


def _parts(template: str) -> list[str]:
    return [part for part in template.split("/") if part.strip()]
