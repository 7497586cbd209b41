from typing import Any

import pytest

from tui.images.recipes import EmbeddedRecipe
from tui.tasks.provenance import facts_of
from tui.tasks.task import Task


def task(**values: Any) -> Task:
    return Task(
        id="01k0vwn3m4a7xq",
        action="edit_image",
        model="flux-kontext",
        service="flux_kontext",
        base_url="https://runapi.ai",
        route="unified",
        values=values,
        created_at=5.0,
        remote_id="task_1",
        cost_micro=1,
        out_dir="/home/me/secret",
    )


def test_the_facts_of_a_task() -> None:
    told = facts_of(task(prompt="a fox", seed=0, enable_pro=False))
    assert told == EmbeddedRecipe(
        action="edit_image",
        model="flux-kontext",
        service="flux_kontext",
        values={"prompt": "a fox", "seed": 0, "enable_pro": False},
        cost_micro=1,
        task_id="01k0vwn3m4a7xq",
        remote_id="task_1",
        created_at=5.0,
    )


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("source_image_url", "/home/me/secret/fox.png", "fox.png"),
        ("source_image_url", " ~/fox ", "fox"),
        ("source_image_url", "C:\\Users\\me\\fox.png", "fox.png"),
        (
            "source_image_urls",
            ["secret/a.png", "https://a.b/c.png"],
            ["a.png", "https://a.b/c.png"],
        ),
        ("own_picture", "secret/fox.webp", "fox.webp"),
        ("own_picture", "secret/fox.jfif", "fox.jfif"),
        ("own_picture", "secret/fox.AVIF", "fox.AVIF"),
        ("own_picture", "file:///home/me/fox.png", "fox.png"),
        ("own_picture", "../fox", "fox"),
        ("image_url", "https://a.b/c.png?w=1", "https://a.b/c.png?w=1"),
        ("image_url", "https://a.b/c.png?X-Amz-Signature=abc", "https://a.b/c.png"),
        ("image_url", "https://me:word@a.b/c.png", "https://a.b/c.png"),
        ("prompt", "/imagine a fox in ~/home", "/imagine a fox in ~/home"),
        ("aspect_ratio", "16:9", "16:9"),
        ("style", "a/b", "a/b"),
        ("bbox_list", [{"x": 1}], [{"x": 1}]),
    ],
)
def test_facts_name_no_folder_and_no_secret(name: str, given: Any, told: Any) -> None:
    assert facts_of(
        task(**{name: given, "callback_url": "https://a.b/hook?token=1"})
    ).values == {name: told}


def test_an_image_tells_no_secret_among_extra_parameters() -> None:
    extra = {"style": "ink", "auth_token": "sk-SECRET", "deep": {"api_key": "SECRET"}}
    facts = facts_of(task(**{"+": extra}))
    assert facts.values == {"+": {"style": "ink", "deep": {}}}
