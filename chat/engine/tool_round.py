"""The steps of a tool round as values: calls checked, told, answered, and put into history."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chat.engine.errors import InvalidToolCalls
from chat.engine.events import RepairEvent, ToolCallEvent, ToolResultEvent, ToolStatus
from chat.engine.messages import ChatMessage, RequestedCall
from chat.engine.repairs import repair
from chat.engine.tool_calls.assembler import is_json_object
from chat.engine.tool_calls.calls import AssembledCall
from chat.engine.tool_calls.mending import mend_call
from chat.engine.wire.text import storable, storable_json
from tools.base import CheckedCall, ToolCall, ToolResult, Toolset
from tools.calling import check_call

CUT_OFF = (
    "The answer was cut off at the token limit in the middle of this call. "
    "Make the call again with shorter arguments."
)
REPAIRED_JSON = "args_repaired_json"

# What the model reads where a call has no result of its own.
_CLOSING_WORDS: dict[str, str] = {
    "cancelled": "[Tool Error] The call was stopped before it had a result.",
    "lost": "[Tool Error] The result was lost; the call may or may not have run.",
    "error": "[Tool Error] Toolbench failed while the call ran; it may or may not have run.",
}


@dataclass(frozen=True, slots=True)
class MendedCall(CheckedCall):
    """A call whose broken arguments were mended; `was` has the values written otherwise."""

    was: Mapping[str, str] = field(default_factory=dict)


def check_calls(
    toolset: Toolset, calls: Sequence[AssembledCall], finish_reason: str | None
) -> list[CheckedCall]:
    """Every call held against its schema, broken JSON mended where there is one way to do it.

    A call that the token limit cut off is never valid.
    """
    return [_check(toolset, call, finish_reason) for call in calls]


def mending_event(
    round: int, call: AssembledCall, checked: CheckedCall, secret: str = ""
) -> RepairEvent | None:
    """What tells that a call was mended, before the call itself is told; None where it was not."""
    if not isinstance(checked, MendedCall):
        return None
    told = repair(REPAIRED_JSON, call.raw_arguments, secret=secret)
    return RepairEvent(
        code=told.code,
        detail=f"{told.detail} The tool is {call.tool}.",
        round=round,
        phase="tools",
        raw=told.raw,
    )


def no_valid_call(checked_calls: Sequence[CheckedCall]) -> InvalidToolCalls:
    """Why a stage without synthesis ends that had calls and not one that could be run."""
    if any(CUT_OFF in checked.errors for checked in checked_calls):
        return InvalidToolCalls(
            "The token limit cut the model off in the middle of a tool call, so none was run. "
            "Raise the limit of tokens for the tool phase and ask again."
        )
    return InvalidToolCalls(
        "No tool call of the model was valid, so none was run. "
        "The reasons stand with each call. Try again, or choose another route."
    )


def call_event(round: int, call: AssembledCall, checked: CheckedCall) -> ToolCallEvent:
    """A call as it is told."""
    arguments: dict[str, Any] | None = checked.arguments
    was = checked.was if isinstance(checked, MendedCall) else None
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
        repairs=call.repairs if was is None else (*call.repairs, REPAIRED_JSON),
        was={name: storable(text) for name, text in was.items()} if was else None,
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


def handed_over_result(call: ToolCallEvent) -> ToolResultEvent:
    """The result of a call that the caller runs: none here."""
    return ToolResultEvent(
        round=call.round,
        call_id=call.call_id,
        tool=call.tool,
        status="handed_over",
        content="",
        duration_ms=0,
    )


def round_messages(
    round: int,
    content: str,
    calls: Sequence[AssembledCall],
    results: Mapping[str, str],
    checked_calls: Sequence[CheckedCall] = (),
) -> list[ChatMessage]:
    """A round as messages of the next request: the calls as they were made, then each result.

    Mended ones are sent mended: servers parse the calls of a history.
    """
    mended = {
        checked.call.call_id: mended_text(checked.arguments)
        for checked in checked_calls
        if isinstance(checked, MendedCall)
    }
    return [
        ChatMessage(
            "assistant",
            content,
            tool_calls=tuple(
                RequestedCall(call.call_id, call.tool, mended.get(call.call_id, call.raw_arguments))
                for call in calls
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


def mended_text(arguments: Mapping[str, Any] | None) -> str:
    """Mended arguments as a server reads them."""
    return json.dumps(arguments, ensure_ascii=False)


def _check(toolset: Toolset, call: AssembledCall, finish_reason: str | None) -> CheckedCall:
    asked = ToolCall(call.call_id, call.tool, call.raw_arguments)
    # Arguments not yet begun look like none at all: `{}` is complete only if it was sent.
    is_whole = call.arguments_sent and call.closed and is_json_object(call.raw_arguments)
    if finish_reason == "length" and not is_whole:
        return CheckedCall(asked, None, False, (CUT_OFF,))
    checked = check_call(toolset, asked)
    tool = toolset.get(call.tool)
    if checked.arguments is not None or tool is None:
        return checked
    mended = mend_call(
        call.raw_arguments,
        tool.input_schema,
        finish_reason=finish_reason,
        complete=call.complete and "args_cut" not in call.repairs,
    )
    if mended is None:
        return checked
    return MendedCall(asked, mended.arguments, True, was=mended.was)
