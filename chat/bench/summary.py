"""A run in figures: per target, per category, by tool mode, and against an earlier run."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NamedTuple
from uuid import UUID

from chat.bench.statistics import Interval, Tally, difference, is_clear, pass_hats, percentile
from chat.models import BenchRun, BenchTrial

Change = Literal["regressed", "improved"]


class Target(NamedTuple):
    """What is measured: a route, and how tools are offered to it."""

    route: str
    tool_mode: str

    def __str__(self) -> str:
        return self.route if self.tool_mode == "native" else f"{self.route} ({self.tool_mode})"


class Row(NamedTuple):
    """A trial without its findings."""

    pk: int
    route: str
    tool_mode: str
    case_id: str
    case_digest: str
    category: str
    number: int
    status: str
    passed: bool | None
    code: str
    stage_id: UUID | None
    execution_ms: int | None
    first_token_ms: int | None
    input_tokens: int | None
    output_tokens: int | None
    cost: Decimal | None
    currency: str
    repairs: int

    @property
    def target(self) -> Target:
        """Which target it tried."""
        return Target(self.route, self.tool_mode)


@dataclass(frozen=True, slots=True)
class TargetFigures:
    """One target's figures; None where there is nothing to reckon with."""

    target: Target
    total: int
    tally: Tally
    pass_hats: tuple[float, ...]
    """pass^1 to pass^n."""
    categories: tuple[tuple[str, Tally], ...]
    latency_p50: float | None
    """Milliseconds that the stages took."""
    latency_p95: float | None
    first_token_p50: float | None
    input_tokens: int | None
    output_tokens: int | None
    cost: Decimal | None
    """Of the trials that have one; None where the route has no prices."""
    currency: str
    repairs_per_trial: float | None
    failures: tuple[tuple[str, int], ...]
    """Codes of what did not pass, the most frequent first."""


@dataclass(frozen=True, slots=True)
class CaseChange:
    """A case whose share changed since the earlier run; `clear` where noise does not explain it."""

    case_id: str
    kind: Change
    before: Tally
    now: Tally
    clear: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """A target now against before, over the cases that both runs tried and that are the same."""

    target: Target
    before: Tally
    now: Tally
    interval: Interval | None
    changes: tuple[CaseChange, ...]
    left_out: tuple[str, ...]
    """Cases that were new, or other than before."""

    @property
    def regressions(self) -> tuple[CaseChange, ...]:
        """What became worse, the clear ones first."""
        worse = (change for change in self.changes if change.kind == "regressed")
        return tuple(sorted(worse, key=lambda change: not change.clear))


@dataclass(frozen=True, slots=True)
class ModeComparison:
    """The same route with its tools native and in the prompt; positive: native is better."""

    route: str
    native: TargetFigures
    text: TargetFigures
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Summary:
    """All figures of a run."""

    total: int
    ended: int
    passed: int
    targets: tuple[TargetFigures, ...]
    cells: dict[tuple[str, Target], tuple[Row, ...]]
    """The trials of a case on a target, by number."""
    cases: tuple[tuple[str, str], ...]
    """Id and category, in the run's order."""
    modes: tuple[ModeComparison, ...]
    differences: tuple[Difference, ...]
    """Against the run's baseline; empty where it has none."""

    @property
    def all_passed(self) -> bool:
        """Whether every trial has ended and passed."""
        return self.total > 0 and self.passed == self.total


def summarise(run: BenchRun, baseline_id: UUID | None = None) -> Summary:
    """A run's figures in one query, in two with a baseline (the run's own if none is named)."""
    rows = trial_rows(run.pk)
    against = baseline_id or run.baseline_id
    earlier = trial_rows(against) if against else []
    return summary_of(rows, earlier)


def trial_rows(run_id: UUID) -> list[Row]:
    """A run's trials in order, without findings and messages, in one query."""
    trials = BenchTrial.objects.filter(run_id=run_id).order_by("position")
    return [Row(*values) for values in trials.values_list(*Row._fields)]


def summary_of(rows: Sequence[Row], earlier: Sequence[Row] = ()) -> Summary:
    """The figures of trials, and how they differ from earlier ones."""
    by_target = _by(rows, lambda row: row.target)
    targets = tuple(_figures(target, own) for target, own in by_target.items())
    cells = _by(rows, lambda row: (row.case_id, row.target))
    before = _by(earlier, lambda row: row.target)
    return Summary(
        total=len(rows),
        ended=sum(row.passed is not None for row in rows),
        passed=sum(row.passed is True for row in rows),
        targets=targets,
        cells={key: tuple(sorted(own, key=lambda row: row.number)) for key, own in cells.items()},
        cases=tuple({row.case_id: row.category for row in rows}.items()),
        modes=_modes(targets),
        differences=tuple(
            _difference(target, own, before[target])
            for target, own in by_target.items()
            if target in before
        ),
    )


def _figures(target: Target, rows: Sequence[Row]) -> TargetFigures:
    ended = [row for row in rows if row.passed is not None]
    categories: dict[str, Tally] = {}
    for row in rows:
        tally = categories.get(row.category, Tally())
        done = row.passed is not None
        categories[row.category] = tally.with_one(bool(row.passed)) if done else tally
    latencies = [row.execution_ms for row in ended if row.execution_ms is not None]
    first = [row.first_token_ms for row in ended if row.first_token_ms is not None]
    costs = [row.cost for row in ended if row.cost is not None]
    failures = Counter(row.code or "NOT_PASSED" for row in ended if not row.passed)
    return TargetFigures(
        target=target,
        total=len(rows),
        tally=_tally(rows),
        pass_hats=pass_hats(list(_case_tallies(rows).values())),
        categories=tuple(categories.items()),
        latency_p50=percentile(latencies, 0.5),
        latency_p95=percentile(latencies, 0.95),
        first_token_p50=percentile(first, 0.5),
        input_tokens=_sum(row.input_tokens for row in ended),
        output_tokens=_sum(row.output_tokens for row in ended),
        cost=sum(costs, Decimal(0)) if costs else None,
        currency=next((row.currency for row in ended if row.cost is not None), ""),
        repairs_per_trial=sum(row.repairs for row in ended) / len(ended) if ended else None,
        failures=tuple(failures.most_common()),
    )


def _modes(targets: Sequence[TargetFigures]) -> tuple[ModeComparison, ...]:
    found = {figures.target: figures for figures in targets}
    return tuple(
        ModeComparison(target.route, figures, other, difference(figures.tally, other.tally))
        for target, figures in found.items()
        if target.tool_mode == "native"
        and (other := found.get(Target(target.route, "text"))) is not None
    )


def _difference(target: Target, rows: Sequence[Row], earlier: Sequence[Row]) -> Difference:
    digests = {row.case_id: row.case_digest for row in earlier}
    same = {row.case_id for row in rows if digests.get(row.case_id) == row.case_digest}
    now, before = _case_tallies(rows, same), _case_tallies(earlier, same)
    changes = []
    for case_id, tally in now.items():
        was = before.get(case_id, Tally())
        if tally.rate is None or was.rate is None or tally.rate == was.rate:
            continue
        kind: Change = "regressed" if tally.rate < was.rate else "improved"
        changes.append(CaseChange(case_id, kind, was, tally, is_clear(tally, was)))
    both = {case_id for case_id in now if now[case_id].ended and before[case_id].ended}
    tally_now = _tally([row for row in rows if row.case_id in both])
    tally_before = _tally([row for row in earlier if row.case_id in both])
    return Difference(
        target=target,
        before=tally_before,
        now=tally_now,
        interval=difference(tally_now, tally_before),
        changes=tuple(changes),
        left_out=tuple(dict.fromkeys(row.case_id for row in rows if row.case_id not in same)),
    )


def _case_tallies(rows: Iterable[Row], only: set[str] | None = None) -> dict[str, Tally]:
    own = _by((row for row in rows if only is None or row.case_id in only), lambda r: r.case_id)
    return {case_id: _tally(trials) for case_id, trials in own.items()}


def _tally(rows: Iterable[Row]) -> Tally:
    verdicts = [row.passed for row in rows if row.passed is not None]
    return Tally(sum(verdicts), len(verdicts))


def _by(rows: Iterable[Row], key: Any) -> dict[Any, list[Row]]:
    groups: defaultdict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return dict(groups)


def _sum(numbers: Iterable[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
