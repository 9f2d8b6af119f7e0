"""Following a stage in one process: stored first, then live, and what disturbs it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest
from django.contrib.auth.models import User

from chat.api.following import Followed, Heartbeat, Unavailable, follow
from chat.database import run_in_pool
from chat.lifecycle import Process
from chat.models import ModelRoute, Stage
from chat.protocol import StageStart
from chat.services import Accepted, cancel_stage, start_stage
from tests.chat.conftest import within
from tests.replay import ReplayServer, Signal, WaitFor, chat_stream

Start = Callable[[], Awaitable[Accepted]]


@pytest.fixture
def start(process: Process, routed: ModelRoute, owner: User) -> Start:
    """Start a stage of the owner."""

    async def start() -> Accepted:
        command = StageStart(request_id=uuid.uuid4(), mode="chat", prompt="Go.")
        return await start_stage(owner.pk, command)

    return start


async def collect(stage_id: uuid.UUID, after: int = 0) -> list[Followed]:
    """All events of a stage above a number."""
    found = []
    async with aclosing(follow(stage_id, after)) as news:
        async for item in news:
            assert isinstance(item, Followed)
            found.append(item)
    return found


async def test_stored_events_come_first_and_then_live_ones_to_the_end(
    start: Start, replay: ReplayServer
) -> None:
    go_on = Signal()
    replay.answer_with(chat_stream(["one ", WaitFor(go_on), "two"]))
    accepted = await start()
    async with aclosing(follow(accepted.stage_id)) as news:
        seen = [await within(anext(news)), await within(anext(news))]
        late = asyncio.create_task(collect(accepted.stage_id, 1))
        go_on.set()
        seen += [item async for item in news]
    assert all(isinstance(item, Followed) for item in seen)
    assert [item.number for item in seen] == list(range(1, len(seen) + 1))  # type: ignore[union-attr]
    assert [item.event for item in seen][:: len(seen) - 1] == ["stage_started", "done"]  # type: ignore[union-attr]
    assert await within(late) == seen[1:]
    assert await within(collect(accepted.stage_id, 2)) == seen[2:]


@pytest.mark.parametrize("beyond", [0, 5])
async def test_an_ended_stage_has_an_end_wherever_one_begins(
    start: Start, replay: ReplayServer, beyond: int
) -> None:
    replay.answer_with(chat_stream(["one"]))
    accepted = await start()
    last = (await within(collect(accepted.stage_id)))[-1]
    assert await within(collect(accepted.stage_id, last.number + beyond)) == []


async def test_a_stage_that_is_not_there_has_no_events(process: Process) -> None:
    assert await within(collect(uuid.uuid4())) == []


async def test_heartbeats_come_while_nothing_does(start: Start, replay: ReplayServer) -> None:
    replay.answer_with(chat_stream([WaitFor(Signal())]))
    accepted = await start()
    async with aclosing(follow(accepted.stage_id, heartbeat=0.05)) as news:
        first, *others = [await within(anext(news)) for _ in range(3)]
    assert isinstance(first, Followed)
    assert others == [Heartbeat(), Heartbeat()]


async def test_an_outage_is_told(start: Start, replay: ReplayServer, process: Process) -> None:
    replay.answer_with(chat_stream([WaitFor(Signal())]))
    accepted = await start()
    async with aclosing(follow(accepted.stage_id)) as news:
        await within(anext(news))
        waiting = asyncio.create_task(anext(news))
        await asyncio.sleep(0)
        process.runner.unwritable(process.runner.running[accepted.stage_id].log)
        told = await within(waiting)
    assert isinstance(told, Unavailable)
    assert told.message.startswith("The database cannot be written")


async def test_a_stage_that_is_deleted_meanwhile_ends_in_the_next_silence(
    start: Start, replay: ReplayServer, owner: User, process: Process
) -> None:
    replay.answer_with(chat_stream([WaitFor(Signal())]))
    accepted = await start()
    async with aclosing(follow(accepted.stage_id, heartbeat=0.05)) as news:
        await within(anext(news))
        # As another process's stage: nothing of it is kept in memory here.
        running = process.runner.running[accepted.stage_id]
        process.runner.journal.lose(running.log)
        await run_in_pool(lambda: Stage.objects.filter(pk=accepted.stage_id).delete())
        async with asyncio.timeout(5):
            assert [item async for item in news if not isinstance(item, Heartbeat)] == []


async def test_who_no_longer_follows_leaves_nothing_behind(
    start: Start, replay: ReplayServer, owner: User, process: Process
) -> None:
    replay.answer_with(chat_stream([WaitFor(Signal())]))
    accepted = await start()
    async with aclosing(follow(accepted.stage_id)) as news:
        await within(anext(news))
        assert process.runner.hub.follows(accepted.stage_id)
    assert not process.runner.hub.follows(accepted.stage_id)
    await cancel_stage(owner.pk, accepted.stage_id, is_admin=False)
    events = await within(collect(accepted.stage_id))
    assert events[-1].event == "cancel"


async def test_reading_that_fails_is_tried_again(
    start: Start, replay: ReplayServer, process: Process, monkeypatch: Any
) -> None:
    replay.answer_with(chat_stream(["one"]))
    accepted = await start()
    whole = await within(collect(accepted.stage_id))
    await run_in_pool(_break_events, True)
    try:
        reading = asyncio.create_task(collect(accepted.stage_id))
        await asyncio.sleep(0.1)
        assert not reading.done()
    finally:
        await run_in_pool(_break_events, False)
    assert await within(reading) == whole


def _break_events(broken: bool) -> None:
    """Have the table of events be there or not: what a database that is away looks like."""
    from django.db import connection

    names = ("chat_stageevent", "chat_stageevent_away")
    source, target = names if broken else names[::-1]
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {source} RENAME TO {target}")
