"""Runs: claimed, stopped, gone on with, taken over; the totals are the same whatever happens."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from chat.bench import claims
from chat.bench.claims import claim_due, claim_here
from chat.bench.findings import Finding
from chat.bench.here import Taken, run_here
from chat.bench.running import load_work, run_benches
from chat.bench.summary import summarise
from chat.bench.trials import Result, begin_trial, store_result
from chat.database import run_in_pool
from chat.leases import end_lost_stages
from chat.models import BenchRun, BenchTrial, ModelRoute, Stage
from chat.services.bench import resume_run, stop_run
from tests.chat.bench.conftest import a_case, a_suite, carried_out, make_run, trials_of
from tests.chat.conftest import within
from tests.replay import ReplayServer, chat_stream, never_answers, tool_stream

SUITE = a_suite(
    a_case("paris"),
    a_case("rome", "How warm is it in Rome?"),
    a_case("hello", "Hello!", category="irrelevance", expect={"no_calls": True}),
    a_case("wrong", expect={"no_calls": True}, category="irrelevance"),
)


def totals(run: BenchRun) -> list[tuple[str, int, int]]:
    return [
        (str(figures.target), figures.tally.passed, figures.tally.ended)
        for figures in summarise(run).targets
    ]


EXPECTED = [("demo", 6, 8), ("demo-json-text", 6, 8)]


async def status_of(run: BenchRun) -> str:
    await run_in_pool(run.refresh_from_db)
    return run.status


async def until(condition: Any, *args: Any) -> None:
    """Return once something is so; the tests' limit of time is `within`."""
    while not await condition(*args):  # noqa: ASYNC110
        await asyncio.sleep(0.02)


async def ended_of(run: BenchRun, number: int) -> bool:
    return await run_in_pool(run.trials.ended().count) >= number


async def test_a_run_tries_every_case_on_every_target_so_many_times(
    demo: None, tester: User
) -> None:
    heard = []

    async def note(errand: Any, result: Result) -> None:
        heard.append((errand.case_id, result.passed))

    run = await make_run(tester, SUITE, "demo", "demo-json-text", tries=2)
    assert (run.total, run.status) == (16, "queued")
    run = await run_here(run, note)
    assert (run.status, run.problem) == ("done", "")
    assert run.started_at
    assert run.ended_at
    assert await run_in_pool(totals, run) == EXPECTED
    assert len(heard) == 16


async def test_a_serving_process_takes_what_was_asked_for_and_no_command_s_run(
    demo: None, tester: User
) -> None:
    run = await make_run(tester, a_suite(a_case("paris")), "demo", in_process=False)
    own = await make_run(tester, a_suite(a_case("paris")), "demo", in_process=True)
    work = asyncio.create_task(run_benches())
    try:

        async def is_done() -> bool:
            return await status_of(run) == "done"

        await within(until(is_done))
        assert await status_of(own) == "queued"
    finally:
        work.cancel()
        await asyncio.wait({work})


async def test_a_stopped_run_ends_its_stages_and_is_gone_on_with(
    routed: ModelRoute, replay: ReplayServer, process: Any, tester: User
) -> None:
    replay.answer_with(never_answers())
    suite = a_suite(a_case("a"), a_case("b"), a_case("c"))
    run = await make_run(tester, suite, "small", at_once=2)
    work = asyncio.create_task(run_here(run))

    async def two_are_executing() -> bool:
        return await run_in_pool(run.trials.filter(status="executing").count) == 2

    await within(until(two_are_executing))
    await run_in_pool(stop_run, tester, run.pk)
    stopped = await within(work)
    assert stopped.status == "stopped"
    assert {trial.status for trial in await trials_of(run)} == {"idle"}

    async def all_stages_have_ended() -> bool:
        return not await run_in_pool(Stage.objects.active().exists)

    await within(until(all_stages_have_ended))
    assert await run_in_pool(Stage.objects.filter(status="cancel").count) <= 2
    replay.answer_with(chat_stream(["Warm."]))
    again = await run_here(await run_in_pool(resume_run, tester, run.pk, in_process=True))
    assert again.status == "done"
    assert [trial.code for trial in await trials_of(run)] == ["CALL_MISSING"] * 3


async def test_resuming_tries_only_what_has_no_result(
    routed: ModelRoute, replay: ReplayServer, process: Any, tester: User
) -> None:
    replay.answer_with(chat_stream(["Hello."]))
    run = await make_run(tester, SUITE, "small", "small/text", tries=3)
    work = asyncio.create_task(run_here(run))
    await within(until(ended_of, run, 5))
    work.cancel()
    await asyncio.wait({work})
    assert await status_of(run) == "stopped"
    assert "Resume" in run.problem
    before = {
        trial.pk: trial.stage_id for trial in await trials_of(run) if trial.passed is not None
    }
    assert 5 <= len(before) < 24
    run = await run_here(await run_in_pool(resume_run, tester, run.pk, in_process=True))
    assert run.status == "done"
    after = {trial.pk: trial.stage_id for trial in await trials_of(run)}
    assert before.items() <= after.items()
    assert await run_in_pool(totals, run) == [("small", 6, 12), ("small (text)", 6, 12)]


async def test_a_process_that_goes_down_passes_its_run_on(
    routed: ModelRoute, replay: ReplayServer, process: Any, tester: User
) -> None:
    replay.answer_with(never_answers())
    run = await make_run(tester, a_suite(a_case("slow")), "small", in_process=False)
    work = asyncio.create_task(run_benches())

    async def is_executing() -> bool:
        return await run_in_pool(run.trials.filter(status="executing").exists)

    await within(until(is_executing))
    work.cancel()
    await asyncio.wait({work})
    assert await status_of(run) == "queued"
    (trial,) = await trials_of(run)
    assert (trial.status, trial.attempts) == ("idle", 1)
    assert len(await run_in_pool(claim_due, 1)) == 1


async def test_a_stage_that_toolbench_interrupted_is_tried_again(
    routed: ModelRoute, replay: ReplayServer, process: Any, tester: User
) -> None:
    called = tool_stream([("get_weather", {"latitude": 1, "longitude": 2})])
    replay.answer_with([never_answers(), called, chat_stream(["Warm."])])
    work = asyncio.create_task(carried_out(tester, a_suite(a_case("lost")), "small"))
    await replay.request_arrived()
    await run_in_pool(end_lost_stages, all_active=True, except_for=())
    (trial,) = await within(work, 30)
    assert (trial.status, trial.passed) == ("success", True)
    ends = Stage.objects.order_by("created_at").values_list("error_code", flat=True)
    assert await run_in_pool(list, ends) == ["interrupted", ""]


@pytest.fixture
def left_behind(tester: User, route: Any) -> BenchRun:
    """A run of a process that died while it was at a trial."""
    from chat.services.bench import create_run

    run = create_run(tester, a_suite(a_case("a"), a_case("b")), [("small", "native")])
    (claim,) = claim_due(1)
    trial = run.trials.order_by("position")[0]
    assert begin_trial(trial.pk, run.pk, claim.token)
    BenchRun.objects.filter(pk=run.pk).update(claimed_until=timezone.now() - timedelta(seconds=1))
    run.refresh_from_db()
    return run


def test_a_dead_process_s_claim_passes_on_and_its_results_come_too_late(
    left_behind: BenchRun,
) -> None:
    old = left_behind.claimed_by
    trial = left_behind.trials.order_by("position")[0]
    (claim,) = claim_due(1)
    assert claim.run_id == left_behind.pk
    assert claim.token != old
    assert not store_result(trial.pk, old, Result(True, findings=(Finding(True, "x"),)))
    assert not begin_trial(trial.pk, left_behind.pk, old)
    trial.refresh_from_db()
    assert (trial.status, trial.passed, trial.attempts) == ("idle", None, 1)
    left = [errand.case_id for errand in load_work(left_behind.pk).errands["small"]]
    assert left == ["a", "b"]


def test_a_trial_that_ends_every_process_is_given_up(left_behind: BenchRun) -> None:
    trial = left_behind.trials.order_by("position")[0]
    BenchTrial.objects.filter(pk=trial.pk).update(attempts=claims.MOST_ATTEMPTS)
    claim_due(1)
    trial.refresh_from_db()
    assert (trial.status, trial.passed, trial.code) == ("failed", False, "INTERRUPTED")


def test_a_server_that_begins_alone_goes_on_at_once(left_behind: BenchRun) -> None:
    later = timezone.now() + timedelta(seconds=15)
    BenchRun.objects.filter(pk=left_behind.pk).update(claimed_until=later)
    assert claim_due(1) == []
    claims.drop_dead_claims()
    assert len(claim_due(1)) == 1


def test_of_two_processes_one_gets_a_run(left_behind: BenchRun) -> None:
    assert [len(claim_due(5)), len(claim_due(5))] == [1, 0]


def test_a_command_that_died_leaves_a_run_for_a_person_to_resume(left_behind: BenchRun) -> None:
    BenchRun.objects.filter(pk=left_behind.pk).update(in_process=True)
    assert claim_due(1) == []
    left_behind.refresh_from_db()
    assert (left_behind.status, left_behind.problem) == ("stopped", claims.COMMAND_ENDED)


def test_a_run_at_work_is_nobody_else_s(tester: User, route: Any) -> None:
    from chat.services.bench import create_run

    run = create_run(tester, a_suite(a_case("a")), [("small", "native")], in_process=True)
    assert claim_here(run.pk) is not None
    assert claim_here(run.pk) is None


async def test_a_run_that_another_carries_out_is_refused(demo: None, tester: User) -> None:
    run = await make_run(tester, a_suite(a_case("a")), "demo")
    await run_in_pool(claim_here, run.pk)
    with pytest.raises(Taken):
        await run_here(run)


@pytest.mark.parametrize(
    ("base_url", "at_once"),
    [
        ("http://127.0.0.1:9/v1", 1),
        ("http://10.1.2.3/v1", 1),
        ("http://gpu:8000/v1", 1),
        ("http://gpu.local/v1", 1),
        ("https://api.example.com/v1", 4),
        ("https://8.8.8.8/v1", 4),
    ],
)
def test_a_local_route_has_one_trial_at_a_time(
    tester: User, route: Any, base_url: str, at_once: int
) -> None:
    from chat.services.bench import create_run

    type(route).objects.update(base_url=base_url)
    run = create_run(tester, a_suite(a_case("a")), [("small", "native")])
    assert load_work(run.pk).at_once == {"small": at_once}
    BenchRun.objects.update(at_once=3)
    assert load_work(run.pk).at_once == {"small": 3}
