"""Writes a request as curl, as Python or as a command of this program; never a key."""

import keyword
import re
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from tui.catalog import request
from tui.catalog.image_items import images_in, show_images
from tui.catalog.load import Catalog
from tui.catalog.route import choose, translate
from tui.catalog.source_images import local_files, with_uploads
from tui.catalog.spec import Kind, Model, Param, Route, RouteName, Value, Values
from tui.demo import DEMO_URL
from tui.service.base_url import DEFAULT_BASE_URL
from tui.service.routes import status_paths, submit_path
from tui.system import shell
from tui.tasks.models import RequestUnknownError, find_model
from tui.tasks.task import Task
from tui.text import inert_json, one_line, plain

FORMS = {
    "curl": "curl: one command line",
    "httpx": "Python with httpx: a script that submits, waits and saves",
    "sdk": "Python with RunAPI's own SDK",
    "cli": "runapi-tui generate: the same by this program",
}

_STDIN = "-"
"""What `-p` takes for standard input; as a setting it is a prompt."""
# By service: the SDK's client in `runapi.<service>`, of the package `runapi-<service>`.
_SDK = {
    "flux_2": "Flux2Client",
    "flux_kontext": "FluxKontextClient",
    "gpt_4o_image": "Gpt4oImageClient",
    "gpt_image_2_5": "GptImage25Client",
    "grok_imagine": "GrokImagineClient",
    "imagen_4": "Imagen4Client",
    "midjourney": "MidjourneyClient",
    "qwen_2_1": "Qwen21Client",
    "seedream": "SeedreamClient",
    "topaz": "TopazClient",
    "z_image": "ZImageClient",
}
_METHOD = re.compile(r"[a-z][a-z0-9_]*")
_IMAGES = {
    "segment_map": 'answer["segments"]',
    "decompose_layers": '[answer["base_image"], *answer["layers"]]',
}


class SnippetRequest(Struct, frozen=True, kw_only=True):
    """A request of a draft or of a task."""

    model: Model
    route: RouteName
    values: Values
    body: Values
    """What is sent, with placeholders for local files until they are uploaded."""
    base_url: str
    ambiguous: bool
    """Whether the model's slug stands for several actions."""
    notes: tuple[str, ...] = ()
    """What to do before it can be sent from elsewhere, one sentence each.

    They are shown beside a command, never copied with it: a shell that is typed into may
    not know comments.
    """


def of_draft(
    model: Model, route: RouteName, values: Values, catalog: Catalog, base_url: str
) -> SnippetRequest:
    """Return the request of what is filled in."""
    files = _placeholders(path for _, path in local_files(model.routes[route], values))
    return SnippetRequest(
        model=model,
        route=route,
        values=values,
        body=request.body(
            model, model.routes[route], with_uploads(model.routes[route], values, files)
        ),
        base_url=base_url,
        ambiguous=sum(known.slug == model.slug for known in catalog.models) > 1,
        notes=tuple(
            f"Put a public URL of {_name(path)} in place of {files[path]}."
            for path in files
        ),
    )


def _placeholders(paths: Iterable[Path]) -> dict[Path, str]:
    """Return what stands for each file, in letters that mean nothing anywhere."""
    places: dict[Path, str] = {}
    for path in dict.fromkeys(paths):
        name = re.sub(r"[^\w.-]+", "-", path.name, flags=re.ASCII)[:60]
        place = f"URL-OF-{name}"
        if place in places.values():
            place = f"URL-OF-{len(places) + 1}-{name}"
        places[path] = place
    return places


def of_task(task: Task, catalog: Catalog, base_url: str) -> SnippetRequest:
    """Return a task's request, with its body as it is sent.

    `base_url` is the configured one, whatever the task has: the key belongs to that
    service only. Raises RequestUnknownError for a task that was made elsewhere.
    """
    if task.adopted:
        raise RequestUnknownError(task)
    model = find_model(catalog, task)
    if model is None or task.route not in model.routes:
        model = Model(
            family="",
            provider="",
            service=task.service,
            action=task.action,
            slug=task.model,
            title=task.model,
            routes={task.route: Route(task.route, ())},
        )
    asked = of_draft(model, task.route, task.values, catalog, base_url)
    if not task.body:
        return asked
    lost = dict.fromkeys(
        path for _, path in local_files(model.routes[task.route], task.values)
    )
    notes = tuple(
        f"The URL of {_name(path)} was good for an hour: put a new one in its place."
        for path in lost
    )
    return msgspec.structs.replace(
        asked, body=msgspec.json.decode(task.body), notes=notes
    )


def written(asked: SnippetRequest, form: str) -> str:
    """Return the request in one of `FORMS`, safe to show and to paste."""
    return {"curl": _curl, "httpx": _httpx, "sdk": _sdk, "cli": _generate}[form](asked)


def notes_beside(asked: SnippetRequest, form: str) -> tuple[str, ...]:
    """Return what to say beside the request; a script holds it as comments."""
    return asked.notes if form == "curl" else ()


def _curl(asked: SnippetRequest) -> str:
    """Return a command without an Idempotency-Key.

    With the task's own key, the service would answer with that same task. With a new
    one in the text, the command would work once, and then only seem to.
    """
    return " \\\n  ".join(
        [
            f"curl -X POST {shell.word(asked.base_url + _submit_path(asked))}",
            '-H "Authorization: Bearer $RUNAPI_API_KEY"',
            "-H 'Content-Type: application/json'",
            # Raw: otherwise text that begins with @ would be the name of a file.
            f"--data-raw {shell.quoted(inert_json(asked.body))}",
        ]
    )


def _generate(asked: SnippetRequest) -> str:
    model = asked.model
    route = model.routes[asked.route]
    slug = plain(model.slug)
    words = ["runapi-tui", "generate"]
    if not slug.startswith("-"):
        words.append(shell.word(slug))
    if not model.described:
        words += ["--service", shell.word(model.service)]
    if asked.ambiguous or not model.described:
        words += ["--action", shell.word(model.action)]
    if choose(model, asked.values) != asked.route:
        words += ["--api", asked.route]
    if asked.base_url == DEMO_URL:
        words.append("--demo")
    for name, value in asked.values.items():
        if name == "prompt" and value != _STDIN:
            words += ["-p", shell.quoted(str(value))]
        elif not request.blank(value) and value != {}:
            setting = f"{name}={_typed(route.param(name), value)}"
            words += ["-s", shell.word(setting)]
    if slug.startswith("-"):
        words += ["--", shell.word(slug)]
    return " ".join(words)


def _typed(param: Param | None, value: Value) -> str:
    """Return a value as a person types it, and `request.parse` reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and param and param.kind is Kind.IMAGES:
        return show_images(images_in(value))
    if isinstance(value, list) and param and param.kind is Kind.INTEGERS:
        return "\n".join(map(str, value))
    return value if isinstance(value, str) else inert_json(value)


def _httpx(asked: SnippetRequest) -> str:
    """Return a script that saves under names of its own, and replaces no file."""
    service, action = _names(asked.model)
    places = [place.path for place in status_paths(asked.route, service, action, "")]
    found = _IMAGES.get(asked.model.action, 'answer["images"]')
    trusted = ["https://"]
    if asked.base_url.startswith("http://"):
        trusted.append(f"{asked.base_url}/")  # a service of this machine
    return f"""\
import itertools
import os
import time
from urllib.parse import quote

import httpx

{_comments(asked.notes)}body = {_literal(asked.body)}
# Where to poll the task: the first that knows it.
places = {places!r}
# Where results may be. They are fetched without the key.
trusted = {tuple(trusted)!r}
types = {{"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}}


def fetch(url):
    for _ in range(10):
        if not url.startswith(trusted):
            raise SystemExit(f"Not fetched, because it is not https: {{url!a}}")
        file = httpx.get(url, timeout=60)
        if file.next_request is None:
            return file.raise_for_status()
        url = str(file.next_request.url)
    raise SystemExit("Not fetched: too many redirects.")


def save(file):
    ending = types.get(file.headers.get("Content-Type", "").split(";")[0], "bin")
    for number in itertools.count(1):
        name = f"runapi-{{number}}.{{ending}}"
        try:
            with open(name, "xb") as out:
                out.write(file.content)
            return name
        except FileExistsError:
            pass  # the next number is free


api = httpx.Client(
    base_url={asked.base_url!r},
    headers={{"Authorization": f"Bearer {{os.environ['RUNAPI_API_KEY']}}"}},
    timeout=60,
)
response = api.post({_submit_path(asked)!r}, json=body)
answer = response.raise_for_status().json()
task = str(answer.get("id") or answer["task_id"])
print(ascii(task))
while answer.get("status") not in ("completed", "failed"):
    time.sleep(2)
    answers = (api.get(place + quote(task, safe="")) for place in places)
    answer = next(one for one in answers if one.status_code != 404).raise_for_status().json()
if answer["status"] == "failed":
    raise SystemExit(ascii(answer.get("error")))
for image in {found}:
    print(save(fetch(image["url"])))
"""


def _sdk(asked: SnippetRequest) -> str:
    model = asked.model
    client = _SDK.get(model.service)
    is_method = _METHOD.fullmatch(model.action) and not keyword.iskeyword(model.action)
    if client is None or not is_method:
        # Nothing of the service's name: this line could name an encoding
        return "# runapi-tui knows no package of RunAPI's SDK for this model.\n"
    body = asked.body
    notes = asked.notes
    # The SDK only knows the service route
    if asked.route == "unified" and "service" in model.routes:
        own = {name: value for name, value in body.items() if name != "model"}
        values, unplaced = translate(model, own, "service")
        body = request.body(model, model.routes["service"], values)
        notes = (*notes, *unplaced.values())
    where = "" if asked.base_url == DEFAULT_BASE_URL else f"base_url={asked.base_url!r}"
    return f"""\
# pip install runapi-{model.service.replace("_", "-")}
from runapi.{model.service} import {client}

{_comments(notes)}params = {_literal(body)}
client = {client}({where})  # reads the key from RUNAPI_API_KEY
result = client.{model.action}.run(**params)
print(repr(result))
"""


def _submit_path(asked: SnippetRequest) -> str:
    return submit_path(asked.route, *_names(asked.model))


def _names(model: Model) -> tuple[str, str]:
    """Return service and action; as parts of a path they are quoted where it is made."""
    return _encodable(model.service), _encodable(model.action)


def _encodable(name: str) -> str:
    return name.encode(errors="replace").decode()


def _comments(notes: Iterable[str]) -> str:
    return "".join(f"# {one_line(note)}\n" for note in notes)


def _literal(body: Values) -> str:
    """Return a dict in Python, with one entry per line."""
    entries = "".join(f"    {name!r}: {value!r},\n" for name, value in body.items())
    return f"{{\n{entries}}}"


def _name(path: Path) -> str:
    return one_line(path.name, 80)
