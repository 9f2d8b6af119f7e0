"""Suites and runs written through the service: whose they are, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from chat.bench.cases import Suite
from chat.models import BenchRun, BenchSuite, BenchTrial, Conversation, ModelRoute
from chat.policy import Grant
from chat.services import bench_limits
from chat.services.bench import (
    create_run,
    create_suite,
    delete_run,
    delete_suite,
    resume_run,
    set_baseline,
    stop_run,
    suite_of,
    update_suite,
)
from chat.services.refusals import Refused
from tests.chat.bench.conftest import a_case, a_suite

TEXT = """
suite: mine
description: Two cases.
cases:
  - {id: a, prompt: "Hello", expect: {no_calls: true}}
  - {id: b, prompt: "Bye"}
"""
SMALL = [("small", "native")]
SUITE: Suite = a_suite(a_case("a"), a_case("b"))


def test_a_suite_is_kept_as_it_was_written(owner: User) -> None:
    kept = create_suite(owner, TEXT)
    assert (kept.name, kept.description, len(kept.cases)) == ("mine", "Two cases.", 2)
    assert [case.id for case in suite_of(kept).cases] == ["a", "b"]
    assert suite_of(kept).cases[0].expect.no_calls


def test_a_suite_s_problems_are_told_one_by_one(owner: User) -> None:
    bad = TEXT.replace("no_calls", "no_cals").replace("id: b", "id: B!")
    with pytest.raises(Refused) as refused:
        create_suite(owner, bad)
    first, second = refused.value.more["problems"]
    assert first == "a, expect.no_cals: there is no such field"
    assert second.startswith("B!, id: ")
    assert not BenchSuite.objects.exists()


def test_a_name_is_one_s_own_once(owner: User, colleague: User) -> None:
    kept = create_suite(owner, TEXT)
    create_suite(colleague, TEXT)
    with pytest.raises(Refused, match="already"):
        create_suite(owner, TEXT)
    assert create_suite(owner, TEXT.replace("Bye", "Ciao"), replace=True).pk == kept.pk
    other = create_suite(owner, TEXT.replace("mine", "other"))
    with pytest.raises(Refused, match="already"):
        update_suite(owner, other.pk, TEXT)
    assert update_suite(owner, other.pk, TEXT.replace("mine", "third")).name == "third"


def test_suites_and_runs_of_others_do_not_exist_for_a_stranger(
    owner: User, stranger: User, colleague: User, reviewer: User, admin: User, route: ModelRoute
) -> None:
    kept, run = create_suite(owner, TEXT), create_run(owner, SUITE, SMALL)
    for user, sees in ((stranger, 0), (colleague, 0), (owner, 1), (reviewer, 1), (admin, 1)):
        assert BenchSuite.objects.visible_to(user).count() == sees
        assert BenchRun.objects.visible_to(user).count() == sees
        assert BenchTrial.objects.visible_to(user).count() == 2 * sees
    for user in (stranger, colleague, reviewer):
        for refused in (
            lambda user=user: update_suite(user, kept.pk, TEXT),
            lambda user=user: delete_suite(user, kept.pk),
            lambda user=user: stop_run(user, run.pk),
            lambda user=user: resume_run(user, run.pk),
            lambda user=user: set_baseline(user, run.pk, None),
            lambda user=user: delete_run(user, run.pk),
        ):
            with pytest.raises(Refused) as met:
                refused()
            assert met.value.code == "not_found"
    assert stop_run(admin, run.pk).status == "stopped"


def test_a_run_keeps_its_cases_and_has_a_trial_for_each_try(owner: User, route: ModelRoute) -> None:
    targets = [("small", "native"), ("small", "text"), ("small", "native")]
    run = create_run(owner, SUITE, targets, tries=3, case_ids={"a"})
    assert (run.total, run.number, run.status) == (6, 1, "queued")
    assert [case["id"] for case in run.cases] == ["a"]
    tried = run.trials.order_by("position").values_list("tool_mode", "number")
    assert list(tried) == [(mode, n) for n in (1, 2, 3) for mode in ("native", "text")]
    assert create_run(owner, SUITE, SMALL).number == 2


@pytest.mark.parametrize(
    ("targets", "more", "code", "words"),
    [
        ([], {}, "invalid_request", "at least one route"),
        (SMALL, {"case_ids": {"z"}}, "invalid_request", "at least one route and one case"),
        ([("nowhere", "native")], {}, "unknown_route", "“nowhere”. Available: small"),
        ([("lab-only", "native")], {}, "unknown_route", "“lab-only”"),
        ([("small", "fancy")], {}, "invalid_request", "“fancy”"),
        (SMALL, {"tries": 0}, "invalid_request", "tries"),
        (SMALL, {"tries": 101}, "invalid_request", "tries"),
        (SMALL, {"at_once": 99}, "invalid_request", "side by side"),
        (SMALL, {"judge_route": "lab-only"}, "unknown_route", "“lab-only”"),
    ],
)
def test_a_run_that_cannot_be_is_refused_in_words(
    stranger: User,
    route: ModelRoute,
    lab_route: ModelRoute,
    targets: list[tuple[str, str]],
    more: dict[str, Any],
    code: str,
    words: str,
) -> None:
    with pytest.raises(Refused, match=words) as refused:
        create_run(stranger, SUITE, targets, **more)
    assert refused.value.code == code
    assert not BenchRun.objects.exists()


def test_a_case_s_own_judge_must_be_usable_too(
    stranger: User, route: ModelRoute, lab_route: ModelRoute
) -> None:
    judged = a_case("j", expect={"judge": {"rubric": "Good.", "route": "lab-only"}})
    with pytest.raises(Refused, match="“lab-only”"):
        create_run(stranger, a_suite(judged), SMALL)


def test_a_run_has_at_most_so_many_trials(
    owner: User, route: ModelRoute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_limits, "MOST_TRIALS", 3)
    with pytest.raises(Refused, match="1 routes × 2 cases × 2 tries are 4 trials"):
        create_run(owner, SUITE, SMALL, tries=2)


def test_a_person_has_at_most_so_many_runs_that_have_not_ended(
    owner: User, colleague: User, route: ModelRoute
) -> None:
    runs = [create_run(owner, SUITE, SMALL) for _ in range(bench_limits.MOST_ACTIVE_RUNS)]
    with pytest.raises(Refused) as refused:
        create_run(owner, SUITE, SMALL)
    assert refused.value.code == "quota_exceeded"
    create_run(colleague, SUITE, SMALL)
    stop_run(owner, runs[0].pk)
    create_run(owner, SUITE, SMALL)


def test_a_key_needs_the_scope_and_reaches_its_routes_only(
    owner: User, route: ModelRoute, lab_route: ModelRoute
) -> None:
    without = Grant(key_id=1, scopes=frozenset({"chat", "tools", "read"}))
    for refused in (
        lambda: create_suite(owner, TEXT, grant=without),
        lambda: create_run(owner, SUITE, SMALL, grant=without),
    ):
        with pytest.raises(Refused) as met:
            refused()
        assert met.value.code == "forbidden"
    narrow = Grant(key_id=1, scopes=frozenset({"bench"}), route_ids=frozenset({route.pk}))
    create_run(owner, SUITE, SMALL, grant=narrow)
    with pytest.raises(Refused, match="“lab-only”"):
        create_run(owner, SUITE, [("lab-only", "native")], grant=narrow)


def test_an_admin_s_key_stops_no_other_person_s_run(
    owner: User, admin: User, route: ModelRoute
) -> None:
    run = create_run(owner, SUITE, SMALL)
    with pytest.raises(Refused) as refused:
        stop_run(admin, run.pk, grant=Grant(key_id=1, scopes=frozenset({"bench"})))
    assert refused.value.code == "not_found"


def test_a_run_is_compared_with_the_last_one_of_its_suite(owner: User, route: ModelRoute) -> None:
    first = create_run(owner, SUITE, SMALL)
    assert first.baseline_id is None
    BenchRun.objects.filter(pk=first.pk).update(status="done", ended_at=timezone.now())
    second = create_run(owner, SUITE, SMALL)
    assert second.baseline_id == first.pk
    assert set_baseline(owner, second.pk, None).baseline_id is None
    with pytest.raises(Refused):
        set_baseline(owner, second.pk, second.pk)


def test_a_run_that_has_not_ended_is_not_deleted(owner: User, route: ModelRoute) -> None:
    run = create_run(owner, SUITE, SMALL)
    with pytest.raises(Refused, match="Stop it"):
        delete_run(owner, run.pk)
    with pytest.raises(Refused):
        BenchRun.objects.filter(pk=run.pk).update(
            status="running", claimed_until=timezone.now() + timezone.timedelta(seconds=9)
        )
        resume_run(owner, run.pk)


def test_deleting_a_run_deletes_what_it_made_and_nothing_else(
    owner: User, route: ModelRoute
) -> None:
    from tests.chat.bench.rows import a_stage

    run = create_run(owner, SUITE, SMALL)
    judging, kept = a_stage(owner, route), a_stage(owner, route)
    for trial in run.trials.all():
        trial.stage = a_stage(owner, route)
        trial.findings = [{"ok": True, "what": "judged", "stage_id": str(judging.pk)}]
        trial.save()
    BenchRun.objects.filter(pk=run.pk).update(status="done")
    delete_run(owner, run.pk)
    assert not BenchTrial.objects.exists()
    assert [c.pk for c in Conversation.objects.all()] == [kept.conversation_id]


def test_what_failed_is_tried_again_where_one_wishes(owner: User, route: ModelRoute) -> None:
    run = create_run(owner, SUITE, SMALL)
    good, bad = run.trials.order_by("position")
    BenchTrial.objects.filter(pk=good.pk).update(status="success", passed=True)
    BenchTrial.objects.filter(pk=bad.pk).update(status="failed", passed=False, code="x", attempts=2)
    BenchRun.objects.filter(pk=run.pk).update(status="done", ended_at=timezone.now())
    assert resume_run(owner, run.pk, failed_again=True).status == "queued"
    good.refresh_from_db()
    bad.refresh_from_db()
    assert (good.status, bad.status, bad.passed, bad.code, bad.attempts) == (
        "success",
        "idle",
        None,
        "",
        0,
    )
