"""Fixtures for the core: a serving process in the test's loop, and a journal of its own."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from chat import lifecycle
from chat.database import close_pool_connections, run_in_pool
from chat.engine.events import StageStarted
from chat.journal import Journal
from chat.lifecycle import Process
from chat.models import Conversation, Message, ModelRoute, Stage
from chat.pending import Pending, Row
from chat.projection import StageKey, insert_rows, lease_end
from chat.stage_log import StageLog
from tests.replay import ReplayServer

OWNER = "this-process"
LIMIT = 10.0

R = TypeVar("R")


async def within(awaitable: Awaitable[R], seconds: float = LIMIT) -> R:
    """Wait for something that must come, within a limit."""
    async with asyncio.timeout(seconds):
        return await awaitable


@pytest.fixture
async def process(
    transactional_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Process]:
    """A serving process in the test's loop, on a real SQLite file, drained at the end."""
    settings.TOOLBENCH_GRACE_SECONDS = 0
    # The threads of blocking tools are the whole test run's; a drain would end them for good.
    monkeypatch.setattr("chat.lifecycle.threads.shutdown", lambda: None)
    process = await lifecycle.ensure_started()
    try:
        yield process
    finally:
        await lifecycle.drain()
        await asyncio.get_running_loop().run_in_executor(None, close_pool_connections)


@pytest.fixture
async def replay() -> AsyncIterator[ReplayServer]:
    """A model server in the test's loop; say with `answer_with` what it answers."""
    async with ReplayServer() as server:
        yield server


@pytest.fixture
def routed(route: ModelRoute, replay: ReplayServer) -> ModelRoute:
    """The default route, to the replay server."""
    ModelRoute.objects.filter(pk=route.pk).update(base_url=replay.base_url)
    route.refresh_from_db()
    return route


@dataclass
class Listening:
    """Notes what the journal tells, and lets a test wait for it."""

    told: list[tuple[str, StageLog, int]] = field(default_factory=list)

    def committed(self, log: StageLog) -> None:
        self._note("committed", log)

    def taken_away(self, log: StageLog) -> None:
        self._note("taken_away", log)

    def unwritable(self, log: StageLog) -> None:
        self._note("unwritable", log)

    def of(self, log: StageLog) -> list[str]:
        return [outcome for outcome, told, _ in self.told if told is log]

    def _note(self, outcome: str, log: StageLog) -> None:
        self.told.append((outcome, log, log.committed))
        log.changed.set()


@dataclass
class JournalRig:
    """A journal with its own writer and stages whose rows are stored."""

    journal: Journal
    listener: Listening
    route: ModelRoute
    user: User
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    def store_stage(self) -> tuple[StageKey, Row]:
        """A running stage leased to this journal, its first event stored."""
        conversation = Conversation.objects.create(owner=self.user)
        prompt = Message.objects.create(conversation=conversation, role="user", content="Go.")
        stage = Stage.objects.create(
            conversation=conversation,
            owner=self.user,
            request_id=uuid.uuid4(),
            request_digest="0",
            mode="chat",
            status="running",
            route=self.route,
            model="m",
            prompt_message=prompt,
            lease_owner=OWNER,
            lease_expires_at=lease_end(),
            created_at=timezone.now(),
        )
        started = StageStarted(
            request_id=stage.request_id,
            conversation_id=conversation.pk,
            mode="chat",
            synthesis=False,
            stream=True,
            model_route="small",
            model="m",
            tools=(),
        )
        row = Pending(started).as_row(1)
        insert_rows([(stage.pk, [row])])
        key = StageKey(
            stage.pk, conversation.pk, prompt.pk, stage.message_id_reserved, self.user.pk
        )
        return key, row

    async def open(self) -> StageLog:
        key, row = await run_in_pool(self.store_stage)
        return self.journal.open(key, row)


@pytest.fixture
async def rig(transactional_db: None, owner: User, route: ModelRoute) -> AsyncIterator[JournalRig]:
    """A journal that writes in a thread of its own; its retry time is a second."""
    listener = Listening()
    journal = Journal(OWNER, listener)
    journal.retry_seconds = 1.0
    journal.start()
    try:
        yield JournalRig(journal, listener, route, owner)
    finally:
        await journal.stop()
        await asyncio.get_running_loop().run_in_executor(None, close_pool_connections)


@pytest.fixture
def cookies(
    owner: User, stranger: User, colleague: User, reviewer: User, admin: User
) -> dict[str, str]:
    """The Cookie header of each of the five people, by name."""
    headers = {}
    for user in (owner, stranger, colleague, reviewer, admin):
        client = Client()
        client.force_login(user)
        headers[user.username] = f"sessionid={client.cookies['sessionid'].value}"
    return headers
