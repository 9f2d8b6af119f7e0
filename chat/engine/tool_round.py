"""The steps of a tool round as values: calls checked, told, answered, and put into history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chat.engine.events import ToolCallEvent, ToolResultEvent, ToolStatus
from chat.engine.messages import ChatMessage, RequestedCall
from chat.engine.tool_calls.assembler import is_json_object
from chat.engine.tool_calls.calls import AssembledCall
from chat.engine.wire.text import storable, storable_json
from tools.base import CheckedCall, ToolCall, ToolResult, Toolset
from tools.calling import check_call

CUT_OFF = (
    "The answer was cut off at the token limit in the middle of this call. "
    "Make the call again with shorter arguments."
)

# What the model reads where a call has no result of its own.
_CLOSING_WORDS: dict[str, str] = {
    "cancelled": "[Tool Error] The call was stopped before it had a result.",
    "lost": "[Tool Error] The result was lost; the call may or may not have run.",
    "error": "[Tool Error] Toolbench failed while the call ran; it may or may not have run.",
}


def check_calls(
    toolset: Toolset, calls: Sequence[AssembledCall], finish_reason: str | None
) -> list[CheckedCall]:
    """Every call held against its schema; one that the token limit cut off is never valid."""
    return [_check(toolset, call, finish_reason == "length") for call in calls]


def call_event(round: int, call: AssembledCall, checked: CheckedCall) -> ToolCallEvent:
    """A call as it is told."""
    arguments: dict[str, Any] | None = checked.arguments
    return ToolCallEvent(
        round=round,
        call_id=call.call_id,
        upstream_id=call.upstream_id,
        tool=call.tool,
        arguments=None if arguments is None else storable_json(arguments),
        raw_arguments=call.raw_arguments,
        origin=call.origin,
        valid=checked.valid,
        errors=checked.errors,
        repairs=call.repairs,
    )


def result_event(round: int, result: ToolResult) -> ToolResultEvent:
    """A result as it is told."""
    return ToolResultEvent(
        round=round,
        call_id=result.call_id,
        tool=result.tool,
        status=result.status,
        content=storable(result.content),
        error=None if result.error is None else storable(result.error),
        duration_ms=result.duration_ms,
    )


def closing_result(call: ToolCallEvent, status: ToolStatus) -> ToolResultEvent:
    """The result of a call whose own never came."""
    words = _CLOSING_WORDS[status]
    return ToolResultEvent(
        round=call.round,
        call_id=call.call_id,
        tool=call.tool,
        status=status,
        content=words,
        error=words.removeprefix("[Tool Error] "),
        duration_ms=0,
    )


def round_messages(
    round: int, content: str, calls: Sequence[AssembledCall], results: Mapping[str, str]
) -> list[ChatMessage]:
    """A round as messages of the next request: the calls as they were made, then each result."""
    return [
        ChatMessage(
            "assistant",
            content,
            tool_calls=tuple(
                RequestedCall(call.call_id, call.tool, call.raw_arguments) for call in calls
            ),
            ref={"stage_round": round, "role": "assistant"},
        ),
        *(
            ChatMessage(
                "tool",
                results[call.call_id],
                tool_call_id=call.call_id,
                ref={"stage_round": round, "role": "tool", "call_id": call.call_id},
            )
            for call in calls
        ),
    ]


def _check(toolset: Toolset, call: AssembledCall, at_limit: bool) -> CheckedCall:
    asked = ToolCall(call.call_id, call.tool, call.raw_arguments)
    # Arguments not yet begun look like none at all: `{}` is complete only if it was sent.
    if at_limit and not (call.arguments_sent and is_json_object(call.raw_arguments)):
        return CheckedCall(asked, None, False, (CUT_OFF,))
    return check_call(toolset, asked)
