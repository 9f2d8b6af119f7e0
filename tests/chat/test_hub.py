"""Cursors give the same frames from memory and from the database; followers come and go."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from chat.engine.events import Cancel, ChatCompletionChunk, RepairEvent
from chat.frames import PAGE, TAIL_BYTES, TAIL_EVENTS, Frame
from chat.hub import Cursor, Hub
from chat.stage_log import StageLog
from tests.chat.conftest import JournalRig, within


async def read_all(cursor: Cursor) -> list[Frame]:
    frames: list[Frame] = []
    while page := await cursor.read():
        assert len(page) <= PAGE
        frames += page
    return frames


async def journaled(rig: JournalRig, events: int) -> StageLog:
    log = await rig.open()
    for at in range(events):
        rig.journal.put(log, RepairEvent(code="x", detail=str(at)))
        rig.journal.put(log, ChatCompletionChunk(phase="chat", round=1, content=f"é{at} "))
    rig.journal.put(log, Cancel(by="user", upstream_closed_ms=None))
    await within(rig.journal.flush(log))
    return log


async def test_memory_and_database_give_the_same_frames_at_every_cut(rig: JournalRig) -> None:
    log = await journaled(rig, 15)
    stage_id = log.key.stage_id
    live = [
        await read_all(Cursor(rig.journal.tail_of, stage_id, cut)) for cut in range(log.number + 1)
    ]
    rig.journal.forget(log)
    for cut in range(log.number + 1):
        stored = await read_all(Cursor(rig.journal.tail_of, stage_id, cut))
        assert stored == live[cut]
        assert [frame.number for frame in stored] == list(range(cut + 1, log.number + 1))
    assert json.loads(live[0][0].text)["event"] == "stage_started"
    assert live[0][-1].is_terminal


async def test_a_cursor_crosses_pages_and_the_edge_of_memory(rig: JournalRig) -> None:
    log = await journaled(rig, PAGE)
    assert log.number > PAGE * 2 > TAIL_EVENTS
    assert len(log.tail.frames) <= TAIL_EVENTS
    assert log.tail.frames[0].number > 1
    for after in (
        0,
        1,
        PAGE - 1,
        PAGE,
        log.tail.frames[0].number - 2,
        log.tail.frames[0].number - 1,
    ):
        frames = await read_all(Cursor(rig.journal.tail_of, log.key.stage_id, after))
        assert [frame.number for frame in frames] == list(range(after + 1, log.number + 1))


async def test_memory_is_bounded_by_size_too(rig: JournalRig) -> None:
    log = await rig.open()
    for at in range(80):
        rig.journal.put(log, RepairEvent(code=str(at), detail="z" * 8000))
    await within(rig.journal.flush(log))
    assert log.tail.size == sum(len(frame.text) for frame in log.tail.frames) <= TAIL_BYTES
    frames = await read_all(Cursor(rig.journal.tail_of, log.key.stage_id, 0))
    assert len(frames) == log.number


async def test_a_cursor_at_the_end_reads_nothing_until_there_is_more(rig: JournalRig) -> None:
    log = await rig.open()
    cursor = Cursor(rig.journal.tail_of, log.key.stage_id, 1)
    assert await cursor.read() == []
    rig.journal.put(log, RepairEvent(code="x", detail="y"))
    await within(rig.journal.flush(log))
    assert [frame.number for frame in await cursor.read()] == [2]
    assert await cursor.read() == []


def test_a_follower_is_woken_until_it_unfollows_and_leaves_nothing_behind() -> None:
    hub, woken, stage_id = Hub(), [], uuid4()

    def one() -> None:
        woken.append("one")
        hub.unfollow(stage_id, one)

    def two() -> None:
        woken.append("two")

    hub.follow(stage_id, one)
    hub.follow(stage_id, two)
    hub.wake(stage_id)
    hub.wake(stage_id)
    hub.wake(uuid4())
    assert sorted(woken) == ["one", "two", "two"]
    hub.unfollow(stage_id, two)
    hub.unfollow(stage_id, two)
    assert hub.followed_stages == []


@pytest.mark.parametrize("kind", ["conversation", "outages"])
def test_a_frame_reaches_only_those_who_follow(kind: str) -> None:
    hub, told, here, elsewhere = Hub(), [], uuid4(), uuid4()
    follow = getattr(hub, f"follow_{kind}")
    unfollow = getattr(hub, f"unfollow_{kind}")
    tell = hub.tell_conversation if kind == "conversation" else hub.tell_outage
    follow(here, told.append)
    tell(here, "a")
    tell(elsewhere, "b")
    unfollow(here, told.append)
    tell(here, "c")
    assert told == ["a"]
