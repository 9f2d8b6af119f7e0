"""A request's connection: its client may go away at any moment, or read too slowly.

The site's HTTP application is `watched`, so that a view can say what is to be done once its client
is gone, wherever the request then stands: in a middleware, in the view, or in its stream. And it
can ask to be sent no faster than the client reads: a server whose `send` never waits would keep all
of it in memory (docs/architecture.md, "Process").
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from django.http import HttpRequest

from chat import delivery
from chat.delivery import BACKLOG_EXTENSION, BACKLOG_HIGH, BACKLOG_LOW, BACKLOG_POLL_SECONDS

CONNECTION = "toolbench.connection"
ABORT_EXTENSION = "toolbench.abort"
BACKLOG_CLEAR = 16 * 1024
"""Where a server's `send` waits for the reader, it waits for no less than this."""

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


class Connection:
    """The client's end of one request."""

    def __init__(self, extensions: dict[str, Any] | None = None, send: Send | None = None) -> None:
        self._backlog: Callable[[], int] | None = (extensions or {}).get(BACKLOG_EXTENSION)
        self._abort: Callable[[], None] | None = (extensions or {}).get(ABORT_EXTENSION)
        self._send = send
        self._farewells: list[Callable[[], None]] = []
        self._is_paced = False
        self._is_over = False

    @property
    def is_watched(self) -> bool:
        """Whether anybody will tell that the client is gone."""
        return self._send is not None

    def when_gone(self, farewell: Callable[[], None]) -> None:
        """Call this once the client is gone or has been served; at once where it already is."""
        if self._is_over:
            farewell()
        else:
            self._farewells.append(farewell)

    def pace(self) -> None:
        """From now on send no faster than the client reads, and give it up if it does not."""
        self._is_paced = True

    def leave(self) -> None:
        """The client is gone, or has been served."""
        self._is_over = True
        farewells, self._farewells = self._farewells, []
        for farewell in farewells:
            farewell()

    def abort(self) -> None:
        """End the connection, whatever was still to be sent."""
        self.leave()
        if self._abort is not None:
            self._abort()

    async def send(self, message: Message) -> None:
        """Send a part of the answer."""
        assert self._send is not None
        if not self._is_paced:
            await self._send(message)
            return
        backlog = self._backlog
        if backlog is not None and backlog() <= BACKLOG_CLEAR:
            await self._send(message)
            return
        if self._is_over:
            return
        try:
            async with asyncio.timeout(delivery.SLOW_SECONDS):
                if backlog is not None and backlog() > BACKLOG_HIGH:
                    while backlog() > BACKLOG_LOW:  # noqa: ASYNC110
                        await asyncio.sleep(BACKLOG_POLL_SECONDS)
                await self._send(message)
        except TimeoutError:
            self.abort()


def watched(application: Application) -> Application:
    """An HTTP application whose views can ask about their request's Connection."""

    async def served(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        connection = Connection(scope.get("extensions"), send)

        async def listen() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect":
                connection.leave()
            return message

        try:
            await application({**scope, CONNECTION: connection}, listen, connection.send)
        finally:
            connection.leave()

    return served


def connection_of(request: HttpRequest) -> Connection:
    """The connection of a request; one that nobody watches where the site is not `watched`."""
    found = getattr(request, "scope", {}).get(CONNECTION)
    return found if isinstance(found, Connection) else Connection()
