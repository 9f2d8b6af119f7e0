"""What a person can do with suites of cases."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from chat.bench.cases import BadSuite, Suite, load_suite, read_suite
from chat.models import BenchSuite
from chat.policy import FULL, Grant
from chat.services.bench_limits import check_scope
from chat.services.refusals import Refused, not_found


def create_suite(
    user: User, text: str, *, replace: bool = False, grant: Grant = FULL
) -> BenchSuite:
    """Keep a suite written as YAML; raises Refused, with every problem in its words."""
    check_scope(grant)
    suite = _read(text)
    rows = BenchSuite.objects.owned_by(user)
    with transaction.atomic():
        kept = rows.select_for_update().filter(name=suite.name).first()
        if kept is not None and not replace:
            raise Refused(
                "invalid_request",
                f"You have a suite “{suite.name}” already. Choose another name, or replace it.",
            )
        kept = kept or BenchSuite(owner=user, name=suite.name)
        _fill(kept, suite)
        kept.save()
    return kept


def update_suite(user: User, suite_id: int, text: str, *, grant: Grant = FULL) -> BenchSuite:
    """Write a suite of one's own anew; raises Refused."""
    check_scope(grant)
    suite = _read(text)
    with transaction.atomic():
        kept = _own_suite(user, suite_id)
        others = BenchSuite.objects.owned_by(user).exclude(pk=suite_id)
        if others.filter(name=suite.name).exists():
            raise Refused("invalid_request", f"You have another suite “{suite.name}” already.")
        kept.name = suite.name
        _fill(kept, suite)
        kept.save()
    return kept


def delete_suite(user: User, suite_id: int, *, grant: Grant = FULL) -> None:
    """Delete a suite of one's own; its runs keep their cases. Raises Refused."""
    check_scope(grant)
    with transaction.atomic():
        _own_suite(user, suite_id).delete()


def suite_of(kept: BenchSuite) -> Suite:
    """A kept suite as the bench uses it. Raises BadSuite where an older version wrote it."""
    return read_suite(
        {
            "suite": kept.name,
            "description": kept.description,
            "live": kept.live,
            "cases": kept.cases,
        }
    )


def _fill(kept: BenchSuite, suite: Suite) -> None:
    kept.description = suite.description
    kept.live = suite.live
    kept.cases = [case.as_json() for case in suite.cases]
    kept.updated_at = timezone.now()


def _read(text: str) -> Suite:
    try:
        return load_suite(text)
    except BadSuite as error:
        raise Refused(
            "invalid_request", str(error), problems=[str(problem) for problem in error.problems]
        ) from None


def _own_suite(user: User, suite_id: int) -> BenchSuite:
    kept = BenchSuite.objects.owned_by(user).select_for_update().filter(pk=suite_id).first()
    if kept is None:
        raise not_found("suite")
    return kept
