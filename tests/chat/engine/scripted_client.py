"""A model client that yields what a test scripts: no network, real batches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from chat.engine.completions import CompletionRequest, Delta, RouteSettings

ROUTE = RouteSettings(
    slug="scripted", base_url="http://127.0.0.1:9/v1", model="scripted-1", api_key=""
)


@dataclass
class ScriptedClient:
    """Each request plays the next turn: its batches, then its error, if it has one."""

    turns: Sequence[Sequence[Sequence[Delta] | Exception]]
    route: RouteSettings = ROUTE
    hold_at: int | None = None
    """The number of the batch, over all turns, before which it waits for ever."""
    requests: list[CompletionRequest] = field(default_factory=list)
    open: int = 0
    batches_sent: int = 0
    delivered: list[list[Delta]] = field(default_factory=list)
    """Per request, every delta that was handed over."""
    held: asyncio.Event = field(default_factory=asyncio.Event)

    def request_parameters(self, request: CompletionRequest) -> dict[str, Any]:
        return {"temperature": request.temperature, "max_tokens": request.max_tokens}

    @asynccontextmanager
    async def stream(
        self, request: CompletionRequest
    ) -> AsyncGenerator[AsyncIterator[Sequence[Delta]], None]:
        turn = self.turns[len(self.requests)]
        self.requests.append(request)
        self.delivered.append([])
        self.open += 1
        try:
            async with aclosing(self._batches(turn)) as batches:
                yield batches
        finally:
            self.open -= 1

    async def _batches(
        self, turn: Sequence[Sequence[Delta] | Exception]
    ) -> AsyncGenerator[Sequence[Delta], None]:
        for batch in turn:
            if self.batches_sent == self.hold_at:
                self.held.set()
                await asyncio.Event().wait()
            self.batches_sent += 1
            await asyncio.sleep(0)
            if isinstance(batch, Exception):
                raise batch
            self.delivered[-1] += batch
            yield batch
