"""Delivery: what one socket is sent, in order, no faster than it reads."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import DatabaseError

from chat.frames import Frame
from chat.hub import Cursor
from chat.live_rendering import LiveRendering, LiveRenderings, SectionKey, Shown
from chat.protocol import CLOSE_SLOW_READER
from chat.runner import Runner

logger = logging.getLogger(__name__)

BACKLOG_EXTENSION = "toolbench.backlog"
SEND_EXTENSION = "toolbench.send_texts"
BACKLOG_HIGH = 256 * 1024
BACKLOG_LOW = 64 * 1024
SLOW_SECONDS = 30.0
BACKLOG_POLL_SECONDS = 0.05
FRAMES_PER_CHECK = 32
AGAIN_SECONDS = 0.5
REPLIES_LIMIT = 4096

Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(slots=True, eq=False)
class Subscription:
    """A socket's place in a stage's journal."""

    stage_id: UUID
    owner_id: int
    cursor: Cursor
    wake: Callable[[], None]
    sent: int
    rendering: LiveRendering | None = None
    shown: dict[SectionKey, Shown] = field(default_factory=dict)


class Delivery:
    """Sends replies and events to one socket; pauses while its reader lags, then gives up."""

    def __init__(
        self,
        runner: Runner,
        renderings: LiveRenderings,
        send: Send,
        scope: dict[str, Any],
        close: Callable[[int], Awaitable[None]],
    ) -> None:
        self.subscriptions: dict[UUID, Subscription] = {}
        self._runner = runner
        self._renderings = renderings
        self._send = send
        self._backlog: Callable[[], int] | None = (scope.get("extensions") or {}).get(
            BACKLOG_EXTENSION
        )
        self._send_texts: Callable[[Iterable[str]], None] | None = (
            scope.get("extensions") or {}
        ).get(SEND_EXTENSION)
        self._close = close
        self._replies: deque[str] = deque()
        self._due: dict[Subscription, None] = {}
        self._something = asyncio.Event()
        self._idle = asyncio.Event()
        self._is_running = False

    # --- what is to be sent ---

    def tell(self, text: str) -> None:
        """Queue a frame ahead of events."""
        self._replies.append(text)
        self._rouse()

    def subscribe(self, stage_id: UUID, *, after: int, html: bool, owner_id: int) -> None:
        """Send the stage's events above `after`, stored ones first; replaces one before."""
        self.unsubscribe(stage_id)
        cursor = self._runner.cursor(stage_id, after)

        def wake() -> None:
            if not self._send_at_once(subscription):
                self._due[subscription] = None
                self._rouse()

        subscription = Subscription(stage_id, owner_id, cursor, wake, after)
        self.subscriptions[stage_id] = subscription
        self._runner.hub.follow(stage_id, wake)
        self._runner.hub.follow_outages(stage_id, self.tell)
        if html:
            subscription.rendering = self._renderings.join(stage_id, wake)
        wake()

    def unsubscribe(self, stage_id: UUID) -> None:
        """Send no more events of the stage."""
        subscription = self.subscriptions.pop(stage_id, None)
        if subscription is None:
            return
        self._due.pop(subscription, None)
        self._runner.hub.unfollow(stage_id, subscription.wake)
        self._runner.hub.unfollow_outages(stage_id, self.tell)
        if subscription.rendering is not None:
            self._renderings.leave(subscription.rendering, subscription.wake)

    def end(self) -> None:
        """The socket is gone."""
        for stage_id in list(self.subscriptions):
            self.unsubscribe(stage_id)
        self._replies.clear()

    async def settled(self) -> None:
        """Wait until all that is due has been sent."""
        await self._idle.wait()

    def _rouse(self) -> None:
        self._idle.clear()
        self._something.set()

    # --- sending ---

    async def run(self) -> None:
        """Send what is due, until cancelled or the reader is given up."""
        self._is_running = True
        try:
            while True:
                if not self._something.is_set():
                    self._idle.set()
                await self._something.wait()
                self._something.clear()
                await self._send_replies()
                while self._due:
                    subscription = next(iter(self._due))
                    del self._due[subscription]
                    await self._send_events(subscription)
                    await self._send_replies()
        except SlowReader:
            await self._close(CLOSE_SLOW_READER)
        except Exception:
            logger.exception("Delivery to a socket ended by a bug.")
            await self._close(1011)
        finally:
            self._is_running = False
            self._idle.set()

    def _send_at_once(self, subscription: Subscription) -> bool:
        """Send what is in memory without a switch of tasks, where nothing else is to be sent first
        and the reader keeps up; whether that was all."""
        if (
            self._send_texts is None
            or self._backlog is None
            or not (self._is_running and self._idle.is_set())
            or self._backlog() > BACKLOG_LOW
        ):
            return False
        frames = subscription.cursor.peek()
        if not frames or len(frames) > FRAMES_PER_CHECK or frames[-1].is_terminal:
            return False
        self._send_texts([frame.text for frame in frames])
        subscription.cursor.number = subscription.sent = frames[-1].number
        return True

    async def _send_replies(self) -> None:
        if len(self._replies) > REPLIES_LIMIT:
            raise SlowReader
        while self._replies:
            await self._reader()
            await self._send_text(self._replies.popleft())

    async def _send_events(self, subscription: Subscription) -> None:
        """Send a page of a stage's new events; comes again if there may be more."""
        try:
            frames = await subscription.cursor.read()
        except DatabaseError:
            # What is stored is read when the database is back; nobody need reconnect for it.
            asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._try_again, subscription)
            return
        for at, frame in enumerate(frames):
            if at % FRAMES_PER_CHECK == 0:
                await self._reader()
            if self.subscriptions.get(subscription.stage_id) is not subscription:
                return
            if frame.is_terminal:
                await self._send_end(subscription, frame)
                return
            await self._send_text(frame.text)
            subscription.sent = frame.number
        if frames:
            self._due[subscription] = None
        elif subscription.rendering is not None:
            for text in subscription.rendering.frames(subscription.shown, subscription.sent):
                await self._reader()
                await self._send_text(text)

    def _try_again(self, subscription: Subscription) -> None:
        if self.subscriptions.get(subscription.stage_id) is subscription:
            subscription.wake()

    async def _send_end(self, subscription: Subscription, frame: Frame) -> None:
        """The last html, then the terminal event, then the subscription is over."""
        rendering = subscription.rendering
        if rendering is not None:
            rendering.hurry()
            with suppress(TimeoutError):
                async with asyncio.timeout(SLOW_SECONDS):
                    await rendering.finished.wait()
            for text in rendering.frames(subscription.shown, subscription.sent):
                await self._send_text(text)
        await self._send_text(frame.text)
        self.unsubscribe(subscription.stage_id)

    async def _send_text(self, text: str) -> None:
        if self._send_texts is not None:
            self._send_texts((text,))
            return
        if self._backlog is not None:
            await self._send({"type": "websocket.send", "text": text})
            return
        try:
            async with asyncio.timeout(SLOW_SECONDS):
                await self._send({"type": "websocket.send", "text": text})
        except TimeoutError:
            raise SlowReader from None

    async def _reader(self) -> None:
        """Wait while the socket holds more than it should; raises SlowReader after 30 s.

        A server that offers its backlog never waits in `send`, so it is asked, while it is high,
        twenty times a second.
        """
        backlog = self._backlog
        if backlog is None or backlog() <= BACKLOG_HIGH:
            return
        try:
            async with asyncio.timeout(SLOW_SECONDS):
                while backlog() > BACKLOG_LOW:  # noqa: ASYNC110
                    await asyncio.sleep(BACKLOG_POLL_SECONDS)
        except TimeoutError:
            raise SlowReader from None


class SlowReader(Exception):
    """The other side reads too slowly to go on."""
