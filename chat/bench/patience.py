"""Database work of the bench that outlasts a short absence of the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from chat.database import AWAY, run_in_pool

AGAIN_SECONDS = 1.0
MOST_TRIES = 60

P = ParamSpec("P")
R = TypeVar("R")


async def patiently(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a function that uses the database, for a minute again where the database is away."""
    for _ in range(MOST_TRIES - 1):
        try:
            return await run_in_pool(function, *args, **kwargs)
        except AWAY:
            await asyncio.sleep(AGAIN_SECONDS)
    return await run_in_pool(function, *args, **kwargs)
