"""What a person can do with runs of the bench, and with suites: the only door for writing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Max, QuerySet
from django.utils import timezone

from chat.bench.cases import Case, Suite
from chat.bench.trials import reset_trials
from chat.database import writing
from chat.models import BenchRun, BenchTrial, Conversation
from chat.policy import FULL, Grant
from chat.services.bench_limits import (
    check_active,
    check_numbers,
    check_routes,
    check_scope,
    check_total,
)
from chat.services.bench_suites import create_suite, delete_suite, suite_of, update_suite
from chat.services.refusals import Refused, not_found

__all__ = [
    "create_run",
    "create_suite",
    "delete_run",
    "delete_suite",
    "resume_run",
    "set_baseline",
    "stop_run",
    "suite_of",
    "update_suite",
]

DELETED_AT_ONCE = 50
STOPPED_BY_PERSON = "It was stopped by a person."


def create_run(
    user: User,
    suite: Suite,
    targets: Sequence[tuple[str, str]],
    *,
    tries: int = 1,
    at_once: int = 0,
    judge_route: str = "",
    case_ids: Collection[str] | None = None,
    baseline_id: UUID | None = None,
    in_process: bool = False,
    grant: Grant = FULL,
) -> BenchRun:
    """A run of (route's slug, tool mode) × cases × tries, queued; raises Refused.

    With `in_process` no serving process takes it: the caller carries it out (`run_here`). Without
    a baseline the last run of this suite that ended is the one it is compared with.
    """
    check_scope(grant)
    check_numbers(tries, at_once)
    targets = list(dict.fromkeys((route, mode) for route, mode in targets))
    cases = [case for case in suite.cases if case_ids is None or case.id in case_ids]
    total = check_total(len(targets), len(cases), tries)
    judges = {
        turn.expect.judge.route
        for case in cases
        for turn in case.all_turns
        if turn.expect.judge is not None and turn.expect.judge.route
    }
    check_routes(user, targets, {*judges, *({judge_route} - {""})}, grant)
    if baseline_id is not None:
        _visible_run(user, baseline_id)
    else:
        baseline_id = _last_run(user, suite.name)
    run = BenchRun(
        owner=user,
        suite_name=suite.name,
        cases=[case.as_json() for case in cases],
        live=suite.live,
        targets=[{"route": route, "tool_mode": mode} for route, mode in targets],
        tries=tries,
        at_once=at_once,
        judge_route=judge_route,
        total=total,
        baseline_id=baseline_id,
        in_process=in_process,
    )
    with writing():
        check_active(user)
        run.number = _next_number(user)
        run.save(force_insert=True)
        BenchTrial.objects.bulk_create(_trials(run, cases, targets, tries), batch_size=500)
    return run


def stop_run(user: User, run_id: UUID, *, grant: Grant = FULL) -> BenchRun:
    """End a run that waits or runs; what runs it notices within seconds. Raises Refused."""
    check_scope(grant)
    run = _visible_run(user, run_id)
    if run.owner_id != user.pk and not (user.is_superuser and grant.key_id is None):
        raise not_found("run")
    BenchRun.objects.active().filter(pk=run_id).update(
        status=BenchRun.Status.STOPPED,
        problem=STOPPED_BY_PERSON,
        ended_at=timezone.now(),
        claimed_until=None,
    )
    run.refresh_from_db(fields=("status", "problem", "ended_at"))
    return run


def resume_run(
    user: User,
    run_id: UUID,
    *,
    failed_again: bool = False,
    in_process: bool = False,
    grant: Grant = FULL,
) -> BenchRun:
    """Go on with a run where it stopped: trials with a result are kept. Raises Refused.

    With `failed_again`, trials that gave no output are tried once more. A run that another process
    is at work on is refused.
    """
    check_scope(grant)
    now = timezone.now()
    with writing():
        run = BenchRun.objects.owned_by(user).select_for_update().filter(pk=run_id).first()
        if run is None:
            raise not_found("run")
        if run.status == BenchRun.Status.RUNNING and run.claimed_until and run.claimed_until > now:
            raise Refused("invalid_request", "This run is under way. Stop it, then resume it.")
        if not run.is_active:
            check_active(user)
        if failed_again:
            reset_trials(BenchTrial.objects.filter(run=run, status=BenchTrial.Status.FAILED))
        run.status = BenchRun.Status.QUEUED
        run.problem, run.ended_at, run.claimed_until = "", None, None
        run.claimed_by, run.in_process = "", in_process
        run.save(
            update_fields=(
                "status",
                "problem",
                "ended_at",
                "claimed_until",
                "claimed_by",
                "in_process",
            )
        )
    return run


def set_baseline(
    user: User, run_id: UUID, baseline_id: UUID | None, *, grant: Grant = FULL
) -> BenchRun:
    """Compare a run of one's own with another one that one may read; raises Refused."""
    check_scope(grant)
    run = BenchRun.objects.owned_by(user).filter(pk=run_id).first()
    if run is None or baseline_id == run_id:
        raise not_found("run")
    if baseline_id is not None:
        _visible_run(user, baseline_id)
    BenchRun.objects.filter(pk=run_id).update(baseline=baseline_id)
    run.baseline_id = baseline_id
    return run


def delete_run(user: User, run_id: UUID, *, grant: Grant = FULL) -> None:
    """Delete a run of one's own that has ended, with the conversations it made. Raises Refused."""
    check_scope(grant)
    run = BenchRun.objects.owned_by(user).filter(pk=run_id).first()
    if run is None:
        raise not_found("run")
    if run.is_active:
        raise Refused("invalid_request", "This run has not ended. Stop it, then delete it.")
    judges = [
        finding["stage_id"]
        for findings in run.trials.values_list("findings", flat=True)
        for finding in findings
        if "stage_id" in finding
    ]
    own = Conversation.objects.filter(owner=user, source=Conversation.Source.BENCH)
    _delete_some_at_a_time(own.filter(stages__bench_trials__run=run))
    for at in range(0, len(judges), DELETED_AT_ONCE):
        _delete_some_at_a_time(own.filter(stages__in=judges[at : at + DELETED_AT_ONCE]))
    with writing():
        BenchTrial.objects.filter(run=run).delete()
        run.delete()


def _delete_some_at_a_time(conversations: QuerySet[Conversation]) -> None:
    """In small transactions: on SQLite a long one holds up the journal of every stage."""
    keys = conversations.order_by().values_list("pk", flat=True).distinct()
    while some := list(keys[:DELETED_AT_ONCE]):
        with writing():
            Conversation.objects.filter(pk__in=some).delete()


def _trials(
    run: BenchRun, cases: Sequence[Case], targets: Sequence[tuple[str, str]], tries: int
) -> list[BenchTrial]:
    """Case by case, so that the targets' figures grow side by side."""
    wanted = [
        (case, case.digest, route, mode, number)
        for case in cases
        for number in range(1, tries + 1)
        for route, mode in targets
    ]
    return [
        BenchTrial(
            run=run,
            route=route,
            tool_mode=mode,
            case_id=case.id,
            case_digest=digest,
            category=case.category,
            number=number,
            position=position,
        )
        for position, (case, digest, route, mode, number) in enumerate(wanted)
    ]


def _next_number(user: User) -> int:
    last = BenchRun.objects.owned_by(user).aggregate(last=Max("number"))["last"]
    return (last or 0) + 1


def _last_run(user: User, suite_name: str) -> UUID | None:
    ended = BenchRun.objects.owned_by(user).filter(
        suite_name=suite_name, status=BenchRun.Status.DONE
    )
    return ended.order_by("-created_at").values_list("pk", flat=True).first()


def _visible_run(user: User, run_id: UUID) -> BenchRun:
    run = BenchRun.objects.visible_to(user).filter(pk=run_id).first()
    if run is None:
        raise not_found("run")
    return run
