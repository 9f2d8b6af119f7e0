"""A stage's repairs as its card lists them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chat.models import StageRepair
from chat.pages import figures


@dataclass(frozen=True, slots=True)
class Repair:
    """What was mended: its code, the sentence that tells it, where, and the bytes that came."""

    code: str
    detail: str
    place: str
    raw: str
    size: str


BLANK_REPAIR = Repair("", "", "", "", "")
"""What the page's script clones."""


def repairs_of(rows: Iterable[StageRepair]) -> tuple[Repair, ...]:
    """The list, in the order in which they were met."""
    return tuple(
        Repair(row.code, row.detail, place_of(row.phase, row.round), row.raw, figures.size(row.raw))
        for row in rows
    )


def place_of(phase: str, round: int) -> str:
    """Which request of the stage it was; empty where that was not told."""
    names = {"chat": "Completion", "tools": f"Round {round}", "synthesis": "Synthesis"}
    return names.get(phase, "")
