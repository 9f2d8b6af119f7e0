"""The four time limits of a request, as one deadline for each wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from chat.engine import upstream_words as words
from chat.engine.completions import RouteSettings


class TimeLimits:
    """First-token, between-tokens and total limit; the first covers the wait for headers too."""

    def __init__(self, route: RouteSettings) -> None:
        self._route = route
        self._loop = asyncio.get_running_loop()
        self._started = self._sign_of_life = self._loop.time()
        self._begun = False
        self._payloads = 0

    def note(self, payloads: int, has_token: bool) -> None:
        """After a read: how many payloads came so far, and whether it held a token.

        A payload without text counts as life between tokens (half a character gives none), but
        only a token ends the wait for the first; comments count for nothing.
        """
        self._begun = self._begun or has_token
        if payloads != self._payloads:
            self._payloads = payloads
            self._sign_of_life = self._loop.time()

    @asynccontextmanager
    async def waiting(self) -> AsyncGenerator[None, None]:
        """One wait for the upstream; raises UpstreamTimeout when a limit passes."""
        limit, seconds, deadline = self._nearest()
        try:
            async with asyncio.timeout_at(deadline):
                yield
        except TimeoutError:
            raise words.timed_out(self._route, limit, seconds) from None

    def _nearest(self) -> tuple[str, float, float]:
        route = self._route
        if self._begun:
            nearest = ("between tokens", route.between_tokens_seconds, self._sign_of_life)
        else:
            nearest = ("first token", route.first_token_seconds, self._started)
        limits = (nearest, ("total", route.total_seconds, self._started))
        return min(
            ((name, seconds, start + seconds) for name, seconds, start in limits),
            key=lambda limit: limit[2],
        )
