"""What a saved image may say of the task that made it: no folder, no secret."""

import re

from tui.catalog.spec import Value
from tui.images.recipes import PROMPTS, EmbeddedRecipe
from tui.tasks.task import Task

_SECRETS = re.compile(
    r"(?<=//)[^/@]*@|\?.*(?:sig|token|key|pass|secret|auth|credential).*", re.IGNORECASE
)
_PATH = re.compile(
    r"(?:~|\.{0,2}[/\\]|file:|[a-z]:[/\\]).*|.*\.(?:png|jpe?g|webp|gif)", re.IGNORECASE
)


def facts_of(task: Task) -> EmbeddedRecipe:
    """What may be told of a task by its images."""
    return EmbeddedRecipe(
        action=task.action,
        model=task.model,
        service=task.service,
        values={
            name: _public(name, value)
            for name, value in task.values.items()
            if name != "callback_url"
        },
        cost_micro=task.cost_micro,
        task_id=task.id,
        remote_id=task.remote_id,
        created_at=task.created_at,
    )


def _public(name: str, value: Value) -> Value:
    if isinstance(value, list):
        return [_public(name, item) for item in value]
    if not isinstance(value, str) or name in PROMPTS:
        return value
    if value.strip().lower().startswith(("http://", "https://")):
        return _SECRETS.sub("", value)
    local = name.endswith(("_url", "_urls")) or _PATH.fullmatch(value.strip())
    return re.split(r"[/\\]", value.strip())[-1] if local else value
