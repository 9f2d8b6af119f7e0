"""A one-time event that threads and event loops can both set and wait for."""

from __future__ import annotations

import asyncio
import threading


class Signal:
    """Set once from anywhere; every waiter, in whatever thread or loop, goes on."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []

    @property
    def is_set(self) -> bool:
        """Whether it has happened."""
        return self._event.is_set()

    def set(self) -> None:
        """Let every waiter go on. Again does nothing."""
        with self._lock:
            self._event.set()
            waiters, self._waiters = self._waiters, []
        for loop, future in waiters:
            if not loop.is_closed():
                loop.call_soon_threadsafe(_release, future)

    def wait(self, timeout: float = 10.0) -> None:
        """Block this thread; TimeoutError after `timeout` seconds."""
        if not self._event.wait(timeout):
            raise TimeoutError(f"It has not happened within {timeout} s.")

    async def waited(self, timeout: float | None = 10.0) -> None:
        """Wait in this event loop; TimeoutError after `timeout` seconds (None: no limit)."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            if self._event.is_set():
                return
            self._waiters.append((loop, future))
        async with asyncio.timeout(timeout):
            await future


def _release(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
