"""A caller's request under way: the session sweep ends it, should its caller lose the right."""

from __future__ import annotations

from collections.abc import Container
from uuid import UUID

from django.http import HttpRequest

from chat import lifecycle
from chat.access import Visitor
from chat.api.connections import Connection, connection_of


class LiveRequest:
    """A request as the sweep sees it (chat.sockets.LiveSocket)."""

    def __init__(self, visitor: Visitor, connection: Connection, reads_others: bool) -> None:
        self.visitor = visitor
        self._connection = connection
        self._reads_others = reads_others

    def foreign_subscriptions(self) -> bool:
        """Whether it reads what is somebody else's."""
        return self._reads_others

    def follows_any(self, stage_ids: Container[UUID]) -> bool:
        """Requests are let be while the server goes down."""
        return True

    async def settled(self) -> None:
        """Nothing is waited for."""

    async def close(self, code: int) -> None:
        """End it; a stage that it holds goes along."""
        self._connection.abort()


def keep_watched(request: HttpRequest, visitor: Visitor, *, reads_others: bool = False) -> None:
    """Have the sweep look at this request until it is over."""
    connection, process = connection_of(request), lifecycle.started()
    if process is not None and connection.is_watched:
        live = LiveRequest(visitor, connection, reads_others)
        process.requests.add(live)
        connection.when_gone(lambda: process.requests.discard(live))
