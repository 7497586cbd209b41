"""Commands where streams are closed or full, nobody has a home, and settings are
anything: real processes.

Each says a sentence, has a documented exit code, and loses no work.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.test_commands import run
from tui.system.streams import OutputError

pytestmark = pytest.mark.slow

_NOBODY = """
import pwd, runpy, sys


def nobody(uid):
    raise KeyError(uid)

pwd.getpwuid = nobody
sys.argv[0] = "runapi-tui"
runpy.run_module("tui", run_name="__main__")
"""
_ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
FAULT_OF_OURS = "a bug in runapi-tui"


@dataclass(frozen=True)
class Ended:
    code: int
    out: str = ""
    err: str = ""


def shell(
    line: str, cwd: Path | None = None, env: dict[str, str] | None = None
) -> Ended:
    """A line for the shell, in which `$tui` is the command on the embedded service."""
    command = f'tui="{sys.executable} -m tui --demo"; {line}'
    said = subprocess.run(
        ["sh", "-c", command],
        env={**os.environ, "RUNAPI_TUI_POLL_SECONDS": "0.05", **(env or {})},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=60,
    )
    return sound(Ended(said.returncode, said.stdout, said.stderr))


def sound(ended: Ended) -> Ended:
    """What holds everywhere."""
    assert "Traceback" not in ended.err
    assert FAULT_OF_OURS not in ended.err
    assert ended.code in (0, 1, 2, 4, 5, 8)
    assert ended.code == 0 or (ended.out + ended.err).strip()
    return ended


# ---- streams

full = pytest.mark.skipif(
    not os.path.exists("/dev/full"), reason="there is no /dev/full"
)


@full
@pytest.mark.parametrize(
    "words", ["models", "balance", "doctor --json", "--version", "--help"]
)
def test_results_that_cannot_be_written_are_told(words: str) -> None:
    ended = shell(f"$tui {words} >/dev/full")
    assert ended.code == 1
    assert ended.err.startswith(str(OutputError(28, "No space left on device")))


@pytest.mark.parametrize("words", ["models"])
def test_a_closed_stdout_is_told(words: str) -> None:
    ended = shell(f"$tui {words} >&-")
    assert (ended.code, ended.out) == (1, "")
    assert "can't be written to stdout" in ended.err


@full
@pytest.mark.parametrize("stream", ["2>&-", "2>/dev/full <&-"])
def test_results_come_also_where_nothing_can_be_said(stream: str) -> None:
    ended = shell(f"$tui generate z-image -p x --no-wait --json {stream}")
    assert ended.code == 0
    task = json.loads(ended.out)
    # The queue's file is whole: no message was written into it.
    assert [
        json.loads(line)["id"] for line in shell("$tui tasks --json").out.splitlines()
    ] == [task["id"]]


def test_with_all_streams_closed_the_queue_stays_whole() -> None:
    ended = shell("$tui generate z-image -p x --no-wait <&- >&- 2>&-; echo $? >&2")
    assert ended.err == "1\n"
    (kept,) = shell("$tui tasks --json").out.splitlines()
    assert json.loads(kept)["status"] == "held"


@full
def test_a_batch_whose_results_cannot_be_told_stays_in_the_queue(
    tmp_path: Path,
) -> None:
    (tmp_path / "prompts").write_text(
        "".join(f"lake {number}\n" for number in range(6))
    )
    ended = shell(
        "$tui generate z-image -f prompts --json --concurrency 2 >/dev/full", tmp_path
    )
    assert ended.code == 1
    assert "can't be written to stdout" in ended.err
    kept = [json.loads(line) for line in shell("$tui tasks --json").out.splitlines()]
    assert len(kept) == 6
    assert all(task["files"] for task in kept if task["status"] == "completed")


@pytest.mark.parametrize("words", ["-f -", "-"])
def test_prompts_from_a_closed_stdin_are_none(words: str) -> None:
    ended = shell(f"$tui generate z-image {words} <&-")
    assert ended.code == 4
    assert "prompt" in ended.err


# ---- places


@pytest.mark.parametrize("words", ["tasks", "doctor", "generate z-image -p x"])
def test_without_a_home_it_says_what_to_set(words: str, tmp_path: Path) -> None:
    said = homeless(words, tmp_path)
    assert said.code == 4
    assert said.err.startswith("There is no home folder: HOME is not set")
    assert "XDG_CONFIG_HOME" in said.err
    assert list(tmp_path.iterdir()) == [tmp_path / "home"]  # nothing named ~


@pytest.mark.parametrize("words", ["--version", "agent codex"])
def test_without_a_home_what_needs_none_works(words: str, tmp_path: Path) -> None:
    assert homeless(words, tmp_path).code == 0


def test_a_folder_named_tilde_is_nobodys_home(tmp_path: Path) -> None:
    """A key and a base URL in the working folder must not be taken for the user's."""
    (tmp_path / "~/.config/runapi").mkdir(parents=True)
    (tmp_path / "~/.config/runapi/config.json").write_text(
        '{"api_key": "runapi_0123456789abcdefghij"}'
    )
    places = {f"XDG_{name}_HOME": str(tmp_path / name) for name in ("STATE", "CACHE")}
    places |= {
        "XDG_CONFIG_HOME": str(tmp_path / "own"),
        "RUNAPI_TUI_OUTPUT": str(tmp_path / "out"),
    }
    said = homeless(
        "doctor", tmp_path, "", RUNAPI_CONFIG_DIR="~/.config/runapi", **places
    )
    assert said.code == 1
    assert "none found" in said.out


def homeless(words: str, folder: Path, demo: str = "--demo", **env: str) -> Ended:
    """A command where HOME isn't set and the system doesn't know the user."""
    there = {name: value for name, value in os.environ.items() if name != "HOME"}
    given = [word for word in (demo, *words.split()) if word]
    said = subprocess.run(
        [sys.executable, "-c", _NOBODY, *given],
        env=there | env,
        cwd=folder,
        capture_output=True,
        text=True,
    )
    return sound(Ended(said.returncode, said.stdout, said.stderr))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("models", 0),
        ("doctor", 0),
        ("generate z-image -p x --no-wait", 0),
        ("generate z-image -p x --out here", 4),
        ("export here.jsonl", 4),
    ],
)
def test_in_a_folder_that_is_gone(words: str, code: int, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    ended = shell(f"rmdir {gone}; $tui {words}", gone)
    assert ended.code == code


@pytest.mark.parametrize("where", ["option", "variable", "profile"])
def test_a_home_of_nobody_is_told(where: str, home: Path) -> None:
    settings = {"profile": "profile = 'a'\n[profiles.a]\noutput = '~nosuch/x'"}
    config = home / ".config/runapi-tui/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(settings.get(where, ""))
    option = "--out '~nosuch/x'" if where == "option" else ""
    env = {"RUNAPI_TUI_OUTPUT": "~nosuch/x"} if where == "variable" else {}
    ended = shell(f"$tui generate z-image -p x {option}", env=env)
    assert ended.code == 4
    assert ended.err == "~nosuch/x: there is no such home folder. Write a full path.\n"


# ---- letters


_NARROW = {"PYTHONIOENCODING": "latin-1"}


@pytest.mark.parametrize(
    ("env", "shown"),
    [
        (_ASCII, "für … 雪"),
        ({"LC_ALL": "POSIX", "PYTHONUTF8": "0"}, "für … 雪"),
        ({"LC_ALL": "C"}, "für … 雪"),
        (_NARROW, "für ... 雪"),
        (_ASCII | {"PYTHONIOENCODING": "ascii"}, "für ... 雪"),
        (_ASCII | {"PYTHONIOENCODING": "ascii:strict"}, "für ... 雪"),
    ],
    ids=["ASCII", "POSIX", "C", "Latin-1", "stream of ASCII", "strict"],
)
def test_in_any_locale_a_picture_is_saved_and_told_in_plain_words(
    env: dict[str, str], shown: str, home: Path
) -> None:
    (home / "prompts").write_text("für … 雪", encoding="utf-8")
    ended = shell("$tui generate z-image -f ~/prompts", env=env)
    assert (ended.code, ended.out.split()[0]) == (0, "completed")
    assert [path.suffix for path in (home / "Pictures").rglob("*.*")] == [".png"]
    told = shell("$tui task $($tui tasks --json | cut -d '\"' -f 4)", env=env)
    said = os.fsencode(told.out)
    if env == _NARROW:  # which has that letter itself
        said = said.replace(b"\xfc", "\u00fc".encode())
    assert shown.encode() in said
    assert "\\u" not in ended.out + ended.err + told.out + told.err


@pytest.mark.parametrize("env", [_ASCII, _NARROW], ids=["ASCII", "Latin-1"])
def test_a_prompt_that_cannot_be_shown_ends_nothing(
    env: dict[str, str], tmp_path: Path
) -> None:
    prompts = ["a lake", "雪山", "a 😀"]
    (tmp_path / "prompts").write_text("\n".join(prompts), encoding="utf-8")
    ended = shell(
        "$tui generate z-image -f prompts --no-wait --json; $tui tasks >&2",
        tmp_path,
        env,
    )
    assert [json.loads(line)["prompt"] for line in ended.out.splitlines()] == prompts
    assert "\\u96ea\\u5c71" in ended.err or "雪山" in ended.err
    typed = shell("$tui generate z-image -p 雪山 --no-wait --json", env=env)
    assert json.loads(typed.out)["prompt"] == "雪山"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("generate z-image -p x --out '{odd}'", "choose another folder for images"),
        ("generate z-image -p '{odd}'", "prompt: This has a byte that is not UTF-8"),
        (
            "generate flux-2-pro-remix-image -p xyz -s source_image_urls='{odd}/a.png'",
            "rename the file",
        ),
        ("recipe '{odd}/a.png'", "a.png"),
        ("models --check '{odd}/a.toml'", "a.toml"),
        ("generate z-image -f '{odd}/none'", "none"),
    ],
    ids=["folder", "prompt", "source", "recipe", "models", "prompts"],
)
def test_a_name_of_other_bytes_is_told(
    words: str, sentence: str, tmp_path: Path
) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xff"))
    try:
        odd.mkdir()
    except OSError:
        pytest.skip("this file system takes no such name")
    ended = shell(f"$tui {words.format(odd=odd)}")
    assert ended.code == 4
    assert sentence in ended.err


# ---- settings that are no files


@pytest.mark.parametrize(
    ("kind", "name", "code"),
    [
        *(
            (kind, ".config/runapi-tui/config.toml", 4)
            for kind in ("FIFO", "folder", "device", "huge")
        ),
        ("FIFO", ".config/runapi-tui/models/own.toml", 1),
        ("huge", ".config/runapi-tui/models/own.toml", 1),
        ("FIFO", ".config/runapi/config.json", 1),
        ("device", ".openclaw/openclaw.json", 1),
        ("FIFO", ".hermes/config.yaml", 1),
        ("folder", ".hermes/.env", 1),
    ],
)
def test_a_setting_that_is_no_file_makes_nobody_wait(
    kind: str, name: str, code: int, home: Path
) -> None:
    place = home / name
    place.parent.mkdir(parents=True)
    if kind == "FIFO":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    elif kind == "device":
        place.symlink_to("/dev/zero")
    else:
        with place.open("wb") as file:
            file.truncate(3_000_000_000)
    said = run("doctor")  # 1: there is no key
    sound(Ended(said.returncode, said.stdout, said.stderr))
    assert said.returncode == code
    assert place.name in said.stdout + said.stderr


@pytest.mark.parametrize(
    "env",
    [
        {"ALL_PROXY": "socks5://u:secret@127.0.0.1:1"},
        {"HTTPS_PROXY": "nonsense://u:secret@h", "NO_PROXY": "[::1]"},
        {"SSL_CERT_FILE": "/no/such/file"},
    ],
    ids=["proxy", "nonsense", "certificate"],
)
@pytest.mark.parametrize("words", ["balance", "doctor"])
def test_proxies_and_certificates_at_fault(words: str, env: dict[str, str]) -> None:
    said = run(
        words,
        RUNAPI_API_KEY="runapi_0123456789abcdefghijklmnop",
        RUNAPI_BASE_URL="https://127.0.0.1:9",
        **env,
    )
    sound(Ended(said.returncode, said.stdout, said.stderr))
    assert said.returncode == (1 if words == "doctor" else 5)
    if words == "balance":
        assert next(iter(env)) in said.stderr
    assert "secret" not in said.stdout + said.stderr
