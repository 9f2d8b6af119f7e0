"""Which database and Redis the tests stand on: SQLite and none, or what the environment names.

`TOOLBENCH_TEST_POSTGRES` and `TOOLBENCH_TEST_REDIS` are addresses of servers on which tests may do
what they like; `tests.run` starts both for its second pass. Each server process and each worker of
pytest gets a database and a Redis number of its own there.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import redis
from psycopg import sql

from tests.databases import create_database, execute, has_database, with_database

POSTGRES = os.environ.get("TOOLBENCH_TEST_POSTGRES", "")
REDIS = os.environ.get("TOOLBENCH_TEST_REDIS", "")
MIGRATED = "toolbench_migrated"
"""The name of a migrated database to copy, where `tests.run` or a Cluster has made it."""


def is_cluster() -> bool:
    """Whether this run is on PostgreSQL and Redis."""
    return bool(POSTGRES and REDIS)


def database_url(name: str) -> str:
    """The address of a database, which need not be there yet."""
    return with_database(POSTGRES, name)


def redis_url(name: str) -> str:
    """A Redis number that nobody else has, the same for the same name."""
    with redis.Redis.from_url(REDIS) as registry:
        if not registry.hexists("numbers", name):
            registry.hsetnx("numbers", name, str(registry.incr("last")))
        number = registry.hget("numbers", name)
    assert isinstance(number, bytes)
    return f"{REDIS.rpartition('/')[0]}/{int(number)}"


def end_sessions(name: str) -> None:
    """End whatever is still connected to a database."""
    others = sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}")
    execute(POSTGRES, others.format(sql.Literal(name)))


def template() -> str | None:
    """The migrated database to copy, if there is one."""
    return MIGRATED if has_database(POSTGRES, MIGRATED) else None


class Store:
    """What a server process with this data directory stands on in a run on PostgreSQL and Redis."""

    def __init__(self, data_dir: Path) -> None:
        self._name = f"serve_{hashlib.sha256(str(data_dir).encode()).hexdigest()[:20]}"

    def environment(self) -> dict[str, str]:
        """The variables that say so; the database is made, without tables, if it is not there."""
        if not has_database(POSTGRES, self._name):
            create_database(POSTGRES, self._name)
        return {"DATABASE_URL": database_url(self._name), "REDIS_URL": redis_url(self._name)}

    def migrate(self) -> bool:
        """Make the database by copying the migrated one; False where that cannot be done."""
        if has_database(POSTGRES, self._name) or (source := template()) is None:
            return False
        create_database(POSTGRES, self._name, source)
        return True
