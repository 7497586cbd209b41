"""Runs work that must not keep the page alive that started it."""

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
    timer keeps the context in which it was made, and a worker's context refers to its
    page and arguments: a poll of hours, or a timer that was cancelled, would keep them
    in memory for as long.
    """
    return await asyncio.create_task(
        work, context=context.copy() if context else Context()
    )
