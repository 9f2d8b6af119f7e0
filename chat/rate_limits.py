"""How many requests a key, a person and an address that sends wrong keys may make in a minute."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from weakref import WeakKeyDictionary

from django.conf import settings
from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from chat.access import Visitor
from chat.rate_windows import WindowsInMemory

logger = logging.getLogger(__name__)

REDIS_SECONDS = 1.0
AWAY_SECONDS = 5.0
"""How long Redis is left alone after it did not answer: no request waits for it meanwhile."""
SHORTEST_WAIT = 0.1


Question = Callable[[MovingWindowRateLimiter], Awaitable[float | None]]


class RateLimits:
    """Moving windows of a minute, shared through Redis where there is one.

    Made for one event loop, as the client of Redis is.
    """

    def __init__(self, redis_url: str = "") -> None:
        self._alone = MovingWindowRateLimiter(WindowsInMemory())
        self._shared: MovingWindowRateLimiter | None = None
        self._connections: ConnectionPool | None = None
        self._away_until = 0.0
        if redis_url:
            self._connections = ConnectionPool.from_url(
                redis_url,
                socket_timeout=REDIS_SECONDS,
                socket_connect_timeout=REDIS_SECONDS,
                # What it does by itself: three more tries, with pauses, while the request waits.
                retry=Retry(NoBackoff(), 0),
            )
            storage = RedisStorage(
                "redis://",
                implementation="redispy",
                key_prefix="toolbench-limits",
                connection_pool=self._connections,  # type: ignore[arg-type]
            )
            self._shared = MovingWindowRateLimiter(storage)

    async def take(self, per_minute: int, *names: str) -> float | None:
        """Count one more; None, or the seconds after which there is room for it again."""
        item = RateLimitItemPerMinute(per_minute)

        async def count(limiter: MovingWindowRateLimiter) -> float | None:
            return None if await limiter.hit(item, *names) else await _wait(limiter, item, names)

        return await self._asked(count)

    async def wait(self, per_minute: int, *names: str) -> float | None:
        """As `take`, but counts nothing."""
        item = RateLimitItemPerMinute(per_minute)

        async def look(limiter: MovingWindowRateLimiter) -> float | None:
            return None if await limiter.test(item, *names) else await _wait(limiter, item, names)

        return await self._asked(look)

    async def close(self) -> None:
        """Leave Redis."""
        if self._connections is not None:
            await self._connections.aclose()

    async def _asked(self, ask: Question) -> float | None:
        if self._shared is not None and time.monotonic() >= self._away_until:
            try:
                return await ask(self._shared)
            except (RedisError, OSError) as error:
                self._away_until = time.monotonic() + AWAY_SECONDS
                logger.warning(
                    "Redis does not answer (%s): each process limits requests by itself.",
                    type(error).__name__,
                )
        return await ask(self._alone)


async def _wait(
    limiter: MovingWindowRateLimiter, item: RateLimitItemPerMinute, names: tuple[str, ...]
) -> float:
    window = await limiter.get_window_stats(item, *names)
    return max(SHORTEST_WAIT, window.reset_time - time.time())


_limits: WeakKeyDictionary[asyncio.AbstractEventLoop, RateLimits] = WeakKeyDictionary()


def current() -> RateLimits:
    """Those of the running event loop."""
    loop = asyncio.get_running_loop()
    limits = _limits.get(loop)
    if limits is None:
        limits = _limits[loop] = RateLimits(settings.TOOLBENCH_REDIS_URL)
    return limits


async def close() -> None:
    """Leave Redis, where this event loop counted there."""
    if limits := _limits.pop(asyncio.get_running_loop(), None):
        await limits.close()


async def check_rate(visitor: Visitor) -> float | None:
    """Count a request of a key and of its person; None, or the seconds to wait for the next."""
    limits = current()
    wait = None
    if visitor.grant.key_id is not None:
        wait = await limits.take(
            settings.TOOLBENCH_KEY_REQUESTS_PER_MINUTE, "key", str(visitor.grant.key_id)
        )
    if wait is None:
        wait = await limits.take(
            settings.TOOLBENCH_USER_REQUESTS_PER_MINUTE, "user", str(visitor.user_id)
        )
    return wait


async def check_failures(address: str) -> float | None:
    """None, or the seconds for which an address that sent too many wrong keys is not heard."""
    return await current().wait(settings.TOOLBENCH_KEY_FAILURES_PER_MINUTE, "address", address)


async def note_failure(address: str) -> None:
    """An address sent a wrong key."""
    await current().take(settings.TOOLBENCH_KEY_FAILURES_PER_MINUTE, "address", address)
