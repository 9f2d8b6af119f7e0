"""What was observed of a trial: turns, the calls in them, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

Finish = Literal["done", "cancel", "error"]


MODELS_OWN = ("no_tool_calls", "invalid_tool_calls", "tool_rounds_exceeded")
"""Errors by which a stage tells what its model did; there is an output to judge all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedCall:
    """A call that the model made, as it came and what became of it."""

    round: int
    """From 1; the calls of one round were asked for together."""
    call_id: str
    tool: str
    arguments: dict[str, Any] | None
    raw_arguments: str = ""
    valid: bool = True
    status: str = "ok"
    """As ToolRun has it: ok, error, invalid, timeout, …"""
    result: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedTurn:
    """The answer to one prompt."""

    text: str = ""
    calls: tuple[ObservedCall, ...] = ()
    finish: Finish = "done"
    error_code: str = ""
    error_message: str = ""
    stage_id: UUID | None = None

    @property
    def has_output(self) -> bool:
        """Whether the model had its say, well or not."""
        return self.finish == "done" or (self.finish == "error" and self.error_code in MODELS_OWN)

    @property
    def valid_calls(self) -> tuple[ObservedCall, ...]:
        """Those that could be run."""
        return tuple(call for call in self.calls if call.valid)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory:
    """All turns of a trial, with their sums; None where nothing was told."""

    turns: tuple[ObservedTurn, ...] = ()
    input_tokens: int | None = None
    output_tokens: int | None = None
    request_ms: int | None = None
    """From asking for the stages until their last event was read."""
    execution_ms: int | None = None
    """What the stages took by their own clock."""
    upstream_ms: int | None = None
    """Of that, without the time that tools took."""
    first_token_ms: int | None = None
    """Of the first turn."""
    repairs: int = 0

    @property
    def calls(self) -> tuple[ObservedCall, ...]:
        """The calls of all turns, in order."""
        return tuple(call for turn in self.turns for call in turn.calls)

    @property
    def text(self) -> str:
        """What was answered last."""
        return self.turns[-1].text if self.turns else ""

    @property
    def failed_turn(self) -> ObservedTurn | None:
        """The first turn that gave nothing to judge."""
        return next((turn for turn in self.turns if not turn.has_output), None)
