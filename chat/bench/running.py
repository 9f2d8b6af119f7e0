"""Runs carried out: claimed, their trials tried side by side, stopped, and gone on with.

Pages and commands write a row (`chat.services.bench`); each serving process has `run_benches`
beside serving. Of a run whose process died only the trials without a result are tried again.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings

from chat.bench.cases import BadSuite, read_case
from chat.bench.claims import Claim, claim_due, drop_dead_claims, end_run, pass_on, renew
from chat.bench.patience import patiently
from chat.bench.stages import GoingDown
from chat.bench.trials import Result, begin_trial, give_back, store_result
from chat.bench.trying import Errand, Plan, try_case
from chat.database import AWAY, run_in_pool
from chat.models import BenchRun, BenchTrial, ModelRoute
from chat.services.extras import ToolMode

LOOK_SECONDS = 1.0
BEAT_SECONDS = 1.0
RUNS_AT_ONCE = 4
LOCAL_AT_ONCE, REMOTE_AT_ONCE = 1, 4
"""Trials of a route side by side where the run does not say."""
LEFT_FREE = 2
"""Of the stages a person may have at once, so many are left for their own use."""

Heard = Callable[[Errand, Result], Awaitable[None]]
Status = BenchRun.Status

logger = logging.getLogger(__name__)


class NotOurs(Exception):
    """The run was stopped, or another process has taken it."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is left of a run, by route."""

    plan: Plan
    errands: dict[str, deque[Errand]]
    at_once: dict[str, int]


async def run_benches() -> None:
    """Carry out what was asked for until cancelled; what runs then is passed on."""
    running: set[asyncio.Task[None]] = set()
    try:
        if not settings.TOOLBENCH_SEVERAL:
            await patiently(drop_dead_claims)
        while True:
            try:
                for claim in await run_in_pool(claim_due, RUNS_AT_ONCE - len(running)):
                    task = asyncio.create_task(carry_out(claim), name=f"bench {claim.run_id}")
                    running.add(task)
                    task.add_done_callback(running.discard)
            except Exception as error:
                logger.warning("Looking for bench runs failed: %s", type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        left = list(running)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def carry_out(claim: Claim, heard: Heard | None = None) -> None:
    """Try what is left of a run; `heard` is told each result.

    A person's stop is noticed at the next beat. Cancelled, or while this process goes down, it
    gives the run back.
    """
    work = asyncio.create_task(_carry_out(claim, heard), name="trials")
    try:
        while not work.done():
            await asyncio.wait({work}, timeout=BEAT_SECONDS)
            if not work.done() and not await _is_still_ours(claim):
                return
        work.result()
        await patiently(end_run, claim, Status.DONE)
    except (NotOurs, GoingDown) as why:
        if isinstance(why, GoingDown):
            await patiently(pass_on, claim)
    except BadSuite as error:
        await patiently(end_run, claim, Status.FAILED, f"Its cases cannot be read: {error}")
    except asyncio.CancelledError:
        await _end(work)
        await run_in_pool(pass_on, claim)
        raise
    except Exception as error:
        logger.exception("The bench run %s failed.", claim.run_id)
        words = f"The run itself failed ({type(error).__name__}). The log says more."
        await run_in_pool(end_run, claim, Status.FAILED, words)
    finally:
        await _end(work)


def load_work(run_id: UUID) -> Work:
    """What a run has not tried yet. Raises BadSuite."""
    run = BenchRun.objects.get(pk=run_id)
    plan = Plan(
        run_id=run.pk,
        owner_id=run.owner_id,
        suite_name=run.suite_name,
        cases={case["id"]: read_case(case) for case in run.cases},
        live=run.live,
        judge_route=run.judge_route,
    )
    errands: dict[str, deque[Errand]] = {}
    idle = run.trials.filter(status=BenchTrial.Status.IDLE).order_by("position")
    for values in idle.values_list("pk", "route", "tool_mode", "case_id", "number"):
        pk, route, tool_mode, case_id, number = values
        errand = Errand(pk, route, _tool_mode(tool_mode), case_id, number)
        errands.setdefault(errand.route, deque()).append(errand)
    urls = ModelRoute.objects.filter(slug__in=errands).values_list("slug", "base_url")
    at_once = {slug: run.at_once or _usual_at_once(url) for slug, url in urls}
    return Work(plan, errands, at_once)


async def _carry_out(claim: Claim, heard: Heard | None) -> None:
    work = await patiently(load_work, claim.run_id)
    room = asyncio.Semaphore(max(1, settings.TOOLBENCH_USER_STAGES - LEFT_FREE))

    async def take_turns(errands: deque[Errand]) -> None:
        while errands:
            async with room:
                # Another may have taken the last one meanwhile.
                if errands:
                    await _try(claim, work.plan, errands.popleft(), heard)

    try:
        async with asyncio.TaskGroup() as group:
            for slug, errands in work.errands.items():
                for number in range(min(work.at_once.get(slug, 1), len(errands))):
                    group.create_task(take_turns(errands), name=f"trials of {slug}, {number}")
    except ExceptionGroup as met:
        raise met.exceptions[0] from None


async def _try(claim: Claim, plan: Plan, errand: Errand, heard: Heard | None) -> None:
    if not await patiently(begin_trial, errand.pk, claim.run_id, claim.token):
        raise NotOurs
    try:
        result = await _result(plan, errand)
        stored = await patiently(store_result, errand.pk, claim.token, result)
    except BaseException:
        await run_in_pool(give_back, errand.pk, claim.token)
        raise
    if not stored:
        raise NotOurs
    if heard is not None:
        await heard(errand, result)


async def _result(plan: Plan, errand: Errand) -> Result:
    try:
        return await try_case(plan, errand)
    except (GoingDown, *AWAY):
        raise
    except Exception as error:
        logger.exception("A trial of %s failed.", errand.case_id)
        words = f"Toolbench met a fault of its own ({type(error).__name__}). The log says more."
        return Result(False, failed=True, code="INTERNAL", message=words)


async def _is_still_ours(claim: Claim) -> bool:
    try:
        return await run_in_pool(renew, claim)
    except AWAY:
        # Who is right is told by the row once the database is back.
        return True


async def _end(work: asyncio.Task[None]) -> None:
    if not work.done():
        work.cancel()
        await asyncio.wait({work})
    if not work.cancelled():
        # Who ended it knows why; asyncio need not log it as forgotten.
        work.exception()


def _tool_mode(stored: str) -> ToolMode:
    return "text" if stored == "text" else "native"


def _usual_at_once(base_url: str) -> int:
    host = (urlsplit(base_url).hostname or "").lower()
    try:
        address = ipaddress.ip_address(host)
        is_local = address.is_private or address.is_loopback or address.is_link_local
    except ValueError:
        is_local = "." not in host or host.endswith((".local", ".internal", ".lan", ".localhost"))
    return LOCAL_AT_ONCE if is_local else REMOTE_AT_ONCE
