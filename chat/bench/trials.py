"""The rows of trials as they are begun, given up and stored, fenced by whose they are."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from chat.bench.findings import Finding
from chat.bench.trajectory import Trajectory
from chat.models import BenchRun, BenchTrial, ModelRoute
from chat.models.bench import BenchTrialQuerySet
from tools.output import clean

MILLION = 1_000_000
MESSAGE_LIMIT = 2_000
Status = BenchTrial.Status


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a trial."""

    passed: bool
    failed: bool = False
    """Whether there was no output to judge."""
    code: str = ""
    message: str = ""
    findings: tuple[Finding, ...] = ()
    stage_id: UUID | None = None
    trajectory: Trajectory = field(default_factory=Trajectory)


def begin_trial(trial_id: int, run_id: UUID, token: str) -> bool:
    """Take a trial for this process; False where the run is not (or no longer) its own."""
    mine = BenchRun.objects.filter(pk=run_id, claimed_by=token, status=BenchRun.Status.RUNNING)
    rows = BenchTrial.objects.filter(pk=trial_id, run__in=mine, status=Status.IDLE)
    return bool(
        rows.update(
            status=Status.EXECUTING,
            claimed_by=token,
            attempts=F("attempts") + 1,
            started_at=timezone.now(),
        )
    )


def store_result(trial_id: int, token: str, result: Result) -> bool:
    """Write a trial's result in one update; False where somebody else took the trial over."""
    rows = BenchTrial.objects.filter(pk=trial_id, claimed_by=token, status=Status.EXECUTING)
    seen = result.trajectory
    route = rows.values_list("route", flat=True).first()
    cost, currency = cost_of(seen, route)
    return bool(
        rows.update(
            status=Status.FAILED if result.failed else Status.SUCCESS,
            passed=result.passed,
            code=result.code[:60],
            message=clean(result.message)[:MESSAGE_LIMIT],
            findings=[_storable(finding) for finding in result.findings],
            stage=result.stage_id,
            request_ms=seen.request_ms,
            execution_ms=seen.execution_ms,
            upstream_ms=seen.upstream_ms,
            first_token_ms=seen.first_token_ms,
            input_tokens=seen.input_tokens,
            output_tokens=seen.output_tokens,
            cost=cost,
            currency=currency,
            repairs=seen.repairs,
            ended_at=timezone.now(),
        )
    )


def give_back(trial_id: int, token: str) -> bool:
    """Make a trial that this process began idle again."""
    rows = BenchTrial.objects.filter(pk=trial_id, claimed_by=token, status=Status.EXECUTING)
    return bool(rows.update(status=Status.IDLE, claimed_by=""))


def reset_trials(trials: BenchTrialQuerySet) -> int:
    """Make trials idle, without anything of their last try; how many."""
    empty: dict[str, Any] = dict.fromkeys(
        (
            "passed",
            "stage",
            "request_ms",
            "execution_ms",
            "upstream_ms",
            "first_token_ms",
            "input_tokens",
            "output_tokens",
            "cost",
            "started_at",
            "ended_at",
        )
    )
    return trials.update(
        **empty,
        status=Status.IDLE,
        code="",
        message="",
        findings=[],
        currency="",
        repairs=0,
        attempts=0,
        claimed_by="",
    )


def _storable(finding: Finding) -> dict[str, Any]:
    """A judge's words may hold what databases refuse, written as escapes in its JSON."""
    cleaned = replace(finding, what=clean(finding.what), detail=clean(finding.detail))
    return cleaned.as_json()


def cost_of(seen: Trajectory, slug: str | None) -> tuple[Decimal | None, str]:
    """What the tokens cost by the route's prices of now; None without prices or counts."""
    if seen.input_tokens is None or seen.output_tokens is None:
        return None, ""
    prices = (
        ModelRoute.objects.filter(slug=slug or "")
        .values_list("price_input", "price_output", "currency")
        .first()
    )
    if prices is None or prices[0] is None or prices[1] is None:
        return None, ""
    cost = (seen.input_tokens * prices[0] + seen.output_tokens * prices[1]) / MILLION
    return cost, prices[2]
