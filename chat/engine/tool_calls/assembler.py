"""Fragments of native tool calls to complete calls; two calls never merge.

The upstream's `index` is data and often wrong, so it is one hint among others: ids, names, and
whether the argument text so far is already complete.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from chat.engine.completions import RepairDelta, ToolCallDelta
from chat.engine.tool_calls.calls import ID_LIMIT, AssembledCall, CallIds

NAME_LIMIT = 128
CALLS_LIMIT = 64
# Raw and parsed arguments share one event of 64 KiB.
ARGUMENTS_LIMIT = 24 * 1024
UNNAMED = "unnamed"

_DETAILS = {
    "tool_index_reused": "Two tool calls came under one index; they were kept apart.",
    "tool_index_changed": "One tool call came under two indexes; they were joined by its id.",
    "tool_arguments_object": "A tool call's arguments came as an object, not as text.",
    "tool_arguments_replaced": "A tool call's arguments came a second time as an object.",
    "tool_arguments_cut": f"A tool call's arguments were cut at {ARGUMENTS_LIMIT} bytes.",
    "tool_name_cut": f"A tool's name was cut at {NAME_LIMIT} characters.",
    "tool_name_missing": "A tool call came without a name.",
    "too_many_tool_calls": f"Tool calls after the {CALLS_LIMIT}th of a turn were left out.",
}


@dataclass(frozen=True, slots=True)
class CallProgress:
    """What a fragment added to a call: its name when it is new, a piece of its arguments."""

    position: int
    call_id: str
    tool: str | None
    arguments: str | None


@dataclass(slots=True)
class _OpenCall:
    position: int
    call_id: str
    index: int | None
    upstream_id: str | None
    name: str = ""
    arguments: str = ""
    size: int = 0
    repairs: list[str] = field(default_factory=list)

    def is_complete(self) -> bool:
        return bool(self.arguments.strip()) and is_json_object(self.arguments)


class ToolCallAssembler:
    """Joins the fragments of one turn."""

    def __init__(self, ids: CallIds) -> None:
        self._ids = ids
        self._calls: list[_OpenCall] = []
        self._by_index: dict[int, _OpenCall] = {}
        self._full = False

    def __len__(self) -> int:
        return len(self._calls)

    def feed(self, delta: ToolCallDelta) -> list[CallProgress | RepairDelta]:
        """What one fragment brings: progress of its call, and what had to be mended."""
        if not (delta.id or delta.name or delta.arguments):
            return []
        repairs: list[str] = []
        call = self._find(delta, repairs)
        if call is None:
            if len(self._calls) >= CALLS_LIMIT:
                first, self._full = not self._full, True
                return [_repair("too_many_tool_calls")] if first else []
            call = self._start(delta)
        if call.upstream_id is None and delta.id:
            call.upstream_id = delta.id[:ID_LIMIT]
        name = self._add_name(call, delta.name)
        arguments = self._add_arguments(call, delta.arguments, repairs)
        call.repairs += [code for code in repairs if code not in call.repairs]
        progress: list[CallProgress | RepairDelta] = [_repair(code) for code in repairs]
        if name is not None or arguments:
            progress.append(CallProgress(call.position, call.call_id, name, arguments or None))
        return progress

    def finish(self) -> list[AssembledCall]:
        """The calls of the turn in the order in which they were begun."""
        return [self._assembled(call) for call in self._calls]

    def _find(self, delta: ToolCallDelta, repairs: list[str]) -> _OpenCall | None:
        """The call that the fragment belongs to, None where it begins one."""
        if delta.index is None:
            return self._find_without_index(delta)
        call = self._by_index.get(delta.index)
        if call is None:
            return self._find_elsewhere(delta, repairs)
        if self._begins_another(call, delta):
            repairs.append("tool_index_reused")
            return None
        return call

    def _find_without_index(self, delta: ToolCallDelta) -> _OpenCall | None:
        if delta.id:
            return self._last_with_id(delta.id)
        if delta.name or not self._calls:
            return None
        return self._calls[-1]

    def _find_elsewhere(self, delta: ToolCallDelta, repairs: list[str]) -> _OpenCall | None:
        """For an index not seen before: fragments without a name belong to a call begun."""
        if delta.name or not self._calls:
            return None
        same_id = self._last_with_id(delta.id) if delta.id else None
        last = self._calls[-1]
        call = same_id or (None if delta.id or last.is_complete() else last)
        if call is not None and delta.index is not None:
            self._by_index[delta.index] = call
            repairs.append("tool_index_changed")
        return call

    def _begins_another(self, call: _OpenCall, delta: ToolCallDelta) -> bool:
        if delta.name is None:
            return False
        if delta.id and call.upstream_id:
            if delta.id != call.upstream_id:
                return True
        elif delta.id and not call.upstream_id and call.arguments:
            return True
        # No id tells them apart: a second whole set of arguments does, and so does another name
        # once arguments have begun (before that it is a name split over fragments).
        if not call.arguments or not delta.arguments:
            return bool(call.arguments) and delta.name != call.name
        return delta.name != call.name or call.is_complete()

    def _last_with_id(self, upstream_id: str) -> _OpenCall | None:
        found = (c for c in reversed(self._calls) if c.upstream_id == upstream_id[:ID_LIMIT])
        return next(found, None)

    def _start(self, delta: ToolCallDelta) -> _OpenCall:
        call = _OpenCall(
            position=len(self._calls),
            call_id=self._ids.give(delta.id),
            index=delta.index,
            upstream_id=delta.id[:ID_LIMIT] if delta.id else None,
        )
        self._calls.append(call)
        if delta.index is not None:
            self._by_index[delta.index] = call
        return call

    def _add_name(self, call: _OpenCall, name: str | None) -> str | None:
        """The call's name where the fragment changed it; a name repeated whole changes nothing."""
        if not name or name == call.name:
            return None
        call.name = (call.name + name)[:NAME_LIMIT]
        if len(call.name) == NAME_LIMIT:
            call.repairs.append("tool_name_cut")
        return call.name

    def _add_arguments(self, call: _OpenCall, arguments: object, repairs: list[str]) -> str | None:
        if isinstance(arguments, dict):
            if not arguments:
                return None
            repairs.append("tool_arguments_object")
            arguments = json.dumps(arguments, ensure_ascii=False)
            if call.arguments:
                repairs[-1] = "tool_arguments_replaced"
                call.arguments, call.size = "", 0
        if not isinstance(arguments, str) or not arguments:
            return None
        call.size += len(arguments.encode("utf-8", "replace"))
        if call.size > ARGUMENTS_LIMIT:
            if "tool_arguments_cut" not in call.repairs:
                repairs.append("tool_arguments_cut")
            return None
        call.arguments += arguments
        return arguments

    def _assembled(self, call: _OpenCall) -> AssembledCall:
        repairs = [*call.repairs]
        if not call.name:
            repairs.append("tool_name_missing")
        sent = bool(call.arguments.strip())
        return AssembledCall(
            call_id=call.call_id,
            upstream_id=call.upstream_id,
            tool=call.name or UNNAMED,
            raw_arguments=call.arguments if sent else "{}",
            repairs=tuple(dict.fromkeys(repairs)),
            arguments_sent=sent,
        )


def is_json_object(text: str) -> bool:
    """Whether the text is one whole JSON object."""
    if not text.rstrip().endswith("}"):
        return False
    try:
        return isinstance(json.loads(text, strict=False), dict)
    except (ValueError, RecursionError):
        return False


def _repair(code: str) -> RepairDelta:
    return RepairDelta(code, _DETAILS[code])
