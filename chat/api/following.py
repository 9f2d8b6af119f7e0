"""Following a stage over HTTP: what is stored first, then what comes, from whatever process.

`pages` gives what one read brought together, for those who pass it on as it is; `follow` one event
at a time. Both end after the terminal event, and both must be closed (`contextlib.aclosing`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from django.db import DatabaseError

from chat import runner as runners
from chat.database import run_in_pool
from chat.frames import Frame, read_after
from chat.models import ACTIVE_STATUSES, Stage

HEARTBEAT_SECONDS = 15.0
AGAIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Followed:
    """An event of the stage, as it is stored."""

    number: int
    event: str
    data: dict[str, Any]
    ts: str = ""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Nothing came for a while; the stage goes on."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The stage was stopped because its events cannot be stored; its end comes when they can."""

    message: str


HEARTBEAT = Heartbeat()


def followed(frame: Frame) -> Followed:
    """A stored frame, parsed."""
    envelope = orjson.loads(frame.text)
    return Followed(frame.number, frame.event, envelope["data"], envelope["ts"])


async def follow(
    stage_id: UUID, after: int = 0, *, heartbeat: float | None = HEARTBEAT_SECONDS
) -> AsyncGenerator[Followed | Heartbeat | Unavailable, None]:
    """The events of a stage with a number above `after`, in order, to its terminal one.

    After `heartbeat` seconds (None: never) without any comes a Heartbeat.
    """
    async with aclosing(pages(stage_id, after, heartbeat=heartbeat)) as news:
        async for item in news:
            if isinstance(item, list):
                for frame in item:
                    yield followed(frame)
            else:
                yield item


async def pages(
    stage_id: UUID, after: int = 0, *, heartbeat: float | None = HEARTBEAT_SECONDS
) -> AsyncGenerator[list[Frame] | Heartbeat | Unavailable, None]:
    """As `follow`, in frames, as many at a time as one read brings."""
    runner = runners.current()
    hub, cursor = runner.hub, runner.cursor(stage_id, after)
    outages: list[str] = []
    news = asyncio.Event()
    clock = _Clock(news, HEARTBEAT_SECONDS if heartbeat is None else heartbeat)

    def tell_outage(text: str) -> None:
        outages.append(text)
        news.set()

    wake = news.set
    hub.follow(stage_id, wake)
    hub.follow_outages(stage_id, tell_outage)
    # Of a stage that does not run here the database alone knows whether it has ended; it is asked
    # once, and again in every long silence.
    is_doubtful = True
    try:
        while True:
            news.clear()
            try:
                frames = await cursor.read()
                if not frames and is_doubtful and runner.journal.tail_of(stage_id) is None:
                    if await run_in_pool(_is_over, stage_id):
                        # Not by the cursor: what is in memory of another process's stage may lag.
                        frames = await run_in_pool(read_after, stage_id, cursor.number)
                        if not frames:
                            return
                        cursor.number = frames[-1].number
                    is_doubtful = False
            except DatabaseError:
                # What is stored is read when the database is back.
                asyncio.get_running_loop().call_later(AGAIN_SECONDS, wake)
                frames = []
            if frames:
                clock.note()
                yield frames
                if frames[-1].is_terminal:
                    return
                continue
            while outages:
                yield Unavailable(orjson.loads(outages.pop())["message"])
            if clock.take_tick():
                is_doubtful = True
                if heartbeat is not None:
                    yield HEARTBEAT
            await news.wait()
    finally:
        clock.stop()
        hub.unfollow(stage_id, wake)
        hub.unfollow_outages(stage_id, tell_outage)


class _Clock:
    """Wakes after so many seconds without a note; one timer, which is not moved by each note."""

    def __init__(self, news: asyncio.Event, seconds: float) -> None:
        self._news = news
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._noted = self._loop.time()
        self._ticked = False
        self._timer = self._loop.call_later(seconds, self._look)

    def note(self) -> None:
        """Something came."""
        self._noted = self._loop.time()

    def take_tick(self) -> bool:
        """Whether the time has passed; told once."""
        ticked, self._ticked = self._ticked, False
        return ticked

    def stop(self) -> None:
        """Wake no more."""
        self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        due = self._noted + self._seconds
        if now >= due:
            self._noted = now
            self._ticked = True
            self._news.set()
            due = now + self._seconds
        self._timer = self._loop.call_at(due, self._look)


def _is_over(stage_id: UUID) -> bool:
    """Whether nothing more will be stored of a stage: it has ended, or it is not there any more."""
    return not Stage.objects.filter(pk=stage_id, status__in=ACTIVE_STATUSES).exists()
