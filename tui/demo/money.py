"""The account, the prices and the list of models."""

import math
from hashlib import sha256
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tui.catalog.extra import from_body
from tui.catalog.load import Catalog
from tui.catalog.price import MICRO_PER_CENT
from tui.catalog.request import blank, check
from tui.catalog.spec import Model
from tui.demo.answers import JsonObject, invalid, read_object
from tui.demo.tasks import TaskRegistry, price

FILTERS = ("service", "action", "model")


class DemoAccount:
    """Endpoints that tell of money and never take any."""

    def __init__(self, catalog: Catalog, registry: TaskRegistry) -> None:
        self._catalog = catalog
        self._registry = registry
        self._schedules = [_schedule(model) for model in catalog.models]
        date = max(
            (model.price.as_of for model in catalog.models if model.price), default=""
        )
        self._as_of = f"{date or '1970-01-01'}T00:00:00.000000Z"

    async def me(self, request: Request) -> Response:
        account = {"id": 1, "name": "Demo"}
        return JSONResponse(
            {
                "id": 1,
                "name": "Demo",
                "email": "demo@runapi.invalid",
                "account": account,
            }
        )

    async def balance(self, request: Request) -> Response:
        left, spent, today = (
            micro // MICRO_PER_CENT for micro in self._registry.statement()
        )
        return JSONResponse(
            {
                "balance_cents": left,
                "paid_balance_cents": left,
                "bonus_balance_cents": 0,
                "spent_cents_today": today,
                "spent_cents_total": spent,
            }
        )

    async def models(self, request: Request) -> Response:
        slugs = dict.fromkeys(model.slug for model in self._catalog.models)
        return JSONResponse(
            {
                "object": "list",
                "data": [{"id": slug, "object": "model"} for slug in slugs],
            }
        )

    async def schedules(self, request: Request) -> Response:
        wanted = {
            name: request.query_params[name]
            for name in FILTERS
            if request.query_params.get(name)
        }
        found = [
            item
            for item in self._schedules
            if wanted.items() <= {n: item[n] for n in FILTERS}.items()
        ]
        body = msgspec.json.encode({"as_of": self._as_of, "price_schedules": found})
        etag = f'"{sha256(body).hexdigest()[:32]}"'
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers={"ETag": etag})
        return Response(body, headers={"ETag": etag}, media_type="application/json")

    async def quote(self, request: Request) -> Response:
        body = await read_object(request)
        service, action, slug = (body.get(name) for name in FILTERS)
        model = self._catalog.get(str(action), str(slug))
        if not model or model.service != service:
            invalid({"model": "is not a model of that service and action"})
        params: Any = body.get("params", {})
        if not isinstance(params, dict):
            invalid({"params": "must be an object"})
        route = model.routes["service"]
        given = {name: params[name] for name in params if not blank(params[name])}
        values = from_body(route, given)
        errors = check(model, route, values)
        wrong = {name: why for name, why in errors.items() if name in given}
        if wrong:  # it has no price, as it would be refused
            invalid(wrong)
        quote = {
            "service": service,
            "action": action,
            "model": slug,
            "pricing_status": "available",
            "currency": "USD",
            "reservation_amount_cents": math.ceil(
                price(model, values) / MICRO_PER_CENT
            ),
            "estimate_basis": "exact",
            "as_of": self._as_of,
        }
        return JSONResponse({"price_quote": quote})


def _schedule(model: Model) -> JsonObject:
    """A model's entry in the price list. One without a list price stands there with
    none.
    """
    listed = model.price
    overrides = (
        {key: _number(cents) for key, cents in listed.cases.items()} if listed else {}
    )
    return {
        "service": model.service,
        "action": model.action,
        "model": model.slug,
        "pricing_status": "available" if listed else "unavailable",
        "catalog_status": "active",
        "currency": "USD",
        "billing_unit": "per_call",
        "billing_strategy": "flat",
        "unit_price_cents": _number(listed.cents) if listed else None,
        "input_price_per_1m_cents": None,
        "output_price_per_1m_cents": None,
        "cache_read_price_per_1m_cents": None,
        "cache_write_price_per_1m_cents": None,
        "cache_write_5m_price_per_1m_cents": None,
        "cache_write_1h_price_per_1m_cents": None,
        "billing_config": {"key": listed.by, "overrides": overrides}
        if listed and listed.by
        else {},
    }


def _number(cents: float) -> int | float:
    """Whole cents as JSON integers, as the service writes them."""
    return int(cents) if cents == int(cents) else cents
