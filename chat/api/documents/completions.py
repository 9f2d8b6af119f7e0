"""What the gateway answers: models, completions, chunks and errors as the OpenAI API has them."""

from __future__ import annotations

from typing import Any, ClassVar, Literal
from uuid import UUID

from chat.api.documents.sent import Sent
from chat.api.gateway.progress import FinishReason
from chat.engine.events import ToolStatus


class ModelEntry(Sent):
    """A model route as a model; its slug is the id."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: Literal["toolbench"]


class ModelList(Sent):
    """The routes that the key may use."""

    object: Literal["list"]
    data: list[ModelEntry]


class CalledFunction(Sent):
    """The tool that is called, and its arguments as JSON text."""

    name: str
    arguments: str


class CompletionToolCall(Sent):
    """A call that the caller runs."""

    id: str
    type: Literal["function"]
    function: CalledFunction


class CompletionMessage(Sent):
    """The model's answer."""

    role: Literal["assistant"]
    content: str | None
    refusal: None
    reasoning_content: str | None = None
    tool_calls: list[CompletionToolCall] | None = None


class CompletionChoice(Sent):
    """The one choice of an answer."""

    index: Literal[0]
    message: CompletionMessage
    logprobs: None
    finish_reason: FinishReason


class TokenDetails(Sent):
    """Of the tokens written, those of reasoning."""

    reasoning_tokens: int


class Usage(Sent):
    """Token counts of all requests to the model server, as it told them."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    completion_tokens_details: TokenDetails


class ExecutedCall(Sent):
    """A tool call that was run here."""

    tool: str
    arguments: dict[str, Any] | None
    status: ToolStatus | Literal[""]
    result: str


class Extension(Sent):
    """Where tools were run here: the stage behind the answer, and what it did."""

    stage_id: UUID
    conversation_id: UUID
    tool_calls: list[ExecutedCall]
    repairs: list[str]


class Completion(Sent):
    """A whole answer."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: Usage | None = None
    toolbench: Extension | None = None


class ChunkToolCall(Sent):
    """A whole call; a call is never spread over chunks here."""

    index: int
    id: str
    type: Literal["function"]
    function: CalledFunction


class CompletionDelta(Sent):
    """What a chunk adds; empty in the last one."""

    nullable: ClassVar[frozenset[str]] = frozenset({"content"})

    role: Literal["assistant"] | None = None
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[ChunkToolCall] | None = None


class ChunkChoice(Sent):
    """The one choice of a chunk."""

    index: Literal[0]
    delta: CompletionDelta
    logprobs: None
    finish_reason: FinishReason | None


class CompletionChunk(Sent):
    """A chunk of a streamed answer; the one with the counts has no choices."""

    nullable: ClassVar[frozenset[str]] = frozenset({"usage"})

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Usage | None = None
    toolbench: Extension | None = None


class ErrorDetails(Sent):
    """What went wrong, as OpenAI's clients read it."""

    message: str
    type: Literal[
        "invalid_request_error",
        "permission_error",
        "rate_limit_error",
        "server_error",
        "upstream_error",
    ]
    param: str | None
    code: str


class ErrorEnvelope(Sent):
    """An error; as an answer, or as the last chunk of a stream that broke off."""

    error: ErrorDetails
