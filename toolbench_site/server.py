"""Daphne, with what it lacks: work that starts with the reactor, a drain, and a look at backlogs.

Daphne sends no lifespan, drops sockets on SIGTERM and never says how much a socket has still to
hand to the kernel (docs/architecture.md, "Process").
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from autobahn.exception import Disconnected
from daphne.server import Server
from twisted.internet import defer, reactor

from chat.delivery import BACKLOG_EXTENSION

FRAME_LIMIT = 2 * 1024 * 1024
"""Bytes of a websocket frame that Daphne itself lets pass; the consumer refuses over 1 MiB."""


class DrainingServer(Server):
    """Serves until SIGTERM or SIGINT, then drains before it stops."""

    def __init__(
        self,
        application: Any,
        *,
        host: str,
        port: int,
        started: Callable[[], Awaitable[None]],
        drain: Callable[[], Awaitable[None]],
    ) -> None:
        address = host.strip("[]").replace(":", "\\:")
        super().__init__(
            application=application,
            endpoints=[f"tcp:port={port}:interface={address}"],
            websocket_max_message_size=FRAME_LIMIT,
            websocket_max_frame_size=FRAME_LIMIT,
            # Sockets live as long as people look at the page.
            websocket_timeout=-1,
            server_name=None,
        )
        self.failure: str | None = None
        self._started = started
        self._drain = drain
        self._start_task: asyncio.Task[None] | None = None

    def run(self) -> None:
        """Serve; returns after the drain."""
        reactor.callWhenRunning(self._start_work)
        super().run()

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        """Offer websocket applications a look at what their socket has not yet handed on."""
        if scope["type"] == "websocket":
            scope["extensions"] = {BACKLOG_EXTENSION: lambda: backlog_of(protocol.transport)}
        return super().create_application(protocol, scope)

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """Drop what comes for a socket whose other side has just begun to close it."""
        with suppress(Disconnected):
            await super().handle_reply(protocol, message)

    def listen_error(self, failure: Any) -> None:
        """Remember why, for the command to say."""
        self.failure = failure.getErrorMessage()
        self.stop()

    def kill_all_applications(self) -> Any:
        """Drain first; the reactor waits for the Deferred."""
        drained = defer.Deferred.fromFuture(asyncio.ensure_future(self._drain()))
        drained.addBoth(lambda _: self._cancel_applications())
        return drained

    def _start_work(self) -> None:
        if self.listening_addresses:
            self._start_task = asyncio.ensure_future(self._started())
            self._start_task.add_done_callback(self._start_ended)

    def _start_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.failure = f"{type(task.exception()).__name__}: {task.exception()}"
            self.stop()

    def _cancel_applications(self) -> Any:
        running = [
            instance
            for details in self.connections.values()
            if (instance := details.get("application_instance")) and not instance.done()
        ]
        for instance in running:
            instance.cancel()
        return defer.Deferred.fromFuture(asyncio.gather(*running, return_exceptions=True))


def backlog_of(transport: Any) -> int:
    """Bytes written to a Twisted transport that the kernel has not taken yet."""
    size: int = len(transport.dataBuffer) - transport.offset + transport._tempDataLen
    return size
