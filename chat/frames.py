"""Committed events as frames: the newest of a stage in memory, all of them from the database."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection
from django.db.models import OuterRef, Subquery

from chat.engine.events import TERMINAL_EVENTS
from chat.models import Stage, StageEvent
from chat.pending import Row
from chat.protocol import event_frame

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


@dataclass(slots=True, eq=False)
class Tail:
    """A stage's newest frames, for those who follow closely; up to `last`, without a gap."""

    last: int
    frames: deque[Frame] = field(default_factory=deque)
    size: int = 0

    def remember(self, frames: Sequence[Frame]) -> None:
        """Take in the next frames; the oldest give way."""
        for frame in frames:
            self.frames.append(frame)
            self.size += len(frame.text)
        if frames:
            self.last = frames[-1].number
        kept = self.frames
        while len(kept) > TAIL_EVENTS or (self.size > TAIL_BYTES and len(kept) > 1):
            self.size -= len(kept.popleft().text)

    def after(self, number: int) -> list[Frame] | None:
        """The frames above a number, at most a page; None where memory does not reach back."""
        if number >= self.last:
            return []
        frames = self.frames
        if not frames or frames[0].number > number + 1:
            return None
        if number + 1 == self.last:
            return [frames[-1]]
        return [frame for frame in frames if frame.number > number][:PAGE]


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


def read_news(after: Mapping[UUID, int], limit: int = PAGE) -> dict[UUID, list[Frame]]:
    """The stored events above a number of each of several stages, by one query; `limit` in all.

    Plain SQL: a condition per stage would cost more to write than the query to answer.
    """
    if not after:
        return {}
    prepare = Stage._meta.pk.get_db_prep_value
    wanted = ", ".join(["(%s, %s)"] * len(after))
    params: list[object] = []
    for stage_id, number in after.items():
        params += [prepare(stage_id, connection), number]
    table = connection.ops.quote_name(StageEvent._meta.db_table)
    events = StageEvent.objects.raw(
        f"WITH wanted (stage, after) AS (VALUES {wanted}) "  # noqa: S608
        f"SELECT e.* FROM wanted JOIN {table} e "
        "ON e.stage_id = wanted.stage AND e.sequence_number > wanted.after "
        "ORDER BY e.stage_id, e.sequence_number LIMIT %s",
        [*params, limit],
    )
    news: dict[UUID, list[Frame]] = {}
    for event in events:
        number, name = event.sequence_number, event.event
        text = event_frame(str(event.stage_id), number, event.ts, name, event.data)
        news.setdefault(event.stage_id, []).append(Frame(number, name, text))
    return news


def last_numbers(stage_ids: Collection[UUID]) -> dict[UUID, int]:
    """The numbers of stages' last stored events, 0 where there is none."""
    if not stage_ids:
        return {}
    last = (
        StageEvent.objects.filter(stage_id=OuterRef("pk"))
        .order_by("-sequence_number")
        .values("sequence_number")[:1]
    )
    rows = Stage.objects.filter(pk__in=stage_ids).values_list("pk", Subquery(last))
    found = {stage_id: number or 0 for stage_id, number in rows}
    return {stage_id: found.get(stage_id, 0) for stage_id in stage_ids}
