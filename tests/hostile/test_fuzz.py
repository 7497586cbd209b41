"""Anything at all through the doors that read a language: a sentence, or values.

Each test ends after some seconds; what is found is found by many runs.
"""

import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.hostile.payloads import PAYLOADS, obeyed
from tui.catalog import source_images
from tui.catalog.load import bundled
from tui.exchange import pasted_command
from tui.images import metadata
from tui.service.task_answer import read_answer
from tui.tasks import archive
from tui.tasks.store import Store
from tui.text import plain

_SECONDS = 4.0
_PIECES = [
    *PAYLOADS.values(),
    *(
        "curl ",
        "-d ",
        "-X POST ",
        "https://runapi.ai/v1/text_to_image ",
        "'",
        '"',
        "$'",
    ),
    *("runapi-tui generate ", "z-image ", "flux-kontext-pro ", "-p ", "-s ", "--json "),
    *(
        "image_url=",
        "source_image_urls=",
        "callback_url=",
        "~/.ssh/id_rsa",
        "/etc/passwd",
    ),
    *("model:", "status:", "before:", "cost>", "-", "(", ")", " or ", "\n", ", ", "\\"),
    *('{"model":"z-image","prompt":"x"}', "[", "{", "}", "]", "1e999", "\ud800"),
]
LANGUAGE = st.lists(st.sampled_from(_PIECES) | st.text(max_size=8), max_size=14).map(
    "".join
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | LANGUAGE,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(LANGUAGE, inner, max_size=4)
    ),
    max_leaves=12,
)


def fuzz(strategy: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Any]:
    """Runs a test with many values, for some seconds."""

    def decorate(test: Callable[..., None]) -> Any:
        ends: list[float] = []
        failed: list[str] = []

        def bounded(value: Any) -> None:
            ends.append(ends[0] if ends else time.monotonic() + _SECONDS)
            if time.monotonic() > ends[0] and repr(value) not in failed:
                return
            failed.append(repr(value))
            test(value)
            failed.pop()

        return settings(
            max_examples=400,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )(given(value=strategy)(bounded))

    return decorate


COMMANDS = st.builds(
    "{}{}".format,
    st.sampled_from(
        [
            "curl https://runapi.ai/api/v1/flux_kontext/text_to_image -d ",
            'curl -X POST https://runapi.ai/v1/text_to_image -d \'{"model": "z-image", ',
            "runapi-tui generate ",
            "runapi-tui generate flux-kontext-pro -s image_url=",
        ]
    ),
    LANGUAGE,
)


@fuzz(COMMANDS | LANGUAGE)
def test_pasted_lines(value: str) -> None:
    if not pasted_command.is_command(value):
        return
    sentence = ""
    try:
        command = pasted_command.read(value, bundled())
    except pasted_command.PasteError as error:
        sentence = str(error)
    assert obeyed(sentence.encode("utf-8", "replace")) == []
    if sentence:
        return
    written = json.dumps(command.values, ensure_ascii=False)
    assert obeyed(written.encode("utf-8", "replace")) == []
    route = command.model.routes[command.route]
    for name, path in source_images.local_files(route, command.values):
        # Not isprintable: screenshots of macOS have U+202F in their names.
        assert plain(path) == str(path), name
        assert "\n" not in str(path), name


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Any:
    opened = Store(tmp_path_factory.mktemp("queue") / "queue.db")
    yield opened
    opened.close()


def test_searches(store: Store) -> None:
    @fuzz(LANGUAGE)
    def search(value: str) -> None:
        assert isinstance(store.search(value, 5), list)

    search()


def test_imports(store: Store, tmp_path: Path) -> None:
    whole = {
        "format": "runapi-tui 1",
        "id": "0" * 14,
        "action": "text_to_image",
        "model": "z-image",
        "service": "z_image",
        "base_url": "https://runapi.ai",
        "route": "unified",
        "values": {"prompt": "a lake"},
        "created_at": 1.0,
    }
    names = st.sampled_from(
        [*whole, "body", "key", "results", "error", "events", "location"]
    )

    @fuzz(st.dictionaries(names, JSON, max_size=3))
    def load(value: dict[str, Any]) -> None:
        told: list[str] = []
        archive.load(store, [json.dumps(whole | value)], tmp_path, told.append)
        assert obeyed("".join(told).encode("utf-8", "replace")) == []
        for task in store.search("", 5):
            assert task.body == b""
            assert task.key == ""

    load()


@fuzz(JSON)
def test_answers_of_the_service(value: Any) -> None:
    for whole in (
        value,
        {"id": value, "status": value, "images": value, "error": value},
    ):
        try:
            answer = read_answer(json.dumps(whole), base_url="https://runapi.ai")
        except ValueError:
            continue
        shown = (
            answer.task_id,
            answer.word,
            answer.error,
            answer.progress,
            answer.location,
        )
        assert obeyed("".join(shown).encode("utf-8", "replace")) == []


def test_recipes(tmp_path: Path) -> None:
    path = tmp_path / "image.png"

    @fuzz(st.tuples(LANGUAGE, JSON))
    def recipe(value: tuple[str, Any]) -> None:
        text, graph = value
        info = PngInfo()
        info.add_itxt("parameters", text.encode("utf-8", "replace").decode())
        info.add_itxt("prompt", json.dumps(graph))
        content = io.BytesIO()
        Image.new("RGB", (4, 4)).save(content, "PNG", pnginfo=info)
        path.write_bytes(content.getvalue())
        found = metadata.read(path)
        if found is not None:
            json.dumps(found.values)

    recipe()
