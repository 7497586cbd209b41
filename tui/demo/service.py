"""RunAPI's protocol as one ASGI app, for demos and tests: no key worth having, no
network.

`create_app` speaks both route families: the agent guides' `/v1/{action}` and the SDKs'
`/api/v1/{service}/{action}`. Requests are judged by the catalog, pictures are painted
by `tui.demo.paint`, everything is bounded and kept in memory, or in one file that
several processes share. `tui.demo.trouble` lists the words with which a prompt asks for
errors.
"""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tui.catalog.extra import from_body
from tui.catalog.load import Catalog
from tui.catalog.request import apply_rules, blank, check
from tui.catalog.spec import Model, RouteName, Values
from tui.demo import DEMO_KEY
from tui.demo.answers import (
    AnswerHeaders,
    Handler,
    JsonObject,
    Refusal,
    absolute,
    guarded,
    invalid,
    not_found,
    on_http_error,
    on_refusal,
    read_object,
    refuse,
)
from tui.demo.library import PromptLibrary
from tui.demo.money import DemoAccount
from tui.demo.pictures import Box, ResultFiles, image_params, piece_names, urls_of
from tui.demo.tasks import (
    DemoTask,
    Fingerprint,
    KeyTakenError,
    TaskRegistry,
    fingerprint,
)
from tui.demo.trouble import (
    EARLY_DOWNLOADS,
    LATE_POLLS,
    MISSING_SECONDS,
    Trouble,
    after_create,
    before_create,
    before_download,
    before_replay,
    failure,
    html_page,
    troubles_in,
)
from tui.demo.uploads import Uploads

# Families whose answers carry the untouched file beside the delivered one.
ORIGIN_SERVICES = ("imagen_4", "flux_kontext")
MEDIA_TYPES = {"png": "image/png", "jpg": "image/jpeg"}


@dataclass(frozen=True, kw_only=True)
class DemoOptions:
    """How the embedded service behaves."""

    delay: float = 4.0
    """Seconds of `clock` that a task takes, about; with 0 it is done at the first poll."""
    routes: Literal["both", "unified", "service"] = "both"
    api_key: str = DEMO_KEY
    balance_cents: int = 5000
    public_url: str = ""
    """What URLs in answers begin with; by default the base URL of the request."""
    clock: Callable[[], float] = time.time
    file: Path | None = None
    """Keeps tasks, uploaded files and the account; without it they are in memory."""


def create_app(catalog: Catalog, **options: Any) -> Starlette:
    """Returns the service; `options` are the fields of `DemoOptions`.

    Nothing is opened before the first request.
    """
    chosen = DemoOptions(**options)
    registry = TaskRegistry(
        delay=chosen.delay,
        balance_cents=chosen.balance_cents,
        clock=chosen.clock,
        catalog=catalog,
        file=chosen.file,
    )
    uploads = Uploads(registry.store)
    results = ResultFiles(registry, uploads)
    library = PromptLibrary(catalog)
    table = [
        *_account_routes(DemoAccount(catalog, registry), chosen.api_key),
        Route("/api/v1/prompts", library.search, methods=["GET"]),
        *_upload_routes(uploads, chosen.api_key),
        *_task_routes(catalog, registry, results, chosen),
        *FileHost(registry, uploads, results, library).routes(),
    ]
    app = Starlette(
        routes=table,
        middleware=[Middleware(AnswerHeaders)],
        exception_handlers={Refusal: on_refusal, HTTPException: on_http_error},
    )
    app.router.redirect_slashes = False
    app.state.public_url = chosen.public_url
    app.state.store = registry.store
    return app


def _account_routes(account: DemoAccount, api_key: str) -> list[Route]:
    return [
        _with_key("GET", "/api/v1/me", account.me, api_key),
        _with_key("GET", "/api/v1/me/balance", account.balance, api_key),
        Route("/api/v1/price_schedules", account.schedules, methods=["GET"]),
        Route("/api/v1/price_quotes", account.quote, methods=["POST"]),
        Route("/v1/models", account.models, methods=["GET"]),
    ]


def _upload_routes(uploads: Uploads, api_key: str) -> list[Route]:
    return [
        _with_key("POST", "/api/v1/files", uploads.create, api_key),
        _with_key("POST", "/api/v1/files/prepare", uploads.prepare, api_key),
        _with_key("POST", "/api/v1/files/confirm", uploads.confirm, api_key),
    ]


def _task_routes(
    catalog: Catalog,
    registry: TaskRegistry,
    results: ResultFiles,
    options: DemoOptions,
) -> list[Route]:
    """Returns the paths where tasks are created and polled."""
    key = options.api_key
    table = []
    names: tuple[RouteName, ...] = ("unified", "service")
    for name in names:
        if options.routes not in ("both", name):
            continue
        for path, models in _paths(catalog, name).items():
            endpoint = TaskEndpoint(name, models, registry, results)
            table.append(_with_key("POST", path, endpoint.create, key))
            table.append(_with_key("GET", f"{path}/{{task_id}}", endpoint.status, key))
    # Unified ids are known here too. Without that family there are none.
    anything = TaskEndpoint("unified", list(catalog.models), registry, results)
    table.append(_with_key("GET", "/v1/tasks/{task_id}", anything.status, key))
    return table


def _with_key(method: str, path: str, handler: Handler, api_key: str) -> Route:
    return Route(path, guarded(handler, api_key), methods=[method])


def _paths(catalog: Catalog, name: RouteName) -> dict[str, list[Model]]:
    """Where models are reached on a route family."""
    paths: dict[str, list[Model]] = {}
    for model in catalog.models:
        if name in model.routes:
            path = (
                f"/v1/{model.action}"
                if name == "unified"
                else f"/api/v1/{model.service}/{model.action}"
            )
            paths.setdefault(path, []).append(model)
    return paths


class TaskEndpoint:
    """One path where tasks are created and asked after."""

    def __init__(
        self,
        route: RouteName,
        models: list[Model],
        registry: TaskRegistry,
        pictures: ResultFiles,
    ) -> None:
        self._route = route
        self._models = {model.key: model for model in models}
        self._by_slug = {model.slug: model for model in models}
        self._registry = registry
        self._pictures = pictures

    async def create(self, request: Request) -> Response:
        body = await read_object(request)
        key = request.headers.get("idempotency-key", "").strip()
        if len(key) > 512:
            refuse(400, "Idempotency-Key has at most 512 characters.")
        origin = fingerprint(key, request.url.path, body)
        task = self._registry.replayed(origin)
        if not task:
            try:
                task = self._created(request, body, origin)
                return self._answer(
                    task, self._state(task, task.born) | {"status": "pending"}
                )
            except KeyTakenError:
                task = self._registry.replayed(origin) or not_found()
        for word in sorted(task.trouble):
            if (refusal := before_replay(word)) and self._registry.first(
                origin.name, word
            ):
                raise refusal
        return self._answer(
            task, {**self._state(task, self._registry.clock()), "task_replayed": True}
        )

    async def status(self, request: Request) -> Response:
        task = self._registry.find(request.path_params["task_id"])
        if not task or task.route != self._route or task.model.key not in self._models:
            not_found()
        if Trouble.FLAKY in task.trouble and self._registry.first(
            task.id, Trouble.FLAKY
        ):
            raise html_page(503, "Service Unavailable")
        if (
            Trouble.MISSING in task.trouble
            and self._registry.clock() - task.born < MISSING_SECONDS
        ):
            not_found()
        return self._answer(task, await self._told(request, task))

    def _created(self, request: Request, body: Values, origin: Fingerprint) -> DemoTask:
        trouble = troubles_in(body.get("prompt", ""))
        for word in sorted(trouble):
            if (refusal := before_create(word)) and self._registry.first(
                origin.name, word
            ):
                raise refusal
        model, values = self._judged(request, body)
        if Trouble.REFUSED in trouble:
            invalid({"prompt": "was refused, because it asked for demo:refused"})
        source_id = str(values.get("source_task_id", ""))
        source = self._registry.find(source_id) if source_id else None
        if source and not source.finished(self._registry.clock()):
            raise Refusal(
                409, {"error": {"code": "source_task_not_ready", "message": "wait"}}
            )
        task = self._registry.add(self._route, model, values, origin)
        for word in sorted(trouble):
            if refusal := after_create(word, task.id):
                raise refusal
        return task

    def _judged(self, request: Request, body: Values) -> tuple[Model, Values]:
        """The model and the values that are asked for, if the catalog allows them."""
        model = self._by_slug.get(str(body.get("model", "")))
        if not model:
            invalid(
                {
                    "model": "is required"
                    if "model" not in body
                    else "is not available here"
                }
            )
        values = {
            name: value
            for name, value in body.items()
            if name != "model" and not blank(value)
        }
        route = model.routes[self._route]
        # As the service, which may know parameters that the catalog doesn't
        values = from_body(route, values)
        errors = check(model, route, values)
        for name, param in apply_rules(model, route, values).params.items():
            # The catalog lets a form leave out what has a starting value; a body must
            # carry it.
            if param.required and name not in values:
                errors.setdefault(name, "is required")
        for name in image_params(model, self._route):
            for url in urls_of(values.get(name)):
                if not re.fullmatch(r"https?://[^\s/]\S*", url):
                    errors.setdefault(name, "must be an http or https URL")
                elif url.startswith(
                    absolute(request, "/files/")
                ) and not self._pictures.holds(url):
                    errors.setdefault(name, "can not be fetched")
        if errors:
            invalid(errors)
        return model, values

    def _state(self, task: DemoTask, now: float) -> JsonObject:
        """How a task is called and how far it is, in the words of its route family."""
        status = task.status(now)
        if self._route == "unified":
            return {"task_id": task.id, "status": status, "model": task.model.slug}
        return {"id": task.id, "status": status}

    async def _told(self, request: Request, task: DemoTask) -> JsonObject:
        """All that is known of a task."""
        now = self._registry.clock()
        state = self._state(task, now)
        if why := task.failure(now):
            return state | {"error": failure(why)}
        if not task.finished(now):
            return state
        late = Trouble.LATE in task.trouble and self._registry.first(
            task.id, Trouble.LATE, LATE_POLLS
        )
        names = [] if late else self._pictures.names(task)
        images = [self._image(request, task, name) for name in names]
        results = await self._shaped(task, images)
        if Trouble.JSON in task.trouble:
            results = {"response": {"body": json.dumps(state | results)}}
        return state | results | {"usage": {"cost": task.cost / 1_000_000}}

    async def _shaped(self, task: DemoTask, images: list[JsonObject]) -> JsonObject:
        """The images of a completed task as its action tells of them."""
        if task.model.action == "segment_map":
            named = enumerate(zip(images, piece_names(task), strict=False), 1)
            return {
                "segments": [
                    image | {"name": name, "index": number}
                    for number, (image, name) in named
                ]
            }
        if task.model.action != "decompose_layers":
            return {"images": images}
        if not images:
            return {"layers": []}
        parts = await self._pictures.parts(task)
        return {
            "base_image": images[0],
            "layers": [
                image
                | {
                    "z_index": number,
                    "bounding_box": bounding_box(parts[number].box, parts[0].box),
                    "name": name,
                    "description": f"What belongs to: {name}",
                }
                for number, (image, name) in enumerate(
                    zip(images[1:], piece_names(task), strict=True), 1
                )
            ],
        }

    def _image(self, request: Request, task: DemoTask, name: str) -> JsonObject:
        image = {"url": absolute(request, f"/files/results/{task.id}/{name}")}
        if task.model.service in ORIGIN_SERVICES:
            image["origin_url"] = absolute(request, f"/files/origins/{task.id}/{name}")
        return image

    def _answer(self, task: DemoTask, body: JsonObject) -> Response:
        return JSONResponse(body, headers={"X-RunAPI-Task-Id": task.id})


def bounding_box(box: Box, whole: Box) -> JsonObject:
    """Where a layer is: in pixels, and in thousandths of the picture."""
    wide, high = whole[2:]
    left, top, right, bottom = box
    shares = (left / wide, top / high, right / wide, bottom / high)
    return {"absolute": [*box], "normalized": [round(1000 * share) for share in shares]}


class FileHost:
    """Where files are read and written. In RunAPI a host of its own, so the key has no
    business here.
    """

    def __init__(
        self,
        registry: TaskRegistry,
        uploads: Uploads,
        pictures: ResultFiles,
        library: PromptLibrary,
    ) -> None:
        self._registry = registry
        self._uploads = uploads
        self._pictures = pictures
        self._library = library

    def routes(self) -> list[Route]:
        table: list[tuple[str, str, Handler]] = [
            ("PUT", "/files/uploads/{signed_id}", self._uploads.put),
            ("GET", "/files/temp/{name}", self._upload),
            ("GET", "/files/results/{task_id}/{name}", self._result),
            ("GET", "/files/origins/{task_id}/{name}", self._result),
            ("GET", "/files/prompts/{name}", self._library.preview),
        ]
        return [
            Route(path, _keyless(handler), methods=[method])
            for method, path, handler in table
        ]

    async def _upload(self, request: Request) -> Response:
        upload = self._uploads.find(request.path_params["name"]) or not_found()
        return Response(upload.data, media_type=upload.media_type)

    async def _result(self, request: Request) -> Response:
        name = request.path_params["name"]
        task, index = (
            self._pictures.find(request.path_params["task_id"], name) or not_found()
        )
        for word in sorted(task.trouble):
            early = before_download(word)
            if early and self._registry.first(
                f"{task.id}/{name}", word, EARLY_DOWNLOADS
            ):
                raise early
        media_type = MEDIA_TYPES[name.rpartition(".")[2]]
        return Response(await self._pictures.data(task, index), media_type=media_type)


def _keyless(handler: Handler) -> Handler:
    async def checked(request: Request) -> Any:
        if "authorization" in request.headers:
            refuse(400, "The API key must never be sent to a file host.")
        return await handler(request)

    return checked
