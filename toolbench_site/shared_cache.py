"""The cache that processes share through Redis, and what stands in for it while Redis is away."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import ConnectionError, TimeoutError

AWAY_SECONDS = 5.0
"""How long Redis is left alone after it did not answer: a log-in must not wait for each count."""


def or_alone(name: str) -> Callable[..., Any]:
    """A method that goes to Redis, or to this process's memory while Redis is away."""
    shared = getattr(RedisCache, name)

    @wraps(shared)
    def method(cache: SharedCache, *args: Any, **kwargs: Any) -> Any:
        if time.monotonic() >= SharedCache.away_until:
            try:
                return shared(cache, *args, **kwargs)
            except (ConnectionError, TimeoutError):
                SharedCache.away_until = time.monotonic() + AWAY_SECONDS
        return getattr(cache.alone, name)(*args, **kwargs)

    return method


class SharedCache(RedisCache):
    """Redis's cache, without which log-ins are limited in each process by itself."""

    away_until = 0.0

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self.alone = LocMemCache("redis-away", {})

    add = or_alone("add")
    get = or_alone("get")
    set = or_alone("set")
    touch = or_alone("touch")
    delete = or_alone("delete")
    get_many = or_alone("get_many")
    has_key = or_alone("has_key")
    incr = or_alone("incr")
    set_many = or_alone("set_many")
    delete_many = or_alone("delete_many")
    clear = or_alone("clear")
