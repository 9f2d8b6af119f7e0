"""What is known of an execution besides its output: state, code, words and latencies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from chat.bench.stage_runner.machine import State

Code = Literal["", "UNRECOGNIZED", "NONSTREAM_ERROR", "STREAM_ERROR", "INTERRUPTED"]
"""Why an execution failed; empty while it has not.

UNRECOGNIZED: the endpoint answered, and not as the contract says. NONSTREAM_ERROR, STREAM_ERROR:
there was no answer, or it broke off. INTERRUPTED: stopped from here.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStatus:
    """One execution's status; latencies are whole milliseconds, None where there was no such time.

    `request_ms`: from sending the request to the last byte of the answer, the network included.
    `execution_ms`: from `executing` to `success` or `failed`, by the machine's own clock: the
    request, and writing it and reading the answer as the contract says.
    `upstream_ms`: of the request, what the model took as far as it shows from outside: of a whole
    answer the time until its head came; of a stream all but the pauses before each
    `tool_summary`, in which the tools were at work.
    `first_token_ms`: from sending the request to the first text or tool call of a stream.
    """

    state: State = "idle"
    code: Code = ""
    message: str = ""
    http_status: int | None = None
    request_ms: int | None = None
    execution_ms: int | None = None
    upstream_ms: int | None = None
    first_token_ms: int | None = None
    retry_after: float | None = None
    """Seconds after which the endpoint wants to be asked again, where it said so."""

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {name: getattr(self, name) for name in self.__slots__}
