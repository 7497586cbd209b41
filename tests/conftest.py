"""Every test has a home of its own, no key, and no terminal."""

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bystanders import Bystanders
from tests.outside import Outside
from tui.demo import pictures
from tui.demo.tasks import DemoTask

_SHORT = re.compile(r"[\w.,:;=+@ -]{0,30}", re.ASCII)
"""Matches values that are fit to be a part of an id as they are."""
_SHORTENED = 24
_LONGEST_ID = 100
"""Characters between the brackets of an id."""
_outside = Outside()
_bystanders = Bystanders()


@pytest.fixture(autouse=True, scope="session")
def temporary_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Where `tempfile` puts things, here and in programs that tests start, is pytest's
    to clear away.
    """
    folder = str(tmp_path_factory.mktemp("tempfile"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        yield


@pytest.fixture(autouse=True)
def only_temporary_files() -> Iterator[None]:
    """Whoever runs the tests finds nothing of theirs afterwards; and may be anybody,
    not root alone.
    """
    yield
    found = _outside.found()
    assert not found, (
        f"Tests write below tmp_path alone, and this one did not: {found[:5]}"
    )


@pytest.fixture(autouse=True)
def only_files_handed_over(request: pytest.FixtureRequest) -> Iterator[None]:
    """The program uploads, moves, deletes and replaces no file that a test has made,
    unless the test hands it over.
    """
    _bystanders.forget()
    yield
    markers = request.node.iter_markers("hands_over")
    harmed = _bystanders.harmed([name for marker in markers for name in marker.args])
    assert not harmed, f"The program did this to files of others: {harmed[:5]}"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder; nothing of the real one can be read or written."""
    for name in list(os.environ):
        if name.startswith(
            (
                "RUNAPI_",
                "XDG_",
                "TEXTUAL_C",
                "TEXTUAL_A",
                "OPENCLAW_",
                "CLAWDBOT_",
                "HERMES_",
            )
        ) or name in (
            "NO_COLOR",
            "COLORTERM",
            "TMUX",
        ):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("TZ", "UTC")
    return folder


@pytest.fixture(autouse=True)
def quarter_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded service paints a sixteenth of a large picture; `tests/demo` judges
    pictures as they are.
    """
    usual = pictures.picture_size

    def quarter(task: DemoTask, source: tuple[int, int] | None) -> tuple[int, int]:
        width, height = usual(task, source)
        return (
            (width // 4, height // 4)
            if width * height >= 512 * 1024
            else (width, height)
        )

    monkeypatch.setattr(pictures, "picture_size", quarter)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Names a parameter by a few of its words, or as pytest does where it is short."""
    if not isinstance(val, str | bytes):
        return None
    text = val.decode("latin-1") if isinstance(val, bytes) else val
    if _SHORT.fullmatch(text):
        return None
    words = re.findall(r"[A-Za-z0-9]+", text[:200])[:4]
    return "-".join(words)[:_SHORTENED] or argname


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fails a test whose id nobody can read or type, such as the data of the test."""
    _, bracket, name = item.nodeid.partition("[")
    if bracket and (len(name) > _LONGEST_ID or not name.isprintable()):
        pytest.fail(
            f"This test needs an `id` for its parameters: theirs has {len(name)}"
            f" characters, or some that can't be typed ({name[:40]!a}).",
            pytrace=False,
        )


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: a third of the time, tests wait for clocks and
    sockets.
    """
    return (os.cpu_count() or 1) + 1
