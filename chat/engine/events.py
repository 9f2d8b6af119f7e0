"""What can happen in a stage: one frozen model per event, in a closed union.

The engine yields these; the journal numbers and stores them. Names and fields are the wire contract
(docs/protocol.md). `RequestSent` is the one thing the engine yields that is not an event: it is
kept on the stage's row and never numbered.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Phase = Literal["chat", "tools", "synthesis"]
ToolStatus = Literal[
    "ok", "error", "invalid", "timeout", "denied", "cancelled", "lost", "handed_over"
]
CancelledBy = Literal["user", "admin", "shutdown"]

ErrorCode = Literal[
    "upstream_unreachable",
    "upstream_timeout",
    "upstream_rejected",
    "upstream_rate_limited",
    "upstream_failed",
    "upstream_malformed",
    "no_tool_calls",
    "invalid_tool_calls",
    "tool_rounds_exceeded",
    "interrupted",
    "internal",
]

TERMINAL_EVENTS = ("done", "cancel", "error")


class EventModel(BaseModel):
    """What all events share: frozen, no unknown fields, absent optional fields left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def data(self) -> dict[str, Any]:
        """The event's `data` object as it travels: without `event`, without absent fields."""
        return self.model_dump(mode="json", exclude={"event"}, exclude_none=True)


class StageStarted(EventModel):
    """The stage exists and its engine runs; always number 1."""

    event: Literal["stage_started"] = "stage_started"
    request_id: UUID
    conversation_id: UUID
    mode: Literal["chat", "toolchain"]
    synthesis: bool
    stream: bool
    model_route: str
    model: str
    tools: tuple[str, ...]


class ChatCompletionChunk(EventModel):
    """What the model says: visible text, reasoning, or both."""

    event: Literal["chat_completion_chunk"] = "chat_completion_chunk"
    phase: Phase
    round: int
    content: str | None = None
    reasoning: str | None = None


class ToolCompletionChunk(EventModel):
    """A tool call taking shape: a delta of its raw argument text."""

    event: Literal["tool_completion_chunk"] = "tool_completion_chunk"
    round: int
    index: int
    call_id: str
    tool: str | None = None
    arguments: str | None = None


class Deciding(EventModel):
    """Text is withheld because it may become a tool call; what comes next decides it."""

    event: Literal["deciding"] = "deciding"
    phase: Phase
    round: int
    withheld: int
    """How many characters at that moment."""


class ToolCallEvent(EventModel):
    """A complete tool call, checked against its tool's schema."""

    event: Literal["tool_call"] = "tool_call"
    round: int
    call_id: str
    upstream_id: str | None = None
    tool: str
    arguments: dict[str, Any] | None = None
    raw_arguments: str
    origin: str
    valid: bool
    errors: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()
    was: dict[str, str] | None = None
    """Where arguments were mended: by name, the values that the model wrote otherwise."""
    needs_approval: bool = False

    def data(self) -> dict[str, Any]:
        """As everywhere, but `arguments` travels as null where the raw text is no JSON object."""
        return {**super().data(), "arguments": self.arguments}


class ToolResultEvent(EventModel):
    """What became of one tool call; `content` is what the model reads."""

    event: Literal["tool_result"] = "tool_result"
    round: int
    call_id: str
    tool: str
    status: ToolStatus
    content: str
    error: str | None = None
    duration_ms: int


class ToolSummary(EventModel):
    """All results of a round, by call id; once per round, after its last `tool_result`."""

    event: Literal["tool_summary"] = "tool_summary"
    round: int
    tool_summary: dict[str, str]


class UsageEvent(EventModel):
    """Token counts of one upstream request, as the upstream reported them."""

    event: Literal["usage"] = "usage"
    round: int
    phase: Phase
    input_tokens: int
    output_tokens: int
    reasoning_tokens: int | None = None
    total_tokens: int


class RepairEvent(EventModel):
    """A deviation of the upstream from its contract that was mended, and the bytes that caused it.

    Those stored before there were rounds, phases and raw bytes have neither.
    """

    event: Literal["repair"] = "repair"
    code: str
    detail: str
    round: int = 1
    phase: Phase | None = None
    raw: str = ""


class Timings(BaseModel):
    """How long a stage took, in milliseconds since it was started."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    queued_ms: int
    first_token_ms: int | None
    total_ms: int


class Done(EventModel):
    """The stage ended well; a reader can verify the text it has by length and digest."""

    event: Literal["done"] = "done"
    finish_reason: str | None
    message_id: UUID
    content_length: int
    content_sha256: str
    timings: Timings

    def data(self) -> dict[str, Any]:
        """Everything, null values too: a reader may rely on each of these fields."""
        return self.model_dump(mode="json", exclude={"event"})


class Cancel(EventModel):
    """The stage was stopped; what was said so far stays."""

    event: Literal["cancel"] = "cancel"
    by: CancelledBy
    upstream_closed_ms: int | None

    def data(self) -> dict[str, Any]:
        """`upstream_closed_ms` travels as null where no request was open."""
        return self.model_dump(mode="json", exclude={"event"})


class ErrorEvent(EventModel):
    """The stage failed; `message` is in a person's words."""

    event: Literal["error"] = "error"
    code: ErrorCode
    message: str
    retryable: bool
    detail: str | None = None


Event = Annotated[
    StageStarted
    | ChatCompletionChunk
    | ToolCompletionChunk
    | Deciding
    | ToolCallEvent
    | ToolResultEvent
    | ToolSummary
    | UsageEvent
    | RepairEvent
    | Done
    | Cancel
    | ErrorEvent,
    Field(discriminator="event"),
]

EVENT_ADAPTER: TypeAdapter[Event] = TypeAdapter(Event)


class RequestSent(BaseModel):
    """One request as it was sent upstream, for the stage's row: messages by reference, no keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    round: int
    phase: Phase
    model: str
    base_url_host: str
    messages: tuple[dict[str, Any], ...]
    tools: tuple[str, ...]
    parameters: dict[str, Any]


def parse_event(event: str, data: dict[str, Any]) -> Event:
    """The typed event of a stored row; raises pydantic.ValidationError on anything else."""
    return EVENT_ADAPTER.validate_python({"event": event, **data})
