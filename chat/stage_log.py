"""A stage's log: what waits to be written, and the newest of what was."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chat.engine.fold import StageFold
from chat.frames import Tail
from chat.pending import Pending, Row
from chat.projection import StageKey

HELD_BYTES = 256 * 1024
"""Text waiting per stage above which its engine is held back."""


class StageLost(Exception):
    """The stage is no longer this process's to write: it was taken away, or cannot be written."""


@dataclass(slots=True, eq=False)
class StageLog:
    """A running stage's end of the journal."""

    key: StageKey
    number: int
    fold: StageFold
    tail: Tail
    closed: bool = False
    lost: bool = False
    given_up: bool = False
    """Set by the writer: once a number could not be stored, none after it may be."""
    waiting: list[Pending] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    requests_changed: bool = False
    whole_outputs: Mapping[str, str] = field(default_factory=dict)
    held: int = 0
    said_something: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_crowded(self) -> bool:
        """Whether so much waits that the engine must be held back."""
        return self.held > HELD_BYTES

    @property
    def committed(self) -> int:
        """The number of the last event that is stored."""
        return self.tail.last


@dataclass(slots=True)
class Batch:
    """What is taken of one stage for one commit; numbers are given, so it is written or lost."""

    log: StageLog
    first_number: int
    entries: list[Pending]
    requests: list[dict[str, Any]] | None
    rows: list[Row] = field(default_factory=list)

    def encode(self) -> None:
        """Make the rows, once for the database and every reader."""
        self.rows = [
            entry.as_row(number) for number, entry in enumerate(self.entries, self.first_number)
        ]
