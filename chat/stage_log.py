"""A stage's log: what waits to be written, what was, and the newest frames in memory."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from chat.engine.events import TERMINAL_EVENTS
from chat.engine.fold import StageFold
from chat.models import StageEvent
from chat.pending import Pending, Row
from chat.projection import StageKey
from chat.protocol import event_frame

HELD_BYTES = 256 * 1024
"""Text waiting per stage above which its engine is held back."""
TAIL_EVENTS = 512
TAIL_BYTES = 256 * 1024
PAGE = 500
PAGE_BYTES = 256 * 1024


@dataclass(slots=True, frozen=True)
class Frame:
    """A committed event as text, the same for every subscriber."""

    number: int
    event: str
    text: str

    @property
    def is_terminal(self) -> bool:
        """Whether nothing comes after it."""
        return self.event in TERMINAL_EVENTS


class StageLost(Exception):
    """The stage is no longer this process's to write: it was taken away, or cannot be written."""


@dataclass(slots=True, eq=False)
class StageLog:
    """A running stage's end of the journal."""

    key: StageKey
    number: int
    fold: StageFold
    committed: int = 0
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
    tail: deque[Frame] = field(default_factory=deque)
    tail_bytes: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_crowded(self) -> bool:
        """Whether so much waits that the engine must be held back."""
        return self.held > HELD_BYTES

    def remember(self, frames: Sequence[Frame]) -> None:
        """Keep the newest frames in memory for those who follow closely."""
        for frame in frames:
            self.tail.append(frame)
            self.tail_bytes += len(frame.text)
        while len(self.tail) > TAIL_EVENTS or (self.tail_bytes > TAIL_BYTES and len(self.tail) > 1):
            self.tail_bytes -= len(self.tail.popleft().text)


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


def frame_of(stage_id: UUID, row: Row) -> Frame:
    """A row as the frame that every subscriber gets."""
    text = event_frame(str(stage_id), row.number, row.ts, row.event, row.data_json)
    return Frame(row.number, row.event, text)


def read_after(stage_id: UUID, after: int, limit: int = PAGE) -> list[Frame]:
    """Stored events of a stage with a number above `after`, in order, as frames.

    At most `limit`, and no more than a reader may leave unread, for it holds them while it waits.
    """
    rows = (
        StageEvent.objects.filter(stage_id=stage_id, sequence_number__gt=after)
        .order_by("sequence_number")
        .values_list("sequence_number", "ts", "event", "data")[:limit]
    )
    name = str(stage_id)
    frames: list[Frame] = []
    size = 0
    for number, ts, event, data in rows.iterator(chunk_size=50):
        frames.append(Frame(number, event, event_frame(name, number, ts, event, data)))
        size += len(data)
        if size >= PAGE_BYTES:
            break
    return frames


def last_number(stage_id: UUID) -> int:
    """The number of a stage's last stored event, 0 if there is none."""
    number = (
        StageEvent.objects.filter(stage_id=stage_id)
        .order_by("-sequence_number")
        .values_list("sequence_number", flat=True)
        .first()
    )
    return number or 0
