"""Fragments of native tool calls to complete calls; two calls never merge.

The upstream's `index` is data and often wrong, so it is one hint among others: ids, names, and
whether the argument text so far is already complete.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from chat.engine.completions import RepairDelta, ToolCallDelta
from chat.engine.repairs import RepairLog
from chat.engine.tool_calls.calls import ID_LIMIT, AssembledCall, CallIds

NAME_LIMIT = 128
CALLS_LIMIT = 64
# Raw and parsed arguments share one event of 64 KiB.
ARGUMENTS_LIMIT = 24 * 1024
UNNAMED = "unnamed"


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
    upstream_id: str | None
    raw: bytes
    name: str = ""
    pieces: list[str] = field(default_factory=list)
    size: int = 0
    repairs: list[str] = field(default_factory=list)

    @property
    def arguments(self) -> str:
        if len(self.pieces) > 1:
            self.pieces = ["".join(self.pieces)]
        return self.pieces[0] if self.pieces else ""

    def is_complete(self) -> bool:
        # The text is joined only where its end may be that of an object.
        last = self.pieces[-1].rstrip() if self.pieces else "{"
        return (not last or last.endswith("}")) and is_json_object(self.arguments)

    def repeats(self, arguments: object) -> bool:
        """Whether a fragment holds the arguments that came, once more."""
        return self.is_complete() and arguments == self.arguments

    def is_cut(self) -> bool:
        """Whether arguments have begun and want more."""
        return bool(self.arguments.strip()) and not self.is_complete()


class ToolCallAssembler:
    """Joins the fragments of one turn; each kind of repair is told once and counted."""

    def __init__(self, ids: CallIds, *, arguments_limit: int = ARGUMENTS_LIMIT) -> None:
        self._ids = ids
        self._arguments_limit = arguments_limit
        self._calls: list[_OpenCall] = []
        self._by_index: dict[int, _OpenCall] = {}
        self._log = RepairLog()

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def repair_counts(self) -> dict[str, int]:
        """How often each repair was made so far."""
        return self._log.counts

    def feed(self, delta: ToolCallDelta) -> list[CallProgress | RepairDelta]:
        """What one fragment brings: progress of its call, and what had to be mended."""
        if not (delta.id or delta.name) and delta.arguments in (None, "", {}, []):
            return []
        self._log.raw = delta.raw
        codes: list[str] = []
        call = self._find(delta, codes)
        if call is None:
            if len(self._calls) >= CALLS_LIMIT:
                self._log.note("too_many_tool_calls", limit=CALLS_LIMIT)
                return [*self._log.take()]
            call = self._start(delta, codes)
        elif delta.id:
            self._take_later_id(call, delta.id, codes)
        name = self._add_name(call, delta.name, codes)
        arguments = self._add_arguments(call, delta.arguments, codes)
        for code in codes:
            self._note(call, code)
        progress: list[CallProgress | RepairDelta] = [*self._log.take()]
        if name is not None or arguments:
            progress.append(CallProgress(call.position, call.call_id, name, arguments or None))
        return progress

    def finish(self) -> list[AssembledCall]:
        """The calls of the turn in the order in which they were begun."""
        return [self._assembled(call) for call in self._calls]

    def closing_repairs(self) -> list[RepairDelta]:
        """After `finish`: what only the end told to be missing."""
        return self._log.take()

    def _note(self, call: _OpenCall, code: str) -> None:
        limit = NAME_LIMIT if code == "name_cut" else self._arguments_limit
        self._log.note(code, limit=limit)
        if code not in call.repairs:
            call.repairs.append(code)

    def _find(self, delta: ToolCallDelta, codes: list[str]) -> _OpenCall | None:
        """The call that the fragment belongs to, None where it begins one."""
        if delta.index is None:
            return self._find_without_index(delta)
        call = self._by_index.get(delta.index)
        if call is None:
            return self._find_elsewhere(delta, codes)
        if self._begins_another(call, delta):
            codes.append("tool_index_reused")
            return None
        return call

    def _find_without_index(self, delta: ToolCallDelta) -> _OpenCall | None:
        if not self._calls:
            return None
        last = self._calls[-1]
        if delta.id:
            same = self._last_with_id(delta.id)
            if same is None and not delta.name and last.upstream_id is None:
                return last
            # Another whole call under an id that was used is a call of its own.
            again = bool(delta.name) and _has_words(delta.arguments)
            if same is None or not again or same.repeats(delta.arguments):
                return same
            return None if same.is_complete() else same
        if delta.name:
            goes_on = delta.name == last.name and last.is_cut()
            return last if goes_on and not _begins_object(delta.arguments) else None
        return last

    def _find_elsewhere(self, delta: ToolCallDelta, codes: list[str]) -> _OpenCall | None:
        """For an index not seen before: fragments without a name belong to a call begun."""
        if delta.name or not self._calls:
            return None
        same_id = self._last_with_id(delta.id) if delta.id else None
        last = self._calls[-1]
        call = same_id or (None if delta.id or last.is_complete() else last)
        if call is not None and delta.index is not None:
            self._by_index[delta.index] = call
            codes.append("tool_index_changed")
        return call

    def _begins_another(self, call: _OpenCall, delta: ToolCallDelta) -> bool:
        if delta.name is None:
            return False
        if delta.id and call.upstream_id:
            if delta.id != call.upstream_id:
                return True
            if call.repeats(delta.arguments):
                return False
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

    def _start(self, delta: ToolCallDelta, codes: list[str]) -> _OpenCall:
        call = _OpenCall(
            position=len(self._calls),
            call_id=self._ids.give(delta.id),
            upstream_id=delta.id[:ID_LIMIT] if delta.id else None,
            raw=delta.raw,
        )
        if not delta.id:
            codes.append("tool_id_missing")
        elif call.call_id != delta.id:
            codes.append("tool_id_long" if len(delta.id) > ID_LIMIT else "tool_id_reused")
        index = delta.index
        if index is not None:
            awaited = (*self._by_index, len(self._calls), len(self._by_index))
            if index not in awaited:
                codes.append("tool_index_gap")
            self._by_index[index] = call
        self._calls.append(call)
        return call

    def _take_later_id(self, call: _OpenCall, upstream_id: str, codes: list[str]) -> None:
        upstream_id = upstream_id[:ID_LIMIT]
        if call.upstream_id is None:
            call.upstream_id = upstream_id
            codes.append("tool_id_late")
        elif call.upstream_id != upstream_id:
            codes.append("tool_id_changed")

    def _add_name(self, call: _OpenCall, name: str | None, codes: list[str]) -> str | None:
        """The call's name where the fragment changed it; a name repeated whole changes nothing."""
        if not name:
            return None
        if call.name and name.startswith(call.name):
            codes.append("name_repeated")
            if name == call.name:
                return None
            # The name so far, and more of it.
            call.name = name
        else:
            if call.name:
                codes.append("name_split")
            call.name += name
        if len(call.name) > NAME_LIMIT:
            codes.append("name_cut")
            call.name = call.name[:NAME_LIMIT]
        return call.name

    def _add_arguments(self, call: _OpenCall, arguments: object, codes: list[str]) -> str | None:
        if arguments is not None and not isinstance(arguments, str):
            codes.append("args_not_object")
            if arguments in ({}, []):
                return None
            arguments = json.dumps(arguments, ensure_ascii=False)
            if call.arguments.strip():
                codes.append("args_replaced")
                self._forget_arguments(call)
        if not isinstance(arguments, str) or not arguments:
            return None
        if _begins_object(arguments) and call.is_complete():
            if arguments == call.arguments:
                codes.append("args_repeated")
                return None
            if call.arguments.strip() == "{}" and _begins_object(arguments):
                # An empty object to begin with, and then the pieces of the real one.
                codes.append("args_replaced")
                self._forget_arguments(call)
        call.size += len(arguments.encode("utf-8", "replace"))
        if call.size > self._arguments_limit:
            codes.append("args_cut")
            return None
        call.pieces.append(arguments)
        return arguments

    def _forget_arguments(self, call: _OpenCall) -> None:
        call.pieces, call.size = [], 0

    def _assembled(self, call: _OpenCall) -> AssembledCall:
        self._log.raw = call.raw
        sent = bool(call.arguments.strip())
        if not call.name:
            self._note(call, "name_missing")
        if not sent and "args_not_object" not in call.repairs:
            self._note(call, "args_empty")
        return AssembledCall(
            call_id=call.call_id,
            upstream_id=call.upstream_id,
            tool=call.name or UNNAMED,
            raw_arguments=call.arguments if sent else "{}",
            repairs=tuple(call.repairs),
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


def _has_words(arguments: object) -> bool:
    return bool(arguments.strip()) if isinstance(arguments, str) else bool(arguments)


def _begins_object(arguments: object) -> bool:
    if isinstance(arguments, str):
        return arguments.lstrip().startswith("{")
    return isinstance(arguments, dict)
