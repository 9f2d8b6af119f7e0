"""Stages of the bench: started when there is room, followed to their end, stopped with it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from uuid import UUID

from django.db import DatabaseError

from chat import runner as runners
from chat.bench.observing import has_ended
from chat.database import run_in_pool
from chat.models import Conversation
from chat.protocol import StageStart
from chat.services.creating import Accepted
from chat.services.extras import StartExtras
from chat.services.refusals import Refused
from chat.services.stages import cancel_stage, start_stage

ROOM_SECONDS = 0.5
"""Between two tries to start, while the person has as many stages as they may."""
HEAL_SECONDS = 5.0
"""How often a stage that is no longer at work here is looked up without a hint."""

logger = logging.getLogger(__name__)


class GoingDown(Exception):
    """This process starts no stages any more."""


async def run_stage(user_id: int, command: StageStart, extras: StartExtras) -> Accepted:
    """Start a stage and wait for its end; cancelled, it stops the stage. Raises Refused."""
    accepted = await _start(user_id, command, extras)
    try:
        await wait_for_end(accepted.stage_id)
    except asyncio.CancelledError:
        with suppress(Refused, DatabaseError, runners.NotServing):
            await cancel_stage(user_id, accepted.stage_id, is_admin=False)
        raise
    return accepted


async def wait_for_end(stage_id: UUID) -> None:
    """Return once a stage's rows are final, whichever process ended it."""
    runner = runners.current()
    news = asyncio.Event()
    runner.hub.follow(stage_id, news.set)
    try:
        while True:
            news.clear()
            if stage_id not in runner.running and await _has_ended(stage_id):
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(HEAL_SECONDS):
                    await news.wait()
    finally:
        runner.hub.unfollow(stage_id, news.set)


async def _start(user_id: int, command: StageStart, extras: StartExtras) -> Accepted:
    while True:
        try:
            return await start_stage(user_id, command, Conversation.Source.BENCH, extras=extras)
        except Refused as refused:
            if refused.code == "going_down":
                raise GoingDown from None
            if refused.code != "too_many_stages":
                raise
        await asyncio.sleep(ROOM_SECONDS)


async def _has_ended(stage_id: UUID) -> bool:
    try:
        return await run_in_pool(has_ended, stage_id)
    except DatabaseError as error:
        logger.warning("A stage of the bench cannot be looked up: %s", type(error).__name__)
        return False
