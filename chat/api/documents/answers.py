"""What the origin's endpoints and the health check answer, and what a refused request gets."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from chat.api.documents.sent import FieldProblem, Sent
from chat.engine.events import ErrorCode
from chat.protocol import RefusalCode

RequestFault = Literal["unauthenticated", "method_not_allowed", "too_large", "internal"]


class ProblemBody(Sent):
    """A request that got no stage, or no answer; the status says the same more roughly."""

    type: Literal["error"]
    code: RefusalCode | RequestFault
    message: str
    errors: list[FieldProblem] | None = None
    stage_id: UUID | None = None


class TextAnswer(Sent):
    """The model's text."""

    stage_id: UUID
    type: Literal["text"]
    text: str


class ToolResultsAnswer(Sent):
    """What the tools gave, where no synthesis was asked for."""

    stage_id: UUID
    type: Literal["tool_results"]
    tool_results: dict[str, str]


class FailureAnswer(Sent):
    """The stage ended without a result: it failed, or it was stopped (code `cancel`)."""

    stage_id: UUID
    type: Literal["error"]
    code: ErrorCode | Literal["cancel"]
    message: str


class DeltaFunction(Sent):
    """A piece of a call: the tool's name with the first, then text of the arguments."""

    name: str | None = None
    arguments: str


class DeltaToolCall(Sent):
    """A tool call taking shape; `id`, `type` and the name come with its first piece."""

    index: int
    id: str | None = None
    type: Literal["function"] | None = None
    function: DeltaFunction


class StageDelta(Sent):
    """What a chunk adds."""

    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[DeltaToolCall] | None = None


class StageChoice(Sent):
    """The one choice of a chunk."""

    index: Literal[0]
    delta: StageDelta
    finish_reason: None


class StageChunk(Sent):
    """An OpenAI ChatCompletionChunk made of one stored event."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[StageChoice]


class SseText(Sent):
    """What the model says, in mode chat."""

    stage_id: UUID
    chunk: StageChunk


class SseToolText(Sent):
    """Text of any phase, or a piece of a tool call, in mode toolchain."""

    stage_id: UUID
    tool_results: StageChunk


class SseSummary(Sent):
    """All results of a round, once per round."""

    stage_id: UUID
    tool_summary: dict[str, str]


class SseEnd(Sent):
    """The stage is over."""

    stage_id: UUID


class SseError(Sent):
    """The stage failed; what was sent before stays as it is."""

    stage_id: UUID
    error: str
    code: ErrorCode


class ModelServer(Sent):
    """How the last connection check of a route ended."""

    status: Literal["online", "offline", "unknown"]
    error: str | None = None


class Ready(Sent):
    """This process serves."""

    status: Literal["ready"]
    model_servers: dict[str, ModelServer]


class Draining(Sent):
    """This process ends its work and takes no more."""

    status: Literal["draining"]
