"""What waits to be journaled: events in order, neighbouring deltas merged until they are taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from chat.engine.events import (
    TERMINAL_EVENTS,
    ChatCompletionChunk,
    Event,
    RequestSent,
    ToolCompletionChunk,
)

MERGE_LIMIT = 8 * 1024


@dataclass(slots=True)
class Row:
    """A journal entry ready to be written and sent."""

    number: int
    ts: datetime
    event: str
    data_json: str

    @property
    def is_terminal(self) -> bool:
        """Whether nothing comes after it."""
        return self.event in TERMINAL_EVENTS


class Pending:
    """One entry that waits; deltas grow while they do."""

    __slots__ = ("event", "field", "key", "parts", "size", "ts")

    def __init__(self, event: Event) -> None:
        self.event = event
        self.ts = datetime.now(UTC)
        self.key = merge_key(event)
        self.field = self.key[-1] if self.key else ""
        text = getattr(event, self.field) if self.field else ""
        self.parts = [text]
        self.size = len(text) if self.field else 256

    def absorb(self, event: Event, key: tuple[Any, ...]) -> bool:
        """Take a neighbour in, if it is of the same kind and the whole stays under the limit."""
        if key != self.key:
            return False
        text: str = getattr(event, self.field)
        if self.size + len(text) > MERGE_LIMIT:
            return False
        self.parts.append(text)
        self.size += len(text)
        return True

    def as_row(self, number: int) -> Row:
        """The entry under its number, encoded once for the database and every reader."""
        data = self.event.data()
        if len(self.parts) > 1:
            data[self.field] = "".join(self.parts)
        return Row(number, self.ts, self.event.event, orjson.dumps(data).decode())


def merge_key(event: Event) -> tuple[Any, ...] | None:
    """What two neighbours must share to merge (event, phase, round, call, kind of text)."""
    if isinstance(event, ChatCompletionChunk):
        if event.reasoning is None and event.content is not None:
            return ("chat", event.phase, event.round, "content")
        if event.content is None and event.reasoning is not None:
            return ("chat", event.phase, event.round, "reasoning")
    elif isinstance(event, ToolCompletionChunk) and event.arguments is not None:
        return ("tool", event.round, event.call_id, event.index, event.tool, "arguments")
    return None


Item = Event | RequestSent
