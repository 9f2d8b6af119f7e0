"""Stages that other processes run and somebody here follows: their tails, read together.

A hint says that a stage has news; one query then reads the news of all such stages, however many
follow them. Once a second the same is done without a hint, which heals those that were lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Now

from chat.database import run_in_pool
from chat.frames import PAGE, Frame, Tail, last_numbers, read_news
from chat.hub import Hub
from chat.models import ACTIVE_STATUSES, Stage

logger = logging.getLogger(__name__)

HEAL_SECONDS = 1.0
READ_INTERVAL = 0.02
"""Seconds between two reads of hinted news, as between two commits."""
JUST_ENDED_SECONDS = 30

TellStatus = Callable[[UUID, UUID, str], None]


class RemoteStages:
    """Follows, for this process's followers, what other processes write."""

    def __init__(
        self, hub: Hub, runs_here: Callable[[UUID], bool], tell_status: TellStatus
    ) -> None:
        self.tails: dict[UUID, Tail] = {}
        self._hub = hub
        self._runs_here = runs_here
        self._tell_status = tell_status
        self._due: set[UUID] = set()
        self._something = asyncio.Event()
        self._statuses: dict[UUID, str] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to follow; called on the event loop."""
        self._tasks = [
            asyncio.create_task(self._read_forever(), name="remote-news"),
            asyncio.create_task(self._heal_forever(), name="remote-heal"),
        ]

    async def stop(self) -> None:
        """Follow no longer."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- hints ---

    def heard_of_events(self, stage_id: UUID, number: int) -> None:
        """Another process stored events of a stage up to a number."""
        if not self._hub.follows(stage_id) or self._runs_here(stage_id):
            return
        tail = self.tails.get(stage_id)
        if tail is None:
            # What came before is each follower's own to read; from here on it is read for all.
            self.tails[stage_id] = Tail(number)
            self._hub.wake(stage_id)
        elif number > tail.last:
            self._due.add(stage_id)
            self._something.set()

    def heard_of_status(self, conversation_id: UUID, stage_id: UUID, status: str) -> None:
        """A stage started or ended, here or elsewhere; told once."""
        if not self._tasks:
            self._tell_status(conversation_id, stage_id, status)
        elif self._statuses.get(stage_id) != status:
            self._statuses[stage_id] = status
            self._tell_status(conversation_id, stage_id, status)

    # --- reading ---

    async def _read_forever(self) -> None:
        while True:
            await self._something.wait()
            self._something.clear()
            due, self._due = self._due, set()
            try:
                await self._read(due & self.tails.keys())
            except Exception as error:
                logger.warning("News could not be read: %s", type(error).__name__)
            await asyncio.sleep(READ_INTERVAL)

    async def _read(self, stage_ids: set[UUID]) -> None:
        """Bring tails up to date, a page of events at a time."""
        while stage_ids:
            after = {stage_id: self.tails[stage_id].last for stage_id in stage_ids}
            news = await run_in_pool(read_news, after)
            for stage_id, frames in news.items():
                self._take(stage_id, frames)
            if sum(map(len, news.values())) < PAGE:
                return
            stage_ids &= self.tails.keys()

    def _take(self, stage_id: UUID, frames: list[Frame]) -> None:
        tail = self.tails.get(stage_id)
        if tail is None:
            return
        # Two reads may overlap; a tail has no gap and nothing twice.
        new = [frame for frame in frames if frame.number > tail.last]
        if new and new[0].number == tail.last + 1:
            tail.remember(new)
            self._hub.wake(stage_id)

    # --- without hints ---

    async def _heal_forever(self) -> None:
        while True:
            await asyncio.sleep(HEAL_SECONDS)
            try:
                await self._heal_stages()
                await self._heal_statuses()
            except Exception as error:
                logger.warning("Lost hints could not be made up for: %s", type(error).__name__)

    async def _heal_stages(self) -> None:
        followed = {
            stage_id for stage_id in self._hub.followed_stages if not self._runs_here(stage_id)
        }
        for stage_id in [one for one in self.tails if one not in followed]:
            del self.tails[stage_id]
        await self._read(followed & self.tails.keys())
        unknown = followed - self.tails.keys()
        if not unknown:
            return
        for stage_id, number in (await run_in_pool(last_numbers, unknown)).items():
            if stage_id not in self.tails and not self._runs_here(stage_id):
                self.tails[stage_id] = Tail(number)
                self._hub.wake(stage_id)

    async def _heal_statuses(self) -> None:
        conversations = self._hub.followed_conversations
        found = await run_in_pool(_statuses_in, conversations) if conversations else []
        for conversation_id, stage_id, status in found:
            self.heard_of_status(conversation_id, stage_id, status)
        known = {stage_id for _, stage_id, _ in found}
        for stage_id in [one for one in self._statuses if one not in known]:
            del self._statuses[stage_id]


def _statuses_in(conversations: list[UUID]) -> list[tuple[UUID, UUID, str]]:
    """Stages of the conversations that run or have just ended: conversation, stage, status."""
    recent = Q(ended_at__gt=Now() - timedelta(seconds=JUST_ENDED_SECONDS))
    rows = Stage.objects.filter(
        Q(status__in=ACTIVE_STATUSES) | recent, conversation_id__in=conversations
    )
    return list(rows.values_list("conversation_id", "pk", "status"))
