"""The grid of a run's page: a cell for every case and target."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import Any

from chat.pages import figures
from chat.pages.bench.addresses import Chosen, Target
from chat.pages.bench.marks import tone_of
from chat.pages.bench.words import category_words, money, plural

FIELDS = (
    *("route", "tool_mode", "case_id", "number", "status", "passed"),
    *("repairs", "execution_ms", "cost", "currency"),
)
"""What the grid reads of a trial."""

CellKey = tuple[str, str, str]
"""Case, route, tool mode."""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a cell since an earlier run."""

    kind: str
    glyph: str
    words: str
    spoken: str


@dataclass(frozen=True, slots=True)
class Pips:
    """Small marks for tries: passed, failed, still to come."""

    passed: int
    failed: int
    open: int

    @property
    def id(self) -> str:
        """What the drawing is called on the page."""
        return f"pips-{self.passed}-{self.failed}-{self.open}"

    @property
    def width(self) -> int:
        """In pixels."""
        return 7 * (self.passed + self.failed + self.open) - 1

    @property
    def marks(self) -> Iterable[tuple[str, int]]:
        """Each mark's kind and place."""
        kinds = ["passed"] * self.passed + ["failed"] * self.failed + ["open"] * self.open
        return [(kind, 7 * place) for place, kind in enumerate(kinds)]


@dataclass(frozen=True, slots=True)
class Tally:
    """The tries of a case on a target, counted."""

    tries: int
    ended: int
    passed: int
    executing: int
    repairs: int
    time_ms: float | None
    cost: Decimal | None
    currency: str

    @property
    def is_open(self) -> bool:
        """Whether tries are still to come."""
        return self.ended < self.tries


@dataclass(frozen=True, slots=True)
class Cell:
    """A case on a target, as a link to its tries."""

    url: str
    tone: str
    words: str
    spoken: str
    pips: Pips | None = None
    change: Change | None = None
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class GridRow:
    """A case and its cells, one for each target."""

    case_id: str
    description: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class GridGroup:
    """The cases of one category."""

    name: str
    rows: tuple[GridRow, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """All cells, by category; `pips` are the drawings that they use."""

    groups: tuple[GridGroup, ...]
    pips: tuple[Pips, ...]


def tally_cells(trials: Iterable[Any]) -> dict[CellKey, Tally]:
    """The trials' counts, by cell."""
    by_cell: defaultdict[CellKey, list[Any]] = defaultdict(list)
    for trial in trials:
        by_cell[trial.case_id, trial.route, trial.tool_mode].append(trial)
    return {key: _tally(rows) for key, rows in by_cell.items()}


def build_grid(
    cases: Sequence[Mapping[str, Any]],
    targets: Sequence[Target],
    tallies: Mapping[CellKey, Tally],
    chosen: Chosen,
    *,
    is_active: bool,
    changes: Mapping[CellKey, Change] | None = None,
) -> Grid:
    """The grid as it is now; `cases` are the run's, in their order."""
    changes = changes or {}
    pips: dict[str, Pips] = {}

    def cell(case_id: str, target: Target) -> Cell:
        key = (case_id, target.route, target.tool_mode)
        made = _cell(case_id, target, tallies.get(key), chosen, is_active, changes.get(key))
        if made.pips:
            pips[made.pips.id] = made.pips
        return made

    rows: defaultdict[str, list[GridRow]] = defaultdict(list)
    for case in cases:
        cells = tuple(cell(case["id"], target) for target in targets)
        row = GridRow(case["id"], case.get("description", ""), cells)
        rows[case.get("category", "simple")].append(row)
    groups = tuple(GridGroup(category_words(name), tuple(of)) for name, of in rows.items())
    return Grid(groups, tuple(pips.values()))


def _tally(rows: Sequence[Any]) -> Tally:
    ended = [row for row in rows if row.passed is not None]
    times = [row.execution_ms for row in ended if row.execution_ms is not None]
    costs = [row.cost for row in ended if row.cost is not None]
    return Tally(
        tries=len(rows),
        ended=len(ended),
        passed=sum(row.passed for row in ended),
        executing=sum(row.status == "executing" for row in rows),
        repairs=sum(row.repairs for row in ended),
        time_ms=median(times) if times else None,
        cost=sum(costs, Decimal(0)) if costs else None,
        currency=next((row.currency for row in ended if row.currency), ""),
    )


def _cell(
    case_id: str,
    target: Target,
    tally: Tally | None,
    chosen: Chosen,
    is_active: bool,
    change: Change | None,
) -> Cell:
    tone, words, said, pips = _shown(tally, chosen.show, is_active)
    mode = " with calls as text" if target.tool_mode == "text" else ""
    spoken = f"{case_id} on {target.route}{mode}: {said}"
    if change is not None:
        spoken += f", {change.spoken}"
    return Cell(
        url=chosen.address(case=case_id, on=target.key),
        tone=tone,
        words=words,
        spoken=spoken,
        pips=pips,
        change=change,
        is_chosen=chosen.case == case_id and chosen.on == target.key,
    )


def _shown(tally: Tally | None, show: str, is_active: bool) -> tuple[str, str, str, Pips | None]:
    """Tint, words, spoken words and pips of a cell."""
    if tally is None or (not tally.ended and not is_active):
        return "not-run", "not run", "not run", None
    if not tally.ended:
        word = "running" if tally.executing else "waiting"
        return ("live" if tally.executing else "idle"), word, word, None
    still_open = is_active and tally.is_open
    match show:
        case "time":
            words = figures.duration(tally.time_ms) or "not known"
            return "plain", words, f"{words} in the median", None
        case "cost":
            words = money(tally.cost, tally.currency) if tally.cost is not None else "no price"
            return "plain", words, words, None
        case "repairs":
            words = plural(tally.repairs, "repair")
            return ("mended" if tally.repairs else "plain"), words, words, None
    so_far = " so far" if still_open else ""
    return (
        "live" if still_open else tone_of(tally.passed, tally.ended),
        f"{tally.passed}/{tally.ended}",
        f"{tally.passed} of {tally.ended} tries passed{so_far}",
        Pips(
            tally.passed,
            tally.ended - tally.passed,
            tally.tries - tally.ended if still_open else 0,
        ),
    )
