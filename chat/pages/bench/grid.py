"""The grid of a run's page: a cell for every case and target."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import Any

from chat.bench.summary import Row, Target
from chat.pages import figures
from chat.pages.bench.addresses import Chosen, target_key
from chat.pages.bench.changes import Change
from chat.pages.bench.marks import tone_of
from chat.pages.bench.words import category_words, money, plural

CellKey = tuple[str, Target]
_AFTER_A_DASH = re.compile(r"(?<=[_-])")


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
        return 7 * (self.passed + self.failed + self.open) - 2

    @property
    def marks(self) -> Iterable[tuple[str, int]]:
        """Each mark's kind and place."""
        kinds = ["passed"] * self.passed + ["failed"] * self.failed + ["open"] * self.open
        return [(kind, 7 * place) for place, kind in enumerate(kinds)]


MOST_PIPS = 10
"""More tries than these are told in digits alone."""


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

    @property
    def parts(self) -> list[str]:
        """The case's name in pieces between which a line may end."""
        return _AFTER_A_DASH.split(self.case_id)


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


def build_grid(
    cases: Sequence[Mapping[str, Any]],
    targets: Sequence[Target],
    cells: Mapping[CellKey, Sequence[Row]],
    chosen: Chosen,
    *,
    is_active: bool,
    changes: Mapping[CellKey, Change],
) -> Grid:
    """The grid as it is now; `cases` are the run's, in their order."""
    pips: dict[str, Pips] = {}
    rows: defaultdict[str, list[GridRow]] = defaultdict(list)
    for case in cases:
        made = []
        for target in targets:
            key = (case["id"], target)
            cell = _cell(key, cells.get(key, ()), chosen, is_active, changes.get(key))
            if cell.pips:
                pips[cell.pips.id] = cell.pips
            made.append(cell)
        row = GridRow(case["id"], case.get("description", ""), tuple(made))
        rows[case.get("category", "simple")].append(row)
    groups = tuple(GridGroup(category_words(name), tuple(of)) for name, of in rows.items())
    return Grid(groups, tuple(pips.values()))


def first_troubled(cells: Mapping[CellKey, Sequence[Row]]) -> CellKey | None:
    """The first cell in which a try failed, else the first with a result."""
    ended = [(key, rows) for key, rows in cells.items() if any(r.passed is not None for r in rows)]
    failed = (key for key, rows in ended if any(row.passed is False for row in rows))
    return next(failed, ended[0][0] if ended else None)


def _cell(
    key: CellKey, rows: Sequence[Row], chosen: Chosen, is_active: bool, change: Change | None
) -> Cell:
    case_id, target = key
    tone, words, said, pips = _shown(rows, chosen.show, is_active)
    mode = " with calls as text" if target.tool_mode == "text" else ""
    spoken = f"{case_id} on {target.route}{mode}: {said}"
    if change is not None:
        spoken += f", {change.spoken}"
    return Cell(
        url=chosen.address(case=case_id, on=target_key(target)),
        tone=tone,
        words=words,
        spoken=spoken,
        pips=pips if pips and pips.passed + pips.failed + pips.open <= MOST_PIPS else None,
        change=change if chosen.show == "passes" else None,
        is_chosen=chosen.is_of(case_id, target),
    )


def _shown(rows: Sequence[Row], show: str, is_active: bool) -> tuple[str, str, str, Pips | None]:
    """Tint, words, spoken words and pips of a cell."""
    ended = [row for row in rows if row.passed is not None]
    if not rows or (not ended and not is_active):
        return "not-run", "not run", "not run", None
    if not ended:
        is_running = any(row.status == "executing" for row in rows)
        word = "running" if is_running else "waiting"
        return ("live" if is_running else "idle"), word, word, None
    match show:
        case "time":
            times = [row.execution_ms for row in ended if row.execution_ms is not None]
            words = figures.duration(median(times)) if times else "not known"
            return "plain", words, f"{words} in the median", None
        case "cost":
            costs = [row.cost for row in ended if row.cost is not None]
            words = money(sum(costs, Decimal(0)), ended[0].currency) if costs else "no price"
            return "plain", words, words, None
        case "repairs":
            repairs = sum(row.repairs for row in ended)
            words = plural(repairs, "repair")
            return ("mended" if repairs else "plain"), words, words, None
    passed = sum(bool(row.passed) for row in ended)
    left = len(rows) - len(ended) if is_active else 0
    return (
        "live" if left else tone_of(passed, len(ended)),
        f"{passed}/{len(ended)}",
        f"{passed} of {plural(len(ended), 'try', 'tries')} passed{' so far' if left else ''}",
        Pips(passed, len(ended) - passed, left),
    )
