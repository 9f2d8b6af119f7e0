"""The tree of errors that end a stage."""

from __future__ import annotations

from chat.engine.events import ErrorCode, ErrorEvent


class StageError(Exception):
    """Something ended the stage; `message` is in a person's words, `detail` is for the engineer."""

    code: ErrorCode = "internal"
    retryable = False

    def __init__(self, message: str, detail: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail

    def as_event(self) -> ErrorEvent:
        """The terminal event that tells of this error."""
        return ErrorEvent(
            code=self.code, message=self.message, retryable=self.retryable, detail=self.detail
        )


class UpstreamError(StageError):
    """The model server is the cause."""

    code: ErrorCode = "upstream_failed"
    retryable = True


class UpstreamUnreachable(UpstreamError):
    """No connection to the model server could be made."""

    code: ErrorCode = "upstream_unreachable"


class UpstreamTimeout(UpstreamError):
    """The model server let one of the route's time limits pass."""

    code: ErrorCode = "upstream_timeout"


class UpstreamRejected(UpstreamError):
    """The model server refused the request (4xx); sending it again would change nothing."""

    code: ErrorCode = "upstream_rejected"
    retryable = False


class UpstreamRateLimited(UpstreamError):
    """The model server asks for fewer requests (429)."""

    code: ErrorCode = "upstream_rate_limited"


class UpstreamFailed(UpstreamError):
    """The model server failed (5xx, an error inside the stream, a connection that broke off)."""


class UpstreamMalformed(UpstreamError):
    """The model server sent something that is no chat completion."""

    code: ErrorCode = "upstream_malformed"


class NoToolCalls(StageError):
    """A tool stage without synthesis got no tool call."""

    code: ErrorCode = "no_tool_calls"
    retryable = True


class InvalidToolCalls(StageError):
    """Every tool call of a stage without synthesis was invalid."""

    code: ErrorCode = "invalid_tool_calls"
    retryable = True


class ToolRoundsExceeded(StageError):
    """The model asked for tools again where only an answer was wanted."""

    code: ErrorCode = "tool_rounds_exceeded"
    retryable = True
