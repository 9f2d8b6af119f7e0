"""Database work of consumers and the runner: a small pool of threads of our own.

Channels shares one database thread per process, so one socket's slow query would delay every
other socket (docs/architecture.md, rule 4). These threads, and the journal's, keep a connection
each: opening SQLite costs half a millisecond, and a pool of connections waits ever longer between
its tries while PostgreSQL is away.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError, connection, connections, transaction

POOL_SIZE = 4
AWAY = (OperationalError, InterfaceError)
"""What a database that is away, or a connection that it lost, raises."""

_turn = threading.Lock()

P = ParamSpec("P")
R = TypeVar("R")


def keep_connection() -> None:
    """Have this thread keep a connection of its own; called as the thread starts."""
    shared = connection.settings_dict
    options = {name: value for name, value in shared["OPTIONS"].items() if name != "pool"}
    connection.settings_dict = {**shared, "CONN_MAX_AGE": None, "OPTIONS": options}


_pool = ThreadPoolExecutor(POOL_SIZE, thread_name_prefix="database", initializer=keep_connection)


@contextmanager
def writing() -> Iterator[None]:
    """A transaction that writes, in its turn where the database lets one write at a time.

    Waiting for the turn here ends as it comes; SQLite sleeps up to 100 ms between its looks.
    """
    with nullcontext() if connection.features.has_select_for_update else _turn:
        with transaction.atomic():
            yield


async def run_in_pool(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a function that uses the database in one of the pool's threads."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_pool, partial(_job, function, *args, **kwargs))


def database_answers() -> None:
    """Ask the database for nothing; raises DatabaseError where it is away."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def close_pool_connections() -> None:
    """Close the connections of all idle pool threads, before the process ends."""
    for _ in range(POOL_SIZE):
        _pool.submit(connections.close_all).result(timeout=5)


def drop_broken_connections() -> None:
    """Close this thread's connections that failed, so that the next use opens new ones."""
    for one in connections.all(initialized_only=True):
        if one.errors_occurred and not one.in_atomic_block:
            one.close()


def _job(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    # A connection that the database closed meanwhile is found out before it is used.
    connection.close_if_unusable_or_obsolete()
    try:
        return function(*args, **kwargs)
    finally:
        drop_broken_connections()
