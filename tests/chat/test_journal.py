"""The writer on a real database: numbers, commits, fences, and a database in trouble."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from uuid import UUID

import psycopg
import pytest
from django.db import OperationalError, connections
from django.utils import timezone

from chat import journal as journals
from chat.database import run_in_pool, writing
from chat.engine.events import (
    Cancel,
    ChatCompletionChunk,
    RepairEvent,
    RequestSent,
    UsageEvent,
)
from chat.frames import PAGE, last_numbers, read_after
from chat.models import Stage, StageEvent
from chat.stage_log import HELD_BYTES, StageLog, StageLost
from tests import backing
from tests.chat.conftest import JournalRig, within

END = Cancel(by="user", upstream_closed_ms=None)


def said(content: str) -> ChatCompletionChunk:
    return ChatCompletionChunk(phase="chat", round=1, content=content)


def usage() -> UsageEvent:
    return UsageEvent(round=1, phase="chat", input_tokens=1, output_tokens=1, total_tokens=2)


async def numbers_of(stage_id: UUID) -> list[int]:
    def read() -> list[int]:
        rows = StageEvent.objects.filter(stage_id=stage_id).order_by("sequence_number")
        return list(rows.values_list("sequence_number", flat=True))

    return await run_in_pool(read)


async def text_of(stage_id: UUID) -> str:
    def read() -> str:
        rows = StageEvent.objects.filter(stage_id=stage_id, event="chat_completion_chunk")
        return "".join(row.parsed_data()["content"] for row in rows.order_by("sequence_number"))

    return await run_in_pool(read)


async def update(stage_id: UUID, **values: object) -> None:
    await run_in_pool(lambda: Stage.objects.filter(pk=stage_id).update(**values))


@contextmanager
def locked_database() -> Iterator[None]:
    """Another program keeps every writer waiting until it rolls back."""
    settings = connections["default"].settings_dict
    if backing.is_cluster():
        url = backing.database_url(settings["NAME"])
        with psycopg.connect(url) as other:
            other.execute("LOCK TABLE chat_stage IN EXCLUSIVE MODE")
            yield
            other.rollback()
        return
    with closing(sqlite3.connect(settings["NAME"], isolation_level=None)) as file:
        file.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            file.execute("ROLLBACK")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """New connections wait 50 ms for a lock instead of 20 s."""
    options = connections.settings["default"]["OPTIONS"]
    if backing.is_cluster():
        monkeypatch.setitem(options, "options", "-c lock_timeout=50")
    else:
        monkeypatch.setitem(options, "timeout", 0.05)


@pytest.fixture
async def retried() -> AsyncIterator[asyncio.Event]:
    """Set when the writer says that it tries again."""
    loop, happened = asyncio.get_running_loop(), asyncio.Event()

    class Watch(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "trying again" in record.getMessage():
                loop.call_soon_threadsafe(happened.set)

    watch = Watch()
    logging.getLogger("chat.journal").addHandler(watch)
    yield happened
    logging.getLogger("chat.journal").removeHandler(watch)


async def test_numbers_are_dense_and_the_text_is_whole(rig: JournalRig) -> None:
    logs = [await rig.open() for _ in range(3)]
    for at in range(200):
        for log in logs:
            rig.journal.put(log, said(f"{at} "))
            if at % 50 == 0:
                rig.journal.put(log, RepairEvent(code="x", detail=str(at)))
        if at % 20 == 0:
            await rig.journal.flush(logs[0])
    for log in logs:
        rig.journal.put(log, END)
        await within(rig.journal.flush(log))
        numbers = await numbers_of(log.key.stage_id)
        assert numbers == list(range(1, log.number + 1))
        assert await text_of(log.key.stage_id) == "".join(f"{at} " for at in range(200))
        last = await run_in_pool(last_numbers, [log.key.stage_id])
        assert last == {log.key.stage_id: log.committed} == {log.key.stage_id: log.number}


async def test_one_commit_serves_many_stages(rig: JournalRig) -> None:
    logs = [await rig.open() for _ in range(40)]
    with locked_database():
        rig.journal.put(logs[0], said("x"))
        for log in logs:
            rig.journal.put(log, said("x"))
            rig.journal.put(log, usage())
    for log in logs:
        await within(rig.journal.flush(log))
    assert rig.journal.commits <= 3


async def test_the_first_delta_goes_at_once_and_later_ones_wait_for_more(
    rig: JournalRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "COMMIT_INTERVAL", 3600.0)
    log = await rig.open()
    rig.journal.put(log, said("a"))
    await within(rig.journal.flush(log))
    rig.journal.put(log, said("b"))
    rig.journal.put(log, said("c"))
    other = await rig.open()
    rig.journal.put(other, said("first of another"))
    await within(rig.journal.flush(other))
    # What another stage could not wait for took nothing of this one along.
    assert log.waiting
    rig.journal.put(log, said("d"))
    rig.journal.put(log, usage())
    await within(rig.journal.flush(log))
    assert await text_of(log.key.stage_id) == "abcd"
    # b, c and d waited together, so they are one row.
    assert len(await numbers_of(log.key.stage_id)) == 1 + 2 + 1


@pytest.mark.parametrize(
    "taken",
    [
        {"lease_owner": "another-process"},
        {"status": "error", "ended_at": timezone.now(), "lease_owner": ""},
    ],
)
async def test_a_stage_taken_away_gets_no_more_events(
    rig: JournalRig, taken: dict[str, object]
) -> None:
    log, other = await rig.open(), await rig.open()
    rig.journal.put(log, said("mine"))
    await within(rig.journal.flush(log))
    await update(log.key.stage_id, **taken)
    rig.journal.put(log, said("no longer"))
    rig.journal.put(log, END)
    rig.journal.put(other, said("still mine"))
    with pytest.raises(StageLost):
        await within(rig.journal.flush(log))
    await within(rig.journal.flush(other))
    assert rig.listener.of(log)[-1] == "taken_away"
    assert rig.listener.of(other) == ["committed"]
    assert await numbers_of(log.key.stage_id) == [1, 2]
    with pytest.raises(StageLost):
        rig.journal.put(log, said("more"))


async def collide(log: StageLog) -> None:
    """Somebody else stored the stage's next number, so that the writer's row is refused."""
    await run_in_pool(
        lambda: StageEvent.objects.create(
            stage_id=log.key.stage_id,
            sequence_number=log.number + 1,
            ts=timezone.now(),
            event="repair",
            data="{}",
        )
    )


async def test_one_bad_row_costs_only_its_own_stage(rig: JournalRig) -> None:
    logs = [await rig.open() for _ in range(12)]
    bad = logs[5]
    await collide(bad)
    with locked_database():
        for log in logs:
            rig.journal.put(log, usage())
    for log in logs:
        if log is not bad:
            await within(rig.journal.flush(log))
            assert await numbers_of(log.key.stage_id) == [1, 2]
    with pytest.raises(StageLost):
        await within(rig.journal.flush(bad))
    assert rig.listener.of(bad) == ["unwritable"]


async def test_what_json_cannot_hold_costs_only_its_own_stage(rig: JournalRig) -> None:
    bad, good = await rig.open(), await rig.open()
    with locked_database():
        rig.journal.put(bad, said("half a pair: \ud83d"))
        rig.journal.put(good, said("fine"))
    await within(rig.journal.flush(good))
    with pytest.raises(StageLost):
        await within(rig.journal.flush(bad))
    assert rig.listener.of(bad) == ["unwritable"]
    rig.journal.put(good, said("the writer lives on"))
    await within(rig.journal.flush(good))


async def test_after_a_number_that_was_lost_none_is_stored(rig: JournalRig) -> None:
    log = await rig.open()
    await collide(log)
    with locked_database():
        rig.journal.put(log, usage())
    # Put before the loop hears that the first row was refused.
    while not log.given_up:
        rig.journal.put(log, said("x"))
    rig.journal.put(log, said("y"))
    rig.journal.put(log, usage())
    with pytest.raises(StageLost):
        await within(rig.journal.flush(log))
    other = await rig.open()
    rig.journal.put(other, usage())
    await within(rig.journal.flush(other))
    assert await numbers_of(log.key.stage_id) == [1, 2]


async def test_a_locked_database_is_waited_for(
    impatient: None, rig: JournalRig, retried: asyncio.Event
) -> None:
    log = await rig.open()
    rig.journal.retry_seconds = 60.0
    with locked_database():
        rig.journal.put(log, said("patience"))
        await within(retried.wait())
        assert log.committed == 1
    await within(rig.journal.flush(log))
    assert await text_of(log.key.stage_id) == "patience"
    assert rig.listener.of(log) == ["committed"]


async def test_a_database_that_stays_away_gives_its_stages_up_and_later_ones_live(
    impatient: None, rig: JournalRig
) -> None:
    logs = [await rig.open() for _ in range(3)]
    rig.journal.retry_seconds = 0.2
    with locked_database():
        for log in logs:
            rig.journal.put(log, said("never written"))
        for log in logs:
            with pytest.raises(StageLost):
                await within(rig.journal.flush(log))
    assert [rig.listener.of(log) for log in logs] == [["unwritable"]] * 3
    later = await rig.open()
    rig.journal.put(later, said("written"))
    await within(rig.journal.flush(later))
    assert await text_of(later.key.stage_id) == "written"


async def test_an_engine_is_held_back_at_256_kib_until_the_database_is_back(
    impatient: None, rig: JournalRig, retried: asyncio.Event
) -> None:
    log = await rig.open()
    rig.journal.retry_seconds = 60.0
    with locked_database():
        rig.journal.put(log, said("x"))
        await within(retried.wait())
        while not log.is_crowded:
            rig.journal.put(log, said("y" * 8000))
        assert HELD_BYTES < log.held < HELD_BYTES + 16_000
        waiting = asyncio.create_task(rig.journal.room(log))
        retried.clear()
        await within(retried.wait())
        assert not waiting.done()
    await within(waiting)
    await within(rig.journal.flush(log))
    assert log.held == 0


async def test_room_is_refused_to_a_lost_stage(impatient: None, rig: JournalRig) -> None:
    log = await rig.open()
    rig.journal.retry_seconds = 0.1
    with locked_database():
        while not log.is_crowded:
            rig.journal.put(log, said("y" * 8000))
        with pytest.raises(StageLost):
            await within(rig.journal.room(log))


async def test_stopping_writes_what_waits(rig: JournalRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "COMMIT_INTERVAL", 3600.0)
    log = await rig.open()
    rig.journal.put(log, said("a"))
    await within(rig.journal.flush(log))
    rig.journal.put(log, said("b"))
    await within(rig.journal.stop())
    assert await text_of(log.key.stage_id) == "ab"


async def test_nothing_follows_the_terminal_event(rig: JournalRig) -> None:
    log = await rig.open()
    rig.journal.put(log, END)
    with pytest.raises(StageLost):
        rig.journal.put(log, said("too late"))
    await within(rig.journal.flush(log))
    assert await numbers_of(log.key.stage_id) == [1, 2]


async def test_a_request_is_kept_on_the_stages_row_and_has_no_number(rig: JournalRig) -> None:
    log = await rig.open()
    sent = RequestSent(
        round=1,
        phase="chat",
        model="m",
        base_url_host="127.0.0.1:9",
        messages=({"message_id": "1"},),
        tools=(),
        parameters={"stream": True},
    )
    rig.journal.put(log, sent)
    rig.journal.put(log, usage())
    await within(rig.journal.flush(log))
    stage = await run_in_pool(lambda: Stage.objects.get(pk=log.key.stage_id))
    assert stage.requests == [sent.model_dump(mode="json")]
    assert await numbers_of(log.key.stage_id) == [1, 2]


async def test_every_commit_renews_the_lease(rig: JournalRig) -> None:
    log = await rig.open()
    past = timezone.now() - timezone.timedelta(hours=1)
    await update(log.key.stage_id, lease_expires_at=past)
    rig.journal.put(log, usage())
    await within(rig.journal.flush(log))
    stage = await run_in_pool(lambda: Stage.objects.get(pk=log.key.stage_id))
    assert stage.lease_expires_at is not None
    assert stage.lease_expires_at > timezone.now()


async def test_stored_events_are_read_in_pages_and_in_order(rig: JournalRig) -> None:
    log = await rig.open()
    for at in range(PAGE + 20):
        rig.journal.put(log, RepairEvent(code="x", detail=str(at)))
    await within(rig.journal.flush(log))
    first = await run_in_pool(read_after, log.key.stage_id, 0)
    second = await run_in_pool(read_after, log.key.stage_id, first[-1].number)
    assert [frame.number for frame in first + second] == list(range(1, PAGE + 22))
    assert len(first) == PAGE


async def test_a_commit_whose_answer_was_lost_costs_nothing(
    rig: JournalRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = await rig.open()
    answers = iter([OperationalError("the connection broke")])

    @contextmanager
    def answer_lost_once() -> Iterator[None]:
        with writing():
            yield
        for error in answers:
            raise error

    monkeypatch.setattr("chat.journal.writing", answer_lost_once)
    rig.journal.put(log, said("once"))
    await within(rig.journal.flush(log))
    rig.journal.put(log, said(" and again"))
    await within(rig.journal.flush(log))
    assert await text_of(log.key.stage_id) == "once and again"
    assert await numbers_of(log.key.stage_id) == [1, 2, 3]
    assert rig.listener.of(log) == ["committed", "committed"]
