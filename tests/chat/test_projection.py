"""Law 3 through the real database: after the end, the rows are the fold of the events."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import asdict
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.database import run_in_pool
from chat.engine.events import (
    TERMINAL_EVENTS,
    Cancel,
    ChatCompletionChunk,
    ErrorEvent,
    Event,
    RepairEvent,
    ToolCallEvent,
    ToolResultEvent,
    UsageEvent,
    parse_event,
)
from chat.engine.fold import StageFold
from chat.frames import read_after
from chat.journal import Journal
from chat.leases import INTERRUPTED, end_lost_stages, load_fold
from chat.models import Message, ModelRoute, Stage, StageEvent, ToolRun
from chat.stage_log import StageLog, StageLost
from tests.chat.conftest import OWNER, JournalRig, Listening, within
from tests.chat.engine.stages import folded
from tests.chat.engine.test_laws import Play, drive, plays

SAMPLE = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def state(fold: StageFold) -> dict[str, Any]:
    """A fold without how its text was cut."""
    return {
        "turns": fold.turns_record(),
        "calls": fold.calls,
        "results": fold.results,
        "summaries": fold.summaries,
        "usage": fold.usage,
        "repairs": fold.repairs,
        "terminal": fold.terminal,
    }


def stored_events(stage_id: Any) -> list[Event]:
    rows = StageEvent.objects.filter(stage_id=stage_id).order_by("sequence_number")
    assert [row.sequence_number for row in rows] == list(range(1, len(rows) + 1))
    return [parse_event(row.event, row.parsed_data()) for row in rows]


def assert_rows_are_the_fold(stage_id: Any, fold: StageFold) -> None:
    stage = Stage.objects.get(pk=stage_id)
    terminal = fold.terminal
    assert terminal is not None
    assert stage.status == terminal.event
    assert stage.ended_at is not None
    assert (stage.lease_owner, stage.lease_expires_at) == ("", None)
    assert stage.usage == (asdict(fold.usage) if fold.usage else {})
    assert stage.repairs_count == len(fold.repairs)
    assert [
        (repair.code, repair.detail, repair.round, repair.phase, repair.raw)
        for repair in stage.repairs.order_by("id")
    ] == [(r.code, r.detail, r.round, r.phase or "", r.raw) for r in fold.repairs]
    if isinstance(terminal, ErrorEvent):
        assert (stage.error_code, stage.error_message) == (terminal.code, terminal.message)
    elif terminal.event == "done":
        assert stage.finish_reason == (terminal.finish_reason or "")
        assert stage.timings == terminal.timings.model_dump()
    message = Message.objects.filter(stage_id=stage_id).first()
    says_something = bool(fold.content or fold.reasoning or fold.calls)
    assert (message is not None) == (terminal.event == "done" or says_something)
    if message is not None:
        assert message.pk == stage.message_id_reserved
        assert message.parent_id == stage.prompt_message_id
        assert message.content == fold.content
        assert message.reasoning == fold.reasoning
        assert message.turns == fold.turns_record()
    runs = {run.call_id: run for run in ToolRun.objects.filter(stage_id=stage_id)}
    assert set(runs) == set(fold.calls) == set(fold.results)
    for call_id, run in runs.items():
        call, result = fold.calls[call_id], fold.results[call_id]
        assert (run.tool, run.round, run.raw_arguments) == (
            call.tool,
            call.round,
            call.raw_arguments,
        )
        assert (run.arguments, run.valid, run.errors) == (
            call.arguments,
            call.valid,
            list(call.errors),
        )
        assert (run.status, run.result, run.error) == (
            result.status,
            result.content,
            result.error or "",
        )


async def write(rig: JournalRig, log: StageLog, events: list[Event], pauses: set[int]) -> None:
    """Through the real writer, which now and then catches up."""
    rig.journal.start()
    try:
        for at, event in enumerate(events):
            rig.journal.put(log, event)
            if at in pauses:
                await within(rig.journal.flush(log))
        await within(rig.journal.flush(log))
    finally:
        await rig.journal.stop()


def new_rig(route: ModelRoute, user: User) -> JournalRig:
    return JournalRig(Journal(OWNER, Listening()), Listening(), route, user, itertools.count())


PAUSES = st.sets(st.integers(0, 30), max_size=6)


@pytest.mark.django_db(transaction=True)
@SAMPLE
@given(play=plays(), stop_after=st.none() | st.integers(0, 25), pauses=PAUSES)
def test_rows_are_the_fold_however_a_stage_ends(
    owner: User, route: ModelRoute, play: Play, stop_after: int | None, pauses: set[int]
) -> None:
    events, _, _ = asyncio.run(drive(play, stop_after))
    rig = new_rig(route, owner)
    key, row = rig.store_stage()
    log = rig.journal.open(key, row)
    asyncio.run(write(rig, log, events, pauses))
    stored, live = folded(stored_events(key.stage_id)), folded(events)
    assert state(stored) == state(live)
    assert_rows_are_the_fold(key.stage_id, live)


@pytest.mark.django_db(transaction=True)
@SAMPLE
@given(play=plays(), cut=st.integers(0, 25), pauses=PAUSES)
def test_rows_are_the_fold_where_the_process_was_lost(
    owner: User, route: ModelRoute, play: Play, cut: int, pauses: set[int]
) -> None:
    events, _, _ = asyncio.run(drive(play, None))
    events = [event for event in events if event.event not in TERMINAL_EVENTS][:cut]
    rig = new_rig(route, owner)
    key, row = rig.store_stage()
    log = rig.journal.open(key, row)
    asyncio.run(write(rig, log, events, pauses))
    before = stored_events(key.stage_id)
    assert state(folded(before)) == state(folded(events))

    assert [ended for ended, _ in end_lost_stages(all_active=True, except_for=[])] == [key]
    assert end_lost_stages(all_active=True, except_for=[]) == []

    after = stored_events(key.stage_id)
    assert after[: len(before)] == before
    lost = folded(before).closing_results("lost")
    assert after[len(before) :] == [*lost, INTERRUPTED]
    assert_rows_are_the_fold(key.stage_id, folded(after))
    fold, number = load_fold(key.stage_id)
    assert (state(fold), number) == (state(folded(after)), len(after))


@pytest.mark.django_db(transaction=True)
@SAMPLE
@given(play=plays(), pauses=PAUSES)
def test_reading_after_any_number_gives_the_rest(
    owner: User, route: ModelRoute, play: Play, pauses: set[int]
) -> None:
    events, _, _ = asyncio.run(drive(play, None))
    rig = new_rig(route, owner)
    key, row = rig.store_stage()
    asyncio.run(write(rig, rig.journal.open(key, row), events, pauses))
    whole = read_after(key.stage_id, 0)
    for cut in range(len(whole) + 1):
        assert read_after(key.stage_id, cut) == whole[cut:]


def every_kind() -> list[Event]:
    call = ToolCallEvent(
        round=1,
        call_id="c1",
        upstream_id="u1",
        tool="echo",
        arguments={"text": "naïve 🌱", "n": 2**63},
        raw_arguments='{"text": "naïve 🌱"}',
        origin="native",
        valid=True,
        repairs=("r",),
    )
    return [
        ChatCompletionChunk(phase="tools", round=1, content="I look.", reasoning="hm"),
        RepairEvent(code="x", detail="y"),
        UsageEvent(round=1, phase="tools", input_tokens=3, output_tokens=4, total_tokens=7),
        call,
        ToolResultEvent(
            round=1, call_id="c1", tool="echo", status="ok", content="[]", duration_ms=4
        ),
    ]


@pytest.mark.parametrize("by", ["user", "admin", "shutdown"])
async def test_a_cancel_leaves_what_was_said(rig: JournalRig, by: Any) -> None:
    log = await rig.open()
    for event in [*every_kind(), Cancel(by=by, upstream_closed_ms=3)]:
        rig.journal.put(log, event)
    await within(rig.journal.flush(log))
    await run_in_pool(assert_rows_are_the_fold, log.key.stage_id, log.fold)


async def test_a_whole_output_is_kept_beside_what_the_model_read(rig: JournalRig) -> None:
    log = await rig.open()
    log.whole_outputs = {"c1": "the whole of it"}
    for event in every_kind():
        rig.journal.put(log, event)
    await within(rig.journal.flush(log))
    run = await run_in_pool(lambda: ToolRun.objects.get(stage_id=log.key.stage_id))
    assert (run.result, run.whole_result, run.duration_ms) == ("[]", "the whole of it", 4)


async def test_of_several_reapers_and_the_writer_exactly_one_ends_a_stage(rig: JournalRig) -> None:
    logs = [await rig.open() for _ in range(8)]
    for log in logs:
        for event in every_kind():
            rig.journal.put(log, event)
        rig.journal.put(log, Cancel(by="user", upstream_closed_ms=None))
    reaped = await asyncio.gather(
        *(run_in_pool(end_lost_stages, all_active=True, except_for=[]) for _ in range(3))
    )
    ended = [key.stage_id for keys in reaped for key, _ in keys]
    assert len(ended) == len(set(ended))
    for log in logs:
        if log.key.stage_id in ended:
            with pytest.raises(StageLost):
                await within(rig.journal.flush(log))
        else:
            await within(rig.journal.flush(log))
        events = await run_in_pool(stored_events, log.key.stage_id)
        ends = [event for event in events if event.event in TERMINAL_EVENTS]
        assert len(ends) == 1
        assert events[-1] is ends[0]
        await run_in_pool(assert_rows_are_the_fold, log.key.stage_id, folded(events))
