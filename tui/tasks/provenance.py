"""What a saved image may say about its task: no folders, no secrets."""

import re

from tui.catalog.reach import without_callbacks
from tui.catalog.spec import Value
from tui.images.recipes import PROMPTS, EmbeddedRecipe, Recipe, recipe_of_facts
from tui.tasks.task import Task

_SECRETS = re.compile(
    r"(?<=//)[^/@]*@|\?.*(?:sig|token|key|pass|secret|auth|credential).*", re.IGNORECASE
)
_SECRET_NAME = re.compile("token|key|pass|secret|auth|credential", re.IGNORECASE)
"""Matches the names of extra parameters that no picture should tell."""
_PATH = re.compile(
    r"(?:~|\.{0,2}[/\\]|file:|[a-z]:[/\\]).*"
    r"|.*\.(?:a?png|jp(?:e?g|e)|jfif|webp|gif|avif|hei[cf]|jxl|tiff?|bmp|svg)",
    re.IGNORECASE,
)


def facts_of(task: Task) -> EmbeddedRecipe:
    """Returns what a task's images may say about it."""
    told = task.values
    if "prompt" in told:
        told = {**told, "prompt": task.prompt}  # an extra one may take its place
    values = {
        name: _public(name, value)
        for name, value in without_callbacks(told).items()
        if not _SECRET_NAME.search(name)
    }
    return EmbeddedRecipe(
        action=task.action,
        model=task.model,
        service=task.service,
        values=values,
        cost_micro=task.cost_micro,
        task_id=task.id,
        remote_id=task.remote_id,
        created_at=task.created_at,
    )


def recipe_of(task: Task) -> Recipe:
    """Returns what made a task's images, as one that tells it would say."""
    return recipe_of_facts(facts_of(task))


def _public(name: str, value: Value) -> Value:
    """Returns a value without secrets and, for a local file, only its name."""
    if isinstance(value, list):
        return [_public(name, item) for item in value]
    if isinstance(value, dict):
        return {
            key: _public(key, item)
            for key, item in value.items()
            if not _SECRET_NAME.search(key)
        }
    if not isinstance(value, str) or name in PROMPTS:
        return value
    if value.strip().lower().startswith(("http://", "https://")):
        return _SECRETS.sub("", value)
    is_local = name.endswith(("_url", "_urls")) or _PATH.fullmatch(value.strip())
    if not is_local:
        return value
    return re.split(r"[/\\]", value.strip())[-1]
