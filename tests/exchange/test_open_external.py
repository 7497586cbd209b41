"""The ways out of a result: a viewer, a URL, a line for scp, a path."""

import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tui.exchange.open_external import OpenError, Ways, public, scp, show, ways
from tui.tasks.task import URL_LIVES, Result, Task

URL = "https://file.runapi.ai/a.png?sig=x%2F+y&t=1"
SSH = {"SSH_CONNECTION": "198.51.100.7 50000 203.0.113.5 22", "USER": "me"}
DESKTOP = {"DISPLAY": ":0"}
ODD_NAMES = [
    "plain.png",
    "a  b.png",
    'it\'s "q".png',
    "-dash.png",
    "雪 の狐 🦊—é.png",
    "a*b[1]?{c,d}.png",
    "$(id)`id`;&|<>!#~.png",
    "back\\slash\\.png",
]


def task(*results: Result, made: float = 0) -> Task:
    return Task(
        id="01k0vwn3m4a7xq",
        action="text_to_image",
        model="z-image",
        service="z_image",
        base_url="",
        route="unified",
        values={},
        created_at=1,
        results=results,
        made_at=made,
    )


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for PATH, with everything that opens files."""
    monkeypatch.setattr("tui.exchange.open_external.sys.platform", "linux")
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("xdg-open", "wslview", "open"):
        program(folder / name, "exit 0")
    return folder


def program(path: Path, code: str) -> str:
    path.write_text(f"#!/bin/sh\n{code}\n")
    path.chmod(0o755)
    return str(path)


# ---- which ways there are


@pytest.mark.parametrize(
    ("platform", "env", "command"),
    [
        ("linux", {}, ()),
        ("linux", {"DISPLAY": ""}, ()),
        ("linux", DESKTOP, ("xdg-open",)),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, ("xdg-open",)),
        ("linux", SSH, ()),
        ("linux", SSH | {"DISPLAY": "localhost:10.0"}, ("xdg-open",)),
        ("linux", {"WSL_DISTRO_NAME": "Debian"}, ("wslview",)),
        ("linux", {"WSL_DISTRO_NAME": "Debian"} | DESKTOP, ("wslview",)),
        ("darwin", {}, ("open",)),
        ("darwin", SSH, ()),
        (
            "linux",
            {"RUNAPI_TUI_VIEWER": "feh -F 'my title'"},
            ("feh", "-F", "my title"),
        ),
        ("linux", SSH | {"RUNAPI_TUI_VIEWER": " send-home "}, ("send-home",)),
        ("linux", {"RUNAPI_TUI_VIEWER": "feh 'x"}, ("feh 'x",)),
        ("linux", {"RUNAPI_TUI_VIEWER": " "}, ()),
    ],
)
def test_a_viewer_where_there_is_a_display(
    platform: str,
    env: dict[str, str],
    command: tuple[str, ...],
    programs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tui.exchange.open_external.sys.platform", platform)
    path = tmp_path / "a.png"
    path.touch()
    env = {"PATH": str(programs)} | env
    found = task(Result(url=URL, path=str(path)))
    assert ways(found, 0, env=env).viewer == command
    assert ways(found, 0, "gwenview --x", env).viewer == ("gwenview", "--x")
    assert ways(task(Result(url=URL)), 0, "gwenview", env).viewer == ()


def test_a_display_without_a_program_is_no_way(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.touch()
    assert (
        ways(
            task(Result(url=URL, path=str(path))),
            0,
            env={"PATH": str(tmp_path)} | DESKTOP,
        ).viewer
        == ()
    )


def test_every_way_of_a_saved_result(programs: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.touch()
    now = time.time()
    found = ways(
        task(Result(url="x"), Result(url=URL, path=str(path)), made=now), 1, env=SSH
    )
    assert found == Ways(
        (), str(path), URL, now + URL_LIVES, f"scp me@203.0.113.5:{path} ."
    )
    text, told = found.clip("url", "scp", "path")
    assert text == URL
    assert re.fullmatch(
        r"Sent to the terminal's clipboard: https:\S+ \(expires in 6d 23h\)", told
    )
    assert found.clip("scp", "url") == (
        found.scp,
        f"Sent to the terminal's clipboard: {found.scp} (for a shell of your own machine)",
    )
    assert found.clip("path") == (
        str(path),
        f"Sent to the terminal's clipboard: {path}",
    )


def test_a_url_that_has_ended_is_no_way(tmp_path: Path) -> None:
    ended = task(Result(url=URL), made=time.time() - URL_LIVES - 1)
    assert ways(ended, 0, env=SSH).url == ""
    unknown = ways(task(Result(url=URL)), 0, env=SSH)
    assert unknown.clip("url")[1].endswith("(expires within seven days)")


def test_what_was_deleted_is_still_at_its_url(tmp_path: Path) -> None:
    gone = task(Result(url=URL, path=str(tmp_path / "gone.png")), made=time.time())
    found = ways(gone, 0, env=SSH | DESKTOP)
    assert (found.viewer, found.path, found.scp, found.url) == ((), "", "", URL)


@pytest.mark.parametrize("index", [-1, 1])
def test_nothing_at_all_is_told(index: int) -> None:
    found = ways(task(Result(url=URL)), index, env=SSH | DESKTOP)
    assert found == Ways()
    with pytest.raises(OpenError, match="no file is saved"):
        found.clip("url", "scp", "path")


# ---- the URL


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        (URL, URL),
        ("http://cdn.example:8080/a", "http://cdn.example:8080/a"),
        ("https://cdn.example", "https://cdn.example"),
        ("https://cdn.example/ü b", "https://cdn.example/%C3%BC%20b"),
        ("https://cdn.example/\"'[x]<\\", "https://cdn.example/%22%27%5Bx%5D%3C%5C"),
        ("https://cdn.example/a;b\n", "https://cdn.example/a%3Bb%0A"),
        ("https://cdn.example/$(id)*!!", "https://cdn.example/%24%28id%29%2A%21%21"),
        ("https://cdn.example/\x1b]8;;x\x1b\\", ""),
        ("https://cdn.example/\x07", ""),
        ("https://cdn.example/\x9c", ""),
        ("https://cdn.example/\u202e", ""),
        ("https://me@evil.example/", ""),
        ("https://runapi.ai\\@evil.example/", ""),
        ("https://bücher.example/", ""),
        ("https:///x", ""),
        ("javascript:alert(1)", ""),
        ("file:///etc/passwd", ""),
        ("ftp://cdn.example/x", ""),
        ("/etc/passwd", ""),
        ("", ""),
        ("http://runapi.demo/files/a.png", ""),
        ("http://127.0.0.1:8000/a.png", ""),
        ("http://LOCALHOST/a.png", ""),
        ("http://[::1]/a.png", ""),
        ("https://localhost.example/", "https://localhost.example/"),
        ("https://cdn.example/" + "x" * 2064, ""),
    ],
)
def test_only_a_tame_public_url_is_handed_on(url: str, kept: str) -> None:
    assert public(url) == kept


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.text(max_size=60))
@example("\ud800")
def test_no_url_breaks_out_of_a_sequence_or_quotes(text: str) -> None:
    assert re.fullmatch(
        r"(?:https://cdn\.example/[\w%:/?#@&+,=.~-]*)?",
        public("https://cdn.example/" + text),
        re.A,
    )


# ---- scp


@pytest.mark.parametrize(
    ("env", "start"),
    [
        (SSH, "scp me@203.0.113.5:/x/a.png ."),
        (
            SSH | {"SSH_CONNECTION": "a 1 203.0.113.5 2222"},
            "scp -P 2222 me@203.0.113.5:/x/a.png .",
        ),
        (
            SSH | {"SSH_CONNECTION": "a 1 2001:db8::5 22"},
            "scp 'me@[2001:db8::5]:/x/a.png' .",
        ),
        (
            SSH | {"SSH_CONNECTION": "a 1 ::ffff:203.0.113.5 22"},
            "scp me@203.0.113.5:/x/a.png .",
        ),
        (SSH | {"SSH_CONNECTION": "a 1 127.0.0.1 22"}, "scp me@box:/x/a.png ."),
        (SSH | {"SSH_CONNECTION": "a 1 fe80::1%eth0 22"}, "scp me@box:/x/a.png ."),
        (SSH | {"SSH_CONNECTION": "a 1 $(id) ;id"}, "scp me@box:/x/a.png ."),
        (SSH | {"SSH_CONNECTION": "odd"}, "scp me@box:/x/a.png ."),
        ({"SSH_TTY": "/dev/pts/1", "LOGNAME": "me"}, "scp me@box:/x/a.png ."),
        (
            {"SSH_CLIENT": "198.51.100.7 50000 2222", "USER": "me"},
            "scp -P 2222 me@box:/x/a.png .",
        ),
        (
            SSH | {"USER": "-oProxyCommand=x"},
            "scp oProxyCommand=x@203.0.113.5:/x/a.png .",
        ),
        (SSH | {"USER": ""}, "scp 203.0.113.5:/x/a.png ."),
        ({"USER": "me"} | DESKTOP, ""),
    ],
)
def test_a_line_for_scp(
    env: dict[str, str], start: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.exchange.open_external.socket.gethostname", lambda: "box")
    assert scp("/x/a.png", env) == start


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_path_survives_both_shells(name: str) -> None:
    words = shlex.split(scp(f"/x y/{name}", SSH))
    assert (words[0], words[2:]) == ("scp", ["."])
    there = words[1].removeprefix("me@203.0.113.5:")
    shell = ["sh", "-c", f'printf "%s|" {there}']
    assert (
        subprocess.run(shell, capture_output=True, check=True).stdout.decode()
        == f"/x y/{name}|"
    )


@pytest.mark.parametrize("name", ["two\nlines", "a\tb", "\x1b[31m", "\u202e", "\udcff"])
def test_a_path_that_no_line_can_hold_has_none(name: str) -> None:
    assert scp(f"/x/{name}.png", SSH) == ""
    with pytest.raises(OpenError, match="nothing to copy"):
        Ways(path=f"/x/{name}.png").clip("path")


SFTP = next(
    (
        path
        for path in map(
            Path, ("/usr/lib/openssh/sftp-server", "/usr/libexec/sftp-server")
        )
        if path.exists()
    ),
    None,
)


@pytest.mark.skipif(not (SFTP and shutil.which("scp")), reason="OpenSSH is not here")
def test_scp_itself_finds_every_name(tmp_path: Path) -> None:
    there, here = tmp_path / "over there", tmp_path / "here"
    there.mkdir()
    here.mkdir()
    ssh = program(
        tmp_path / "ssh",
        f'for last; do :; done; test "$last" = sftp && exec {SFTP}; exec sh -c "$last"',
    )
    for name in ODD_NAMES:
        (there / name).write_text(name)
        command = shlex.split(scp(str(there / name), SSH))
        subprocess.run(
            [command[0], "-q", "-S", ssh, *command[1:]], cwd=here, check=True
        )
        assert (here / name).read_text() == name


# ---- the viewer


def test_the_file_comes_whole_and_alone_to_the_viewer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code = (
        'printf "%s|" "$@" >"$0.told"; test -t 0 && exit 9; echo noise; echo noise >&2'
    )
    viewer = program(tmp_path / "viewer", code)
    show((viewer, "-x", "$HOME"), "-rf 'a'.png")
    assert (tmp_path / "viewer.told").read_text() == f"-x|$HOME|{tmp_path}/-rf 'a'.png|"


def test_the_viewer_does_not_get_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNAPI_API_KEY", "runapi_secret")
    monkeypatch.setenv("PLAIN", "fox")
    viewer = program(tmp_path / "viewer", 'env >"$0.told"')
    show((viewer,), "/x/a.png")
    told = (tmp_path / "viewer.told").read_text()
    assert "PLAIN=fox" in told
    assert "runapi_secret" not in told


@pytest.mark.parametrize(
    ("viewer", "words"),
    [
        (
            ("/no/such/viewer",),
            "/no/such/viewer can't be started: No such file or directory.",
        ),
        (("",), "can't be started"),
        (("a\0b",), "can't be started"),
        (("false",), "false could not open the image: it ended with code 1."),
    ],
)
def test_a_viewer_that_fails_is_told(viewer: tuple[str, ...], words: str) -> None:
    with pytest.raises(OpenError) as told:
        show(viewer, "/x/a.png")
    assert words in str(told.value)


def test_a_viewer_outlives_this_program_and_leaves_no_zombie(tmp_path: Path) -> None:
    code = """
import os, sys, threading, time
from tui.exchange.open_external import show
quick, slow = sys.argv[1:]
show([quick], "/x/a.png", patience=0.01)
for thread in threading.enumerate()[1:]:
    thread.join()
try:
    print(os.waitpid(-1, os.WNOHANG))
except ChildProcessError:
    pass
show([slow], "/x/a.png", patience=0.1)
"""
    quick = program(tmp_path / "quick", "sleep 0.1")
    slow = program(
        tmp_path / "slow", 'until test -e "$0.go"; do sleep 0.05; done; echo >"$0.told"'
    )
    command = [sys.executable, "-c", code, quick, slow]
    done = subprocess.run(command, capture_output=True, timeout=20, check=True)
    assert done.stdout == done.stderr == b""
    told = tmp_path / "slow.told"
    assert not told.exists()
    (tmp_path / "slow.go").touch()
    deadline = time.monotonic() + 10
    while not told.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert told.exists()
