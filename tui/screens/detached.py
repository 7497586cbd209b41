"""Work that must not hold on to the page that asked for it."""

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, TypeVar

T = TypeVar("T")


async def run_detached(
    work: Coroutine[Any, Any, T], context: Context | None = None
) -> T:
    """Returns or raises what `work` does, and is cancelled with it.

    The work runs in a copy of `context`, or in an empty one. Each asyncio task and
    timer keeps the context in which it was made, and that of a page's worker holds the
    page and the worker's arguments: a poll of hours, or a timeout that was called off,
    would keep the page as long as that.
    """
    return await asyncio.create_task(
        work, context=context.copy() if context else Context()
    )
