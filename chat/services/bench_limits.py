"""What the bench lets a person do: the scope of a key, numbers, routes, runs at a time."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.contrib.auth.models import User

from chat.models import BenchRun, ModelRoute
from chat.models.bench import TOOL_MODES
from chat.policy import Grant
from chat.services.refusals import Refused

MOST_TRIALS = 5_000
"""Of one run."""
MOST_TRIES = 100
MOST_ACTIVE_RUNS = 5
"""Of one person, waiting and running."""


def check_scope(grant: Grant) -> None:
    """Whether the caller's key is for the bench. Raises Refused."""
    if not grant.allows("bench"):
        raise Refused(
            "forbidden",
            "This API key has no scope “bench”. Use a key that has it, or make one on the API "
            "keys page of your account.",
        )


def check_total(targets: int, cases: int, tries: int) -> int:
    """How many trials these are, at least one and not too many. Raises Refused."""
    total = targets * cases * tries
    if not total:
        raise Refused("invalid_request", "Choose at least one route and one case.")
    if total > MOST_TRIALS:
        raise Refused(
            "invalid_request",
            f"{targets} routes × {cases} cases × {tries} tries are {total:,} trials; a run has at "
            f"most {MOST_TRIALS:,}. Choose fewer routes, cases or tries.",
        )
    return total


def check_numbers(tries: int, at_once: int) -> None:
    """How often, and how many side by side. Raises Refused."""
    if not 1 <= tries <= MOST_TRIES:
        raise Refused("invalid_request", f"Choose from 1 to {MOST_TRIES} tries.")
    most = settings.TOOLBENCH_USER_STAGES
    if not 0 <= at_once <= most:
        raise Refused("invalid_request", f"Choose from 1 to {most} trials side by side.")


def check_routes(
    user: User, targets: Sequence[tuple[str, str]], judges: set[str], grant: Grant
) -> None:
    """Whether a person may use every route, judges' among them. Raises Refused."""
    modes = [mode for mode, _ in TOOL_MODES]
    wrong = next((mode for _, mode in targets if mode not in modes), None)
    if wrong is not None:
        raise Refused(
            "invalid_request", f"There is no tool mode “{wrong[:40]}”. Use native or text."
        )
    wanted = {route for route, _ in targets} | judges
    usable = set(
        ModelRoute.objects.usable_by(user, grant)
        .filter(slug__in=wanted)
        .values_list("slug", flat=True)
    )
    missing = sorted(wanted - usable)
    if missing:
        have = ", ".join(
            ModelRoute.objects.usable_by(user, grant).values_list("slug", flat=True)[:50]
        )
        names = ", ".join(f"“{slug[:80]}”" for slug in missing[:5])
        raise Refused(
            "unknown_route", f"You can use no model route {names}. Available: {have or 'none'}."
        )


def check_active(user: User) -> None:
    """Whether a person may have one more run. Raises Refused."""
    if BenchRun.objects.active().filter(owner=user).count() >= MOST_ACTIVE_RUNS:
        raise Refused(
            "quota_exceeded",
            f"You have {MOST_ACTIVE_RUNS} runs that have not ended. Wait for one, or stop one.",
        )
