"""One client per route version, kept while the route stays as it is."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from chat.engine.completions import RouteSettings
from chat.engine.openai_client import OpenAIClient


class ClientPool:
    """Lends clients out; one whose route was changed is closed after its last use."""

    def __init__(self, make: Callable[[RouteSettings], OpenAIClient] = OpenAIClient) -> None:
        self._make = make
        self._current: dict[str, OpenAIClient] = {}
        self._uses: dict[OpenAIClient, int] = {}

    @asynccontextmanager
    async def lend(self, route: RouteSettings) -> AsyncGenerator[OpenAIClient, None]:
        """The client of this version of the route, for as long as the context is open."""
        client = self._current.get(route.slug)
        replaced = None
        if client is None or client.route.version != route.version:
            replaced, client = client, self._make(route)
            self._current[route.slug] = client
            self._uses[client] = 0
        self._uses[client] += 1
        try:
            await self._close_unused(replaced)
            yield client
        finally:
            self._uses[client] -= 1
            await self._close_unused(client)

    async def aclose(self) -> None:
        """Close every client, whoever may still use one: for shutdown."""
        clients = list(self._uses)
        self._current.clear()
        self._uses.clear()
        for client in clients:
            await client.aclose()

    async def _close_unused(self, client: OpenAIClient | None) -> None:
        if client is None or self._current.get(client.route.slug) is client:
            return
        if self._uses.get(client) == 0:
            del self._uses[client]
            await client.aclose()
