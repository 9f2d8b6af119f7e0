"""Trials: what is to be tried, and how each try came out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any
from uuid import UUID

from chat.bench.stage_runner.executor import Execution
from chat.bench.stage_runner.machine import State
from chat.bench.stage_runner.outputs import StreamOutput
from chat.bench.summary import Row


@dataclass(frozen=True, slots=True, order=True)
class TrialKey:
    """One try of a case on a route; tries are counted from 1."""

    route: str
    tool_mode: str
    case_id: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """A trial that has ended; `output` is what came, as plain values."""

    route: str
    tool_mode: str
    case_id: str
    category: str
    number: int
    case_digest: str = ""
    status: State = "idle"
    passed: bool | None = None
    code: str = ""
    message: str = ""
    findings: list[dict[str, Any]] = field(default_factory=list)
    stage_id: str | None = None
    http_status: int | None = None
    request_ms: int | None = None
    execution_ms: int | None = None
    upstream_ms: int | None = None
    first_token_ms: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    repairs: int = 0
    tries: int = 1
    output: dict[str, Any] | None = None
    judge: dict[str, Any] | None = None

    @property
    def key(self) -> TrialKey:
        """Which trial of its run it is."""
        return TrialKey(self.route, self.tool_mode, self.case_id, self.number)

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> TrialResult:
        """As `as_json` wrote it; what a later version added is passed over."""
        known = {one.name for one in fields(cls)}
        return cls(**{name: value for name, value in stored.items() if name in known})


def measured(execution: Execution) -> dict[str, Any]:
    """The fields of a result that an execution tells by itself."""
    status, output = execution.status, execution.output
    usage = output.usage if isinstance(output, StreamOutput) else None
    return {
        "status": status.state,
        "stage_id": str(execution.stage_id) if execution.stage_id else None,
        "http_status": status.http_status,
        "request_ms": status.request_ms,
        "execution_ms": status.execution_ms,
        "upstream_ms": status.upstream_ms,
        "first_token_ms": status.first_token_ms,
        "input_tokens": (usage or {}).get("prompt_tokens"),
        "output_tokens": (usage or {}).get("completion_tokens"),
        "tries": execution.tries,
    }


def rows_of(results: Sequence[TrialResult]) -> list[Row]:
    """Results as the summary reckons with them."""
    return [
        Row(
            pk=number,
            route=result.route,
            tool_mode=result.tool_mode,
            case_id=result.case_id,
            case_digest=result.case_digest,
            category=result.category,
            number=result.number,
            status=result.status,
            passed=result.passed,
            code=result.code,
            stage_id=UUID(result.stage_id) if result.stage_id else None,
            execution_ms=result.execution_ms,
            first_token_ms=result.first_token_ms,
            input_tokens=result.input_tokens,
            output_tokens=result.output_tokens,
            cost=None,
            currency="",
            repairs=result.repairs,
        )
        for number, result in enumerate(results, 1)
    ]
