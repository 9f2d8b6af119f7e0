"""Moving windows in memory: what the library `limits` counts in where one process serves alone."""

from __future__ import annotations

import time
from collections import deque

from limits.aio.storage import MovingWindowSupport, Storage

TIDY_SECONDS = 60.0


class WindowsInMemory(Storage, MovingWindowSupport):
    """The times of what was let through, per window.

    The library's own goes through every window in threads on every request: half a core at 100
    requests a second from 100 keys.
    """

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        self._times: dict[str, deque[float]] = {}
        self._lives: dict[str, float] = {}
        self._tidied_at = time.time()

    @property
    def base_exceptions(self) -> type[Exception]:
        """What memory may raise: nothing of its own."""
        return ValueError

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Whether that many more fit into the last `expiry` seconds; if so they are counted."""
        now = time.time()
        self._tidy(now)
        times = self._recent(key, now - expiry)
        if len(times) + amount > limit:
            return False
        times.extend([now] * amount)
        self._times[key] = times
        self._lives[key] = now + expiry
        return True

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """When the oldest that counts was let through, and how many count."""
        now = time.time()
        times = self._recent(key, now - expiry)
        return (times[0] if times else now), len(times)

    async def clear(self, key: str) -> None:
        """Forget a window."""
        self._times.pop(key, None)
        self._lives.pop(key, None)

    async def reset(self) -> int | None:
        """Forget all windows."""
        count = len(self._times)
        self._times.clear()
        self._lives.clear()
        return count

    async def check(self) -> bool:
        """Memory is always there."""
        return True

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Fixed windows are not counted here."""
        raise NotImplementedError

    async def get(self, key: str) -> int:
        """Fixed windows are not counted here."""
        raise NotImplementedError

    async def get_expiry(self, key: str) -> float:
        """Fixed windows are not counted here."""
        raise NotImplementedError

    def _recent(self, key: str, since: float) -> deque[float]:
        times = self._times.get(key) or deque()
        while times and times[0] <= since:
            times.popleft()
        return times

    def _tidy(self, now: float) -> None:
        """Now and then forget windows that nobody came back to: addresses are without number."""
        if now - self._tidied_at < TIDY_SECONDS:
            return
        self._tidied_at = now
        for key in [key for key, until in self._lives.items() if until <= now]:
            del self._lives[key], self._times[key]
