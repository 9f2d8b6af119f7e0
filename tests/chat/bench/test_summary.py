"""A run in figures, and against an earlier one, in one query and in two."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from chat.bench.statistics import Tally
from chat.bench.summary import Row, Target, summarise, summary_of
from chat.models import BenchRun, BenchTrial, ModelRoute
from chat.services.bench import create_run
from tests.chat.bench.conftest import a_case, a_suite

NATIVE, TEXT = Target("small", "native"), Target("small", "text")


def a_row(case_id: str, passed: bool | None, **more: Any) -> Row:
    fields: dict[str, Any] = {
        "pk": 1,
        "route": "small",
        "tool_mode": "native",
        "case_id": case_id,
        "case_digest": "d",
        "category": "simple",
        "number": 1,
        "status": "success" if passed is not None else "idle",
        "passed": passed,
        "code": "" if passed else "TEXT",
        "stage_id": uuid.uuid4(),
        "execution_ms": 100,
        "first_token_ms": 10,
        "input_tokens": 5,
        "output_tokens": 7,
        "cost": None,
        "currency": "",
        "repairs": 0,
    }
    return Row(**(fields | more))


def tries(case_id: str, passed: int, ended: int, **more: Any) -> list[Row]:
    return [a_row(case_id, number < passed, number=number + 1, **more) for number in range(ended)]


def test_each_target_has_its_figures() -> None:
    rows = [
        *tries("a", 4, 4, execution_ms=100, repairs=1),
        *tries("b", 2, 4, category="parallel", execution_ms=300, first_token_ms=None),
        a_row("c", None, category="parallel"),
    ]
    summary = summary_of(rows)
    (figures,) = summary.targets
    assert (summary.total, summary.ended, summary.passed) == (9, 8, 6)
    assert (figures.target, figures.total, figures.tally) == (NATIVE, 9, Tally(6, 8))
    assert figures.categories == (("simple", Tally(4, 4)), ("parallel", Tally(2, 4)))
    assert [round(hat, 3) for hat in figures.pass_hats] == [0.75, 0.583, 0.5, 0.5]
    assert (figures.latency_p50, figures.latency_p95, figures.first_token_p50) == (200, 300, 10)
    assert (figures.input_tokens, figures.output_tokens) == (40, 56)
    assert figures.repairs_per_trial == 0.5
    assert figures.failures == (("TEXT", 2),)
    assert figures.cost is None
    assert not summary.all_passed
    assert summary.cases == (("a", "simple"), ("b", "parallel"), ("c", "parallel"))
    assert [row.number for row in summary.cells["b", NATIVE]] == [1, 2, 3, 4]


def test_costs_are_added_up_where_a_route_has_prices() -> None:
    rows = tries("a", 2, 2, cost=Decimal("0.0000015"), currency="EUR")
    (figures,) = summary_of(rows).targets
    assert (figures.cost, figures.currency) == (Decimal("0.0000030"), "EUR")


def test_a_run_that_has_not_begun_has_no_figures_and_no_error() -> None:
    (figures,) = summary_of([a_row("a", None)]).targets
    assert (figures.tally.rate, figures.tally.interval, figures.pass_hats) == (None, None, ())
    assert (figures.latency_p50, figures.repairs_per_trial, figures.input_tokens) == (None,) * 3
    assert summary_of([]).targets == ()


def test_the_tool_modes_of_a_route_are_held_side_by_side() -> None:
    rows = [*tries("a", 9, 10), *tries("a", 3, 10, tool_mode="text"), *tries("a", 1, 1, route="x")]
    (modes,) = summary_of(rows).modes
    assert (modes.route, modes.native.target, modes.text.target) == ("small", NATIVE, TEXT)
    assert modes.interval is not None
    assert (round(modes.interval.low, 4), round(modes.interval.high, 4)) == (0.1705, 0.8090)


def test_what_changed_is_marked_and_what_may_be_noise_is_said() -> None:
    before = [
        *tries("same", 3, 5),
        *tries("fell", 5, 5),
        *tries("dipped", 5, 5),
        *tries("rose", 0, 5),
        *tries("other", 5, 5, case_digest="old"),
    ]
    now = [
        *tries("same", 3, 5),
        *tries("fell", 0, 5),
        *tries("dipped", 4, 5),
        *tries("rose", 5, 5),
        *tries("other", 0, 5),
        *tries("new", 0, 5),
    ]
    (found,) = summary_of(now, before).differences
    assert [(c.case_id, c.kind, c.clear) for c in found.changes] == [
        ("fell", "regressed", True),
        ("dipped", "regressed", False),
        ("rose", "improved", True),
    ]
    assert [change.case_id for change in found.regressions] == ["fell", "dipped"]
    assert (found.before, found.now) == (Tally(13, 20), Tally(12, 20))
    assert found.interval is not None
    assert not found.interval.excludes_zero
    assert found.left_out == ("other", "new")


def test_a_target_that_the_earlier_run_had_not_is_compared_with_nothing() -> None:
    before = tries("a", 1, 1, route="elsewhere")
    assert summary_of(tries("a", 1, 1), before).differences == ()


@pytest.fixture
def two_runs(owner: User, route: ModelRoute) -> tuple[BenchRun, BenchRun]:
    """A run that is done, and one that is compared with it."""
    suite = a_suite(a_case("a"), a_case("b"))
    earlier = create_run(owner, suite, [("small", "native")], tries=3)
    earlier.trials.update(status="success", passed=True, findings=[{"ok": True, "what": "x" * 999}])
    BenchRun.objects.filter(pk=earlier.pk).update(status="done")
    now = create_run(owner, suite, [("small", "native")], tries=3)
    now.trials.filter(case_id="a").update(status="failed", passed=False, code="upstream_failed")
    return earlier, now


def test_the_figures_take_one_query_and_two_with_a_baseline(
    two_runs: tuple[BenchRun, BenchRun], django_assert_num_queries: Any
) -> None:
    earlier, now = two_runs
    with django_assert_num_queries(1) as asked:
        assert summarise(earlier).all_passed
    assert "findings" not in asked.captured_queries[0]["sql"]
    assert "message" not in asked.captured_queries[0]["sql"]
    with django_assert_num_queries(2):
        (found,) = summarise(now).differences
    assert [(c.case_id, c.before, c.now) for c in found.changes] == [
        ("a", Tally(3, 3), Tally(0, 3))
    ]
    with django_assert_num_queries(2):
        assert summarise(earlier, now.pk).differences[0].changes[0].kind == "improved"


def test_many_trials_take_no_more_queries(
    two_runs: tuple[BenchRun, BenchRun], django_assert_num_queries: Any
) -> None:
    earlier, _ = two_runs
    BenchTrial.objects.bulk_create(
        BenchTrial(run=earlier, route="r", case_id=f"c{at}", category="simple", position=at + 99)
        for at in range(300)
    )
    with django_assert_num_queries(1):
        assert len(summarise(earlier).cases) == 302
