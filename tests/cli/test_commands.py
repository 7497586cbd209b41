"""The command line as scripts meet it: real processes, exact exit codes, JSON."""

import json
import os
import pkgutil
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.every_command import every_command
from tests.loopback import serving
from tui.catalog.load import bundled
from tui.cli import commands
from tui.demo import DEMO_KEY
from tui.demo.service import create_app
from tui.images.metadata import embed
from tui.images.recipes import EmbeddedRecipe

Said = subprocess.CompletedProcess[str]


def run(*words: str, **env: str) -> Said:
    """One command without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "tui", *words],
        env={**os.environ, "RUNAPI_TUI_POLL_SECONDS": "0.05", **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def lines(said: Said) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said.stdout.splitlines()]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving(create_app(bundled(), delay=0)) as url:
        yield url


@pytest.fixture
def env(server: str) -> dict[str, str]:
    return {"RUNAPI_API_KEY": DEMO_KEY, "RUNAPI_BASE_URL": server}


def test_generate_saves_and_prints_one_json_line_a_task(
    env: dict[str, str], tmp_path: Path
) -> None:
    said = run(
        "generate",
        "z-image",
        "-p",
        "a lake",
        "-n",
        "2",
        "--json",
        "--out",
        str(tmp_path / "out"),
        **env,
    )
    assert said.returncode == 0, said.stderr
    told = lines(said)
    assert len(told) == 2
    for task in told:
        assert " ".join(task) == (
            "id task_id status action model prompt params not_checked files ratings"
            " favourite tags job retry_of after cost_usd error created_at finished_at"
            " profile imported"
        )
        assert (task["status"], task["cost_usd"], task["error"]) == (
            "completed",
            0.01,
            None,
        )
        with Image.open(task["files"][0]) as image:
            assert image.size == (256, 256)
        assert Path(task["files"][0]).parent == tmp_path / "out"


def test_the_queue_is_the_same_for_all_commands(env: dict[str, str]) -> None:
    made = lines(run("generate", "z-image", "-p", "a lake at dawn", "--json", **env))[0]
    assert lines(run("tasks", "--json", "--search", "dawn", **env)) == [made]
    assert lines(run("tasks", "--json", "--status", "failed", **env)) == []
    assert lines(run("task", made["task_id"], "--json", **env)) == [made]
    assert made["files"][0] in run("task", made["id"][-6:], **env).stdout


def test_no_wait_leaves_the_task_for_resume(env: dict[str, str]) -> None:
    left = lines(
        run("generate", "z-image", "-p", "a lake", "--no-wait", "--json", **env)
    )[0]
    assert left["status"] == "held"
    resumed = lines(run("resume", "--json", **env))
    assert [(task["id"], task["status"]) for task in resumed] == [
        (left["id"], "completed")
    ]


def test_prompts_come_from_a_file_or_stdin(env: dict[str, str], tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("a lake\n\n雪山\n")
    told = lines(run("generate", "z-image", "-f", str(prompts), "--json", **env))
    assert {task["prompt"] for task in told} == {"a lake", "雪山"}


def test_prompts_are_read_in_whatever_encoding_they_were_saved(
    env: dict[str, str], tmp_path: Path
) -> None:
    wanted = ["ein Fuchs über dem Öl", "ñandú"]
    file = tmp_path / "prompts.txt"
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "latin-1"):
        file.write_bytes("\r\n".join([*wanted, " ", ""]).encode(encoding))
        told = lines(
            run("generate", "z-image", "-f", str(file), "--no-wait", "--json", **env)
        )
        assert [task["prompt"] for task in told] == wanted
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(pipe.write_bytes, "ñandú\n\u200b\n".encode("utf-16"))
        told = lines(
            run("generate", "z-image", "-f", str(pipe), "--no-wait", "--json", **env)
        )
        writing.result()
    assert [task["prompt"] for task in told] == ["ñandú"]


@pytest.mark.parametrize("nothing", ["\ufeff", "\u200b\u2060", "\u00ad \u180e", "\x07"])
def test_what_nobody_can_see_is_no_prompt(
    nothing: str, env: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text(f"{nothing}\n \n{nothing}", encoding="utf-8")
    for words, told in (
        (["-p", nothing], "prompt: Required."),
        ([nothing], "prompt: Required."),
        (["-f", str(file)], "There is no prompt: every line is blank."),
    ):
        said = run("generate", "z-image", *words, "--no-wait", **env)
        assert (said.returncode, said.stdout, said.stderr.strip()) == (4, "", told)
    assert run("tasks", "--json", **env).stdout == ""


def test_one_line_that_is_no_text_submits_nothing(
    env: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "prompts.txt"
    file.write_bytes("a lake\nñandú\n".encode() * 20 + b"caf\xe9\n")
    said = run("generate", "z-image", "-f", str(file), "--no-wait", **env)
    assert (said.returncode, said.stdout) == (4, "")
    assert "line 41 isn't UTF-8" in said.stderr
    assert "Nothing was submitted." in said.stderr
    said = run("generate", "z-image", "-p", os.fsdecode(b"caf\xe9"), "--no-wait", **env)
    assert (said.returncode, said.stdout) == (4, "")
    assert "This has a byte that is not UTF-8" in said.stderr
    assert run("tasks", "--json", **env).stdout == ""


def test_a_closed_stdin_is_told_in_a_sentence(env: dict[str, str]) -> None:
    for words in ("-", "-f -", "-p -"):
        command = f'exec "$0" -m tui generate z-image {words} <&-'
        said = subprocess.run(
            ["sh", "-c", command, sys.executable],
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert said.returncode == 4
        assert "stdin is closed" in said.stderr
        assert "Traceback" not in said.stderr


def test_a_param_of_one_route_alone_chooses_that_route(env: dict[str, str]) -> None:
    said = run(
        "generate",
        "z-image",
        "-p",
        "a lake",
        "-s",
        "aspect_ratio=16:9",
        "--json",
        **env,
    )
    with Image.open(lines(said)[0]["files"][0]) as image:
        assert image.width > image.height


def test_a_local_source_is_uploaded(env: dict[str, str], tmp_path: Path) -> None:
    source = tmp_path / "source.png"
    Image.new("RGB", (64, 64), "red").save(source)
    words = ["-p", "in snow", "-s", f"source_image_urls={source}"]
    assert run("generate", "flux-2-pro-remix-image", *words, **env).returncode == 0


@pytest.mark.parametrize(
    ("words", "extra", "code", "sentence"),
    [
        (["nope", "-p", "x"], {}, 4, "There is no model named nope."),
        (["flux-2-pro", "-p", "x"], {}, 4, "(text_to_image, $0.05)"),
        (["flux-2-por", "-p", "x"], {}, 4, "Did you mean flux-2-pro-text-to-image"),
        (["z-image"], {}, 4, "prompt: Required."),
        (["z-image", "-p", "x" * 1001], {}, 4, "1 to 1,000 characters"),
        (["z-image", "-p", "x", "-s", "aspect_ratio=5:1"], {}, 4, "5:1 is not one of"),
        (["imagen-4", "-p", "x", "-s", "seed=abc"], {}, 4, "not a whole number"),
        (["z-image", "-p", "x", "-s", "wrong"], {}, 4, "name=value"),
        (["z-image", "-p", "x", "-s", "promt=y"], {}, 4, "Did you mean prompt?"),
        (
            [
                "flux-2-pro-remix-image",
                "-p",
                "xyz",
                "-s",
                "source_image_urls=/no/such.png",
            ],
            {},
            4,
            "no file /no/such",
        ),
        (["z-image", "-p", "x"], {"RUNAPI_API_KEY": ""}, 2, "No API key was found"),
        (
            ["z-image", "-p", "x"],
            {"RUNAPI_API_KEY": "runapi_wrong"},
            2,
            "refused the API key",
        ),
        (["z-image", "-p", "x demo:refused"], {}, 4, "HTTP 422"),
        (["z-image", "-p", "x demo:fail"], {}, 7, "could not make"),
        (["z-image", "-p", "x demo:broken"], {}, 5, "not saved"),
        (
            ["z-image", "-p", "x"],
            {"RUNAPI_BASE_URL": "http://example.com"},
            4,
            "not encrypted",
        ),
        (["z-image", "-p", "x"], {"RUNAPI_TUI_API": "both"}, 4, "RUNAPI_TUI_API"),
    ],
)
def test_bad_input_gets_a_sentence_and_its_code(
    words: list[str],
    extra: dict[str, str],
    code: int,
    sentence: str,
    env: dict[str, str],
) -> None:
    said = run("generate", *words, **(env | extra))
    assert said.returncode == code
    assert sentence in said.stdout + said.stderr
    assert "Traceback" not in said.stderr


@pytest.mark.parametrize(
    ("words", "slug"),
    [
        (["Flux 2 Pro"], "flux-2-pro-text-to-image (text_to_image, $0.05)"),
        (
            ["GPT Image 2.5 Flare", "--action", "text_to_image"],
            "gpt-image-2.5-flare (text_to_image, price unknown)",
        ),
    ],
)
def test_a_title_or_a_beginning_is_taken_and_told(
    words: list[str], slug: str, env: dict[str, str]
) -> None:
    said = run("generate", *words, "-p", "a fox", "--json", **env)
    assert said.returncode == 0, said.stderr
    assert lines(said)[0]["model"] == slug.split()[0]
    assert f"Using {slug} for {words[0]}." in said.stderr


@pytest.mark.parametrize("base_url", ["https://nosuchhost.invalid"])
def test_a_service_out_of_reach_keeps_the_task(base_url: str) -> None:
    said = run(
        "generate",
        "z-image",
        "-p",
        "x",
        "--json",
        RUNAPI_API_KEY="k" * 20,
        RUNAPI_BASE_URL=base_url,
    )
    assert said.returncode == 5
    task = lines(said)[0]
    assert (task["status"], task["error"]["kind"]) == ("held", "network")


def test_without_a_terminal_the_app_refuses() -> None:
    said = run("--demo")
    assert said.returncode == 4
    assert said.stderr.count("\n") == 1


def test_models_json_lists_every_param_of_every_route() -> None:
    told = json.loads(run("models", "--json").stdout)
    assert len(told) == len(bundled().models)
    flux = next(model for model in told if model["model"] == "flux-2-pro-text-to-image")
    assert flux["price"]["cents"] == 5
    assert flux["routes"]["unified"]["params"]["prompt"] == {
        "kind": "text",
        "type": "string",
        "required": True,
        "min": 3,
        "max": 5000,
    }
    assert json.loads(run("model", flux["model"], "--json").stdout) == flux


def test_doctor_masks_the_key(env: dict[str, str]) -> None:
    said = run("doctor", "--json", **env)
    assert DEMO_KEY not in said.stdout
    found = json.loads(said.stdout)
    assert "RUNAPI_API_KEY" in found["key"]
    assert "RUNAPI_BASE_URL" in found["base_url"]


def test_demo_server_says_where_it_is() -> None:
    words = [sys.executable, "-m", "tui", "demo-server", "--port", "0", "--delay", "0"]
    child = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout
        there = json.loads(child.stdout.readline())
        env = {"RUNAPI_API_KEY": there["api_key"], "RUNAPI_BASE_URL": there["base_url"]}
        assert run("generate", "z-image", "-p", "x", **env).returncode == 0
    finally:
        child.send_signal(signal.SIGTERM)
        _, errors = child.communicate(timeout=10)
    assert (child.returncode, errors) == (0, "")


def test_demo_server_serves_the_users_own_models(home: Path) -> None:
    folder = home / ".config/runapi-tui/models"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text(
        """
name = "Mine"
provider = "Me"
service = "mine"
[params.prompt]
kind = "text"
required = true
[[models]]
slug = "mine-1"
action = "text_to_image"
title = "Mine 1"
[models.routes]
service = ["prompt"]
"""
    )
    (folder / "broken.toml").write_text("name = ")
    words = [sys.executable, "-m", "tui", "demo-server", "--delay", "0"]
    child = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout
        there = json.loads(child.stdout.readline())
        env = {"RUNAPI_API_KEY": there["api_key"], "RUNAPI_BASE_URL": there["base_url"]}
        (made,) = lines(run("generate", "mine-1", "-p", "x", "--json", **env))
        assert (made["model"], made["status"]) == ("mine-1", "completed")
        assert Path(made["files"][0]).is_file()
    finally:
        child.send_signal(signal.SIGTERM)
        _, errors = child.communicate(timeout=10)
    assert child.returncode == 0
    assert "broken.toml" in errors


def test_a_reader_that_goes_away_is_no_error() -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "tui", "models"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout
    child.stdout.close()
    assert child.stderr
    assert child.stderr.read() == b""
    child.wait(10)


def test_a_family_file_of_ones_own_is_checked(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('name = "Mine"\nprovider = "Me"\nservice = "mine"\nparms = 1\n')
    said = run("models", "--check", str(file))
    assert said.returncode == 4
    assert f"{file}:4: " in said.stderr


def test_the_history_goes_out_and_comes_back(
    env: dict[str, str], home: Path, tmp_path: Path
) -> None:
    run("generate", "imagen-4", "-p", "a lake", "--vary", "seed=1..2", **env)
    file = tmp_path / "history.jsonl"
    assert run("export", str(file), **env).returncode == 0
    kept = [json.loads(line) for line in file.read_text().splitlines()]
    shutil.rmtree(home / ".local")
    taken = run("import", str(file), **env)
    again = run("tasks", "--json", "--search", "lake status:completed", **env)
    assert sorted(line["values"]["seed"] for line in kept) == [1, 2]
    assert taken.stdout == "2 new tasks.\n"
    assert [task["id"] for task in lines(again)] == [line["id"] for line in kept]


def test_braces_are_choices_only_when_asked_for(env: dict[str, str]) -> None:
    literal = run("generate", "z-image", "-p", "{a|b} lake", "--json", **env)
    choices = run(
        "generate", "z-image", "-p", "{a|b} lake", "--expand", "--json", **env
    )
    assert [task["prompt"] for task in lines(literal)] == ["{a|b} lake"]
    assert sorted(task["prompt"] for task in lines(choices)) == ["a lake", "b lake"]


def test_wildcards_are_lines_of_files_and_never_sent_by_their_name(
    env: dict[str, str], home: Path
) -> None:
    folder = home / ".config" / "runapi-tui" / "wildcards"
    folder.mkdir(parents=True)
    (folder / "water.txt").write_text("lake\nsea\n")
    words = ("generate", "z-image", "--json", "-p")
    made = run(*words, "a __water__", "--expand", **env)
    refused = run(*words, "a __water__", **env)
    unknown = run(*words, "a __fire__", "--expand", **env)
    literal = run(*words, "an __init__", **env)
    assert sorted(task["prompt"] for task in lines(made)) == ["a lake", "a sea"]
    assert refused.returncode == unknown.returncode == 4
    assert "Add --expand" in refused.stderr
    assert "wildcards/fire.txt" in unknown.stderr
    assert [task["prompt"] for task in lines(literal)] == ["an __init__"]


def test_what_was_stopped_is_resumed_by_its_id_alone(
    env: dict[str, str], home: Path
) -> None:
    held = lines(
        run("generate", "z-image", "-p", "a lake", "--no-wait", "--json", **env)
    )[0]["id"]
    exported = run("export", **env).stdout
    shutil.rmtree(home / ".local")
    (home / "history.jsonl").write_text(exported)
    run("import", str(home / "history.jsonl"), **env)
    assert "Nothing to resume" in run("resume", **env).stderr
    (resumed,) = lines(run("resume", held[-6:], "--json", **env))
    assert resumed["status"] == "completed"
    assert resumed["id"] != held, "what was imported is sent as a new task"


def test_what_happened_can_be_looked_at(env: dict[str, str]) -> None:
    made = lines(run("generate", "z-image", "-p", "a lake", "--json", **env))[0]
    said = run("task", made["id"], "--events", **env).stdout
    assert (
        said.index("held")
        < said.index("accepted")
        < said.index("the service says completed")
    )
    assert made["task_id"] in said


def test_an_image_says_what_made_it_and_a_copy_does_not(tmp_path: Path) -> None:
    image, out = tmp_path / "my lake.png", tmp_path / "new" / "out"
    Image.new("RGB", (4, 4)).save(image)
    values: dict[str, Any] = {"prompt": "a lake\n[red]\x1b[2J", "seed": 7}
    embed(
        image,
        EmbeddedRecipe(
            action="a",
            model="m",
            values=values,
            cost_micro=80_000,
            task_id="01",
            created_at=0,
        ),
    )
    told = run("recipe", str(image), "--json")
    assert (told.returncode, json.loads(told.stdout)) == (
        0,
        {
            "source": "runapi-tui",
            "action": "a",
            "model": "m",
            "values": {"prompt": "a lake\n[red]", "seed": 7},
            "other": {"task": "01", "cost": "$0.08", "made": "1970-01-01 00:00"},
            "note": "",
        },
    )
    words = [
        line.split(maxsplit=1) for line in run("recipe", str(image)).stdout.splitlines()
    ]
    assert words[1:4] == [["model", "m (a)"], ["prompt", "a lake [red]"], ["seed", "7"]]
    before = image.read_bytes()
    said = run("strip", str(image), str(tmp_path), str(image), "--out", str(out))
    assert (said.returncode, said.stdout.split("\n")) == (
        4,
        [str(out / "my-lake.png"), str(out / "my-lake-2.png"), ""],
    )
    assert "is a folder" in said.stderr
    assert image.read_bytes() == before
    assert sorted(path.name for path in out.iterdir()) == [
        "my-lake-2.png",
        "my-lake.png",
    ]
    mute = run("recipe", str(out / "my-lake.png"))
    assert (mute.returncode, mute.stdout, mute.stderr) == (
        4,
        "",
        "my-lake.png doesn't say how it was made.\n",
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["recipe", "gone.png"], "gone.png is not there."),
        (["recipe", "/dev/null"], "null is no regular file."),
        (["strip", "pyproject.toml", "--out", "."], "pyproject.toml is not a PNG"),
        (
            ["strip", "pyproject.toml", "--out", "/proc/no/where"],
            "Nothing can be written to /proc/no/where",
        ),
        (["strip", "--out", "."], "Missing argument"),
        (["strip", "fox.png"], "Missing option '--out'"),
    ],
)
def test_what_cannot_be_read_or_stripped_gets_a_sentence(
    words: list[str], says: str
) -> None:
    said = run(*words)
    assert (said.returncode, said.stdout) == (4, "")
    assert says in said.stderr
    assert "Traceback" not in said.stderr


def test_doctor_shows_a_name() -> None:
    said = run("doctor", "--json", RUNAPI_TUI_NAME="{date}/{model}-{label}{id}")
    assert json.loads(said.stdout)["names"] == "20260723/flux-2-pro-m4a7xq.png"


def test_doctor_shows_and_tries_proxies_and_certificates(tmp_path: Path) -> None:
    none = str(tmp_path / "none.pem")
    said = run(
        "doctor",
        "--json",
        HTTPS_PROXY="http://u:secret@127.0.0.1:9",
        REQUESTS_CA_BUNDLE=none,
    )
    lines = json.loads(said.stdout)["network"]
    assert "HTTPS_PROXY=http://127.0.0.1:9: in force for runapi.ai" in lines
    assert any(line.startswith(f"REQUESTS_CA_BUNDLE={none}: ") for line in lines)
    assert "secret" not in said.stdout
    told = [
        finding["text"]
        for finding in json.loads(said.stdout)["findings"]
        if finding["topic"] == "network"
    ]
    in_force = [line for line in lines if ": not used" not in line]
    assert told[: len(in_force)] == [f"{line}." for line in in_force]
    assert told[-1].startswith("The proxy of HTTPS_PROXY (http://127.0.0.1:9) can't be")
    assert json.loads(run("doctor", "--json", "--demo").stdout)["network"] == []


def test_every_command_of_every_module_can_be_called() -> None:
    modules = [
        import_module(f"tui.cli.commands.{module.name}")
        for module in pkgutil.iter_modules(commands.__path__)
    ]
    defined = {
        command.name
        for module in modules
        for command in getattr(module, "COMMANDS", ())
    }
    assert set(every_command()) == defined


def test_a_picture_of_the_queue_is_known_by_its_content_wherever_it_is(
    env: dict[str, str], tmp_path: Path
) -> None:
    words = ("generate", "z-image", "-p", "a lake", "--out", str(tmp_path / "out"))
    (task,) = lines(run(*words, "--json", **env))
    moved = tmp_path / "elsewhere" / "renamed.png"
    moved.parent.mkdir()
    shutil.move(task["files"][0], moved)
    said = run("recipe", str(moved), "--json")
    found = json.loads(said.stdout)
    assert (said.returncode, found["source"], found["model"]) == (
        0,
        "runapi-tui",
        "z-image",
    )
    assert found["values"]["prompt"] == "a lake"
    assert found["other"]["task"] == task["id"]
    other = tmp_path / "other.png"
    Image.new("RGB", (4, 4)).save(other)
    assert run("recipe", str(other)).returncode == 4
    # Settings that can't be read hide nothing that the picture itself says
    assert run("recipe", str(other), RUNAPI_BASE_URL="ftp://x").returncode != 0
    info = PngInfo()
    info.add_text("parameters", "a fox\nSteps: 20, Seed: 1")
    Image.new("RGB", (4, 4)).save(other, pnginfo=info)
    assert run("recipe", str(other), RUNAPI_BASE_URL="ftp://x").returncode == 0
