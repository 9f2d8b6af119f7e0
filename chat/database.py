"""Database work of consumers and the runner: a small pool of threads of our own.

Channels shares one database thread per process, so one socket's slow query would delay every
other socket (docs/architecture.md, rule 4). These threads keep their connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import connections

POOL_SIZE = 4

P = ParamSpec("P")
R = TypeVar("R")

_pool = ThreadPoolExecutor(POOL_SIZE, thread_name_prefix="database")


async def run_in_pool(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a function that uses the database in one of the pool's threads."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_pool, partial(_job, function, *args, **kwargs))


def close_pool_connections() -> None:
    """Close the connections of all idle pool threads, before the process ends."""
    for _ in range(POOL_SIZE):
        _pool.submit(connections.close_all).result(timeout=5)


def drop_broken_connections() -> None:
    """Close this thread's connections that failed, so that the next use opens new ones."""
    for connection in connections.all(initialized_only=True):
        if connection.errors_occurred and not connection.in_atomic_block:
            connection.close()


def _job(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    try:
        return function(*args, **kwargs)
    finally:
        drop_broken_connections()
