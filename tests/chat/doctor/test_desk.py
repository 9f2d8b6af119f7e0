"""Examinations as rows: asked for, claimed once, kept alive, stopped, compared, forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone

from chat.database import close_pool_connections
from chat.doctor import desk
from chat.doctor.desk import carry_out, claim_due, claim_now, see_patients
from chat.doctor.report import report_of
from chat.models import ModelRoute, RouteCheckup
from chat.models.doctor import KEPT
from chat.services.checkups import apply_suggestions, request_checkup, stop_checkup
from tests.chat.conftest import within
from tests.chat.doctor.servers import Habits
from tests.replay import ReplayServer, Signal, WaitFor, chat_stream

pytestmark = pytest.mark.django_db(transaction=True)

Status = RouteCheckup.Status


@pytest.fixture(autouse=True)
def _pool() -> Iterator[None]:
    yield
    close_pool_connections()


async def examine(route: ModelRoute, user: User) -> RouteCheckup:
    """Ask for an examination and carry it out."""
    checkup = await sync_to_async(request_checkup)(route, user)
    (claim,) = await sync_to_async(claim_due)(1)
    await carry_out(claim)
    return await stored(checkup)


async def stored(checkup: RouteCheckup) -> RouteCheckup:
    row: RouteCheckup = await RouteCheckup.objects.select_related("route").aget(pk=checkup.pk)
    return row


async def test_an_examination_is_stored_with_its_profile(route: ModelRoute, admin: User) -> None:
    async with ReplayServer(Habits(), models=("small-1",)) as server:
        await ModelRoute.objects.aupdate(base_url=server.base_url)
        await route.arefresh_from_db()
        checkup = await examine(route, admin)
    assert (checkup.status, checkup.asking, checkup.problem) == ("done", "", "")
    assert len(checkup.results) == 21
    assert checkup.profile["usable"] is True
    assert checkup.ended_at is not None
    report = await sync_to_async(report_of)(checkup)
    assert report.changes is None


async def test_a_second_one_tells_what_changed(route: ModelRoute, admin: User) -> None:
    async with ReplayServer(Habits(), models=("small-1",)) as server:
        await ModelRoute.objects.aupdate(base_url=server.base_url)
        await route.arefresh_from_db()
        await examine(route, admin)
        server.answer_with(Habits(obeys=("options.num_predict",)))
        checkup = await examine(route, admin)
    report = await sync_to_async(report_of)(checkup)
    assert report.changes is not None
    titles = [change.title for change in report.changes]
    assert "Token limit" in titles
    assert "One tool call" not in titles


async def test_results_grow_while_it_runs(route: ModelRoute, admin: User) -> None:
    async with ReplayServer(chat_stream(["1", WaitFor(Signal())]), models=("small-1",)) as server:
        await ModelRoute.objects.aupdate(base_url=server.base_url)
        checkup = await sync_to_async(request_checkup)(route, admin)
        (claim,) = await sync_to_async(claim_due)(1)
        task = asyncio.create_task(carry_out(claim))
        await server.request_arrived(2)
        row = await stored(checkup)
        assert (row.status, row.asking, len(row.results)) == ("running", "whole", 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    row = await stored(checkup)
    assert row.status == "stopped"
    assert "Toolbench was stopped" in row.problem


async def test_a_person_stops_it_and_its_connection_is_closed(
    route: ModelRoute, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "BEAT_SECONDS", 0.05)
    async with ReplayServer(chat_stream(["1", WaitFor(Signal())]), models=("small-1",)) as server:
        await ModelRoute.objects.aupdate(base_url=server.base_url)
        checkup = await sync_to_async(request_checkup)(route, admin)
        (claim,) = await sync_to_async(claim_due)(1)
        task = asyncio.create_task(carry_out(claim))
        exchange = await server.request_arrived(2)
        assert await sync_to_async(stop_checkup)(route)
        assert await within(task) is None
        await exchange.closed.waited()
        assert exchange.closed_early
    row = await stored(checkup)
    assert (row.status, row.problem) == ("stopped", "It was stopped by a person.")
    assert not await sync_to_async(stop_checkup)(route)


async def test_two_processes_never_take_the_same_one(route: ModelRoute, admin: User) -> None:
    await sync_to_async(request_checkup)(route, admin)
    assert len(await sync_to_async(claim_due)(2)) == 1
    assert await sync_to_async(claim_due)(2) == []


async def test_asking_twice_is_one_examination(route: ModelRoute, admin: User) -> None:
    first = await sync_to_async(request_checkup)(route, admin)
    assert await sync_to_async(request_checkup)(route, admin) == first
    assert await sync_to_async(claim_now)(route) is None


async def test_a_claim_whose_process_died_passes_on_and_is_given_up_at_last(
    route: ModelRoute, admin: User
) -> None:
    checkup = await sync_to_async(request_checkup)(route, admin)
    long_ago = timezone.now() - timedelta(minutes=1)
    for attempt in range(1, 4):
        (claim,) = await sync_to_async(claim_due)(1)
        assert (claim.settings is None) == (attempt == 3)
        if attempt < 3:
            await RouteCheckup.objects.aupdate(claimed_until=long_ago, results=[{"code": "x"}])
    await carry_out(claim)
    row = await stored(checkup)
    assert (row.status, row.results) == ("failed", [])
    assert "given up" in row.problem


async def test_a_process_that_lost_its_claim_writes_nothing_more(
    route: ModelRoute, admin: User
) -> None:
    checkup = await sync_to_async(request_checkup)(route, admin)
    (lost,) = await sync_to_async(claim_due)(1)
    await RouteCheckup.objects.aupdate(claimed_until=timezone.now() - timedelta(minutes=1))
    (taken,) = await sync_to_async(claim_due)(1)
    await sync_to_async(desk._end)(lost, Status.DONE, profile={"usable": True})
    row = await stored(checkup)
    assert (row.status, row.claimed_by, row.profile) == ("running", taken.token, {})


async def test_a_route_without_an_address_fails_with_words(route: ModelRoute, admin: User) -> None:
    await ModelRoute.objects.aupdate(base_url="")
    checkup = await examine(await ModelRoute.objects.aget(), admin)
    assert (checkup.status, checkup.problem) == (
        "failed",
        "Write the base URL and the upstream model on the route first.",
    )


async def test_the_background_work_examines_what_was_asked_for(
    route: ModelRoute, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "LOOK_SECONDS", 0.01)
    work = asyncio.create_task(see_patients())
    try:
        async with ReplayServer(Habits(), models=("small-1",)) as server:
            await ModelRoute.objects.aupdate(base_url=server.base_url)
            checkup = await sync_to_async(request_checkup)(route, admin)
            await server.request_arrived(20)
            (task,) = [t for t in asyncio.all_tasks() if t.get_name() == f"checkup {checkup.pk}"]
            await within(asyncio.wait({task}))
        assert (await stored(checkup)).status == "done"
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


def test_only_the_last_ones_are_kept(route: ModelRoute, admin: User) -> None:
    done = RouteCheckup.objects.create(
        route=route, status="done", profile={"usable": True}, results=[]
    )
    for _ in range(KEPT + 3):
        request_checkup(route, admin)
        stop_checkup(route)
    assert route.checkups.count() == KEPT + 1
    assert route.checkups.filter(pk=done.pk).exists()


def test_a_suggestion_is_applied_once_and_checked(route: ModelRoute) -> None:
    from chat.doctor.profile import Profile
    from chat.doctor.suggestions import Suggestion

    profile = Profile(
        True, "", (), (Suggestion("token_limit_fields", ["a"], ["options.num_predict"], "Why."),)
    )
    assert apply_suggestions(route, profile, ["stream_usage"]) == []
    assert apply_suggestions(route, profile, ["token_limit_fields"]) == [
        ("token_limit_fields", ["max_tokens"], ["options.num_predict"])
    ]
    changed = ModelRoute.objects.get()
    assert changed.token_limit_fields == ["options.num_predict"]
    assert apply_suggestions(changed, profile, ["token_limit_fields"]) == []
