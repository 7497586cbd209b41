"""The doors through which text from outside comes in, each with all payloads at once.

A door is a function that lays out its payloads below a home folder, and returns how the
commands are to be run there.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, get_args

import msgspec
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.hostile.commands import run
from tests.hostile.payloads import PAYLOADS, TOGETHER, name_of_file
from tui.settings.config import Config
from tui.tasks import schema
from tui.tasks.store import Store
from tui.tasks.task import Problem, Result, Task, new_id


class Stage(NamedTuple):
    """A home folder with payloads in it, and the environment of the commands there."""

    home: Path
    env: dict[str, str]
    demo: bool = True
    """Whether the commands run on the embedded service."""

    @property
    def options(self) -> list[str]:
        return ["--demo"] if self.demo else []

    @property
    def queue(self) -> Path:
        folder = self.home / ".local/state/runapi-tui"
        return folder / "demo/queue.db" if self.demo else folder / "queue.db"


Door = Callable[[Path], Stage]
DOORS: dict[str, Door] = {}


def door(function: Door) -> Door:
    """Adds a row to the table of doors."""
    DOORS[function.__name__.replace("_", " ")] = function
    return function


def _stage(home: Path, **env: str) -> Stage:
    return Stage(home, {"HOME": str(home), "RUNAPI_TUI_POLL_SECONDS": "0.05"} | env)


def _run(stage: Stage, *commands: list[str], stdin: bytes = b"") -> None:
    run([[*words, *stage.options] for words in commands], stage.env, stdin)


# ---- prompts and values


@door
def prompts_of_options(home: Path) -> Stage:
    stage = _stage(home)
    _run(
        stage,
        *(
            ["generate", "z-image", "-p", f"a lake {text}", "--no-wait"]
            for text in PAYLOADS.values()
        ),
    )
    return stage


@door
def prompts_of_a_file(home: Path) -> Stage:
    stage = _stage(home)
    lines = [f"a lake {text}" for text in PAYLOADS.values()]
    # Controls that stand in no text file end the reading; the others come as they are.
    for number, line in enumerate(lines):
        (home / f"{number}.txt").write_text(line, encoding="utf-8", newline="")
    _run(
        stage,
        *(
            ["generate", "z-image", "-f", str(home / f"{number}.txt"), "--no-wait"]
            for number in range(len(lines))
        ),
    )
    return stage


@door
def prompts_of_stdin(home: Path) -> Stage:
    stage = _stage(home)
    words = ["generate", "z-image", "-f", "-", "--no-wait"]
    for text in TOGETHER.values():
        _run(stage, words, stdin=f"a lake {text}\n".encode())
    return stage


@door
def wildcards(home: Path) -> Stage:
    """Lines of files that a prompt names; snippets come into the form alone."""
    stage = _stage(home)
    folder = home / ".config/runapi-tui/wildcards"
    folder.mkdir(parents=True)
    for number, text in enumerate(PAYLOADS.values()):
        file = folder / f"w{number}.txt"
        file.write_text(f"a lake {text}", encoding="utf-8", newline="")
    words = ("generate", "z-image", "--expand", "--no-wait", "-p")
    _run(stage, *([*words, f"__w{number}__"] for number in range(len(PAYLOADS))))
    return stage


@door
def presets(home: Path) -> Stage:
    """Models, values and names of values that a preset has."""
    stage = _stage(home)
    folder = home / ".config/runapi-tui/presets"
    folder.mkdir(parents=True)
    for number, text in enumerate(PAYLOADS.values()):
        known = {"model": "z-image", "action": "text_to_image"}
        contents = (
            known | {"values": {"prompt": f"a lake {text}"}},
            known | {"values": {"prompt": "a lake", text: text}},
            {"model": text, "action": text},
        )
        for kind, content in enumerate(contents):
            file = folder / f"p{number}-{kind}.json"
            file.write_text(json.dumps(content))
    names = [path.stem for path in sorted(folder.iterdir())]
    _run(stage, *(["generate", "--preset", name, "--no-wait"] for name in names))
    return stage


@door
def bodies_of_input(home: Path) -> Stage:
    """JSON bodies: values, names of values, models, and files to upload."""
    stage = _stage(home)
    commands = []
    for number, text in enumerate(PAYLOADS.values()):
        bodies = (
            {"model": "z-image", "prompt": f"a lake {text}"},
            {"model": "z-image", "prompt": "a lake", text: text},
            {"model": text, "prompt": "a lake"},
            {"model": "flux-kontext-pro", "prompt": "a lake", "image_url": text},
        )
        for kind, body in enumerate(bodies):
            file = home / f"body-{number}-{kind}.json"
            file.write_text(json.dumps(body))
            commands.append(["generate", "--input", str(file), "--no-wait"])
    _run(stage, *commands)
    return stage


@door
def searches(home: Path) -> Stage:
    """Lines of searches.txt, as names and as what they stand for."""
    stage = _stage(home)
    file = home / ".config/runapi-tui/searches.txt"
    file.parent.mkdir(parents=True)
    lines = [
        f"s{number}: a lake {text}" for number, text in enumerate(PAYLOADS.values())
    ]
    file.write_text(
        "\n".join([*lines, *PAYLOADS.values()]), encoding="utf-8", newline=""
    )
    _run(stage, *(["tasks", "--saved", f"s{number}"] for number in range(len(lines))))
    return stage


@door
def names_of_source_files(home: Path) -> Stage:
    stage = _stage(home)
    commands = []
    for text in PAYLOADS.values():
        path = home / f"{name_of_file(text)}.png"
        Image.new("RGB", (512, 512), "red").save(path)
        commands.append(
            [
                "generate",
                "flux-kontext-pro",
                *("-p", "a lake", "-s", f"image_url={path}", "--no-wait"),
            ]
        )
    _run(stage, *commands, ["resume"])
    return stage


# ---- tasks that others have written


def _task(text: str, out_dir: str) -> Task:
    """Returns a task with a payload in each of its texts."""
    now = time.time()
    fields: dict[str, Any] = {
        name: text for name, kind in Task.__annotations__.items() if kind is str
    }
    return Task(
        **fields
        | {
            "id": new_id(),
            "base_url": "embedded.demo",
            "route": "unified",
            "values": {"prompt": text, text: text, "list": [text]},
            "created_at": now,
            "updated_at": now,
            "status": "completed",
            "error": Problem(text, text),
            "results": (
                Result(url=f"https://x.example/{text}", label=text, path=text),
            ),
            "out_dir": out_dir,
        }
    )


def _tasks() -> list[tuple[Task, list[tuple[float, str, str]]]]:
    return [
        (_task(text, "/"), [(time.time(), text, text)]) for text in PAYLOADS.values()
    ]


@door
def lines_of_an_import(home: Path) -> Stage:
    stage = _stage(home)
    lines = []
    for task, events in _tasks():
        fields = msgspec.json.decode(schema.encode(task))
        for plain in ({}, {"action": "text_to_image", "service": "x", "profile": ""}):
            whole = {"format": "runapi-tui 1", **fields, **plain, "events": events}
            lines.append(json.dumps(whole | {"id": new_id()}))
    # One whose model the catalog knows, so that it is taken whatever is checked
    for task, events in _tasks():
        fields = msgspec.json.decode(schema.encode(task))
        known = {"action": "text_to_image", "service": "z_image", "model": "z-image"}
        lines.append(
            json.dumps(
                {"format": "runapi-tui 1", **fields, **known, "profile": ""}
                | {"events": events, "id": new_id()}
            )
        )
    file = home / "history.jsonl"
    file.write_text("\n".join(lines))
    _run(stage, ["import", str(file)])
    return stage


@door
def rows_of_the_queue_file(home: Path) -> Stage:
    stage = _stage(home)
    stage.queue.parent.mkdir(parents=True)
    store = Store(stage.queue)
    store.add_missing(_tasks())
    store.close()
    return stage


# ---- settings


def _toml(text: str) -> str:
    """Returns a string of TOML, which doesn't know JSON's pairs of surrogates."""
    written = (
        char if char.isprintable() and char not in '"\\' else f"\\U{ord(char):08x}"
        for char in text
    )
    return f'"{"".join(written)}"'


def _taken() -> list[str]:
    """Returns the payloads that a setting takes: those without what it can't show."""
    return [text for text in PAYLOADS.values() if text.isprintable()]


@door
def own_models(home: Path) -> Stage:
    folder = home / ".config/runapi-tui/models"
    folder.mkdir(parents=True)
    for number, text in enumerate(PAYLOADS.values()):
        quoted = _toml(text)
        (folder / f"{name_of_file(text)}.toml").write_text(
            f"""
name = {quoted}
provider = {quoted}
service = "mine"
[params.prompt]
kind = "text"
required = true
title = {quoted}
help = {quoted}
example = {quoted}
pattern = "x"
[params.{quoted}]
kind = "choice"
enum = [{quoted}, "b"]
help = {quoted}
[[models]]
slug = "mine-{number}"
action = "text_to_image"
title = {quoted}
[models.routes]
service = ["prompt", {quoted}]
""",
            encoding="utf-8",
        )
        # Each string that is refused is repeated in a sentence.
        (folder / f"bad-{number}.toml").write_text(
            f'name = "x"\n{quoted} = {quoted}\n[[models]]\nslug = {quoted}\n'
        )
    return _stage(home)


@door
def preferences(home: Path) -> Stage:
    """Values of config.toml that are taken."""
    file = home / ".config/runapi-tui/config.toml"
    file.parent.mkdir(parents=True)
    everything = _toml("".join(_taken()))
    lines = [f"viewer = {everything}", f"theme = {everything}", "[keys]"]
    lines += [f"{_toml(text)} = {_toml(text)}" for text in _taken()]
    lines += ["[profiles.other]", f"output = {everything}"]
    file.write_text("\n".join(lines))
    return _stage(home)


@door
def preferences_refused(home: Path) -> Stage:
    """Values of config.toml that no setting takes."""
    file = home / ".config/runapi-tui/config.toml"
    file.parent.mkdir(parents=True)
    everything = _toml("".join(PAYLOADS.values()))
    file.write_text(f"{_toml(''.join(_taken()))} = {everything}\n")
    return _stage(home)


@door
def variables(home: Path) -> Stage:
    everything = "".join(PAYLOADS.values())
    names = (
        "TERM_PROGRAM",
        "TERM_PROGRAM_VERSION",
        "LOGNAME",
        "USER",
        "SSH_CONNECTION",
    )
    return _stage(home, **dict.fromkeys(names, everything))


@door
def variables_refused(home: Path) -> Stage:
    everything = "".join(PAYLOADS.values())
    refused = {f"RUNAPI_TUI_{name.upper()}": everything for name in _odd_settings()}
    return _stage(home, **refused, RUNAPI_BASE_URL=f"https://{everything}")


def _odd_settings() -> list[str]:
    """Returns the settings of preferences that no text fits."""
    return [
        name
        for name, kind in Config.__annotations__.items()
        if kind in (bool, float, int) or get_args(kind)
        if name not in ("keys", "profiles", "poll_seconds")
    ]


@door
def keys_of_other_tools(home: Path) -> Stage:
    providers = {
        f"runapi {text}": {
            "baseUrl": f"https://runapi.ai/{text}",
            "apiKey": {"source": text, "id": text},
        }
        for text in PAYLOADS.values()
    } | {
        f"runapi{number}": {"baseUrl": text, "apiKey": text}
        for number, text in enumerate(PAYLOADS.values())
    }
    files = {
        ".openclaw/openclaw.json": {"models": {"providers": providers}},
        ".hermes/config.yaml": {
            "providers": {
                name: {"api": one["baseUrl"], "key_env": one["apiKey"]}
                for name, one in providers.items()
            }
        },
    }
    for name, content in files.items():
        path = home / name
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(content))
    return _stage(home)._replace(demo=False)


@door
def base_urls_refused(home: Path) -> Stage:
    file = home / ".config/runapi/config.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"api_key": "k", "base_url": "".join(_taken())}))
    return _stage(home)._replace(demo=False)


# ---- files


@door
def images(home: Path) -> Stage:
    for number, text in enumerate(PAYLOADS.values()):
        info = PngInfo()
        info.add_itxt(
            "parameters",
            f"{text}\nNegative prompt: {text}\nSteps: 2, Model: {text}, {text}: 1",
        )
        info.add_itxt(
            "prompt", json.dumps({text: {"class_type": text, "inputs": {text: text}}})
        )
        Image.new("RGB", (16, 16)).save(home / f"image-{number}.png", pnginfo=info)
    for number, text in enumerate(TOGETHER.values()):
        facts = {"prompt": text, "uc": text, text: text}
        forms = (
            {"Comment": json.dumps(facts), "Source": text},
            {"invokeai_metadata": json.dumps({"positive_prompt": text} | facts)},
            {"parameters": json.dumps({"sui_image_params": facts | {"model": text}})},
            {"parameters": json.dumps(facts | {"base_model": text})},
            {"Description": f"{text} --style {text} Job ID: 1", "Author": text},
        )
        for form, texts in enumerate(forms):
            info = PngInfo()
            for name, value in texts.items():
                info.add_itxt(name, value)
            file = home / f"image-other-{number}-{form}.png"
            Image.new("RGB", (16, 16)).save(file, pnginfo=info)
    return _stage(home)


@door
def names_of_folders(home: Path) -> Stage:
    folder = home / name_of_file("".join(PAYLOADS.values()))
    stage = _stage(
        home,
        XDG_CONFIG_HOME=str(folder),
        RUNAPI_TUI_OUTPUT=str(home / name_of_file("".join(_taken()))),
        HERMES_HOME=str(folder),
        OPENCLAW_HOME=str(folder),
    )
    _run(stage, ["generate", "z-image", "-p", "a lake"])
    return stage


@door
def favourites_and_prices(home: Path) -> Stage:
    """What earlier runs have left beside the queue and in the cache."""
    stage = _stage(home)
    state = stage.queue.parent
    cache = home / ".cache/runapi-tui/demo"
    for folder in (state, cache):
        folder.mkdir(parents=True)
    texts = list(PAYLOADS.values())
    for name in ("favourites.json", "confirmed.json"):
        (state / name).write_text(json.dumps([[text, text] for text in texts]))
    drafts = [
        {
            "action": action,
            "model": model,
            "values": {"prompt": text, text: text},
            "foreign": {"prompt": [text]},
        }
        for text in texts
        for action, model in (
            ("text_to_image", "flux-2-pro-text-to-image"),
            (text, text),
        )
    ]
    whole = "".join(texts)
    screen = {"layout": whole, "hidden": texts, "theme": whole, "recent": [[whole] * 2]}
    first = {"action": "text_to_image", "model": "flux-2-pro-text-to-image"}
    (state / "screen.json").write_text(json.dumps(screen | first | {"drafts": drafts}))
    prices = [{"service": text, "action": text, "model": text} for text in texts]
    listed = json.dumps({"price_schedules": prices, "as_of": "".join(texts)})
    (cache / "prices-runapi-demo.json").write_text(
        json.dumps({"text": listed, "etag": "".join(texts)})
    )
    return stage
