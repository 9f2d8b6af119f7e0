"""uvicorn, with a drain before it closes and a look at backlogs: the other server of `serve`.

uvicorn would close websockets with 1012 before lifespan's shutdown, and its `send` waits at 64 KiB
for readers that may never read, even with a close frame.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from chat.api.connections import ABORT_EXTENSION
from chat.delivery import BACKLOG_EXTENSION, SEND_EXTENSION
from toolbench_site.text_frames import text_frames

FRAME_LIMIT = 2 * 1024 * 1024
"""Bytes of a websocket message that uvicorn itself lets pass; the consumer refuses over 1 MiB."""

PING_SECONDS = 20.0
PONG_SECONDS = 30.0
CLOSE_SECONDS = 1.0
"""How long the other side may take to answer a close frame; as under Daphne."""

KEEP_ALIVE_SECONDS = 75
"""Longer than proxies keep idle connections (60 s): they must not send into closed ones."""

REQUESTS_SECONDS = 2.0
"""How long requests still being answered after the drain may take before they are cut off."""

POLL_SECONDS = 0.02


class SocketProtocol(WebSocketsSansIOProtocol):
    """A websocket whose sending never waits: the application is told the backlog instead."""

    async def run_asgi(self) -> None:
        """Offer the application a quick way to send, and a look at what has not left yet."""
        extensions: dict[str, Any] = dict(self.scope.get("extensions") or {})
        extensions[BACKLOG_EXTENSION] = self.transport.get_write_buffer_size
        extensions[SEND_EXTENSION] = self.send_texts
        self.scope["extensions"] = extensions
        await super().run_asgi()

    def send_texts(self, texts: Iterable[str]) -> None:
        """Send text frames; nothing where the socket is not open."""
        if self.handshake_complete and not self._is_over():
            self.transport.write(text_frames(texts))

    async def send(self, message: Any) -> None:
        """Drop what comes for a socket that closes; never wait for a silent reader's close."""
        if self._is_over():
            return
        if message["type"] == "websocket.send" and (text := message.get("text")):
            self.send_texts((text,))
            return
        await super().send(message)
        if self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = self.loop.call_later(CLOSE_SECONDS, drop, self.transport)

    def pause_writing(self) -> None:
        """The application watches the backlog; only a close must never have to wait for it."""

    def keepalive_timeout(self) -> None:
        """Nobody is there to take what is left."""
        super().keepalive_timeout()
        drop(self.transport)

    def _is_over(self) -> bool:
        return self.close_sent or self.disconnected or self.transport.is_closing()


class State(ServerState):
    """What the connections of a server share."""

    draining = False


class RequestProtocol(HttpToolsProtocol):
    """HTTP; answers given during a drain end their connection."""

    server_state: State

    def on_headers_complete(self) -> None:
        """Begin to answer a request; the application may look at what has not left yet, and end a
        connection whose reader does not read."""
        extensions: dict[str, Any] = {
            BACKLOG_EXTENSION: self.transport.get_write_buffer_size,
            ABORT_EXTENSION: partial(drop, self.transport),
        }
        self.scope["extensions"] = extensions
        super().on_headers_complete()
        if self.server_state.draining:
            self.end_after_answer()

    def end_after_answer(self) -> None:
        """Close the connection after the answer being given."""
        if self.cycle is not None:
            self.cycle.keep_alive = False

    @property
    def answers(self) -> bool:
        """Whether a request has not been answered to its end."""
        return self.cycle is not None and not self.cycle.response_complete


class UvicornServer(uvicorn.Server):
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
        super().__init__(
            uvicorn.Config(
                application,
                host=host,
                port=port,
                loop="uvloop",
                http=RequestProtocol,
                ws=SocketProtocol,
                ws_max_size=FRAME_LIMIT,
                ws_ping_interval=PING_SECONDS,
                ws_ping_timeout=PONG_SECONDS,
                ws_per_message_deflate=False,
                # `started` and `drain` stand in its place: it would drain after closing sockets.
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=1,
            )
        )
        self.failure: str | None = None
        self._address = (host.strip("[]"), port)
        self.server_state: State = State()
        self._started = started
        self._drain = drain

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve; returns after the drain."""
        try:
            sockets = [_listen(*self._address)]
        except OSError as error:
            self.failure = str(error)
            return
        super().run(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then start the work."""
        await super().startup(sockets)
        try:
            await self._started()
        except Exception as error:
            self.failure = f"{type(error).__name__}: {error}"
            self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the port, drain, let requests end, then close everything."""
        for server in self.servers:
            # At once: a proxy in front sends who comes now to another process.
            server.close()
        self.server_state.draining = True
        for connection in self._connections():
            if isinstance(connection, RequestProtocol):
                connection.end_after_answer()
        await self._drain()
        await self._let_connections_end()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Only the end is begun here; the signal is not raised again, for it was heeded."""
        self.should_exit = True

    async def _let_connections_end(self) -> None:
        """Let requests be answered and close frames too, but not for long."""
        deadline = time.monotonic() + REQUESTS_SECONDS
        while self._unfinished() and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)
        for connection in self._unfinished():
            drop(connection.transport)
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=1)

    def _connections(self) -> list[Any]:
        return list(self.server_state.connections)

    def _unfinished(self) -> list[Any]:
        return [
            connection
            for connection in self._connections()
            if isinstance(connection, SocketProtocol) or connection.answers
        ]


def drop(transport: asyncio.Transport) -> None:
    """End a connection at once; the kernel too keeps nothing for it."""
    if (connected := transport.get_extra_info("socket")) is not None:
        with suppress(OSError):
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket; `::` takes IPv4 too, as under Daphne."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()
    return socket.create_server((host, port), family=family, backlog=2048, dualstack_ipv6=both)
