"""Daphne, with what it lacks: work that starts with the reactor, a drain, and a look at backlogs.

Daphne sends no lifespan, drops sockets on SIGTERM and never says how much a socket has still to
hand to the kernel (docs/architecture.md, "Process").
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any

import uvloop
from autobahn.exception import Disconnected
from twisted.internet import asyncioreactor

if "twisted.internet.reactor" not in sys.modules:
    # Daphne would install it on asyncio's own loop, which costs a tenth more per chunk.
    asyncioreactor.install(uvloop.new_event_loop())

from daphne.http_protocol import WebRequest
from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet import defer, reactor, tcp

from chat.api.connections import ABORT_EXTENSION
from chat.delivery import BACKLOG_EXTENSION, SEND_EXTENSION
from toolbench_site.text_frames import text_frames

FRAME_LIMIT = 2 * 1024 * 1024
"""Bytes of a websocket frame that Daphne itself lets pass; the consumer refuses over 1 MiB."""

KEEP_ALIVE_SECONDS = 75
"""Longer than proxies keep idle connections (60 s): they must not send into closed ones."""

REQUESTS_SECONDS = 2.0
"""How long requests still being answered after the drain may take before they are cut off."""


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
        self._draining = False
        self._ports: list[Any] = []
        self._start_task: asyncio.Task[None] | None = None

    def run(self) -> None:
        """Serve; returns after the drain."""
        reactor.callWhenRunning(self._start_work)
        super().run()

    # --- sockets ---

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        """Offer applications a look at what has not left yet; websockets a quick way to send,
        requests a way to end a connection whose reader does not read."""
        if scope["type"] == "websocket":
            scope["extensions"] = {
                BACKLOG_EXTENSION: partial(backlog_of, protocol.transport),
                SEND_EXTENSION: partial(send_texts, protocol),
            }
        elif scope["type"] == "http" and type(protocol.transport) is tcp.Server:
            scope["extensions"] = {
                BACKLOG_EXTENSION: partial(backlog_of, protocol.transport),
                ABORT_EXTENSION: protocol.transport.abortConnection,
            }
        return super().create_application(protocol, scope)

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """Text takes the quick way; what comes for a socket that the other side has just begun to
        close is dropped; answers given during a drain end their connection."""
        kind = message["type"]
        if kind.startswith("websocket.") and protocol.state == WebSocketProtocol.STATE_OPEN:
            if kind == "websocket.send" and (text := message.get("text")):
                send_texts(protocol, (text,))
                return
            if kind == "websocket.close":
                # `sendClose` would refuse the codes below 3000, 1011 among them.
                protocol.sendCloseFrame(code=message.get("code") or 1000)
                return
        elif kind == "http.response.start" and self._draining and protocol.channel is not None:
            protocol.channel.persistent = False
            message = {**message, "headers": [*message.get("headers", ()), CONNECTION_CLOSE]}
        with suppress(Disconnected):
            await super().handle_reply(protocol, message)

    # --- start and end ---

    def listen_success(self, port: Any) -> None:
        """Remember the port, to close it first."""
        self._ports.append(port)
        self.http_factory.timeOut = KEEP_ALIVE_SECONDS
        super().listen_success(port)

    def listen_error(self, failure: Any) -> None:
        """Remember why, for the command to say."""
        self.failure = failure.getErrorMessage()
        self.stop()

    def kill_all_applications(self) -> Any:
        """Drain first; the reactor waits for the Deferred."""
        self._draining = True
        for port in self._ports:
            # At once: a proxy in front sends who comes now to another process.
            port.stopListening()
        return defer.Deferred.fromFuture(asyncio.ensure_future(self._end()))

    def _start_work(self) -> None:
        if self.listening_addresses:
            self._start_task = asyncio.ensure_future(self._started())
            self._start_task.add_done_callback(self._start_ended)

    def _start_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.failure = f"{type(task.exception()).__name__}: {task.exception()}"
            self.stop()

    async def _end(self) -> None:
        await self._drain()
        if requests := self._running(WebRequest):
            await asyncio.wait(requests, timeout=REQUESTS_SECONDS)
        running = self._running(object)
        for instance in running:
            instance.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _running(self, kind: type) -> list[asyncio.Future[Any]]:
        return [
            instance
            for protocol, details in self.connections.items()
            if isinstance(protocol, kind)
            and (instance := details.get("application_instance"))
            and not instance.done()
        ]


CONNECTION_CLOSE = (b"connection", b"close")


def send_texts(protocol: Any, texts: Iterable[str]) -> None:
    """Send text frames over a websocket; nothing where it is not open.

    They go to the kernel at once where nothing waits before them: Twisted would register a writer
    with the loop for each frame and drop it again, autobahn would build each frame in six steps.
    """
    if protocol.state != WebSocketProtocol.STATE_OPEN:
        return
    data = text_frames(texts)
    transport = protocol.transport
    if (
        type(transport) is tcp.Server
        and transport.connected
        and not transport.TLS
        and not transport.dataBuffer
        and not transport._tempDataBuffer
        and not protocol.send_queue
    ):
        try:
            sent = transport.socket.send(data)
        except OSError:
            # Full, or gone: Twisted finds out which.
            sent = 0
        if sent == len(data):
            return
        data = data[sent:]
    transport.write(data)


def backlog_of(transport: Any) -> int:
    """Bytes written to a Twisted transport that the kernel has not taken yet."""
    size: int = len(transport.dataBuffer) - transport.offset + transport._tempDataLen
    return size
