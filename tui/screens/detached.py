"""Work that must not hold on to the page that asked for it."""

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, TypeVar

T = TypeVar("T")


async def apart(work: Coroutine[Any, Any, T], context: Context | None = None) -> T:
    """What `work` answers or raises; to be cancelled with it. Runs in a copy of
    `context`, or in an empty one.

    Each task and timer keeps the context in which it was made. In that of a page's
    worker there are the page and the worker's arguments: a poll of hours, or a timeout
    that was called off, would keep the page as long as that.
    """
    return await asyncio.create_task(
        work, context=context.copy() if context else Context()
    )
