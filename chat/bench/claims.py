"""Whose a run is: taken by one process, kept alive by it, passed on when it dies."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from chat.models import BenchRun, BenchTrial

CLAIM = timedelta(seconds=20)
MOST_ATTEMPTS = 3
"""Processes that may end while they are at one trial; then it is given up."""

GIVEN_UP = "Toolbench ended each of the times it was at this trial, so it was given up."
COMMAND_ENDED = "The command that ran it has ended. Resume it to go on."
STOPPED_HERE = "The command that ran it was stopped. Resume it to go on."

Status = BenchRun.Status


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that this process has taken."""

    run_id: UUID
    token: str


def claim_due(room: int) -> list[Claim]:
    """Take up to `room` runs for this serving process; of several processes one gets each."""
    _end_abandoned()
    claims: list[Claim] = []
    due = BenchRun.objects.due(timezone.now()).filter(in_process=False).order_by("created_at")
    for run_id in list(due.values_list("pk", flat=True)[:20]):
        if len(claims) >= room:
            break
        claim = _take(run_id, in_process=False)
        if claim is not None:
            claims.append(claim)
    return claims


def claim_here(run_id: UUID) -> Claim | None:
    """Take a run that a command carries out; None where another process has it."""
    return _take(run_id, in_process=True)


def renew(claim: Claim, **fields: Any) -> bool:
    """Keep the claim, and write; False where the run was stopped or has passed to another."""
    rows = BenchRun.objects.filter(pk=claim.run_id, claimed_by=claim.token, status=Status.RUNNING)
    return bool(rows.update(**{"claimed_until": timezone.now() + CLAIM, **fields}))


def end_run(claim: Claim, status: str, problem: str = "") -> bool:
    """The run is over, as far as this process goes."""
    return renew(claim, status=status, problem=problem, ended_at=timezone.now(), claimed_until=None)


def pass_on(claim: Claim) -> bool:
    """Give a run back for another process to go on with it."""
    return renew(claim, status=Status.QUEUED, claimed_by="", claimed_until=None)


def stop_here(run_id: UUID) -> bool:
    """A command's run that was passed on: no serving process takes it, so it is stopped."""
    rows = BenchRun.objects.filter(pk=run_id, in_process=True, status=Status.QUEUED)
    return bool(rows.update(status=Status.STOPPED, problem=STOPPED_HERE, ended_at=timezone.now()))


def _take(run_id: UUID, *, in_process: bool) -> Claim | None:
    now, token = timezone.now(), secrets.token_hex(16)
    rows = BenchRun.objects.due(now).filter(pk=run_id, in_process=in_process)
    fields = {"status": Status.RUNNING, "claimed_by": token, "claimed_until": now + CLAIM}
    if not rows.update(**fields):
        return None
    BenchRun.objects.filter(pk=run_id, started_at__isnull=True).update(started_at=now)
    # What another process was at when it ended: tried again, but not for ever.
    left = BenchTrial.objects.filter(run_id=run_id, status=BenchTrial.Status.EXECUTING)
    left.filter(attempts__gte=MOST_ATTEMPTS).update(
        status=BenchTrial.Status.FAILED,
        passed=False,
        code="INTERRUPTED",
        message=GIVEN_UP,
        ended_at=now,
    )
    left.update(status=BenchTrial.Status.IDLE, claimed_by="")
    return Claim(run_id, token)


def drop_dead_claims() -> None:
    """As a process begins to serve alone: who was at work on its runs before has ended."""
    lost = BenchRun.objects.filter(in_process=False, status=Status.RUNNING)
    lost.update(claimed_until=timezone.now() - CLAIM)


def _end_abandoned() -> None:
    """A command that died leaves its run running; nobody but a person resumes it."""
    now = timezone.now()
    BenchRun.objects.filter(in_process=True, status=Status.RUNNING, claimed_until__lt=now).update(
        status=Status.STOPPED, problem=COMMAND_ENDED, ended_at=now, claimed_until=None
    )
