"""Made-up runs as rows: a page can be shown before a single model was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from chat.models import BenchRun, BenchTrial

MISSED = {
    "ok": False,
    "what": "second call used “city”",
    "detail": "expected latitude 45.19 ± 0.1",
    "code": "WRONG_ARGUMENTS",
}
MADE = {"ok": True, "what": "2 valid calls"}

SOME_CASES: tuple[tuple[str, str], ...] = (
    ("single_weather", "simple"),
    ("parallel_two_cities", "parallel"),
    ("no_tool_needed", "irrelevance"),
)


def made_case(case_id: str, category: str = "simple") -> dict[str, Any]:
    """A case as a run keeps it."""
    return {
        "id": case_id,
        "category": category,
        "description": f"What {case_id} is about.",
        "tools": ["get_weather"],
        "prompt": "How warm is it in Lyon and in Grenoble?",
        "expect": {"calls": [{"tool": "get_weather"}, {"tool": "get_weather"}], "parallel": True},
    }


def make_run(
    owner: User,
    passes: Mapping[str, Sequence[int | None]],
    *,
    cases: Sequence[tuple[str, str]] = SOME_CASES,
    tries: int = 5,
    tool_modes: Mapping[str, str] | None = None,
    ended: int | None = None,
    **fields: Any,
) -> BenchRun:
    """A run in which each target passed so many tries of each case; None: that case was not run.

    `passes` is by route, or by `route,text`. With `ended` only the first so many trials have ended.
    """
    targets = [tuple((*key.split(","), "native")[:2]) for key in passes]
    now = timezone.now()
    number = BenchRun.objects.filter(owner=owner).count() + 1
    values: dict[str, Any] = {
        "number": number,
        "suite_name": "Tool calling, core",
        "cases": [made_case(*case) for case in cases],
        "targets": [{"route": route, "tool_mode": mode} for route, mode in targets],
        "tries": tries,
        "status": "done",
        "created_at": now - timedelta(minutes=10) + timedelta(seconds=number),
        "started_at": now - timedelta(minutes=9),
        "ended_at": now - timedelta(minutes=2, seconds=19),
    }
    run = BenchRun.objects.create(owner=owner, **(values | fields))
    trials: list[BenchTrial] = []
    for at, (case_id, category) in enumerate(cases):
        for target_at, (route, mode) in enumerate(targets):
            passed = list(passes.values())[target_at][at]
            for number in range(1, tries + 1):
                trials.append(
                    _trial(run, case_id, category, route, mode, number, passed, len(trials))
                )
    for trial in trials[ended if ended is not None else len(trials) :]:
        trial.status, trial.passed, trial.findings = "idle", None, []
    BenchTrial.objects.bulk_create(trials)
    BenchRun.objects.filter(pk=run.pk).update(total=len(trials))
    run.refresh_from_db()
    return run


def _trial(
    run: BenchRun,
    case_id: str,
    category: str,
    route: str,
    mode: str,
    number: int,
    passes: int | None,
    position: int,
) -> BenchTrial:
    trial = BenchTrial(
        run=run,
        case_id=case_id,
        case_digest=case_id[:16],
        category=category,
        route=route,
        tool_mode=mode,
        number=number,
        position=position,
    )
    if passes is None:
        return trial
    # The same tries fail every time, spread over the whole.
    passed = (number * passes) // run.tries > ((number - 1) * passes) // run.tries
    trial.status, trial.passed = "success", passed
    trial.findings = [MADE] if passed else [MADE, MISSED]
    trial.code = "" if passed else "WRONG_ARGUMENTS"
    trial.execution_ms = 400 + 90 * len(route) + 37 * (position % 11)
    trial.request_ms = trial.execution_ms + 20
    trial.first_token_ms = 60 + 20 * len(route) + 9 * (position % 7)
    trial.input_tokens, trial.output_tokens = 312, 68
    trial.repairs = int(mode == "text" and number == 2)
    if "gpt" in route or "qwen" in route:
        trial.cost, trial.currency = Decimal("0.0068"), "EUR"
    return trial
