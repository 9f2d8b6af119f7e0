"""What the engine needs of a model server: one streamed completion as typed deltas."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from chat.engine.messages import ChatMessage


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """One request for a completion, before it is put into the upstream's words."""

    messages: tuple[ChatMessage, ...]
    tools: tuple[dict[str, Any], ...] = ()
    tool_choice: str | dict[str, Any] | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the body, as a caller gave them."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of visible text."""

    text: str


@dataclass(frozen=True, slots=True)
class RefusalDelta(TextDelta):
    """A piece of visible text in which the model refuses."""


@dataclass(frozen=True, slots=True)
class ObjectDelta(TextDelta):
    """Content that came as a JSON object, as its text."""

    value: dict[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """A piece of the model's reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDetailsDelta(ReasoningDelta):
    """A piece of reasoning that came in `reasoning_details` and in no other field."""


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A fragment of a tool call exactly as the upstream sent it; `index` is often wrong."""

    index: int | None
    id: str | None
    name: str | None
    arguments: str | dict[str, Any] | list[Any] | float | None
    raw: bytes = field(default=b"", compare=False, repr=False)
    """What it was read from, should it have to be mended."""


@dataclass(frozen=True, slots=True)
class FinishDelta:
    """The upstream's reason for ending, normalised, with what it sent."""

    reason: str
    original: str


@dataclass(frozen=True, slots=True)
class UsageDelta:
    """Token counts as reported; the last one of a request wins."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    reasoning_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class RepairDelta:
    """A deviation that was mended, and what came (at most 1,000 characters, without the key)."""

    code: str
    detail: str
    raw: str = ""


Delta = TextDelta | ReasoningDelta | ToolCallDelta | FinishDelta | UsageDelta | RepairDelta


@dataclass(frozen=True, slots=True)
class RouteSettings:
    """What the engine knows of a model route: plain values, the key among them."""

    slug: str
    base_url: str
    model: str
    api_key: str = field(repr=False)
    token_limit_fields: tuple[str, ...] = ("max_tokens",)
    extra_body: dict[str, Any] = field(default_factory=dict)
    connect_seconds: float = 10.0
    first_token_seconds: float = 300.0
    between_tokens_seconds: float = 60.0
    total_seconds: float = 1800.0
    text_dialect: str = "auto"
    starts_inside_thinking: bool = False
    stream_usage: bool = True
    version: str = ""

    @property
    def host(self) -> str:
        """Host and port of the base URL, for records and messages."""
        return self.base_url.split("://", 1)[-1].split("/", 1)[0]


class ModelClient(Protocol):
    """A way to a model. Leaving the context closes the upstream connection, whatever happened."""

    def stream(
        self, request: CompletionRequest
    ) -> AbstractAsyncContextManager[AsyncIterator[Sequence[Delta]]]:
        """Open one completion; iterate batches of deltas, one batch per network read.

        Raises the UpstreamError that fits, on entering or while iterating.
        """
        ...

    def request_parameters(self, request: CompletionRequest) -> dict[str, Any]:
        """The body as it is sent, without messages, tools and model: for the stage's record."""
        ...

    @property
    def route(self) -> RouteSettings:
        """The route this client belongs to."""
        ...
