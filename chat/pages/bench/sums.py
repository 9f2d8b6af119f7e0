"""A run's figures by target: the rows under the grid, categories, tool modes and charts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chat.bench.statistics import Tally
from chat.bench.summary import ModeComparison, Summary, TargetFigures
from chat.pages import figures
from chat.pages.bench.charts import LineChart, Series, SpanChart, line_chart, span_chart
from chat.pages.bench.words import category_words, money, plural, share, signed_share


@dataclass(frozen=True, slots=True)
class Sum:
    """A row under the grid: a word for each target, empty where it is not known."""

    name: str
    note: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rate:
    """A share in words and in percent."""

    words: str
    percent: float
    note: str


@dataclass(frozen=True, slots=True)
class CategoryRow:
    """A category's rates, one for each target; None where nothing was tried."""

    name: str
    cases: str
    rates: tuple[Rate | None, ...]


@dataclass(frozen=True, slots=True)
class ModeRow:
    """A route's success with native calls and with calls as text."""

    route: str
    native: str
    text: str
    difference: str


def sums_of(targets: Sequence[TargetFigures], *, is_active: bool) -> tuple[Sum, ...]:
    """The rows under the grid; while a run goes, how far pass^k reaches changes all the time."""
    most = min((len(t.pass_hats) for t in targets if t.pass_hats), default=0)
    most = 1 if is_active else most

    def row(name: str, note: str, words: Callable[[TargetFigures], str]) -> Sum:
        return Sum(name, note, tuple(words(target) for target in targets))

    rows = [row("pass^1", "The chance that a try passes, over all cases.", _first_hat)]
    if most > 1:
        note = f"The chance that {most} tries in a row all pass, over all cases."
        rows.append(row(f"pass^{most}", note, lambda t: _hat(t, most)))
    rows += [
        row("95 % interval", "Of the share of tries that passed.", lambda t: _interval(t.tally)),
        row("First token, p50", "", lambda t: figures.duration(t.first_token_p50)),
        row("Total, p50", "", lambda t: figures.duration(t.latency_p50)),
        row("Total, p95", "", lambda t: figures.duration(t.latency_p95)),
        row("Tokens in", "", lambda t: _count(t.input_tokens)),
        row("Tokens out", "", lambda t: _count(t.output_tokens)),
        row("Repairs per try", "", _repairs),
        row("Cost of the run", "", _cost),
    ]
    return tuple(rows)


def categories_of(summary: Summary) -> tuple[CategoryRow, ...]:
    """The rates by category, in the order of the cases."""
    names = dict.fromkeys(category for _, category in summary.cases)
    counts = {name: sum(category == name for _, category in summary.cases) for name in names}
    tallies = [dict(target.categories) for target in summary.targets]
    return tuple(
        CategoryRow(
            category_words(name),
            plural(counts[name], "case"),
            tuple(_rate(of_target.get(name)) for of_target in tallies),
        )
        for name in names
    )


def modes_of(modes: Sequence[ModeComparison]) -> tuple[ModeRow, ...]:
    """Native against text, by route."""
    return tuple(
        ModeRow(mode.route, share(native), share(text), _mode_difference(mode, native - text))
        for mode in modes
        if (native := mode.native.tally.rate) is not None
        and (text := mode.text.tally.rate) is not None
    )


def lines_of(targets: Sequence[TargetFigures]) -> LineChart | None:
    """The chart of pass^k over k."""
    series = [Series(str(t.target), t.pass_hats) for t in targets if t.pass_hats]
    return line_chart(series)


def spans_of(targets: Sequence[TargetFigures]) -> SpanChart | None:
    """The chart of durations."""
    return span_chart(
        [
            (str(t.target), t.latency_p50, t.latency_p95, t.first_token_p50)
            for t in targets
            if t.latency_p50 is not None and t.latency_p95 is not None
        ]
    )


def _first_hat(target: TargetFigures) -> str:
    return _hat(target, 1)


def _hat(target: TargetFigures, k: int) -> str:
    return share(target.pass_hats[k - 1]) if len(target.pass_hats) >= k else ""


def _interval(tally: Tally) -> str:
    interval = tally.interval
    return f"{interval.low:.2f} to {interval.high:.2f}" if interval else ""


def _count(number: int | None) -> str:
    return "" if number is None else figures.count(number)


def _repairs(target: TargetFigures) -> str:
    return "" if target.repairs_per_trial is None else f"{target.repairs_per_trial:.2f}"


def _cost(target: TargetFigures) -> str:
    if not target.tally.ended:
        return ""
    return money(target.cost, target.currency) if target.cost is not None else "no price"


def _rate(tally: Tally | None) -> Rate | None:
    if tally is None or tally.rate is None:
        return None
    note = f"{tally.passed} of {plural(tally.ended, 'try', 'tries')}"
    return Rate(share(tally.rate), round(100 * tally.rate, 1), note)


def _mode_difference(mode: ModeComparison, difference: float) -> str:
    if mode.interval is None or difference == 0:
        return signed_share(difference)
    noise = "more than noise" if mode.interval.excludes_zero else "may be noise"
    return f"{signed_share(difference)}, {noise}"
