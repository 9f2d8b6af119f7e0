"""Examinations in the background: asked for by a row, claimed by one process, kept alive by it.

Pages and commands write a row (`chat.services.checkups`); each serving process runs
`see_patients` beside serving. A claim is renewed every few seconds; one whose process died
passes, and another process begins anew.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from chat.database import AWAY, run_in_pool
from chat.demo.address import from_here
from chat.doctor.findings import ProbeResult
from chat.doctor.patient import Patient
from chat.doctor.probes import Probe
from chat.doctor.profile import Profile, build_profile
from chat.doctor.run import examine
from chat.doctor.suggestions import SETTINGS
from chat.encryption import UndecryptableSecret
from chat.engine.completions import RouteSettings
from chat.models import ModelRoute, RouteCheckup
from chat.models.routes import PROTOCOL_OPENAI

CLAIM = timedelta(seconds=20)
BEAT_SECONDS = 2.0
LOOK_SECONDS = 1.0
AT_ONCE = 2
MOST_ATTEMPTS = 2

STOPPED_WITH_SERVER = "Toolbench was stopped while it examined the route. Examine it again."
TAKEN_TWICE = "Two processes ended while they examined the route, so it was given up."

Heard = Callable[[Probe, ProbeResult | None], Awaitable[None]]
Status = RouteCheckup.Status

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Claim:
    """An examination that this process has taken, with what it needs of the route."""

    pk: int
    token: str
    settings: RouteSettings | None
    temperature: float | None = None
    present: dict[str, Any] = field(default_factory=dict)
    problem: str = ""

    def __repr__(self) -> str:
        return f"Claim({self.pk})"


async def see_patients() -> None:
    """Examine what was asked for until cancelled; what runs then is ended as stopped."""
    running: set[asyncio.Task[Profile | None]] = set()
    try:
        while True:
            try:
                for claim in await run_in_pool(claim_due, AT_ONCE - len(running)):
                    task = asyncio.create_task(carry_out(claim), name=f"checkup {claim.pk}")
                    running.add(task)
                    task.add_done_callback(running.discard)
            except Exception as error:
                logger.warning("Looking for checkups failed: %s", type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        left = list(running)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


def claim_due(room: int) -> list[Claim]:
    """Take up to `room` examinations for this process; of several processes one gets each."""
    claims: list[Claim] = []
    for pk in list(RouteCheckup.objects.due(timezone.now()).values_list("pk", flat=True)):
        if len(claims) >= room:
            break
        now, token = timezone.now(), secrets.token_hex(16)
        taken = (
            RouteCheckup.objects.due(now)
            .filter(pk=pk)
            .update(
                status=Status.RUNNING,
                claimed_by=token,
                claimed_until=now + CLAIM,
                started_at=now,
                asking="",
                results=[],
                attempts=F("attempts") + 1,
            )
        )
        if taken:
            claims.append(_claim(pk, token))
    return claims


def claim_now(route: ModelRoute) -> Claim | None:
    """A new examination that this process carries out itself; None where one is under way."""
    now, token = timezone.now(), secrets.token_hex(16)
    try:
        with transaction.atomic():
            checkup = RouteCheckup.objects.create(
                route=route,
                status=Status.RUNNING,
                started_at=now,
                claimed_by=token,
                claimed_until=now + CLAIM,
                attempts=1,
                model=route.upstream_model,
                host=route.host,
            )
    except IntegrityError:
        return None
    return _claim(checkup.pk, token)


async def carry_out(claim: Claim, heard: Heard | None = None) -> Profile | None:
    """Examine and store as it goes; None where it was stopped or came to nothing.

    `heard` is told of each probe too. A person's stop is noticed at the next beat.
    """
    if claim.settings is None:
        await run_in_pool(_end, claim, Status.FAILED, problem=claim.problem)
        return None
    work = asyncio.create_task(_examine(claim, claim.settings, heard), name="examine")
    try:
        while not work.done():
            await asyncio.wait({work}, timeout=BEAT_SECONDS)
            if not work.done() and not await _is_still_ours(claim):
                return None
        return work.result()
    except Exception as error:
        logger.exception("Checkup %s failed.", claim.pk)
        words = f"The examination itself failed ({type(error).__name__}). The log says more."
        await run_in_pool(_end, claim, Status.FAILED, problem=words)
        return None
    except asyncio.CancelledError:
        await run_in_pool(_end, claim, Status.STOPPED, problem=STOPPED_WITH_SERVER)
        raise
    finally:
        if not work.done():
            work.cancel()
            await asyncio.wait({work})


async def _examine(claim: Claim, settings: RouteSettings, heard: Heard | None) -> Profile | None:
    results: list[ProbeResult] = []

    async def note(probe: Probe, result: ProbeResult | None) -> None:
        if result is not None:
            results.append(result)
        asking = probe.code if result is None else ""
        await run_in_pool(_store, claim, asking=asking, results=_stored(results))
        if heard is not None:
            await heard(probe, result)

    async with Patient(settings, temperature=claim.temperature) as patient:
        await examine(patient, note)
        profile = build_profile(results, claim.present, patient.refused)
    await run_in_pool(_end, claim, Status.DONE, profile=profile.as_json())
    return profile


async def _is_still_ours(claim: Claim) -> bool:
    try:
        return await run_in_pool(_store, claim)
    except AWAY:
        # Who is right is told by the row once the database is back.
        return True


def _store(claim: Claim, **fields: Any) -> bool:
    """Write, and renew the claim; whether the examination is still this process's."""
    rows = RouteCheckup.objects.filter(pk=claim.pk, claimed_by=claim.token, status=Status.RUNNING)
    return bool(rows.update(claimed_until=timezone.now() + CLAIM, **fields))


def _end(claim: Claim, status: str, **fields: Any) -> None:
    _store(claim, status=status, asking="", ended_at=timezone.now(), **fields)


def _stored(results: list[ProbeResult]) -> list[dict[str, Any]]:
    return [result.as_json() for result in results]


def _claim(pk: int, token: str) -> Claim:
    checkup = RouteCheckup.objects.select_related("route").get(pk=pk)
    route = checkup.route
    if checkup.attempts > MOST_ATTEMPTS:
        return Claim(pk, token, None, problem=TAKEN_TWICE)
    if route.protocol != PROTOCOL_OPENAI:
        problem = f"The protocol {route.protocol} cannot be examined; openai can."
        return Claim(pk, token, None, problem=problem)
    if not route.is_configured:
        problem = "Write the base URL and the upstream model on the route first."
        return Claim(pk, token, None, problem=problem)
    try:
        settings = route.as_settings()
    except UndecryptableSecret:
        problem = "None of the encryption keys opens the stored API key. Type the API key again."
        return Claim(pk, token, None, problem=problem)
    return Claim(
        pk,
        token,
        from_here(settings),
        temperature=route.tool_temperature,
        present={name: getattr(route, name) for name in SETTINGS},
    )
