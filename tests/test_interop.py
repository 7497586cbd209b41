"""A request leaves as a command line or a script, and comes back as the same request; the key stays at home."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import structs

from tests.app import past
from tests.loopback import serving
from tui.catalog import request
from tui.catalog.load import bundled
from tui.catalog.spec import Kind, Model, Param, RouteName, Value, Values
from tui.demo import DEMO_KEY, DEMO_URL
from tui.demo.service import create_app
from tui.interop import FORMS, Asked, Form, of_draft, of_task, written
from tui.pasted import MOST, PasteError, is_command, read
from tui.service.wire import DEFAULT_BASE_URL, submit_path
from tui.tasks.task import Status, Task
from tui.text import plain

CATALOG = bundled()
ROUTES: list[tuple[Model, RouteName]] = [(model, route) for model in CATALOG.models for route in model.routes]
IDS = [f"{model.slug}-{model.action}-{route}" for model, route in ROUTES]
PROMPT = 'It\'s a "fox",\n\t$HOME `pwd` $(id) \\n \\ 100% #1 !! 雪 🦊 {a|b} & co; -x @file\n'
Z = CATALOG.find("z-image")


def filled(model: Model, route: RouteName) -> Values:
    """A value for everything that this model takes at once."""
    values: Values = {}
    for param in model.routes[route].params:
        if not request.check(model, model.routes[route], values | {param.name: example(param)}).get(param.name):
            values[param.name] = example(param)
    errors = request.check(model, model.routes[route], values)
    values = {name: value for name, value in values.items() if name not in errors}
    assert not request.check(model, model.routes[route], values)
    return values


def example(param: Param) -> Value:
    values: dict[Kind, Value] = {
        Kind.TEXT: PROMPT,
        Kind.LINE: param.example or "it's x",
        Kind.INTEGER: int(param.min or 0),
        Kind.NUMBER: float(param.max or 0.5),
        Kind.BOOLEAN: False,
        Kind.IMAGE: "https://x.example/a b.png?c='d'",
        Kind.IMAGES: [f"https://x.example/{n}.png" for n in range(max(1, min(2, param.max_items or 1)))],
        Kind.INTEGERS: [1, 2],
        Kind.JSON: [[[1, 2, 3, 4]]] if param.name == "bbox_list" else [{"hex": "#ff0000", "ratio": "100.00%"}],
        Kind.TASK: "tsk_1",
    }
    return param.enum[-1] if param.enum else values[param.kind]


def draft(model: Model, route: RouteName, values: Values, base_url: str = DEFAULT_BASE_URL) -> Asked:
    return of_draft(model, route, values, CATALOG, base_url)


def task(values: Values, **fields: Any) -> Task:
    return past("", values=values, model="z-image", service="z_image", **fields)


@pytest.mark.parametrize(("model", "route"), ROUTES, ids=IDS)
@pytest.mark.parametrize("form", ["curl", "cli"])
def test_every_models_request_comes_back_as_it_was(model: Model, route: RouteName, form: Form) -> None:
    values = filled(model, route)
    assert "prompt" not in {param.name for param in model.routes[route].params} or values["prompt"] == PROMPT
    back = read(written(draft(model, route, values), form), CATALOG)
    assert (back.model, back.route, back.left) == (model, route, ())
    body = request.body(model, model.routes[route], values)
    assert request.body(model, model.routes[route], back.values) == body


@pytest.mark.parametrize(("model", "route"), ROUTES, ids=IDS)
def test_every_models_scripts_are_python(model: Model, route: RouteName) -> None:
    for form in ("httpx", "sdk"):
        compile(written(draft(model, route, filled(model, route)), form), form, "exec")


def test_the_body_of_a_task_is_kept_to_the_letter() -> None:
    body = '{"model": "z-image", "prompt": "ü \\" \\n", "strength": 0.10, "unheard_of": [1, {"a": null}]}'
    asked = of_task(task({"prompt": "other"}, body=body.encode()), CATALOG, DEFAULT_BASE_URL)
    assert shell(written(asked, "curl"))[-1] == body.replace("0.10", "0.1")


def test_what_a_terminal_might_obey_is_written_as_escapes() -> None:
    hostile = "a\x1b[201~;rm -rf ~\x07\x9b31m\u202eb\\'"
    for form, _ in FORMS:
        text = written(draft(Z, "service", {"prompt": hostile, "aspect_ratio": "1:1"}), form)
        assert plain(text) == text
        if form in ("curl", "cli"):
            assert (
                any(
                    hostile in word
                    for word in [*shell(text), json.loads(shell(text)[-1]).get("prompt", "")]
                    if word
                )
                if form == "curl"
                else hostile in shell(text)
            )


def shell(line: str) -> list[str]:
    """The words of a line as bash reads it, with a key in the environment."""
    code = f'curl() {{ printf \'%s\\0\' "$@"; }}; runapi-tui() {{ curl "$@"; }}\n{line}'
    said = subprocess.run(
        ["bash", "-c", code], capture_output=True, check=True, env={"RUNAPI_API_KEY": "sesame", "LC_ALL": "C.UTF-8"}
    )
    return said.stdout.decode().split("\0")[:-1]
