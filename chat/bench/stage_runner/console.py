"""The report as a terminal shows it: tables, failures with what was found, what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from chat.bench.stage_runner.wording import (
    cost,
    duration,
    hats,
    percent,
    points,
    share,
    span,
    tokens,
)
from chat.bench.summary import CaseChange, Difference, Summary, Target, TargetFigures

MOST_FAILURES = 60
PIPS = 5
WIDE = 120
"""Columns of a terminal that hold all figures of a route side by side."""


class Tried(Protocol):
    """A trial as reports need it: a stored one, or one over HTTP."""

    @property
    def route(self) -> str:
        """As BenchTrial has it."""

    @property
    def tool_mode(self) -> str:
        """As BenchTrial has it."""

    @property
    def case_id(self) -> str:
        """As BenchTrial has it."""

    @property
    def case_digest(self) -> str:
        """As BenchTrial has it."""

    @property
    def category(self) -> str:
        """As BenchTrial has it."""

    @property
    def number(self) -> int:
        """As BenchTrial has it."""

    @property
    def status(self) -> str:
        """As BenchTrial has it."""

    @property
    def passed(self) -> bool | None:
        """As BenchTrial has it."""

    @property
    def code(self) -> str:
        """As BenchTrial has it."""

    @property
    def message(self) -> str:
        """As BenchTrial has it."""

    @property
    def findings(self) -> list[dict[str, Any]]:
        """As BenchTrial has it."""

    @property
    def execution_ms(self) -> int | None:
        """As BenchTrial has it."""

    @property
    def stage_id(self) -> UUID | str | None:
        """Whose transcript tells the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a report is of."""

    title: str
    run: str
    """The run's id."""
    summary: Summary
    trials: Sequence[Tried]
    skipped: Sequence[tuple[str, str]] = ()
    """Case and reason."""
    notes: Sequence[str] = field(default_factory=tuple)
    against: str = ""


def print_report(console: Console, told: Told) -> None:
    """All of it, the totals last, where the eye is."""
    summary = told.summary
    if summary.cases:
        console.print(_cases(console, summary))
    if len({category for _, category in summary.cases}) > 1:
        console.print(_categories(console, summary))
    _print_failures(console, told.trials, many=len(summary.targets) > 1)
    _print_skipped(console, told.skipped)
    if summary.targets:
        console.print(_targets(console, summary))
    for comparison in summary.modes:
        native, text = comparison.native.tally, comparison.text.tally
        sure = points(comparison.interval)
        console.print(
            Text(
                f"{comparison.route}: native {share(native)}, by text {share(text)}; native less "
                f"text {sure}."
            )
        )
    for one in summary.differences:
        _print_difference(console, one, told.against)
    for note in told.notes:
        console.print(Text(note))
    console.print(_totals(told))


def _cases(console: Console, summary: Summary) -> Table:
    table = _table(console, "Cases")
    table.add_column("Case", no_wrap=True)
    table.add_column("Category", no_wrap=True)
    for figures in summary.targets:
        table.add_column(str(figures.target), no_wrap=True)
    for case_id, category in summary.cases:
        cells = []
        for figures in summary.targets:
            rows = summary.cells.get((case_id, figures.target), ())
            cells.append(_cell([row.passed for row in rows]))
        table.add_row(Text(case_id), category.replace("_", " "), *cells)
    return table


def _cell(verdicts: Sequence[bool | None]) -> Text:
    ended = [verdict for verdict in verdicts if verdict is not None]
    if not ended:
        return Text("not run", style="dim")
    passed = sum(ended)
    style = "green" if passed == len(ended) else "red" if not passed else "yellow"
    if len(verdicts) == 1:
        return Text("passed" if passed else "failed", style=style)
    pips = ""
    if len(verdicts) <= PIPS:
        marks = {True: "●", False: "○", None: "·"}
        pips = " " + "".join(marks[verdict] for verdict in verdicts)
    return Text(f"{passed}/{len(ended)}{pips}", style=style)


def _categories(console: Console, summary: Summary) -> Table:
    table = _table(console, "Categories")
    table.add_column("Category", no_wrap=True)
    for figures in summary.targets:
        table.add_column(str(figures.target), no_wrap=True, justify="right")
    for category in dict.fromkeys(category for _, category in summary.cases):
        tallies = (dict(figures.categories).get(category) for figures in summary.targets)
        shares = (share(tally) if tally else "" for tally in tallies)
        table.add_row(category.replace("_", " "), *shares)
    return table


def _targets(console: Console, summary: Summary) -> Table:
    """A row per route where there is room for all figures, else a column per route."""
    has_cost = any(figures.cost is not None for figures in summary.targets)
    told = [_figures(figures, has_cost=has_cost) for figures in summary.targets]
    table = _table(console, "Routes")
    if console.width >= WIDE:
        table.add_column("Route", no_wrap=True)
        for name in told[0]:
            table.add_column(name, justify="right", no_wrap=True)
        for figures, values in zip(summary.targets, told, strict=True):
            table.add_row(str(figures.target), *values.values())
        return table
    table.add_column("")
    for figures in summary.targets:
        table.add_column(str(figures.target), justify="right")
    for name in told[0]:
        table.add_row(name, *(values[name] for values in told))
    return table


def _figures(figures: TargetFigures, *, has_cost: bool) -> dict[str, str]:
    repairs = figures.repairs_per_trial
    return {
        "Passed": f"{figures.tally.passed}/{figures.tally.ended}",
        "Rate": percent(figures.tally.rate),
        "95 %": span(figures.tally.interval),
        "pass^k": hats(figures.pass_hats),
        "p50": duration(figures.latency_p50),
        "p95": duration(figures.latency_p95),
        "First token": duration(figures.first_token_p50),
        "Tokens": tokens(figures),
        **({"Cost": cost(figures)} if has_cost else {}),
        "Repairs": "" if repairs is None else f"{repairs:.2g} a trial",
    }


def _print_failures(console: Console, trials: Sequence[Tried], *, many: bool) -> None:
    failed = [trial for trial in trials if trial.passed is False]
    if not failed:
        return
    console.print(Text(f"\nFailed: {len(failed)}", style="bold red"))
    alike = _alike(failed)
    for group in alike[:MOST_FAILURES]:
        first = group[0]
        where = f" on {Target(first.route, first.tool_mode)}" if many else ""
        tries = "try" if len(group) == 1 else "tries"
        numbers = ", ".join(str(trial.number) for trial in group)
        head = Text(f"{first.case_id}{where}, {tries} {numbers}", style="bold")
        head.append(f"  {first.code}", style="red")
        console.print(head)
        for words in _found(first):
            console.print(_indented(Text(words)))
        stages = [str(trial.stage_id) for trial in group if trial.stage_id]
        if stages:
            noun = "stage" if len(stages) == 1 else "stages"
            console.print(_indented(Text(f"{noun} {', '.join(stages)}", style="dim")))
    if len(alike) > MOST_FAILURES:
        more = sum(len(group) for group in alike[MOST_FAILURES:])
        console.print(Text(f"{more} more; --json, --csv and --junit hold all of them."))


def _indented(text: Text) -> Padding:
    return Padding(text, (0, 0, 0, 4), expand=False)


def _alike(failed: Sequence[Tried]) -> list[list[Tried]]:
    """Failures of one case on one target that were found wanting in the same words, together."""
    groups: dict[Any, list[Tried]] = {}
    for trial in failed:
        key = (trial.case_id, trial.route, trial.tool_mode, trial.code, *_found(trial))
        groups.setdefault(key, []).append(trial)
    return list(groups.values())


def _found(trial: Tried) -> list[str]:
    """What was found wanting, the same words once."""
    words = Counter(_finding(one) for one in trial.findings if not one.get("ok"))
    return [f"{one}, {count} times" if count > 1 else one for one, count in words.items()] or [
        trial.message
    ]


def _print_skipped(console: Console, skipped: Sequence[tuple[str, str]]) -> None:
    if not skipped:
        return
    console.print(Text(f"\nLeft out: {len(skipped)}", style="bold"))
    reasons: dict[str, list[str]] = {}
    for case_id, reason in skipped:
        reasons.setdefault(reason, []).append(case_id)
    for reason, cases in reasons.items():
        more = f" and {len(cases) - 8} more" if len(cases) > 8 else ""
        console.print(Text(f"    {', '.join(cases[:8])}{more}: {reason}"))


def _print_difference(console: Console, one: Difference, against: str) -> None:
    head = f"{one.target} against {against or 'the earlier run'}: "
    if one.before.ended == 0:
        console.print(Text(f"{head}no case is the same in both."))
        return
    head += f"{share(one.before)} before, {share(one.now)} now ({points(one.interval)})."
    console.print(Text(head))
    for change in one.regressions:
        console.print(Text(f"    regressed  {_change(change)}", style="red"))
    for change in one.changes:
        if change.kind == "improved":
            console.print(Text(f"    improved   {_change(change)}", style="green"))
    if one.left_out:
        console.print(Text(f"    {len(one.left_out)} cases are new or were changed since."))


def _change(change: CaseChange) -> str:
    sure = "" if change.clear else ", which may be chance"
    return f"{change.case_id}: {share(change.before)} before, {share(change.now)} now{sure}"


def _totals(told: Told) -> Text:
    summary = told.summary
    style = "bold green" if summary.all_passed else "bold red"
    words = f"{told.title}: {summary.passed} of {summary.ended} trials passed"
    if summary.ended < summary.total:
        words += f", {summary.total - summary.ended} not run"
    if told.skipped:
        words += f", {len(told.skipped)} left out"
    return Text(f"{words}.", style=style)


def _finding(stored: dict[str, Any]) -> str:
    turn = f"turn {stored['turn']}: " if stored.get("turn") is not None else ""
    detail = f" ({stored['detail']})" if stored.get("detail") else ""
    return f"{turn}{stored.get('what', '')}{detail}"


def _table(console: Console, title: str) -> Table:
    look = box.SIMPLE_HEAD if console.is_terminal else box.ASCII2
    return Table(title=title, title_justify="left", box=look, pad_edge=False)
