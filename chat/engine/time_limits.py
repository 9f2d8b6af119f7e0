"""The four time limits of a request, as one deadline for each wait."""

from __future__ import annotations

import asyncio
from types import TracebackType

from chat.engine import upstream_words as words
from chat.engine.completions import RouteSettings


class TimeLimits:
    """First-token, between-tokens and total limit; the first covers the wait for headers too.

    `with limits:` is one wait for the upstream; it raises UpstreamTimeout when a limit passes. As
    `asyncio.timeout_at`, but one timer serves all waits of a request: it asks when the limit passes
    only once it fires, so that a wait that ends in time has cost next to nothing. Waits do not
    overlap; `close` after the last one.
    """

    def __init__(self, route: RouteSettings) -> None:
        self.begun = False
        """Whether the first token has come."""
        self._route = route
        self._loop = asyncio.get_running_loop()
        self._started = self._sign_of_life = self._loop.time()
        self._total_at = self._started + route.total_seconds
        self._payloads = 0
        self._timer: asyncio.TimerHandle | None = None
        self._waiter: asyncio.Task[object] | None = None
        self._cancels_before = 0
        self._expired = False

    def note(self, payloads: int, has_token: bool) -> None:
        """After a read: how many payloads came so far, and whether it held a token.

        A payload without text counts as life between tokens (half a character gives none), but
        only a token ends the wait for the first; comments count for nothing.
        """
        if payloads != self._payloads:
            self._payloads = payloads
            self._sign_of_life = self._loop.time()
        if has_token and not self.begun:
            self.begun = True
            # The limit between tokens may pass before the timer was to look.
            self.close()

    def close(self) -> None:
        """Give up the timer; another wait would start one again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._waiter, self._cancels_before = task, task.cancelling()
        if self._timer is None:
            self._arm()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        task, self._waiter = self._waiter, None
        if not self._expired or task is None:
            return
        self._expired = False
        # Ours is not the only reason to be cancelled; another one goes on (asyncio.Timeout).
        if task.uncancel() <= self._cancels_before and kind is asyncio.CancelledError:
            limit, seconds, at = self._nearest()
            if self._total_at <= at:
                limit, seconds = "total", self._route.total_seconds
            raise words.timed_out(self._route, limit, seconds, begun=self.begun) from None

    def _nearest(self) -> tuple[str, float, float]:
        """The limit on the next token, its seconds, and when it passes."""
        if self.begun:
            seconds = self._route.between_tokens_seconds
            return "between tokens", seconds, self._sign_of_life + seconds
        seconds = self._route.first_token_seconds
        return "first token", seconds, self._started + seconds

    def _arm(self) -> None:
        self._timer = self._loop.call_at(min(self._nearest()[2], self._total_at), self._fire)

    def _fire(self) -> None:
        self._timer = None
        if self._waiter is None:
            return
        if self._loop.time() < min(self._nearest()[2], self._total_at):
            self._arm()
            return
        self._expired = True
        self._waiter.cancel()
