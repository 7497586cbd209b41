"""File names of saved images."""

import re
import subprocess
import sys
import time
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tui.catalog.spec import Values
from tui.tasks.naming import DEFAULT, example, problem, render
from tui.tasks.task import Result, Task


def task(
    prompt: str = "a red fox",
    model: str = "z-image",
    results: int = 1,
    **values: object,
) -> Task:
    given: Values = {"prompt": prompt, **values}  # type: ignore[dict-item]
    return Task(
        id="01k0vwn3m4a7xq",
        action="text_to_image",
        model=model,
        service="z_image",
        base_url="",
        route="unified",
        values=given,
        created_at=time.mktime((2026, 7, 23, 14, 3, 20, 0, 0, -1)),
        results=(Result(url=""),) * results,
        job="01k0vwn3m1c9te",
    )


@pytest.mark.parametrize(
    ("template", "name"),
    [
        (DEFAULT, "20260723-z-image-a-red-fox-m4a7xq"),
        ("{date}/{model}/{time}", "20260723/z-image/140320"),
        ("{action}-{service}-{seed}", "text_to_image-z_image-7"),
        ("{job}/{index}-{id}", "m1c9te/m4a7xq"),
        ("my foxes, no. {seed}", "my-foxes-no-7"),
        ("same", "same"),
        ("{model}/", "z-image"),
        ("a//b", "a/b"),
        ("a\\b\x1b[31m", "a-b-31m"),
    ],
)
def test_a_template_becomes_a_name(template: str, name: str) -> None:
    assert problem(template) == ""
    assert render(template, task(seed=7), 0) == name


def test_results_are_counted_where_there_are_several() -> None:
    names = [
        render("{prompt}-{index}", task(results=count), count - 1)
        for count in (1, 2, 12)
    ]
    assert names == ["a-red-fox", "a-red-fox-2", "a-red-fox-12"]


def test_what_is_not_there_leaves_no_gap() -> None:
    assert render("{model}-{seed}-{id}", task(), 0) == "z-image-m4a7xq"
    assert render("{prompt}/{id}", task(prompt=""), 0) == "image/m4a7xq"


def test_no_value_makes_a_folder() -> None:
    hostile = task(prompt="../../etc/passwd", model="a/../../b", seed="/7")
    assert render("{prompt}-{model}/{seed}", hostile, 0) == "etc-passwd-a-b/7"


@given(st.text(max_size=300))
def test_by_default_a_name_ends_with_its_task(prompt: str) -> None:
    assert render(DEFAULT, task(prompt), 0).endswith("-m4a7xq")


@given(
    st.one_of(st.text(max_size=300), st.text("{}/.~-dateimopr", max_size=60)),
    st.text(max_size=300),
)
def test_whatever_is_asked_for_stays_below_the_folder(
    template: str, prompt: str
) -> None:
    name = render(template, task(prompt), 0)
    parts = name.split("/")
    assert not PurePosixPath(name).is_absolute()
    assert len(parts) <= 5
    for part in parts:
        assert 0 < len(part.encode()) <= 110
        assert part[0] not in ".~-"
        assert not re.search(r'[\\:*?"<>|\s\x00-\x1f]', part)


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{promt}", "There is no field {promt}. Did you mean {prompt}?"),
        ("{Date}-{id}", "Did you mean {date}?"),
        (
            "{xyzzy}",
            "The fields are date, time, model, service, action, prompt, seed, id, job, index, label.",
        ),
        ("{}", "There is no field {}."),
        ("{id", "A field is a name in braces, such as {date}."),
        ("{{id}}", "A field is a name in braces"),
        ("{date:%Y}", "A field is a name in braces"),
        ("", "A file needs a name"),
        (" / ", "A file needs a name"),
        ("/tmp/{id}", "stay in the output folder"),
        ("~/{id}", "stay in the output folder"),
        ("../{id}", "stay in the output folder"),
        ("a/ .. /{id}", "stay in the output folder"),
        ("./{id}", "stay in the output folder"),
        ("x" * 201, "at most 200 characters and 4 folders"),
        ("a/b/c/d/e/f", "at most 200 characters and 4 folders"),
    ],
)
def test_a_faulty_template_is_explained_and_replaced_by_the_default(
    template: str, says: str
) -> None:
    assert says in problem(template)
    assert problem(template).endswith((".", "?"))
    assert render(template, task(), 0) == render(DEFAULT, task(), 0)


def test_an_example_is_always_the_same() -> None:
    assert example(DEFAULT) == "20260723-flux-2-pro-A-red-fox-in-fresh-snow-m4a7xq.png"
    assert example("{date}/{time}-{seed}-{index}") == "20260723/140320-7-1.png"
    assert problem(DEFAULT) == ""


def test_days_are_those_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    late = replace(task(), created_at=1784761200.0)  # 2026-07-22 23:00 UTC
    names = []
    for zone in ("JST-9", "UTC"):  # the last one is that of all tests
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        names.append(render("{date}-{time}", late, 0))
    assert names == ["20260723-080000", "20260722-230000"]


def test_names_are_judged_without_loading_pillow() -> None:
    code = "import sys; from tui.tasks.naming import problem; problem('{id}'); print('PIL' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
