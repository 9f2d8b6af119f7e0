"""The four time limits of a request, as one deadline for each wait."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from chat.engine import upstream_words as words
from chat.engine.completions import RouteSettings


class TimeLimits:
    """First-token, between-tokens and total limit; the first covers the wait for headers too.

    `async with limits.waiting():` is one wait for the upstream; it raises UpstreamTimeout when a
    limit passes. As `asyncio.timeout_at`, but one timer serves all waits of a request: it looks at
    the deadline when it fires, so that a wait that ends in time has cost no timer of its own.
    """

    def __init__(self, route: RouteSettings) -> None:
        self._route = route
        self._loop = asyncio.get_running_loop()
        self._started = self._sign_of_life = self._loop.time()
        self._total_at = self._started + route.total_seconds
        self._begun = False
        self._payloads = 0
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._waiter: asyncio.Task[object] | None = None
        self._cancels_before = 0
        self._expired = False

    def note(self, payloads: int, has_token: bool) -> None:
        """After a read: how many payloads came so far, and whether it held a token.

        A payload without text counts as life between tokens (half a character gives none), but
        only a token ends the wait for the first; comments count for nothing.
        """
        self._begun = self._begun or has_token
        if payloads != self._payloads:
            self._payloads = payloads
            self._sign_of_life = self._loop.time()

    def waiting(self) -> Self:
        """The context of one wait; waits do not overlap."""
        return self

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._waiter, self._cancels_before = task, task.cancelling()
        self._expired = False
        self._deadline = min(self._nearest()[2], self._total_at)
        if self._timer is None or self._timer.when() > self._deadline:
            self._arm()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        task, self._waiter = self._waiter, None
        if not self._expired or task is None:
            return
        # Ours is not the only reason to be cancelled; another one goes on (asyncio.Timeout).
        if task.uncancel() <= self._cancels_before and kind is asyncio.CancelledError:
            limit, seconds, at = self._nearest()
            if self._total_at <= at:
                limit, seconds = "total", self._route.total_seconds
            raise words.timed_out(self._route, limit, seconds) from None

    def _nearest(self) -> tuple[str, float, float]:
        """The limit on the next token, its seconds, and when it passes."""
        if self._begun:
            seconds = self._route.between_tokens_seconds
            return "between tokens", seconds, self._sign_of_life + seconds
        seconds = self._route.first_token_seconds
        return "first token", seconds, self._started + seconds

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._deadline, self._fire)

    def _fire(self) -> None:
        self._timer = None
        if self._waiter is None:
            return
        if self._loop.time() < self._deadline:
            self._arm()
            return
        self._expired = True
        self._waiter.cancel()
