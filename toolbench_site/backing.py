"""The database, cache and channel layer that the environment's addresses stand for."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

POSTGRES = "django.db.backends.postgresql"
SQLITE = "django.db.backends.sqlite3"
OWN_CONNECTIONS = 5
"""What threads of a process keep for themselves: the journal's one and chat.database's four."""
WAIT_SECONDS = 20
"""How long a statement waits for another's lock, on both databases."""


def database(url: str, *, sqlite_path: Path, connections: int) -> dict[str, Any]:
    """Django's settings of the database at `url` (postgres:// or sqlite:///); SQLite in
    `sqlite_path` where it is empty. `connections` is the most a process opens to PostgreSQL."""
    if not url:
        return _sqlite(sqlite_path)
    found = environ.Env.db_url_config(url)
    engine = found.get("ENGINE")
    if engine == SQLITE and found["NAME"] not in ("", ":memory:"):
        return _sqlite(Path(found["NAME"]))
    if engine != POSTGRES or not found.get("NAME"):
        raise ImproperlyConfigured(
            "DATABASE_URL must be postgres://USER:PASSWORD@HOST:PORT/NAME or sqlite:////PATH, "
            f"and what came begins with “{url.partition(':')[0][:20]}:”."
        )
    options = found.pop("OPTIONS", {})
    return {
        **found,
        # A server in front that pools transactions (PgBouncer) cannot keep cursors open.
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 5,
            "keepalives_idle": 30,
            "tcp_user_timeout": 30_000,
            "application_name": "toolbench",
            "options": f"-c lock_timeout={WAIT_SECONDS * 1000}",
            # For the threads of requests; the others keep a connection each (chat.database).
            "pool": {
                "min_size": 1,
                "max_size": connections - OWN_CONNECTIONS,
                "timeout": 5,
                "reconnect_timeout": 1,
            },
            **options,
        },
    }


def channel_layer(redis_url: str) -> dict[str, Any]:
    """The layer that carries hints between processes; within one where there is no Redis."""
    if not redis_url:
        return {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    _check_redis(redis_url)
    # Pub/sub: the list-based layer lost most messages under load. It goes through all databases of
    # a Redis, so the number of this one keeps two installations apart.
    number = urlsplit(redis_url).path.strip("/") or "0"
    return {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [redis_url], "prefix": f"toolbench-{number}"},
    }


def cache(redis_url: str) -> dict[str, Any]:
    """What limits log-ins: shared between processes where there is a Redis."""
    if not redis_url:
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    return {
        "BACKEND": "toolbench_site.shared_cache.SharedCache",
        "LOCATION": redis_url,
        "KEY_PREFIX": "toolbench",
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
    }


def _check_redis(url: str) -> None:
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise ImproperlyConfigured(
            "REDIS_URL must begin with redis://, rediss:// or unix://, and what came begins with "
            f"“{url.partition(':')[0][:20]}:”."
        )


def _sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": SQLITE,
        "NAME": path,
        "OPTIONS": {
            "timeout": WAIT_SECONDS,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        },
    }
