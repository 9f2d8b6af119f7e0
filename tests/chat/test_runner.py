"""Stages at work: cancels by row, lost journals, drains, and what a start finds."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, OperationalError

from chat import journal as journals
from chat import lifecycle
from chat import runner as runners
from chat.database import run_in_pool
from chat.engine.stage import StageEngine
from chat.leases import end_lost_stages
from chat.lifecycle import Process
from chat.models import Conversation, ModelRoute, Stage, StageEvent
from chat.runner import NotServing
from chat.services import request_cancel, stages
from tests.chat.conftest import JournalRig, Listening, within
from tests.chat.socket_talk import Talk
from tests.replay import ReplayServer, Signal, WaitFor, chat_stream


@pytest.fixture(autouse=True)
def quick_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases are looked at all the time."""
    monkeypatch.setattr(runners, "LEASE_RENEWAL_SECONDS", 0.02)
    monkeypatch.setattr(runners, "REAP_SECONDS", 0.02)


@pytest.fixture
def halfway(replay: ReplayServer, routed: ModelRoute) -> Signal:
    """The model says `half` and the rest after this."""
    signal = Signal()
    replay.answer_with(chat_stream(["half", WaitFor(signal), " and whole"]))
    return signal


@pytest.fixture
def endless(replay: ReplayServer, routed: ModelRoute) -> Signal:
    """The model says `half`, after this some more, and then nothing for ever."""
    signal = Signal()
    replay.answer_with(chat_stream(["half", WaitFor(signal), " more", WaitFor(Signal())]))
    return signal


async def begin(talk: Talk) -> str:
    stage_id: str = (await talk.start())["stage_id"]
    await talk.until_event(stage_id, "chat_completion_chunk")
    return stage_id


async def status_of(stage_id: str) -> tuple[str, str]:
    stage = await run_in_pool(lambda: Stage.objects.get(pk=stage_id))
    return stage.status, stage.error_code


def test_stages_run_only_where_somebody_serves() -> None:
    with pytest.raises(NotServing):
        runners.current()


async def test_a_cancel_by_row_is_found_at_the_next_look(
    process: Process, halfway: Signal, cookies: dict[str, str], admin: User
) -> None:
    async with Talk(cookies["owner"]) as talk:
        stage_id = await begin(talk)
        await run_in_pool(request_cancel, admin.pk, UUID(stage_id))
        folded = await talk.until_end(stage_id)
    assert folded.terminal is not None
    assert folded.terminal["data"]["by"] == "admin"
    assert folded.text == "half"


async def test_a_stage_that_cannot_be_written_is_stopped_told_and_ended_when_it_can_be(
    process: Process,
    endless: Signal,
    replay: ReplayServer,
    cookies: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Talk(cookies["owner"]) as talk:
        stage_id = await begin(talk)

        def full(*_: object) -> None:
            raise DatabaseError("disk full")

        monkeypatch.setattr(journals, "insert_rows", full)
        endless.set()
        frame = await talk.reply("unavailable")
        assert frame["stage_id"] == stage_id
        assert "cannot be written" in frame["message"]
        await (await replay.request_arrived()).closed.waited()
        monkeypatch.undo()
        past = "2020-01-01T00:00:00Z"
        await run_in_pool(lambda: Stage.objects.filter(pk=stage_id).update(lease_expires_at=past))
        # The lease loop is at its own pace again; one look by hand.
        await process.runner._end_lost_stages(all_active=False)
        folded = await talk.until_end(stage_id)
    assert folded.terminal is not None
    assert folded.terminal["data"]["code"] == "interrupted"
    assert folded.text == "half"
    assert await status_of(stage_id) == ("error", "interrupted")


async def test_a_stage_taken_away_stops_its_engine_and_viewers_read_its_end(
    process: Process, endless: Signal, replay: ReplayServer, cookies: dict[str, str]
) -> None:
    async with Talk(cookies["owner"]) as talk:
        stage_id = await begin(talk)
        ended = await run_in_pool(end_lost_stages, all_active=True, except_for=[])
        assert [str(key.stage_id) for key, _ in ended] == [stage_id]
        endless.set()
        folded = await talk.until_end(stage_id)
        await (await replay.request_arrived()).closed.waited()
    assert folded.names[-1] == "error"
    events = await run_in_pool(lambda: StageEvent.objects.filter(stage_id=stage_id).count())
    assert events == folded.last


async def test_a_bug_in_the_engine_ends_the_stage_as_internal(
    process: Process, halfway: Signal, cookies: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: StageEngine) -> Any:
        raise RuntimeError("secret detail")
        yield

    monkeypatch.setattr(StageEngine, "run", broken)
    async with Talk(cookies["owner"]) as talk:
        stage_id = (await talk.start())["stage_id"]
        folded = await talk.until_end(stage_id)
    assert folded.terminal is not None
    assert folded.terminal["data"]["code"] == "internal"
    assert "secret" not in str(folded.events)
    assert await status_of(stage_id) == ("error", "internal")


@pytest.mark.parametrize("html", [False, True])
async def test_a_drain_cancels_what_has_not_ended_and_closes_sockets(
    process: Process,
    halfway: Signal,
    cookies: dict[str, str],
    replay: ReplayServer,
    html: bool,
) -> None:
    async with Talk(cookies["owner"]) as talk:
        stage_id = (await talk.start(html=html))["stage_id"]
        await talk.until_event(stage_id, "chat_completion_chunk")
        await within(lifecycle.drain())
        assert await talk.until_closed() == 4503
        last = [frame for frame in talk.frames if frame["type"] == "event"][-1]
        assert (last["event"], last["data"]["by"]) == ("cancel", "shutdown")
    assert await status_of(stage_id) == ("cancel", "")
    await (await replay.request_arrived()).closed.waited()


async def test_a_drain_lets_stages_end_within_the_grace_time(
    process: Process, halfway: Signal, cookies: dict[str, str], settings: Any
) -> None:
    settings.TOOLBENCH_GRACE_SECONDS = 10
    async with Talk(cookies["owner"]) as talk:
        stage_id = await begin(talk)
        draining = asyncio.create_task(lifecycle.drain())
        await asyncio.sleep(0)
        assert process.runner.going_down
        halfway.set()
        await within(draining)
        assert await talk.until_closed() == 4503
    assert await status_of(stage_id) == ("done", "")


async def test_a_start_under_way_when_the_drain_begins_is_cancelled_in_order(
    process: Process,
    halfway: Signal,
    cookies: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    storing, go_on = Signal(), Signal()
    create = stages.create_stage

    def slowly(*arguments: Any) -> Any:
        storing.set()
        go_on.wait()
        return create(*arguments)

    monkeypatch.setattr(stages, "create_stage", slowly)
    async with Talk(cookies["owner"]) as talk:
        await talk.send(type="stage.start", request_id=UUID(int=5), mode="chat", prompt="Late")
        await storing.waited()
        draining = asyncio.create_task(lifecycle.drain())
        await asyncio.sleep(0)
        assert process.runner.going_down
        go_on.set()
        await within(draining)
    stage = await run_in_pool(Stage.objects.get)
    assert stage.status == "cancel"


async def test_a_start_ends_what_the_last_process_left_running(
    transactional_db: None, owner: User, route: ModelRoute, settings: Any
) -> None:
    settings.TOOLBENCH_SEVERAL = False
    rig = JournalRig(journals.Journal("gone", Listening()), Listening(), route, owner)
    key, _ = await run_in_pool(rig.store_stage)
    process = await lifecycle.ensure_started()
    assert await lifecycle.ensure_started() is process
    assert await status_of(str(key.stage_id)) == ("error", "interrupted")
    await process.runner.stop(0)
    await lifecycle.drain()
    await lifecycle.drain()


async def test_a_socket_that_leaves_while_its_start_is_stored_leaves_a_whole_stage(
    process: Process,
    halfway: Signal,
    cookies: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    storing, go_on = Signal(), Signal()
    create = stages.create_stage

    def slowly(*arguments: Any) -> Any:
        storing.set()
        go_on.wait()
        return create(*arguments)

    monkeypatch.setattr(stages, "create_stage", slowly)
    halfway.set()
    async with Talk(cookies["owner"]) as talk:
        await talk.send(type="stage.start", request_id=UUID(int=5), mode="chat", prompt="Bye")
        await storing.waited()
    (starting,) = process.runner.starts
    go_on.set()
    await within(starting)
    running = list(process.runner.running.values())
    await within(asyncio.gather(*(stage.task for stage in running if stage.task)))
    stage = await run_in_pool(Stage.objects.get)
    assert stage.status == "done"
    assert await run_in_pool(Conversation.objects.count) == 1


async def test_leases_are_renewed_as_soon_as_the_database_is_back(
    process: Process, endless: Signal, cookies: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    renew, tries, renewed = runners.renew_leases, 0, asyncio.Event()
    loop = asyncio.get_running_loop()

    def away_at_first(*given: Any) -> Any:
        nonlocal tries
        tries += 1
        # Who waits for the next round now waits too long.
        monkeypatch.setattr(runners, "LEASE_RENEWAL_SECONDS", 3600.0)
        if tries < 4:
            raise OperationalError("the connection is broken")
        loop.call_soon_threadsafe(renewed.set)
        return renew(*given)

    async with Talk(cookies["owner"]) as talk:
        stage_id = await begin(talk)
        monkeypatch.setattr(runners, "renew_leases", away_at_first)
        await within(renewed.wait())
        assert await status_of(stage_id) == ("running", "")
