"""What a person can do with a single case: add it to a suite."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from chat.bench.cases import BadSuite, Case, read_case, read_suite
from chat.bench.yaml_text import BadYaml, read_yaml
from chat.models import BenchSuite
from chat.policy import FULL, Grant
from chat.services.bench_limits import check_scope
from chat.services.refusals import Refused, not_found


def add_case(
    user: User,
    text: str,
    *,
    suite_id: int | None = None,
    new_suite: str = "",
    grant: Grant = FULL,
) -> tuple[BenchSuite, Case]:
    """Add a case written as YAML to a suite of one's own, or to a new one; raises Refused."""
    check_scope(grant)
    case = _read(text)
    with transaction.atomic():
        if suite_id is None:
            kept = _new_suite(user, new_suite)
        else:
            rows = BenchSuite.objects.owned_by(user).select_for_update()
            found = rows.filter(pk=suite_id).first()
            if found is None:
                raise not_found("suite")
            kept = found
        if any(other.get("id") == case.id for other in kept.cases):
            raise Refused(
                "invalid_request",
                f"The suite “{kept.name}” has a case {case.id} already. Give this one another id.",
            )
        cases = [*kept.cases, case.as_json()]
        _check({"suite": kept.name, "cases": cases})
        kept.cases = cases
        kept.updated_at = timezone.now()
        kept.save()
    return kept, case


def _new_suite(user: User, name: str) -> BenchSuite:
    name = " ".join(name.replace("\x00", "").split())
    if not name:
        raise Refused("invalid_request", "Write a name for the new suite.")
    if BenchSuite.objects.owned_by(user).filter(name=name).exists():
        raise Refused("invalid_request", f"You have a suite “{name}” already. Choose it instead.")
    return BenchSuite(owner=user, name=name)


def _read(text: str) -> Case:
    try:
        raw = read_yaml(text)
        # One case in a list, as it stands in a suite's file, is as good.
        return read_case(raw[0] if isinstance(raw, list) and len(raw) == 1 else raw)
    except BadYaml as error:
        raise Refused("invalid_request", str(error), problems=[str(error)]) from None
    except BadSuite as error:
        problems = [str(problem) for problem in error.problems]
        raise Refused("invalid_request", str(error), problems=problems) from None


def _check(raw: dict[str, object]) -> None:
    try:
        read_suite(raw)
    except BadSuite as error:
        raise Refused("invalid_request", str(error)) from None
