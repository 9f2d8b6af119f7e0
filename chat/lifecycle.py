"""What a serving process starts and how it drains: one Runner, one sweep, one set of sockets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from django.conf import settings

from chat import rate_limits
from chat import runner as runners
from chat.database import run_in_pool
from chat.engine.openai_client import load_sdk
from chat.key_uses import store_uses
from chat.live_rendering import LiveRenderings
from chat.neighbours import kept_out
from chat.protocol import CLOSE_GOING_DOWN
from chat.runner import Runner
from chat.sockets import Sockets, Watched, verdicts
from tools import threads
from tools.builtin.http import close_client

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 4.0
LET_GO_SECONDS = 0.25

BackgroundWork = Callable[[], Coroutine[Any, Any, None]]


class Process:
    """The moving parts of a serving process."""

    def __init__(
        self, background: tuple[BackgroundWork, ...] = (), *, beside: bool = False
    ) -> None:
        self.runner = Runner()
        self.sockets = Sockets()
        self.requests = Sockets()
        """Requests of callers under way, which the sweep ends as it closes sockets."""
        self.renderings = LiveRenderings(self.runner)
        self._background = background
        self._beside = beside
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start writing, leasing and sweeping, and the background work."""
        runners.set_current(self.runner)
        if settings.TOOLBENCH_SEVERAL or self._beside:
            await self.runner.start(several=True)
        else:
            with kept_out() as is_alone:
                await self.runner.start(several=not is_alone)
        self._tasks.append(asyncio.create_task(self._sweep(), name="session-sweep"))
        # Loaded now, or the first stage would wait 0.4 s for it.
        self._tasks.append(asyncio.create_task(asyncio.to_thread(load_sdk), name="load-sdk"))
        for work in self._background:
            self._tasks.append(asyncio.create_task(work(), name=work.__name__))

    async def drain(self) -> None:
        """Refuse starts, let stages end or cancel them, write all, close sockets, stop."""
        if settings.TOOLBENCH_SEVERAL:
            self._tasks.append(asyncio.create_task(self._let_go(), name="let-go"))
        await self.runner.stop(settings.TOOLBENCH_GRACE_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.sockets.close_all(CLOSE_GOING_DOWN)
        await close_client()
        await rate_limits.close()
        threads.shutdown()
        if runners._current is self.runner:
            runners.set_current(None)

    async def _let_go(self) -> None:
        """While stages end: who follows none of them goes on at another process."""
        while True:
            await asyncio.sleep(LET_GO_SECONDS)
            if not self.runner.starts:
                await self.sockets.close_others(self.runner.running, CLOSE_GOING_DOWN)

    async def sweep_once(self) -> None:
        """Close sockets whose session, key, account or right is gone."""
        live = [*self.sockets, *self.requests]
        if not live:
            return
        watched = [Watched(socket.visitor, socket.foreign_subscriptions()) for socket in live]
        for at, code in (await run_in_pool(verdicts, watched)).items():
            await live[at].close(code)

    async def _sweep(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_SECONDS):
                    await self.runner.rights_changed.wait()
            self.runner.rights_changed.clear()
            try:
                await self.sweep_once()
                await run_in_pool(store_uses)
            except Exception as error:
                logger.warning("The session sweep failed: %s", type(error).__name__)


_process: Process | None = None
_starting: asyncio.Lock | None = None
_draining = False


async def ensure_started(
    *, background: tuple[BackgroundWork, ...] = (), beside: bool = False
) -> Process:
    """The process's parts, started by whoever comes first: serve, lifespan or a connection.

    `beside`: for a command, which other processes' stages are none of (`chat.neighbours`).
    """
    global _process, _starting
    if _process is not None:
        return _process
    _starting = _starting or asyncio.Lock()
    async with _starting:
        if _process is None:
            process = Process(background, beside=beside)
            await process.start()
            _process = process
    return _process


def started() -> Process | None:
    """The process's parts, where somebody has started them."""
    return _process


async def drain() -> None:
    """Drain what ensure_started started; safe to call twice."""
    global _process, _starting, _draining
    if _process is None or _draining:
        return
    # It stays the process's until it has drained: who comes meanwhile is told to go elsewhere.
    _draining = True
    try:
        await _process.drain()
    finally:
        _process, _starting, _draining = None, None, False


async def lifespan_application(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Start and drain under a server that speaks ASGI lifespan."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await ensure_started()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await drain()
            await send({"type": "lifespan.shutdown.complete"})
            return
