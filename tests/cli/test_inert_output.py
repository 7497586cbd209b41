"""Whatever a command prints, a terminal obeys nothing of it; `--json` means the same."""

import ast
import io
import json
import sys
import unicodedata
from pathlib import Path

import pytest

import tui
from tests.app import past
from tui.cli import main as program
from tui.cli.output import task_facts, task_json, task_line
from tui.cli.progress import ProgressLine
from tui.system import streams
from tui.tasks.task import Problem, Result, Status

PACKAGE = Path(tui.__file__).parent
EVIL = "\x1b]52;c;ZXZpbA==\x07\x9b31m\x9d0;t\x9c\u202e\u2066\u2028\x7f\U000e0041\rx"
WITH_SURROGATE = f"{EVIL}\ud800"
OWN = f"""
name = {json.dumps("N" + EVIL)}
provider = {json.dumps("P" + EVIL)}
service = "mine"
about = {json.dumps("A" + EVIL)}
[params.prompt]
kind = "text"
label = {json.dumps("L" + EVIL)}
help = {json.dumps("H" + EVIL)}
[params.size]
kind = "choice"
enum = [{json.dumps("E" + EVIL)}]
default = {json.dumps("E" + EVIL)}
[[models]]
slug = "evil"
action = {json.dumps("text_to_image" + EVIL)}
title = {json.dumps("T" + EVIL)}
about = {json.dumps("B" + EVIL)}
[models.routes]
service = ["prompt", "size"]
""".replace("\\u007f", "\x7f").replace("\\udb40\\udc41", "\\U000e0041")


def is_harmless(text: str) -> bool:
    return not any(
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        or character in "\u202e\u2066\U000e0041"
        for character in text.replace("\n", "").replace("\t", "")
    )


def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str
) -> tuple[str, str, int]:
    """What one command prints on stdout and stderr, and its exit code."""
    monkeypatch.setattr(sys, "argv", ["runapi-tui", *words])
    with pytest.raises(SystemExit) as end:
        program.main()
    printed = capsys.readouterr()
    return printed.out, printed.err, int(end.value.code or 0)


@pytest.fixture
def own_models(home: Path) -> Path:
    folder = home / ".config/runapi-tui/models"
    folder.mkdir(parents=True)
    (folder / "a\x1b]0;owned\x07.toml").write_text(OWN.replace("\x7f", "\\u007f"))
    (folder / "broken\x1b]0;owned\x07\x9b\u202e.toml").write_text(f"x = '{EVIL}")
    return folder


@pytest.mark.parametrize(
    "words",
    [
        ("models",),
        ("models", "--json"),
        ("model", "evil"),
        ("model", "evil", "--json"),
        ("model", f"evil{EVIL}"),
        ("doctor",),
        ("doctor", "--json"),
        ("task", f"id{EVIL}"),
        ("recipe", f"/none/{EVIL}.png"),
        ("tasks", f"--{EVIL}"),
        ("tasks", "--count", EVIL),
        (f"command{EVIL}",),
        ("generate", "z-image", "-f", f"/none/{EVIL}"),
        ("--profile", f"none{EVIL}", "tasks"),
        ("--base-url", f"http://{EVIL}", "doctor"),
        ("import", f"/none/{EVIL}"),
    ],
    ids=lambda words: " ".join(words)[:24],
)
def test_no_command_prints_what_a_terminal_obeys(
    words: tuple[str, ...],
    own_models: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, err, _ = run(capsys, monkeypatch, *words)
    assert out + err
    assert is_harmless(out)
    assert is_harmless(err)
    if "--json" in words and out:
        json.loads(out)


def test_what_a_task_holds_is_printed_harmless_and_json_means_the_same() -> None:
    task = past(
        f"a fox {WITH_SURROGATE}",
        Status.FAILED,
        model=f"flux{WITH_SURROGATE}",
        values={"prompt": WITH_SURROGATE, f"key{EVIL}": EVIL},
        error=Problem("failed", f"why{WITH_SURROGATE}"),
        results=[Result(url=f"https://x/{EVIL}", label=f"label{EVIL}")],
        note=EVIL,
        profile=EVIL,
    )
    for text in (task_line(task, EVIL), task_facts(task, [(0, f"e{EVIL}", EVIL)])):
        assert is_harmless(text.replace("\n", ""))
    written = task_json(task)
    assert is_harmless(written)
    assert written.encode()
    assert json.loads(written)["model"] == f"flux{WITH_SURROGATE}"


def test_a_task_is_one_line_for_people() -> None:
    forged = past("x", model="a\ncompleted  01  forged", error=Problem("x", "b\nc"))
    assert "\n" not in task_line(forged)


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_what_is_written_otherwise_is_escaped_by_the_stream(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "written"
    stream = streams._Writer(io.FileIO(path, "w"), encoding="utf-8")
    monkeypatch.setattr(sys, name, stream)
    print(
        WITH_SURROGATE,
        json.dumps({"a": WITH_SURROGATE}, ensure_ascii=False),
        file=getattr(sys, name),
    )
    stream.flush()
    written = path.read_text()
    assert is_harmless(written)
    assert json.loads(written[written.index("{") :]) == {"a": WITH_SURROGATE}


def test_the_progress_line_stays_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    line = ProgressLine()
    task = past("x", Status.HELD, note=f"Uploading {EVIL}\nname.png.")
    line.follow({"1": task}, 1)
    line.update(task)
    redrawn, erased = "\r\x1b[K", terminal.getvalue()
    assert erased.startswith(redrawn)
    assert "name.png" in erased
    assert is_harmless(erased.removeprefix(redrawn))
    assert "\n" not in erased


WRITERS = {
    PACKAGE / "system/streams.py": "it is the one that all others call",
    PACKAGE / "graphics/probe.py": "it asks the terminal",
    PACKAGE / "system/helper_process.py": "its stdout is a pipe of pickled pixels",
}


def writes(node: ast.AST) -> bool:
    """Whether this is `print`, `click.echo`, or a use of a standard stream's `write`."""
    match node:
        case ast.Call(func=ast.Name(id="print" | "echo" | "secho" | "pprint")):
            return True
        case ast.Attribute(value=ast.Name(id="click"), attr=name):
            return "echo" in name or name in ("open_file", "get_text_stream", "confirm")
        case ast.Attribute(
            value=ast.Attribute(attr="stdout" | "stderr" | "__stdout__"),
            attr="write" | "writelines" | "buffer",
        ):
            return True
    return False


@pytest.mark.parametrize(
    "path",
    sorted(
        path
        for path in PACKAGE.rglob("*.py")
        if path not in WRITERS and PACKAGE / "demo" not in path.parents
    ),
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_all_output_passes_one_module(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [ast.unparse(node) for node in ast.walk(tree) if writes(node)] == []
