"""What a proof found: lines for people, and the promises that did not hold."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

LISTED = 20


@dataclass
class Report:
    """The outcome of one proof."""

    title: str
    lines: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    promises: int = 0
    started: float = field(default_factory=time.monotonic)

    def promise(self, kept: bool, text: str) -> bool:
        """Count a promise; one that did not hold is told with `text`."""
        self.promises += 1
        if not kept:
            self.broken.append(text)
        return kept

    def promise_none(self, faults: Iterable[str], about: str = "") -> None:
        """A promise that there are no faults."""
        found = [f"{about}: {fault}" if about else fault for fault in faults]
        self.promises += 1
        self.broken += found

    def line(self, text: str = "") -> None:
        """Add a line."""
        self.lines.append(text)

    def table(self, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Add a table; the first column is flush left, the others right."""
        cells = [[str(cell) for cell in row] for row in (head, *rows)]
        widths = [max(len(row[at]) for row in cells) for at in range(len(head))]
        for row in cells:
            first, *others = (
                cell.ljust(width) if at == 0 else cell.rjust(width)
                for at, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            self.lines.append("  ".join((first, *others)).rstrip())

    def __str__(self) -> str:
        seconds = time.monotonic() - self.started
        verdict = (
            f"All {self.promises} promises held."
            if not self.broken
            else f"BROKEN: {len(self.broken)} faults in {self.promises} promises."
        )
        more = len(self.broken) - LISTED
        faults = [f"  - {fault}" for fault in self.broken[:LISTED]]
        if more > 0:
            faults.append(f"  … and {more} more")
        head = f"== {self.title} ({seconds:.0f} s)"
        return "\n".join([head, *self.lines, verdict, *faults])

    def finish(self) -> int:
        """Print it; the exit code of the command."""
        print(self, flush=True)
        return 1 if self.broken else 0


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that so many percent do not exceed (nearest rank); NaN of none."""
    if not values:
        return math.nan
    ranked = sorted(values)
    return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]
