"""All that a run's page shows, read in a constant number of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Count
from django.urls import reverse
from django.utils import timezone

from chat.bench.summary import Row, Summary, Target, summary_of, trial_rows
from chat.models import BenchRun, BenchSuite, BenchTrial
from chat.pages import figures
from chat.pages.bench.addresses import Chosen, target_key
from chat.pages.bench.cell import ChosenCell, read_cell
from chat.pages.bench.changes import list_changes, marks_of
from chat.pages.bench.grid import build_grid, first_troubled
from chat.pages.bench.listing import owner_name, state_of, took_words
from chat.pages.bench.marks import legend
from chat.pages.bench.shipped import shipped_url
from chat.pages.bench.sums import categories_of, lines_of, modes_of, spans_of, sums_of
from chat.pages.bench.words import plural, run_title

EARLIER_RUNS = 12
LONG_GRID = 15
"""With more cases than these the totals stand under the routes' names as well."""

_UNFINISHED = (BenchRun.Status.STOPPED, BenchRun.Status.FAILED)
_VIEW_WORDS = {"passes": "pass^k", "time": "Time", "cost": "Cost", "repairs": "Repairs"}
_TITLES = {
    "time": "Time for a try, in the median",
    "cost": "Cost of all tries",
    "repairs": "Repairs in all tries",
}
_NUMBERS = ("", "one try", "two tries", "three tries", "four tries", "five tries", "six tries")
_EXPORTS = (
    ("csv", "CSV", "a line for each try"),
    ("json", "JSON", "everything, findings included"),
    ("junit", "JUnit", "for CI servers"),
)


@dataclass(frozen=True, slots=True)
class View:
    """One of the things that the cells can show."""

    words: str
    url: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Column:
    """A target as the head of a column."""

    name: str
    route: str
    mode: str
    rate: str


@dataclass(frozen=True, slots=True)
class OtherRun:
    """An earlier run to compare with."""

    id: str
    title: str
    note: str
    url: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is."""

    ended: int
    total: int
    words: str
    note: str


def run_state(run: BenchRun) -> str:
    """What changes whenever anything of a run does, in one cheap query."""
    counts = BenchTrial.objects.filter(run=run).order_by().values_list("status")
    told = sorted(counts.annotate(many=Count("pk")))
    return "-".join([run.status, *(f"{status[0]}{many}" for status, many in told)])


def run_context(run: BenchRun, user: User, chosen: Chosen) -> dict[str, Any]:
    """What the templates of a run's page draw."""
    state = run_state(run)
    others = _earlier_runs(run, user)
    against = next((other for other in others if str(other.pk) == chosen.against), None)
    chosen = chosen if against else replace(chosen, against="")
    baseline = against or next((o for o in others if o.pk == run.baseline_id), None)
    baseline = baseline or (others[0] if others else None)
    earlier = trial_rows(baseline.pk) if baseline else []
    summary = summary_of(trial_rows(run.pk), earlier)
    chosen = _with_a_cell(run, summary, chosen)
    targets = [Target(target["route"], target["tool_mode"]) for target in run.targets]
    by_target = {figures_.target: figures_ for figures_ in summary.targets}
    shown = [by_target[target] for target in targets if target in by_target]
    changes = list_changes(summary.differences, chosen)
    return {
        "run": run,
        "title": run_title(run),
        "state": state,
        "badge": state_of(run),
        "line": _line(run, summary),
        "owner": owner_name(run.owner),
        "is_others": run.owner_id != user.pk,
        "may_write": run.owner_id == user.pk,
        "may_stop": run.owner_id == user.pk or user.is_superuser,
        "may_resume": run.status in _UNFINISHED and summary.ended < run.total,
        "suite_url": _suite_url(run, user),
        "chosen": chosen,
        "views": [
            View(words, chosen.address(show=name), name == chosen.show)
            for name, words in _VIEW_WORDS.items()
        ],
        "earlier": [_other(other, chosen) for other in others],
        "baseline": _other(baseline, chosen) if baseline else None,
        "against": _other(against, chosen) if against else None,
        "off_url": chosen.address(against=""),
        "changes": changes,
        "progress": _progress(run, summary),
        "exports": [
            (name, reverse("bench:export", args=[run.pk, form]), note)
            for form, name, note in _EXPORTS
        ],
        "grid_title": _grid_title(run, chosen),
        "legend": legend(run.tries),
        "columns": [
            Column(
                name=str(target),
                route=target.route,
                mode=target.tool_mode if any(t.tool_mode == "text" for t in targets) else "",
                rate=_rate(by_target.get(target)) if len(run.cases) > LONG_GRID else "",
            )
            for target in targets
        ],
        "grid": build_grid(
            run.cases,
            targets,
            summary.cells,
            chosen,
            is_active=run.is_active,
            changes=marks_of(summary.differences) if against else {},
        ),
        "cell": _cell(run, targets, chosen, earlier, baseline),
        "sums": sums_of(shown, is_active=run.is_active),
        "has_results": summary.ended > 0,
        "lines": None if run.is_active else lines_of(shown),
        "categories": categories_of(summary),
        "category_columns": [str(figures_.target) for figures_ in shown],
        "spans": spans_of(shown),
        "modes": modes_of(summary.modes),
    }


def _earlier_runs(run: BenchRun, user: User) -> list[BenchRun]:
    """Ended runs of the same suite and owner before this one; its baseline wherever that is."""
    visible = BenchRun.objects.visible_to(user).exclude(pk=run.pk)
    before = visible.filter(
        owner=run.owner_id, suite_name=run.suite_name, created_at__lt=run.created_at
    ).exclude(status__in=BenchRun.ACTIVE)
    found = list(before.defer("cases").order_by("-created_at")[:EARLIER_RUNS])
    if run.baseline_id and all(other.pk != run.baseline_id for other in found):
        found += visible.filter(pk=run.baseline_id).defer("cases")
    return found


def _with_a_cell(run: BenchRun, summary: Summary, chosen: Chosen) -> Chosen:
    """Something is chosen from the start, but never while the run would change it."""
    if chosen.case or run.is_active:
        return chosen
    found = first_troubled(summary.cells)
    return replace(chosen, case=found[0], on=target_key(found[1])) if found else chosen


def _cell(
    run: BenchRun,
    targets: Sequence[Target],
    chosen: Chosen,
    earlier: Sequence[Row],
    baseline: BenchRun | None,
) -> ChosenCell | None:
    case = next((case for case in run.cases if case["id"] == chosen.case), None)
    target = next((target for target in targets if target_key(target) == chosen.on), None)
    if case is None or target is None:
        return None
    before = [row for row in earlier if row.case_id == chosen.case and row.target == target]
    return read_cell(run, case, target, before, run_title(baseline) if baseline else "")


def _line(run: BenchRun, summary: Summary) -> str:
    """What was run, how many tries, and how long it took."""
    routes = len({target["route"] for target in run.targets})
    modes = {target["tool_mode"] for target in run.targets}
    what = f"{plural(len(run.cases), 'case')}, {plural(routes, 'route')}"
    if len(modes) > 1:
        what += " with native calls and with calls as text"
    elif modes == {"text"}:
        what += " with calls as text"
    what += f", {plural(run.tries, 'try', 'tries')} each"
    if run.is_active:
        return f"{what}: {plural(run.total, 'try', 'tries')}."
    took = took_words(run)
    told = f"{what}: {plural(summary.ended, 'try', 'tries')}{f' in {took}' if took else ''}"
    left = run.total - summary.ended
    return f"{told}, {figures.count(left)} not run." if left else f"{told}."


def _progress(run: BenchRun, summary: Summary) -> Progress:
    if run.status == BenchRun.Status.QUEUED:
        words = "Waits for its turn."
        note = "It begins within seconds while Toolbench serves."
        if summary.ended:
            note = f"{figures.count(summary.ended)} of {plural(run.total, 'try', 'tries')} done."
    else:
        words = f"{figures.count(summary.ended)} of {plural(run.total, 'try', 'tries')} done."
        note = _left(run, summary)
    return Progress(summary.ended, run.total, words, note)


def _left(run: BenchRun, summary: Summary) -> str:
    """An estimate from the pace so far; none before there is one."""
    passed = f"{figures.count(summary.passed)} passed."
    if run.started_at is None or summary.ended < 5:
        return passed
    so_far = (timezone.now() - run.started_at).total_seconds()
    rest = so_far / summary.ended * (run.total - summary.ended)
    words = "under a minute" if rest < 60 else plural(round(rest / 60), "minute")
    return f"{passed} About {words} left, estimated."


def _grid_title(run: BenchRun, chosen: Chosen) -> str:
    if chosen.show in _TITLES:
        return _TITLES[chosen.show]
    words = _NUMBERS[run.tries] if run.tries < len(_NUMBERS) else f"{run.tries} tries"
    return f"Passes in {words}"


def _rate(figures_: Any) -> str:
    return f"{figures_.pass_hats[0]:.2f}" if figures_ is not None and figures_.pass_hats else ""


def _other(other: BenchRun, chosen: Chosen) -> OtherRun:
    moment = timezone.localtime(other.created_at)
    routes = ", ".join(dict.fromkeys(target["route"] for target in other.targets))
    return OtherRun(
        id=str(other.pk),
        title=run_title(other).replace("Run", "run", 1),
        note=f"{moment.day} {moment:%B %Y, %H:%M}: {routes}"[:120],
        url=chosen.address(against=str(other.pk)),
    )


def _suite_url(run: BenchRun, user: User) -> str:
    own = BenchSuite.objects.visible_to(user).filter(owner=run.owner_id, name=run.suite_name)
    found: Mapping[str, Any] | None = own.values("pk").first()
    if found is not None:
        return reverse("bench:suite", args=[found["pk"]])
    return shipped_url(run.suite_name)


def visible_run(user: User, run_id: UUID) -> BenchRun | None:
    """A run that a person may read, with its owner."""
    return BenchRun.objects.visible_to(user).select_related("owner").filter(pk=run_id).first()
