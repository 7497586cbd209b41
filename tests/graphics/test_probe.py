"""The probe, on pseudo-terminals that answer like real ones."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fake_terminal import FakeTerminal
from tui.graphics.probe import PIXELS, Images, probe
from tui.system.terminal_queries import QUERIES
from tui.terminal.replies import ReplyFilter

# Probes, then tells what it found, and what is left on the terminal and of its
# settings.
PROBE = """
import select, termios, tty
from dataclasses import asdict
from pathlib import Path
from tui.graphics.probe import probe
before = termios.tcgetattr(tty_fd)
found = probe(sys.argv[1], seconds=float(sys.argv[2]), cache=Path(sys.argv[3]))
answer.update(asdict(found), shared=bool(found.shared))
answer["restored"] = termios.tcgetattr(tty_fd) == before
tty.setcbreak(tty_fd)
answer["unread"] = bool(select.select([tty_fd], [], [], 0)[0])
"""

XTERM = {"TERM": "xterm-256color"}


def ask(
    terminal: FakeTerminal,
    folder: Path,
    choice: str = "auto",
    env: dict[str, str] = XTERM,
    seconds: float = 5,
    streams: str = "012",
) -> dict[str, Any]:
    arguments = (choice, str(seconds), str(folder / "cache"))
    found: dict[str, Any] = terminal.run(
        PROBE, *arguments, env=env, folder=folder, streams=streams
    )
    assert found["restored"]
    assert not found["unread"]
    return found


def kitty(**kw: Any) -> FakeTerminal:
    return FakeTerminal(
        version=b"kitty(0.41.1)",
        da1=b"62;",
        kitty=True,
        truecolor=True,
        cell=(9, 18),
        **kw,
    )


def xterm(**kw: Any) -> FakeTerminal:
    return FakeTerminal(version=b"XTerm(398)", da1=b"63;1;2;4;6;22", **kw)


@pytest.mark.parametrize(
    ("terminal", "images", "blocks", "name"),
    [
        (kitty(), Images.KITTY, Images.SEXTANT, "kitty 0.41.1"),
        (
            FakeTerminal(b"ghostty 1.1.3", kitty=True),
            Images.KITTY,
            Images.SEXTANT,
            "ghostty 1.1.3",
        ),
        (
            FakeTerminal(b"kitty(0.26.5)", kitty=True),
            Images.SEXTANT,
            Images.SEXTANT,
            "kitty 0.26.5",
        ),
        (
            FakeTerminal(b"Konsole 25.04.2", b"62;1;4", kitty=True),
            Images.SIXEL,
            Images.SEXTANT,
            "Konsole 25.04.2",
        ),
        (
            FakeTerminal(b"foot(1.21.0)", b"62;4;22"),
            Images.SIXEL,
            Images.SEXTANT,
            "foot 1.21.0",
        ),
        (
            FakeTerminal(b"WezTerm 20240203-110809-5046fc22", b"65;4;6"),
            Images.ITERM,
            Images.SEXTANT,
            None,
        ),
        (
            FakeTerminal(b"VTE(7600)", b"61;1;21;22"),
            Images.SEXTANT,
            Images.SEXTANT,
            "VTE 7600",
        ),
        (
            FakeTerminal(b"Warp(v0.2025)", kitty=True),
            Images.ITERM,
            Images.QUADRANT,
            "Warp 0.2025",
        ),
        (
            FakeTerminal(b"mintty 3.7.8", b"64;1;2;4;6"),
            Images.ITERM,
            Images.QUADRANT,
            "mintty 3.7.8",
        ),
        (
            FakeTerminal(b"iTerm2 3.6", b"62;4;52"),
            Images.ITERM,
            Images.QUADRANT,
            "iTerm2 3.6",
        ),
        (xterm(), Images.SIXEL, Images.QUADRANT, "XTerm 398"),
        (FakeTerminal(), Images.QUADRANT, Images.QUADRANT, "plain 1"),
        (FakeTerminal(None, b"61;6"), Images.HALF, Images.HALF, "xterm-256color"),
        # 14 and 24 are no 4
        (FakeTerminal(None, b"62;14;24"), Images.HALF, Images.HALF, "xterm-256color"),
    ],
)
def test_answers_decide(
    terminal: FakeTerminal,
    images: Images,
    blocks: Images,
    name: str | None,
    tmp_path: Path,
) -> None:
    found = ask(terminal, tmp_path)
    assert (found["images"], found["blocks"]) == (images, blocks)
    assert found["why"].endswith(".")
    assert not found["late"]
    assert name is None or found["name"] == name


@pytest.mark.parametrize("streams", ["012", "12", "02", "0-2", ""])
def test_it_asks_the_terminal_wherever_the_streams_go(
    streams: str, tmp_path: Path
) -> None:
    assert ask(kitty(), tmp_path, streams=streams)["images"] == Images.KITTY


def test_a_slow_terminal_is_waited_for(tmp_path: Path) -> None:
    assert ask(kitty(latency=0.3), tmp_path)["images"] == Images.KITTY


def test_a_silent_terminal_gets_half_blocks(tmp_path: Path) -> None:
    found = ask(FakeTerminal(None, None), tmp_path, seconds=0.2)
    assert found["images"] == Images.HALF
    assert "answered no question" in found["why"]


def test_a_hostile_name_is_harmless(tmp_path: Path) -> None:
    found = ask(FakeTerminal(b"ev\xe2\x80\xaeil\x9b31m\nxx" + b"x" * 150), tmp_path)
    assert found["images"] == Images.QUADRANT
    assert found["name"].isprintable()
    assert len(found["name"]) <= 40


def test_an_endless_answer_is_given_up(tmp_path: Path) -> None:
    found = FakeTerminal(b"x" * 100_000, None).run(
        PROBE, "auto", "0.5", str(tmp_path), env=XTERM, folder=tmp_path
    )
    assert found["images"] == Images.HALF


@pytest.mark.parametrize(
    ("env", "images"),
    [
        ({"TERM": ""}, Images.HALF),
        ({}, Images.HALF),
        ({"TERM": "dumb"}, Images.ASCII),
        ({"TERM": "linux"}, Images.HALF),
        (XTERM | {"TERM_PROGRAM": "Apple_Terminal"}, Images.HALF),
        ({"TERM": "screen", "STY": "1.pts"}, Images.HALF),
    ],
)
def test_some_terminals_are_not_asked(
    env: dict[str, str], images: Images, tmp_path: Path
) -> None:
    terminal = kitty()
    assert ask(terminal, tmp_path, env=env)["images"] == images
    assert not terminal.received


def test_a_background_process_does_not_ask(tmp_path: Path) -> None:
    code = """
from tui.graphics.probe import probe
child = os.fork()
if not child:
    os.setpgid(0, 0)
    os._exit(probe().images != "half")
answer["images"] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""
    terminal = kitty()
    assert terminal.run(code, env=XTERM, folder=tmp_path) == {"images": 0}
    assert not terminal.received


def test_without_a_terminal_there_are_no_images() -> None:
    code = "from tui.graphics.probe import probe; print(probe().images)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        start_new_session=True,
    )
    assert done.stdout.split() == ["none"], done.stderr


@pytest.mark.parametrize(
    "choice",
    ["kitty", "sixel", "iterm", "sextant", "quadrant", "half", "ascii", "none"],
)
def test_a_choice_is_obeyed(choice: str, tmp_path: Path) -> None:
    terminal = FakeTerminal(pixels=(800, 480))
    found = ask(terminal, tmp_path, choice, env=XTERM | {"COLORTERM": "truecolor"})
    assert found["images"] == choice
    assert found["cell"] == [10, 20]
    assert bool(terminal.received) == (choice in PIXELS)  # whose cells it knows best


def test_a_choice_leaves_the_colours_to_the_terminal(tmp_path: Path) -> None:
    found = ask(kitty(), tmp_path, "half")
    assert (found["images"], found["truecolor"]) == ("half", True)


def test_an_unknown_choice_is_an_error() -> None:
    with pytest.raises(ValueError, match="jpeg"):
        probe("jpeg")


def sixel(**kw: Any) -> FakeTerminal:
    return FakeTerminal(b"sixels(1)", b"62;4", **kw)


@pytest.mark.parametrize(
    ("terminal", "cell"),
    [
        (kitty(), [9, 18]),
        (kitty(pixels=(1600, 960)), [9, 18]),  # the kernel has another scale
        (sixel(sixels=(800, 480)), [10, 20]),
        (sixel(sixels=(800, 480), pixels=(1600, 960)), [10, 20]),
        (sixel(sixels=(800, 480), cell=(8, 16)), [8, 16]),
        (sixel(sixels=(800, 480), cell=(1, 1)), [10, 20]),
        (sixel(area=(800, 480)), [10, 20]),
        (sixel(sixels=(16384, 16384), area=(800, 480)), [10, 20]),
        # xterm's limit, with the pixels of its edge
        (sixel(sixels=(1000, 570), pixels=(1044, 574), size=(130, 38)), [8, 15]),
        (sixel(sixels=(1000, 1000), pixels=(1804, 1204), size=(200, 60)), [9, 20]),
        (sixel(sixels=(1000, 570), size=(130, 38)), [7, 15]),
        # Nobody else tells
        (sixel(pixels=(800, 480)), [10, 20]),
        (sixel(pixels=(80, 24)), None),
        (sixel(pixels=(8000, 480)), None),
        (sixel(pixels=(65535, 65535)), None),
        (sixel(cell=(0, 9999)), None),
        (sixel(cell=(40, 12)), None),
        (sixel(), None),
    ],
)
def test_which_size_of_a_cell_is_believed(
    terminal: FakeTerminal, cell: list[int] | None, tmp_path: Path
) -> None:
    assert ask(terminal, tmp_path)["cell"] == cell
    assert ask(terminal, tmp_path, "sixel")["cell"] == cell


def test_what_the_colours_and_the_connection_are(tmp_path: Path) -> None:
    found = ask(
        kitty(), tmp_path, env=XTERM | {"SSH_CONNECTION": "1.2.3.4 5 6.7.8.9 22"}
    )
    assert (found["truecolor"], found["remote"]) == (True, True)
    found = ask(FakeTerminal(), tmp_path)
    assert (found["truecolor"], found["remote"]) == (False, False)
    assert ask(FakeTerminal(), tmp_path, env=XTERM | {"COLORTERM": "truecolor"})[
        "truecolor"
    ]


@pytest.mark.parametrize(
    ("outer", "da1", "told", "images", "why"),
    [
        (kitty(), b"1;2", "256,RGB|on", Images.KITTY, "through tmux"),
        (kitty(), b"1;2;4", "256|all", Images.KITTY, "through tmux"),
        (kitty(), b"1;2;4", "256|off", Images.HALF, "allow-passthrough on"),
        (kitty(), b"1;2", "256|0", Images.HALF, "allow-passthrough on"),
        (kitty(), b"1;2", "", Images.KITTY, "through tmux"),
        (xterm(), b"1;2;4", "256,sixel|on", Images.SIXEL, "both"),
        (xterm(), b"1;2;4", "256,sixel|off", Images.SIXEL, "both"),
        (xterm(), b"1;2;4", "", Images.SIXEL, "both"),
        (xterm(), b"1;2", "256|on", Images.QUADRANT, "this tmux does not"),
        (FakeTerminal(), b"1;2;4", "256|on", Images.QUADRANT, "no images"),
        (
            FakeTerminal(b"iTerm2 3.6"),
            b"1;2",
            "256|on",
            Images.QUADRANT,
            "do not get through tmux",
        ),
        (
            FakeTerminal(b"WezTerm 2024", b"65;4"),
            b"1;2;4",
            "256|on",
            Images.SIXEL,
            "both",
        ),
        (None, b"1;2;4", "256|on", Images.HALF, "allow-passthrough on"),
    ],
)
def test_tmux(
    outer: FakeTerminal | None,
    da1: bytes,
    told: str,
    images: Images,
    why: str,
    tmp_path: Path,
) -> None:
    stub_tmux(tmp_path, told)
    env = {
        "TERM": "tmux-256color",
        "TMUX": "/tmp/tmux-0/default,1,0",
        "PATH": str(tmp_path),
    }
    terminal = FakeTerminal(b"tmux 3.5a", da1, outer=outer)
    found = ask(terminal, tmp_path, env=env, seconds=5 if outer else 0.3)
    assert (found["images"], found["multiplexer"]) == (images, "tmux")
    assert why in found["why"]
    assert found["truecolor"] == ("RGB" in told)
    received = terminal.received.replace(b"\x1b\x1b", b"")
    assert b"\x1b_G" not in received  # tmux would make a title of it
    assert b"\x1bP$q" not in received  # and 3.5 a sixel image of that


@pytest.mark.parametrize(
    "terminal",
    [
        FakeTerminal(b"tmux 3.5a", b"1;2", outer=kitty()),
        FakeTerminal(None, b"1;2", da2=b"84;0;0", outer=kitty()),
    ],
)
@pytest.mark.parametrize("env", [XTERM, {"TERM": "screen-256color"}])
def test_a_tmux_on_another_machine_is_known_by_its_answer(
    terminal: FakeTerminal, env: dict[str, str], tmp_path: Path
) -> None:
    found = ask(terminal, tmp_path, env=env)
    assert (found["images"], found["multiplexer"], found["name"]) == (
        Images.KITTY,
        "tmux",
        "kitty 0.41.1",
    )
    assert b"\x1b_G" not in terminal.received.replace(b"\x1b\x1b", b"")


@pytest.mark.parametrize(
    "leaked",
    [
        {"TMUX": "/tmp/tmux-0/default,1,0", "TMUX_PANE": "%0"},
        {"STY": "1.pts"},
        {"TMUX": "/tmp/tmux-0/default,1,0", "TERM": "tmux-256color"},
    ],
    ids=["tmux", "screen", "tmux by TERM"],
)
def test_a_terminal_that_calls_itself_another_is_no_multiplexer(
    leaked: dict[str, str], tmp_path: Path
) -> None:
    found = ask(kitty(), tmp_path, env=XTERM | leaked)
    assert (found["images"], found["multiplexer"]) == (Images.KITTY, "")


def test_nothing_but_names_is_asked_through_two_tmux(tmp_path: Path) -> None:
    outer = FakeTerminal(b"tmux 3.5a", b"1;2", outer=kitty())
    terminal = FakeTerminal(b"tmux 3.5a", b"1;2", outer=outer)
    found = ask(terminal, tmp_path)
    assert found["images"] == Images.QUADRANT
    assert "tmux around tmux" in found["why"]
    assert b"\x1b_G" not in terminal.received.replace(b"\x1b\x1b", b"\x1b")


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (("256", "off", "kitty(0.41.1)", "3.5a"), "to kitty; put `set -g allow-pass"),
        (("256", "off", "kitty(0.26.5)", "3.5a"), "kitty draws no images"),
        (("256", "off", "XTerm(379)", "3.3a"), "XTerm draws no images"),
        (("256", "off", "", "3.3a"), "If the terminal around it draws kitty images"),
        (("256", "on", "kitty(0.41.1)", "3.5a"), "answered no question"),
        (("256", "", "", "3.2a"), "around tmux answered no question"),
        (("",), "If `tmux show -Ap allow-passthrough` says off"),
    ],
)
def test_the_advice_about_tmux_is_true(
    told: tuple[str, ...], why: str, tmp_path: Path
) -> None:
    stub_tmux(tmp_path, "|".join(told))
    env = {"TERM": "tmux-256color", "TMUX": "x,1,0", "PATH": str(tmp_path)}
    terminal = FakeTerminal(b"tmux 3.5a", b"1;2")
    found = ask(terminal, tmp_path, env=env, seconds=0.3)
    assert found["images"] == Images.HALF
    assert why in found["why"]


def stub_tmux(folder: Path, told: str) -> None:
    tmux = folder / "tmux"
    tmux.write_text(f"#!/bin/sh\necho '{told}'\n")
    tmux.chmod(0o755)


def test_what_images_may_take(tmp_path: Path) -> None:
    over_ssh = {"TERM": "xterm-kitty", "SSH_TTY": "/dev/pts/1"}
    assert ask(kitty(), tmp_path)["budget"] == 0
    assert ask(kitty(), tmp_path, env=over_ssh)["budget"] == 40_000
    code = "from tui.graphics.probe import probe; answer.update(budget=probe(sys.argv[1], budget=123).budget)"
    for choice, budget in (("kitty", 123), ("half", 0)):
        terminal = FakeTerminal(pixels=(800, 480))
        assert terminal.run(code, choice, env=over_ssh, folder=tmp_path) == {
            "budget": budget
        }


def test_files_are_shared_once_the_terminal_has_read_one(tmp_path: Path) -> None:
    shown = tmp_path / "cache" / "shown"
    shown.mkdir(parents=True)
    (shown / "1-lives").touch()
    (shown / "4194305-gone").touch()  # above the highest process id
    assert ask(kitty(reads=Path.is_file), tmp_path)["shared"]
    assert [path.name for path in shown.iterdir()] == ["1-lives"]


@pytest.mark.parametrize(
    ("terminal", "env"),
    [
        (kitty(), {}),
        (kitty(reads=lambda path: True), {}),  # it can't have read what isn't there
        (kitty(reads=Path.is_file), {"SSH_CONNECTION": "1.2.3.4 5 6.7.8.9 22"}),
        (FakeTerminal(b"tmux 3.5a", outer=kitty(reads=Path.is_file)), {}),
        (xterm(kitty=True, reads=Path.is_file), {}),
    ],
)
def test_otherwise_no_files_are_shared(
    terminal: FakeTerminal, env: dict[str, str], tmp_path: Path
) -> None:
    assert not ask(terminal, tmp_path, env=XTERM | env)["shared"]
    assert not list((tmp_path / "cache").rglob("*-*"))


# Starts an app with an input on a terminal whose answers come when it runs, and tells
# what was typed there.
LATE = """
from tui.terminal.driver import TerminalDriver
from tui.graphics.probe import probe
terminal = probe(seconds=0.1)
from textual.app import App
from textual.widgets import Input

class Prompt(App):
    def compose(self):
        yield Input()

    def on_input_changed(self, event):
        answer["typed"] = event.value
        if event.value.endswith("."):
            self.exit()

Prompt(driver_class=TerminalDriver).run()
"""


def test_late_answers_are_not_typed(tmp_path: Path) -> None:
    class Typist(FakeTerminal):
        def _answers(self, query: re.Match[bytes]) -> Iterator[bytes]:
            yield from super()._answers(query)
            if query.lastgroup == "da1":
                yield b"typed."

    terminal = Typist(
        b"kitty(0.41.1)", b"62;", kitty=True, truecolor=True, cell=(9, 18), latency=1
    )
    assert terminal.run(LATE, env=XTERM, folder=tmp_path) == {"typed": "typed."}


def test_late_answers_may_come_in_pieces() -> None:
    answers = "\x1bP>|kitty(0.41.1)\x1b\\\x1b_Gi=31;OK\x1b\\\x1b[6;18;9t\x1bP1$r48:2:1:2:3m\x1b\\\x1b[>1;4000;41c\x1b[4;480;800t\x1b[?2;0;800;480S\x1b[?62;4c"
    assert all(re.search(query.answer, answers) for query in QUERIES)
    for cut in range(3, len(answers)):
        if "\x1b" not in answers[cut - 2 : cut]:  # two characters might be a key
            typed = ReplyFilter(print)
            assert typed("a" + answers[:cut]) + typed(answers[cut:] + "b") == "ab"


@pytest.mark.parametrize(
    "keys",
    [
        "\x1b",
        "\x1bP",
        "\x1b[A",
        "\x1b[6~",
        "\x1b[?2026;2$y",
        "\x1b[<0;6;7M",
        "\x1b[97;5u",
    ],
)
def test_keys_are_no_late_answers(keys: str) -> None:
    typed = ReplyFilter(print)
    assert typed(keys) == keys
    assert typed("x" + keys + "y") == "x" + keys + "y"


def test_what_never_ends_is_let_go() -> None:
    typed = ReplyFilter(print)
    assert "".join(typed(part) for part in ("\x1b_G", "x" * 400, "y")).endswith("y")


def test_it_loads_nothing_heavy() -> None:
    code = "import sys, tui.graphics.probe; print({'textual', 'rich', 'PIL', 'textual_image'} & set(sys.modules))"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True
        ).stdout
        == "set()\n"
    )
