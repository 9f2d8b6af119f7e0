"""The frames of the websocket that are no events."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from chat.api.documents.sent import FieldProblem, Sent, StageStatus
from chat.engine.events import Phase
from chat.protocol import RefusalCode


class StageAccepted(Sent):
    """A stage was started; the socket is subscribed to it from its first event."""

    type: Literal["accepted"]
    request_id: UUID
    stage_id: UUID
    conversation_id: UUID


class CancelAccepted(Sent):
    """The stage is being stopped, or had ended; its terminal event follows where it runs."""

    type: Literal["accepted"]
    stage_id: UUID
    status: StageStatus


class StageSubscribed(Sent):
    """The stage's events follow."""

    type: Literal["subscribed"]
    stage_id: UUID
    status: StageStatus
    last_sequence_number: int = Field(ge=0)
    recovered: bool


class ActiveStage(Sent):
    """A stage that has not ended."""

    stage_id: UUID
    status: StageStatus
    last_sequence_number: int = Field(ge=0)


class ConversationSubscribed(Sent):
    """Starts and ends of the conversation's stages follow."""

    type: Literal["subscribed"]
    conversation_id: UUID
    stages: list[ActiveStage]


class StageUnsubscribed(Sent):
    """No more events of the stage follow."""

    type: Literal["unsubscribed"]
    stage_id: UUID


class ConversationUnsubscribed(Sent):
    """No more of the conversation follows."""

    type: Literal["unsubscribed"]
    conversation_id: UUID


class StageNews(Sent):
    """A stage of a followed conversation has started or ended."""

    type: Literal["stage"]
    conversation_id: UUID
    stage_id: UUID
    status: StageStatus


class Pong(Sent):
    """The last numbers of the open subscriptions, so that a lost last frame is noticed."""

    type: Literal["pong"]
    stages: dict[str, int]


class Rejected(Sent):
    """A command was refused and changed nothing; the socket stays open."""

    type: Literal["rejected"]
    request_id: str | None = None
    code: RefusalCode
    message: str
    errors: list[FieldProblem]
    stage_id: str | None = None
    conversation_id: str | None = None
    retry_after: int | None = None


class Unavailable(Sent):
    """The journal cannot be written: the stage was stopped, and is ended when it can."""

    type: Literal["unavailable"]
    stage_id: UUID
    message: str


class Html(Sent):
    """The text so far as sanitised HTML, beside the raw text; derived, never stored."""

    type: Literal["html"]
    stage_id: UUID
    round: int
    phase: Phase
    through: int
    from_block: int = Field(ge=0)
    blocks: list[str]
    tail: str


class Envelope(Sent):
    """What every event travels in; `data` depends on `event`."""

    type: Literal["event"]
    v: Literal[1]
    stage_id: UUID
    sequence_number: int = Field(ge=1)
    ts: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
    event: str
    data: dict[str, Any]
