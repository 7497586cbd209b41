"""A request leaves as a command line or a script, and comes back as the same request;
the key stays at home.
"""

import ast
import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import hypothesis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from PIL import Image
from starlette.types import Receive, Scope, Send

from tests.app import past
from tests.every_command import every_command
from tests.loopback import serving
from tests.shells import each_shell
from tests.shells import run as typed
from tui.catalog import request
from tui.catalog.image_items import images_in, is_url
from tui.catalog.load import bundled
from tui.catalog.spec import Kind, Model, Param, RouteName, Value, Values
from tui.catalog.undescribed import undescribed
from tui.demo import DEMO_KEY, DEMO_URL
from tui.demo.service import create_app
from tui.exchange.pasted_command import MOST, PasteError, is_command, read
from tui.exchange.snippets import (
    FORMS,
    SnippetRequest,
    notes_beside,
    of_draft,
    of_task,
    written,
)
from tui.service.base_url import DEFAULT_BASE_URL
from tui.tasks.task import Task
from tui.text import plain

CATALOG = bundled()
ROUTES: list[tuple[Model, RouteName]] = [
    (model, route) for model in CATALOG.models for route in model.routes
]
IDS = [f"{model.slug}-{model.action}-{route}" for model, route in ROUTES]
PROMPT = (
    'It\'s a "fox",\n\t$HOME `pwd` $(id) \\n \\ 100% #1 !! 雪 🦊 {a|b} & co; -x @file\n'
)
Z = CATALOG.find("z-image")


def filled(model: Model, route: RouteName) -> Values:
    """A value for everything that this model takes at once."""
    values: Values = {}
    for param in model.routes[route].params:
        if not request.check(
            model, model.routes[route], values | {param.name: example(param)}
        ).get(param.name):
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
        Kind.IMAGE: "https://x.example/a+b.png?c='d'",
        Kind.IMAGES: [
            f"https://x.example/{n}.png"
            for n in range(max(1, min(2, param.max_items or 1)))
        ],
        Kind.INTEGERS: [1, 2],
        Kind.JSON: [[[1, 2, 3, 4]]]
        if param.name == "bbox_list"
        else [{"hex": "#ff0000", "ratio": "100.00%"}],
        Kind.TASK: "tsk_1",
    }
    return param.enum[-1] if param.enum else values[param.kind]


def draft(
    model: Model, route: RouteName, values: Values, base_url: str = DEFAULT_BASE_URL
) -> SnippetRequest:
    return of_draft(model, route, values, CATALOG, base_url)


def task(values: Values, **fields: Any) -> Task:
    return past(
        "", **{"values": values, "model": "z-image", "service": "z_image"} | fields
    )


@pytest.mark.parametrize(("model", "route"), ROUTES, ids=IDS)
@pytest.mark.parametrize("form", ["curl", "cli"])
def test_every_models_request_comes_back_as_it_was(
    model: Model, route: RouteName, form: str
) -> None:
    values = filled(model, route)
    assert (
        "prompt" not in {param.name for param in model.routes[route].params}
        or values["prompt"] == PROMPT
    )
    back = read(written(draft(model, route, values), form), CATALOG)
    assert (back.model, back.route, back.unused) == (model, route, ())
    body = request.body(model, model.routes[route], values)
    assert request.body(model, model.routes[route], back.values) == body


@pytest.mark.parametrize(("model", "route"), ROUTES, ids=IDS)
def test_every_models_scripts_are_python(model: Model, route: RouteName) -> None:
    for form in ("httpx", "sdk"):
        compile(written(draft(model, route, filled(model, route)), form), form, "exec")


def test_the_body_of_a_task_is_kept_to_the_letter() -> None:
    body = '{"model": "z-image", "prompt": "ü \\" \\n", "strength": 0.10, "unheard_of": [1, {"a": null}]}'
    asked = of_task(
        task({"prompt": "other"}, body=body.encode()), CATALOG, DEFAULT_BASE_URL
    )
    assert shell(written(asked, "curl"))[-1] == body.replace("0.10", "0.1")


def shell(line: str) -> list[str]:
    """The words of a line as bash reads it, with a key in the environment."""
    code = f'curl() {{ printf \'%s\\0\' "$@"; }}; runapi-tui() {{ curl "$@"; }}\n{line}'
    env = {"RUNAPI_API_KEY": "sesame", "LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]}
    said = subprocess.run(
        ["bash", "-c", code], capture_output=True, check=True, env=env
    )
    return said.stdout.decode().split("\0")[:-1]


def test_what_a_terminal_might_obey_is_written_as_escapes() -> None:
    hostile = "a\x1b[201~;rm -rf ~\x07\x9b31m\u202eb\\'"
    asked = draft(Z, "service", {"prompt": hostile, "aspect_ratio": "1:1"})
    for form in FORMS:
        text = written(asked, form)
        assert plain(text) == text
    words = shell(written(asked, "curl"))
    assert "Authorization: Bearer sesame" in words
    assert json.loads(words[-1])["prompt"] == hostile
    # In the form it is clean as well; dash and fish have no way to spell these
    assert plain(hostile) in shell(written(asked, "cli"))


def test_the_key_goes_where_it_belongs_whatever_a_task_says() -> None:
    foreign = task(
        {"prompt": "x"},
        base_url="https://evil.example",
        service="flux_2",
        action="run(); import os; os.system",
        body=b'{"model": "x"}',
    )
    asked = of_task(foreign, CATALOG, DEFAULT_BASE_URL)
    for form in FORMS:
        assert "evil.example" not in written(asked, form)
    assert "import os" not in written(asked, "sdk")
    assert (
        shell(written(asked, "curl"))[2]
        == f"{DEFAULT_BASE_URL}/v1/run%28%29%3B%20import%20os%3B%20os.system"
    )


def test_a_local_file_is_told_and_left_out() -> None:
    model = CATALOG.find("recraft-crisp-upscale")
    asked = draft(model, "service", {"source_image_url": "/tmp/my cat.png"})
    line = written(asked, "curl")
    assert json.loads(shell(line)[-1])["source_image_url"] == "URL-OF-my-cat.png"
    assert notes_beside(asked, "curl") == (
        "Put a public URL of my cat.png in place of URL-OF-my-cat.png.",
    )
    assert notes_beside(asked, "cli") == ()
    assert read(line, CATALOG).unused == ("source_image_url (a file of this machine)",)
    assert read(written(asked, "cli"), CATALOG).values == {
        "source_image_url": "/tmp/my cat.png"
    }
    sent = past(
        "",
        model=model.slug,
        action=model.action,
        service=model.service,
        route="service",
        values=asked.values,
    )
    sent = structs.replace(
        sent,
        body=b'{"model": "recraft-crisp-upscale", "source_image_url": "https://f.example/1"}',
    )
    assert "my cat.png was good for an hour" in written(
        of_task(sent, CATALOG, DEFAULT_BASE_URL), "httpx"
    )


def test_the_sdk_gets_the_names_of_its_own_route() -> None:
    asked = draft(
        CATALOG.find("flux-kontext-pro"),
        "unified",
        {"prompt": "x", "image_url": "https://x.example/a"},
    )
    assert "'source_image_url': 'https://x.example/a'" in written(asked, "sdk")
    told = written(draft(Z, "unified", {"prompt": "x", "size": "64x64"}), "sdk")
    assert "# This service's route has no parameter size" in told
    assert "'aspect_ratio': '1:1'" in told  # which is needed there
    assert "knows no package" in written(
        draft(CATALOG.find("wan-2.7-image"), "service", {"prompt": "x"}), "sdk"
    )


def test_the_line_says_what_alone_it_does_not_know() -> None:
    assert (
        " --action edit_image "
        in written(
            draft(CATALOG.find("gpt-image-2", "edit_image"), "service", {}), "cli"
        )
        + " "
    )
    values: Values = {"prompt": "x"}
    assert "--api service" in written(
        draft(CATALOG.find("imagen-4"), "service", values), "cli"
    )
    assert "--api" not in written(
        draft(CATALOG.find("imagen-4"), "unified", values), "cli"
    )
    assert "--demo" in written(draft(Z, "unified", values, DEMO_URL), "cli")


# ---- in every shell


NASTY = [
    *("$(touch x)", "`touch x`", "a; touch x", "'; touch x; '", '"; touch x; "', "!!"),
    *("=ls", "~root", "-o/etc/x", "--out=/etc/x", "%0a", "\\", "\\\\", "\\'", "end\\"),
    *("a\nb", "# $(touch x)\n# `touch x`", "🦊 雪", "it's", "''", "G", "@/etc/passwd"),
    *("a\u202eb", "nul\0", "a\x1b[201~\rtouch x\n", "\x9b31mx", "{a,b}", "*", "$HOME"),
    "'x\\\n\"$(touch x)" * 6_000,
]


def pasted(shell: str, texts: list[str], folder: Path) -> list[list[str]]:
    assert all(plain(text, len(text)) == text for text in texts)
    return typed(shell, "\n".join(texts), folder)


@each_shell()
def test_no_prompt_acts_where_it_is_pasted(shell: str, tmp_path: Path) -> None:
    asked = [draft(Z, "unified", {"prompt": prompt}) for prompt in NASTY]
    curls = pasted(shell, [written(one, "curl") for one in asked], tmp_path)
    assert [json.loads(words[-1])["prompt"] for words in curls] == NASTY
    assert {tuple(words[:-2]) for words in curls} == {
        (
            *("curl", "-X", "POST"),
            "https://runapi.ai/v1/text_to_image",
            *("-H", "Authorization: Bearer sesame"),
            *("-H", "Content-Type: application/json"),
        )
    }
    commands = pasted(shell, [written(one, "cli") for one in asked], tmp_path)
    assert commands == [
        ["runapi-tui", "generate", "z-image", "-p", plain(prompt, len(prompt))]
        for prompt in NASTY
    ]


@each_shell()
def test_no_file_name_acts_where_it_is_pasted(shell: str, tmp_path: Path) -> None:
    model = CATALOG.find("recraft-crisp-upscale")
    paths = [f"/x/{name.replace('/', '_')[:200]}.png" for name in NASTY]
    asked = [draft(model, "service", {"source_image_url": path}) for path in paths]
    curls = pasted(shell, [written(one, "curl") for one in asked], tmp_path)
    for words in curls:
        place = json.loads(words[-1])["source_image_url"]
        assert re.fullmatch(r"URL-OF-[\w.-]*", place, re.ASCII)
    commands = pasted(shell, [written(one, "cli") for one in asked], tmp_path)
    assert commands == [
        [
            *("runapi-tui", "generate", "recraft-crisp-upscale"),
            *("-s", f"source_image_url={plain(path)}"),
        ]
        for path in paths
    ]


@each_shell()
def test_no_name_of_a_task_acts_where_it_is_pasted(shell: str, tmp_path: Path) -> None:
    names = [*(name[:200] for name in NASTY), "\0-o/etc/x"]
    asked = [
        of_task(
            task({"prompt": "x", name: name}, model=name, service=name, action=name),
            CATALOG,
            DEFAULT_BASE_URL,
        )
        for name in names
    ]
    curls = pasted(shell, [written(one, "curl") for one in asked], tmp_path)
    for words in curls:
        assert re.fullmatch(r"https://runapi\.ai/v1/[\w%.~-]+", words[3], re.ASCII)
    commands = pasted(shell, [written(one, "cli") for one in asked], tmp_path)
    for name, words in zip(names, commands, strict=True):
        place = -1 if plain(name).startswith("-") else 2
        assert words[place] == plain(name)
        assert not plain(name) or f"{plain(name)}={plain(name)}" in words


def test_two_files_have_two_places() -> None:
    model = CATALOG.find("gpt-image-2", "edit_image")
    names: Values = {"source_image_urls": ["/x/雪.png", "/x/狐.png", "/x/雪.png"]}
    asked = draft(model, "service", names)
    places = asked.body["source_image_urls"]
    assert isinstance(places, list)
    first, second, third = places
    assert first == third != second
    assert [note.split()[-1] for note in asked.notes] == [f"{first}.", f"{second}."]


@pytest.mark.parametrize(
    "name",
    [
        "x\nimport os",
        "x\u2028import os",
        "x\fimport os",
        "coding: utf-7 +AAo-import os",
        "-*- coding: utf-7 -*- +AAo-import os",
        "'" * 3 + '"""',
        "a\ud800",
        "import",
    ],
)
def test_a_script_is_nothing_but_the_request(name: str) -> None:
    model = CATALOG.find("recraft-crisp-upscale")
    named = task({"prompt": name, name: name}, model=name, service=name, action=name)
    requests = [
        draft(model, "service", {"source_image_url": f"/tmp/{name}.png"}),
        draft(CATALOG.find("flux-kontext-pro"), "service", {"prompt": name}),
        of_task(named, CATALOG, DEFAULT_BASE_URL),
        of_task(structs.replace(named, service="z_image"), CATALOG, DEFAULT_BASE_URL),
    ]
    for asked in requests:
        assert imported(written(asked, "sdk")) == []
        usual = ["itertools", "os", "time", "httpx"]
        assert imported(written(asked, "httpx")) == usual


def imported(script: str) -> list[str]:
    """The modules of a script, in the encoding that it says it has."""
    return [
        alias.name
        for node in ast.walk(ast.parse(script.encode()))
        if isinstance(node, ast.Import)
        for alias in node.names
    ]


# ---- against the service


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving(create_app(CATALOG, delay=0)) as url:
        yield url


def ran(words: list[str], folder: Path, server: str) -> str:
    env = {
        **os.environ,
        "RUNAPI_API_KEY": DEMO_KEY,
        "RUNAPI_BASE_URL": server,
        "NO_PROXY": "*",
    }
    said = subprocess.run(
        words,
        capture_output=True,
        text=True,
        cwd=folder,
        env=env,
        timeout=60,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    return said.stdout


def asked_of(server: str, route: RouteName) -> SnippetRequest:
    size: Values = {"aspect_ratio": "16:9"} if route == "service" else {"size": "64x64"}
    return draft(Z, route, {"prompt": PROMPT, **size}, server)


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")
@pytest.mark.parametrize("route", ["unified", "service"])
def test_curl_itself_makes_the_task(
    server: str, tmp_path: Path, route: RouteName
) -> None:
    line = written(asked_of(server, route), "curl").replace(
        "curl ", "curl -sS --fail ", 1
    )
    assert '"pending"' in ran(["bash", "-c", line], tmp_path, server)


def test_the_script_submits_waits_and_saves(server: str, tmp_path: Path) -> None:
    code = written(asked_of(server, "unified"), "httpx").replace("sleep(2)", "sleep(0)")
    assert DEMO_KEY not in code
    (tmp_path / "runapi-1.png").write_text("mine")
    (tmp_path / "runapi-2.png").symlink_to(tmp_path / "elsewhere.png")
    *_, name = ran([sys.executable, "-c", code], tmp_path, server).split()
    assert name == "runapi-3.png"
    with Image.open(tmp_path / name) as image:
        assert image.size == (64, 64)
    assert (tmp_path / "runapi-1.png").read_text() == "mine"
    assert not (tmp_path / "elsewhere.png").exists()


class Hostile:
    """A service whose task has an id that leads elsewhere, and whose results do too."""

    def __init__(self) -> None:
        self.url = ""
        self.result = "/result"
        self.asked: list[tuple[str, bool]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["raw_path"].decode()
        has_key = b"authorization" in dict(scope["headers"])
        self.asked.append((path, has_key))
        answer: Values = {"id": "../../x", "status": "processing"}
        status, kind = 200, "../../png; x=/../y"
        headers = []
        if scope["method"] == "GET":
            url = f"{self.url}{self.result}"
            answer = {"status": "completed", "images": [{"url": url}]}
        if path == "/away":
            status = 302
            headers = [(b"location", b"http://127.0.0.1.nip.example/secret")]
        headers.append((b"content-type", kind.encode()))
        await send(
            {"type": "http.response.start", "status": status, "headers": headers}
        )
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    service = Hostile()
    with serving(service) as url:
        service.url = url
        yield service


def test_the_script_writes_under_its_own_names(
    hostile: Hostile, tmp_path: Path
) -> None:
    code = written(asked_of(hostile.url, "service"), "httpx")
    folder = tmp_path / "a" / "b" / "c"
    folder.mkdir(parents=True)
    code = code.replace("sleep(2)", "sleep(0)")
    said = ran([sys.executable, "-c", code], folder, hostile.url)
    assert said.split() == ["'../../x'", "runapi-1.bin"]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [
        "runapi-1.bin"
    ]
    assert hostile.asked == [
        ("/api/v1/z_image/text_to_image", True),
        ("/api/v1/z_image/text_to_image/..%2F..%2Fx", True),
        ("/result", False),
    ]


def test_the_script_fetches_results_by_https_alone(
    hostile: Hostile, tmp_path: Path
) -> None:
    code = written(asked_of(hostile.url, "service"), "httpx")
    hostile.result = "/away"
    said = subprocess.run(
        [sys.executable, "-c", code.replace("sleep(2)", "sleep(0)")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "RUNAPI_API_KEY": DEMO_KEY, "NO_PROXY": "*"},
        timeout=60,
        check=False,
    )
    assert said.returncode == 1
    assert said.stderr == (
        "Not fetched, because it is not https: 'http://127.0.0.1.nip.example/secret'\n"
    )


def test_the_sdks_script_runs(server: str, tmp_path: Path) -> None:
    said = ran(
        [sys.executable, "-c", written(asked_of(server, "service"), "sdk")],
        tmp_path,
        server,
    )
    assert "completed" in said


def test_a_task_is_copied_without_a_screen(server: str, tmp_path: Path) -> None:
    line = written(asked_of(server, "service"), "cli").replace(
        "runapi-tui", f"{sys.executable} -m tui", 1
    )
    root = Path(__file__).parents[2]
    made = json.loads(
        ran(["bash", "-c", line + " --json --out " + str(tmp_path)], root, server)
    )
    assert made["prompt"] == PROMPT
    said = ran(
        [sys.executable, "-m", "tui", "task", made["id"], "--as", "curl"], root, server
    )
    assert said == written(asked_of(server, "service"), "curl") + "\n"


# ---- what others have written


DATA = '{"model": "z-image", "prompt": "a fox", "aspect_ratio": "16:9"}'
IN_DOUBLE = DATA.replace('"', '\\"').replace(", ", ",\\\n")
URL = "https://runapi.ai/api/v1/z_image/text_to_image"
WANTED: Values = {"prompt": "a fox", "aspect_ratio": "16:9"}


@pytest.mark.parametrize(
    "line",
    [
        f"curl {URL} -d '{DATA}'",
        f"$ curl -sSLk --request POST --url {URL}?x=1 --header 'Authorization: Bearer sk-1' --data '{DATA}' | jq",
        f"curl  -XPOST \\\r\n  \"{URL}\" \\\n -H 'Content-Type: application/json' \\  \n --json '{DATA}' > a",
        f"curl.exe --compressed -o a.json -m 20 --retry 3 -d'{DATA}' {URL}",
        f"curl -H @keys -u me:you --data-raw '{DATA}' -- localhost:8000/proxy/api/v1/z_image/text_to_image/",
        f"curl '{URL}' \\\n -H 'cookie: a=b' \\\n --data-binary $'"
        r'{"model":"z-image","prompt":"a\u0020f\x6fx","aspect_ratio":"16\u003a9"}'
        "' \\\n --compressed ;\n curl other",
        f'curl {URL} -d "{IN_DOUBLE}"',
        "runapi-tui generate -paf\\ ox --prompt='a fox' z-image -s aspect_ratio=16:9 --json --no-wait # why",
        "runapi-tui generate z-image 'a fox' -s aspect_ratio=16:9 --demo",
    ],
)
def test_lines_from_anywhere_are_understood(line: str) -> None:
    assert is_command(line)
    found = read(line, CATALOG)
    assert (found.model, found.values, found.unused) == (Z, WANTED, ())


def test_ansi_quoting_as_browsers_write_it() -> None:
    told = r"$'{\"model\":\"z-image\",\"prompt\":\"it\'s \ud83e\udd8a \xc3\xbc \xfc \n \\n \U0001F98A\"}'"
    told = told.replace(r"\n \\n", r"\\n")
    assert (
        read(f"curl {URL} --data-raw {told}", CATALOG).values["prompt"]
        == "it's 🦊 ü ü \n 🦊"
    )


def test_what_has_no_place_is_named() -> None:
    data = {
        "model": "z-image",
        "prompt": "x",
        "aspect_ratio": "7:5",
        "seed": 1,
        "callback_url": {"a": 1},
        "size": None,
    }
    found = read(f"curl {URL} -d '{json.dumps(data)}'", CATALOG)
    assert (found.values, found.unused) == (
        {"prompt": "x", "+": {"seed": 1, "aspect_ratio": "7:5"}},
        ("callback_url",),
    )
    line = (
        "runapi-tui generate --key order-7 --input body.json z-image -p 'a\x1b[31m b'"
        " -n 4 --vary size=1 --expand -s nothing=1"
    )
    found = read(line, CATALOG)
    assert (found.values, found.unused) == (
        {"prompt": "a b"},
        ("key", "input", "count", "vary", "expand", "nothing"),
    )


def test_every_option_of_generate_is_used_or_named() -> None:
    """None takes the next word as the model, and none vanishes."""
    elsewhere = {"set", "prompt", "action", "service", "preset"}
    silent = {"api", "unchecked", "json", "no-wait", "images", "demo"}
    options = [
        param
        for param in every_command()["generate"].params
        if isinstance(param, click.Option)
    ]
    for param in options:
        name = param.opts[-1].removeprefix("--")
        for option in param.opts if name not in elsewhere else ():
            value = "" if param.is_flag else "7"
            found = read(
                f"runapi-tui generate {option} {value} z-image 'a fox'", CATALOG
            )
            assert (found.model, found.values) == (Z, {"prompt": "a fox"}), option
            assert found.unused == (() if name in silent else (name,)), option
    with pytest.raises(PasteError, match="in a preset"):
        read("runapi-tui generate --preset mine 'a fox'", CATALOG)


def test_what_goes_past_the_catalog_comes_back() -> None:
    beyond = undescribed("nova_2", "text_to_image", "nova-2-pro")
    asked: list[tuple[Model, Values]] = [
        (Z, {"prompt": "a fox", "+": {"style": "ink", "steps": [1, {"a": None}]}}),
        (beyond, {"prompt": "a fox", "+": {"strength": 0.5}}),
    ]
    for model, values in asked:
        route = next(iter(model.routes))
        back = read(written(draft(model, route, values), "cli"), CATALOG)
        assert (back.model.slug, back.model.service) == (model.slug, model.service)
        assert (back.values, back.unused) == (values, ())
    line = "runapi-tui generate z-image x -s aspect_ratio=7:5 -s new=1 --unchecked"
    found = read(line, CATALOG)
    assert found.values == {"prompt": "x", "+": {"aspect_ratio": "7:5", "new": 1}}
    again = read(written(draft(Z, "unified", found.values), "cli"), CATALOG)
    assert again.values == found.values


def test_no_file_hides_among_the_extra_parameters_of_a_paste() -> None:
    line = (
        "runapi-tui generate flux-2-pro-remix-image x"
        """ -s '+={"source_image_urls": ["/etc/passwd"]}'"""
    )
    found = read(line, CATALOG)
    assert (found.values, found.unused) == ({"prompt": "x"}, ("extra parameters",))


def test_a_crowd_of_names_is_soon_over() -> None:
    data = json.dumps(
        {"model": "z-image"} | {f"name{number}": 1 for number in range(50_000)}
    )
    found = read(f"curl {URL} -d '{data}'", CATALOG)
    assert (found.values, found.unused) == ({}, ("extra parameters",))


def test_a_pasted_curl_of_a_model_beyond_the_catalog() -> None:
    model = undescribed("nova_2", "text_to_image", "nova-2-pro")
    values: Values = {"prompt": "a fox", "+": {"style": "ink"}}
    back = read(written(draft(model, "service", values), "curl"), CATALOG)
    assert (back.model.service, back.model.slug) == ("nova_2", "nova-2-pro")
    assert (back.values, back.unused) == (values, ())


def test_no_file_hides_in_a_pasted_curl() -> None:
    body: Values = {"model": "flux-2-pro-remix-image", "prompt": "x"}
    body["source_image_urls"] = ["/etc/passwd"]
    model = CATALOG.find("flux-2-pro-remix-image")
    url = f"https://api.example/v1/{model.action}"
    found = read(f"curl {url} -d '{json.dumps(body)}'", CATALOG)
    assert found.values == {"prompt": "x"}
    assert "source_image_urls" in found.unused[0]


@pytest.mark.parametrize(
    "text",
    [
        "curl of smoke over hills",
        "a curl https://x",
        "curly https://x",
        "runapi-tui is",
    ],
)
def test_a_prompt_is_no_command(text: str) -> None:
    assert not is_command(text)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (f"curl {URL} -d @body.json", "isn't opened"),
        (f"curl {URL}", "no data"),
        (f"curl -X GET {URL} -d '{DATA}'", "is a GET"),
        (
            f"curl https://api.example/v1/images/generations -d '{DATA}'",
            "not one at which",
        ),
        (f"curl {URL} -d '[1]'", "not a JSON object"),
        (f"curl {URL} -d 'a=b' -d c", "not a JSON object"),
        (f"curl {URL} -d '{'[' * 100_000}'", "nested too deeply"),
        (f"curl {URL} -d '{{\"seed\": {'9' * 5000}}}'", "not a JSON object"),
        (f'curl {URL} -d \'{{"model": "x\\u001b[31m"}}\'', "no model x at"),
        (f"curl {URL} -d '{DATA}", "end is missing"),
        (f"curl {URL} \\", "end is missing"),
        ("curl https://x", "not one at which"),
        ("curl " + "x" * MOST, "too long"),
        ("runapi-tui generate ", "names no model"),
        ("runapi-tui generate z-imag", "Did you mean z-image"),
        ("runapi-tui generate gpt-image-2", "choose one with --action"),
        ("runapi-tui generate imagen-4 -s seed=x", "not a whole number"),
        ("runapi-tui generate imagen-4 -s seed", "name=value"),
    ],
    ids=lambda told: ascii(told)[:40],
)
def test_what_is_no_request_is_refused_with_a_sentence(line: str, why: str) -> None:
    with pytest.raises(PasteError, match=why) as refused:
        read(line, CATALOG)
    assert plain(refused.value) == str(refused.value)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    st.text(
        st.sampled_from("'\"\\$ \n#|{}[]:,a-dHX1u/")
        | st.characters(exclude_categories=()),
        max_size=60,
    )
)
def test_nothing_pasted_raises_anything_else(text: str) -> None:
    for line in (
        f"curl {URL} {text}",
        f"curl {URL} -d '{DATA}' {text}",
        f"runapi-tui generate z-image {text}",
    ):
        is_command(line)
        with contextlib.suppress(PasteError):
            read(line, CATALOG)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    st.text(
        st.sampled_from("'\"\\$`! \n#=~{}[]*-x") | st.characters(),
        min_size=1,
        max_size=40,
    ).filter(lambda text: text.strip() and "\0" not in text and plain(text) == text)
)
@hypothesis.example("-")
def test_any_prompt_comes_back(prompt: str) -> None:
    for form in ("curl", "cli"):
        assert read(
            written(draft(Z, "unified", {"prompt": prompt}), form), CATALOG
        ).values == {"prompt": prompt}


IMAGE_PARTS = (
    *("https://x/a.png", "/etc/passwd", "~/.ssh/id_rsa", "a b.png", ", ", ",", '"'),
    *("\n", "'", "\\", "$HOME", "`id`", " ", "#", "\u202f", "é"),
)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(
    st.lists(
        st.lists(st.sampled_from(IMAGE_PARTS), min_size=1, max_size=5).map("".join),
        min_size=1,
        max_size=4,
    )
)
def test_no_image_becomes_another_one_on_its_way_as_a_command(
    images: list[str],
) -> None:
    """What was a URL never comes back as a file that would be uploaded."""
    model = CATALOG.find("flux-2-pro-remix-image")
    values: Values = {"prompt": "x", "source_image_urls": images}
    if request.check(model, model.routes["unified"], values):
        return
    kept = images_in(images)
    asked = draft(model, "unified", values)
    back = read(written(asked, "cli"), CATALOG)
    assert back.values["source_image_urls"] == kept
    curl = read(written(asked, "curl"), CATALOG)
    expected = kept if all(map(is_url, kept)) else None
    assert curl.values.get("source_image_urls") == expected


@pytest.mark.parametrize(
    "item",
    [
        "https://x/a.png\n/home/me/.ssh/id_rsa\nhttps://x/0.png",
        "https://x/a.png, /home/me/.ssh/id_rsa",
        "https://x/a.png\r/home/me/.ssh/id_rsa",
        "https://x/a.png\u2028/home/me/.ssh/id_rsa",
        "https://x/a.png\x1b[2J",
        "https://x/\u202egnp.a",
    ],
)
@pytest.mark.parametrize("in_list", [True, False])
def test_a_pasted_curl_names_no_file_of_this_machine(item: str, in_list: bool) -> None:
    listed: list[Value] = [[item], ["https://x/b.png", item], [["https://x"], item]]
    alone: list[Value] = [item, {"a": item}, f"https://x/{item}"]
    for value in listed if in_list else alone:
        body = {"model": "gpt-image-2", "prompt": "x", "source_image_urls": value}
        data = shlex.quote(json.dumps(body))
        url = "https://runapi.ai/api/v1/gpt_image_2/edit_image"
        found = read(f"curl {url} --json {data}", CATALOG)
        assert found.values == {"prompt": "x"}
        assert found.unused == ("source_image_urls",)


@pytest.mark.parametrize(
    ("items", "urls", "why"),
    [
        (["~/.ssh/id_rsa"], [], "a file of this machine"),
        (["https://x/b.png", "fox.png"], ["https://x/b.png"], "a file of this machine"),
        (
            ["a.png", "https://x/1.png", "URL-OF-b.png", "https://x/2.png"],
            ["https://x/1.png", "https://x/2.png"],
            "2 files of this machine",
        ),
    ],
)
def test_the_urls_of_a_list_stay_and_its_files_are_left_out_with_the_reason(
    items: list[str], urls: list[str], why: str
) -> None:
    body = {"model": "gpt-image-2", "prompt": "x", "source_image_urls": items}
    url = "https://runapi.ai/api/v1/gpt_image_2/edit_image"
    found = read(f"curl {url} --json {shlex.quote(json.dumps(body))}", CATALOG)
    assert found.values.get("source_image_urls", []) == urls
    assert found.unused == (f"source_image_urls ({why})",)
