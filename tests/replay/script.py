"""What the replay server answers: a head and a list of steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tests.replay.signals import Signal


@dataclass(frozen=True, slots=True)
class Send:
    """Write these bytes of the body, as one HTTP chunk where the body is chunked."""

    data: bytes


@dataclass(frozen=True, slots=True)
class SendRaw:
    """Write these bytes as they are, past the framing: broken heads, half chunks."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """Say nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Say nothing until so many seconds after the request came: a pace that does not drift."""

    seconds: float


@dataclass(frozen=True, slots=True)
class WaitFor:
    """Say nothing until the test sets the signal."""

    signal: Signal


@dataclass(frozen=True, slots=True)
class Mark:
    """Tell the test that the script has come this far."""

    signal: Signal


@dataclass(frozen=True, slots=True)
class CloseNow:
    """Drop the connection mid-answer: with RST, or with FIN as a killed server does."""

    reset: bool = True


@dataclass(frozen=True, slots=True)
class EndStream:
    """End the body properly here, whatever steps follow."""


Step = Send | SendRaw | Wait | WaitUntil | WaitFor | Mark | CloseNow | EndStream
Framing = Literal["chunked", "length", "close"]


@dataclass(frozen=True, slots=True)
class Script:
    """One answer. The body ends properly after the last step unless that closed the connection."""

    steps: Sequence[Step] = ()
    status: int = 200
    headers: Mapping[str, str] = field(
        default_factory=lambda: {"content-type": "text/event-stream; charset=utf-8"}
    )
    framing: Framing = "chunked"
    # A busy server sends no status line until a slot is free: then the head waits for a Send.
    head_at_once: bool = True

    def content_length(self) -> int:
        """Bytes of the whole body, up to the first EndStream."""
        total = 0
        for step in self.steps:
            if isinstance(step, EndStream):
                break
            if isinstance(step, Send):
                total += len(step.data)
        return total

    def head(self, framing: Framing, keep_alive: bool) -> bytes:
        """The status line and headers as bytes."""
        lines = [f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Status')}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if framing == "chunked":
            lines.append("transfer-encoding: chunked")
        elif framing == "length":
            lines.append(f"content-length: {self.content_length()}")
        lines.append(f"connection: {'keep-alive' if keep_alive else 'close'}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


_REASONS = {
    200: "OK",
    301: "Moved Permanently",
    302: "Found",
    307: "Temporary Redirect",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
