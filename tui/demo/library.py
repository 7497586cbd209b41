"""A small library of prompts, to be searched, with a painted preview of each."""

import io
from functools import cache
from pathlib import Path

import msgspec
from anyio import CapacityLimiter, to_thread
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tui.catalog.load import Catalog
from tui.catalog.spec import Values
from tui.demo.answers import JsonObject, absolute, invalid, not_found
from tui.demo.limited_cache import LimitedCache

PER_PAGE = 20
_PREVIEW = (384, 256)  # pixels
_KEPT = 64


_ACTION = "text_to_image"


class PromptLibraryEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A prompt, and the model that it is for."""

    title: str
    prompt: str
    model: str
    category: str
    tags: list[str]
    params: Values = {}


@cache
def entries() -> list[PromptLibraryEntry]:
    """All there are."""
    text = Path(__file__).with_name("prompts.toml").read_bytes()
    return msgspec.toml.decode(text, type=dict[str, list[PromptLibraryEntry]])[
        "prompts"
    ]


class PromptLibrary:
    """Endpoints that need no key and cost nothing."""

    def __init__(self, catalog: Catalog) -> None:
        self._services = {
            model.slug: model.service
            for model in catalog.models
            if model.action == _ACTION
        }
        self._painted: LimitedCache[int, bytes] = LimitedCache(_KEPT)
        self._painter = CapacityLimiter(1)

    async def search(self, request: Request) -> Response:
        asked = request.query_params
        page, per_page = (
            _number(asked.get("page"), 1),
            _number(asked.get("per_page"), PER_PAGE),
        )
        if not 1 <= page <= 10_000 or not 1 <= per_page <= 100:
            invalid({"page": "is out of range"})
        words = asked.get("q", "").lower().split()
        tags = {tag for tag in asked.get("tags", "").split(",") if tag}
        found = [
            self._told(request, number, entry)
            for number, entry in enumerate(entries(), 1)
            if asked.get("modality", "image") == "image"
            and asked.get("category", entry.category) == entry.category
            and asked.get("model", entry.model) == entry.model
            and asked.get("featured", "false") == "false"
            and tags <= set(entry.tags)
            and all(
                word in f"{entry.title} {entry.prompt} {' '.join(entry.tags)}".lower()
                for word in words
            )
        ]
        total = len(found)
        pages = {
            "page": page,
            "per_page": per_page,
            "total": total,
            "pages": -(-total // per_page),
        }
        return JSONResponse(
            {"prompts": found[(page - 1) * per_page :][:per_page], "pagination": pages}
        )

    async def preview(self, request: Request) -> Response:
        name = request.path_params["name"].removesuffix(".png")
        if not name.isdecimal() or not 1 <= int(name[:6]) <= len(entries()):
            not_found()
        data = await to_thread.run_sync(
            self._paint, int(name[:6]), limiter=self._painter
        )
        return Response(data, media_type="image/png")

    def _paint(self, number: int) -> bytes:
        data = self._painted.get(number)
        if data is None:
            from tui.demo.paint import paint  # loads PIL

            entry, file = entries()[number - 1], io.BytesIO()
            paint(
                model=entry.model, prompt=entry.prompt, seed=number, size=_PREVIEW
            ).save(file, "PNG")
            data = file.getvalue()
            self._painted.put(number, data)
        return data

    def _told(
        self, request: Request, number: int, entry: PromptLibraryEntry
    ) -> JsonObject:
        return {
            "id": number,
            "title": entry.title,
            "prompt": entry.prompt,
            "modality": "image",
            "service": self._services.get(entry.model),
            "action": _ACTION,
            "runapi_model": entry.model,
            "source_model": None,
            "source": "the embedded service",
            "source_url": f"https://prompts.example/{number}",
            "category": entry.category,
            "tags": entry.tags,
            "difficulty": None,
            "engagement": None,
            "params": entry.params,
            "preview_url": absolute(request, f"/files/prompts/{number}.png"),
            "featured": False,
        }


def _number(text: str | None, default: int) -> int:
    if not text:
        return default
    return int(text) if text.isdecimal() and len(text) < 9 else 0
