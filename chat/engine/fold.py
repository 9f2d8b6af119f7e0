"""A stage's events folded into what it is so far; replayed or live, the fold is the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from chat.engine.events import (
    Cancel,
    ChatCompletionChunk,
    Deciding,
    Done,
    ErrorEvent,
    Event,
    Phase,
    RepairEvent,
    StageStarted,
    ToolCallEvent,
    ToolCompletionChunk,
    ToolResultEvent,
    ToolSummary,
    UsageEvent,
)
from chat.engine.messages import ChatMessage, RequestedCall
from chat.engine.tool_round import REPAIRED_JSON, closing_result, mended_text

Terminal = Done | Cancel | ErrorEvent

REPAIRS_KEPT = 100
"""Distinct repairs that a stage keeps and counts; its journal has them all."""


@dataclass(slots=True, repr=False, eq=False)
class FoldedTurn:
    """What the model said in one phase of one round."""

    phase: Phase
    round: int
    content_parts: list[str] = field(default_factory=list)
    reasoning_parts: list[str] = field(default_factory=list)
    call_ids: list[str] = field(default_factory=list)

    @property
    def content(self) -> str:
        """The turn's text; kept in parts, so that a long answer costs no more per delta."""
        return "".join(self.content_parts)

    @property
    def reasoning(self) -> str:
        """The turn's reasoning."""
        return "".join(self.reasoning_parts)

    def as_record(self) -> dict[str, Any]:
        """The turn without the places where its text was cut."""
        return {
            "round": self.round,
            "phase": self.phase,
            "content": self.content,
            "reasoning": self.reasoning,
            "call_ids": list(self.call_ids),
        }

    def __repr__(self) -> str:
        return f"FoldedTurn({self.as_record()})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FoldedTurn) and other.as_record() == self.as_record()

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class UsageTotals:
    """Token counts added up over the stage's requests."""

    input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    total_tokens: int = 0


@dataclass(slots=True)
class StageFold:
    """The state of one stage; `apply` its events in order."""

    started: StageStarted | None = None
    turns: list[FoldedTurn] = field(default_factory=list)
    calls: dict[str, ToolCallEvent] = field(default_factory=dict)
    results: dict[str, ToolResultEvent] = field(default_factory=dict)
    summaries: dict[int, dict[str, str]] = field(default_factory=dict)
    usage: UsageTotals | None = None
    repairs: list[RepairEvent] = field(default_factory=list)
    terminal: Terminal | None = None

    def apply(self, event: Event) -> None:
        """Take in the next event."""
        match event:
            case ChatCompletionChunk():
                turn = self._turn(event.phase, event.round)
                if event.content:
                    turn.content_parts.append(event.content)
                if event.reasoning:
                    turn.reasoning_parts.append(event.reasoning)
            case ToolCallEvent():
                self.calls[event.call_id] = event
                self._turn("tools", event.round).call_ids.append(event.call_id)
            case ToolResultEvent():
                self.results[event.call_id] = event
            case ToolSummary():
                self.summaries[event.round] = event.tool_summary
            case UsageEvent():
                self.usage = _added(self.usage or UsageTotals(), event)
            case RepairEvent():
                self._keep(event)
            case StageStarted():
                self.started = event
            case Done() | Cancel() | ErrorEvent():
                self.terminal = event
            case ToolCompletionChunk() | Deciding():
                # `tool_call` brings the whole arguments again; withheld text comes or does not.
                pass

    @property
    def open_calls(self) -> list[ToolCallEvent]:
        """The calls told that have no result yet, in order."""
        return [call for call in self.calls.values() if call.call_id not in self.results]

    @property
    def content(self) -> str:
        """The message's text: of the last phase that has text, all its rounds together."""
        phase = next((turn.phase for turn in reversed(self.turns) if turn.content), None)
        return "".join(turn.content for turn in self.turns if turn.phase == phase)

    @property
    def reasoning(self) -> str:
        """All reasoning, turn after turn."""
        return "\n\n".join(turn.reasoning for turn in self.turns if turn.reasoning)

    def closing_results(self, status: Literal["cancelled", "lost"]) -> list[ToolResultEvent]:
        """Results for the open calls, for the events that come before `cancel` or `error`."""
        return [closing_result(call, status) for call in self.open_calls]

    def turns_record(self) -> list[dict[str, Any]]:
        """The turns as they are kept with the message, for exact history."""
        return [
            {
                "round": turn.round,
                "phase": turn.phase,
                "content": turn.content,
                "reasoning": turn.reasoning,
                "calls": [_call_record(self.calls[call_id]) for call_id in turn.call_ids],
            }
            for turn in self.turns
        ]

    def _keep(self, repair: RepairEvent) -> None:
        """A server that errs does so in every round; the first time says it."""
        known = any((r.code, r.detail) == (repair.code, repair.detail) for r in self.repairs)
        if not known and len(self.repairs) < REPAIRS_KEPT:
            self.repairs.append(repair)

    def _turn(self, phase: Phase, round: int) -> FoldedTurn:
        for turn in reversed(self.turns):
            if turn.phase == phase and turn.round == round:
                return turn
        turn = FoldedTurn(phase, round)
        self.turns.append(turn)
        return turn


def history_messages(
    record: Sequence[Mapping[str, Any]],
    results: Mapping[str, str],
    ref: Mapping[str, Any] | None = None,
) -> list[ChatMessage]:
    """A finished stage as messages of a later request, from its record and results by call id.

    Every call is followed by a result, for a request without one is refused.
    """
    messages: list[ChatMessage] = []
    base = dict(ref) if ref is not None else None
    for turn in record:
        calls = tuple(
            RequestedCall(
                call["call_id"], call["tool"], call.get("mended_arguments", call["raw_arguments"])
            )
            for call in turn["calls"]
        )
        if not calls and not turn["content"]:
            continue
        at = {"stage_round": turn["round"], "phase": turn["phase"], "role": "assistant"}
        messages.append(
            ChatMessage("assistant", turn["content"], tool_calls=calls, ref=_joined(base, at))
        )
        for call in calls:
            at = {"stage_round": turn["round"], "role": "tool", "call_id": call.call_id}
            content = results.get(call.call_id, NO_RESULT)
            messages.append(
                ChatMessage("tool", content, tool_call_id=call.call_id, ref=_joined(base, at))
            )
    return messages


NO_RESULT = "[Tool Error] The call has no result; it may or may not have run."


def _joined(base: dict[str, Any] | None, at: dict[str, Any]) -> dict[str, Any] | None:
    return None if base is None else {**base, **at}


def _call_record(call: ToolCallEvent) -> dict[str, Any]:
    record = {
        "call_id": call.call_id,
        "upstream_id": call.upstream_id,
        "tool": call.tool,
        "raw_arguments": call.raw_arguments,
    }
    if REPAIRED_JSON in call.repairs:
        record["mended_arguments"] = mended_text(call.arguments)
    return record


def _added(totals: UsageTotals, event: UsageEvent) -> UsageTotals:
    return UsageTotals(
        totals.input_tokens + event.input_tokens,
        totals.output_tokens + event.output_tokens,
        totals.reasoning_tokens + (event.reasoning_tokens or 0),
        totals.total_tokens + event.total_tokens,
    )
