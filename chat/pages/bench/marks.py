"""How many of a cell's tries passed, as a tint with a name of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

TONES = ("all", "most", "some", "few", "none")
"""From the best to the worst; each has a tint."""


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """A tint and the counts that it stands for, such as `2 to 3`."""

    tone: str
    words: str


def tone_of(passed: int, tries: int) -> str:
    """The tint of so many passes in so many tries."""
    if passed >= tries:
        return "all"
    if passed == 0:
        return "none"
    share = passed / tries
    return "most" if share >= 0.75 else "some" if share >= 0.34 or tries < 3 else "few"


def legend(tries: int) -> tuple[LegendEntry, ...]:
    """What the tints stand for where each cell has so many tries."""
    entries = []
    for tone in TONES:
        counts = [count for count in range(tries, -1, -1) if tone_of(count, tries) == tone]
        if counts:
            entries.append(LegendEntry(tone, _range(counts, tries)))
    return tuple(entries)


def _range(counts: Sequence[int], tries: int) -> str:
    high, low = counts[0], counts[-1]
    if high == tries:
        return f"{tries} of {tries}"
    return f"{high}" if high == low else f"{low} to {high}"
