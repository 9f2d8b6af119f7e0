"""Calls that were written as text, from the reader's pieces to the calls of the turn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from chat.engine.completions import RepairDelta
from chat.engine.repairs import repair
from chat.engine.tool_calls.assembler import ARGUMENTS_LIMIT, CALLS_LIMIT, CallProgress
from chat.engine.tool_calls.calls import AssembledCall, CallIds
from chat.engine.tool_calls.pieces import CallArguments, CallBegun, CallEnded, Piece


@dataclass(slots=True)
class _Call:
    call_id: str
    begun: CallBegun
    size: int = 0
    is_cut: bool = False
    ended: CallEnded | None = None


class TextCalls:
    """The text calls of one turn, in the order in which they were begun."""

    def __init__(self, ids: CallIds, secret: str = "") -> None:
        self._ids = ids
        self._secret = secret
        self._calls: dict[int, _Call] = {}

    def take(self, piece: Piece) -> tuple[CallProgress | None, RepairDelta | None]:
        """What a piece adds to its call, and the repair that it tells."""
        match piece:
            case CallBegun() if len(self._calls) < CALLS_LIMIT:
                call = _Call(self._ids.give(piece.upstream_id), piece)
                self._calls[piece.position] = call
                return CallProgress(piece.position, call.call_id, piece.tool, None), None
            case CallBegun():
                return None, repair("too_many_tool_calls", limit=CALLS_LIMIT)
            case CallArguments(position, text) if found := self._calls.get(position):
                return self._add(found, text)
            case CallEnded(position, source=source) if found := self._calls.get(position):
                found.ended = piece
                return None, self._told(found, source)
            case _:
                return None, None

    def besides(self, native: Sequence[AssembledCall]) -> list[AssembledCall]:
        """The calls that were written, without those that the server has read as well."""
        known = {(call.tool, _value(call.raw_arguments)) for call in native}
        calls = [self._assembled(call) for call in self._calls.values()]
        return [call for call in calls if (call.tool, _value(call.raw_arguments)) not in known]

    def _told(self, call: _Call, source: str) -> RepairDelta:
        return repair(f"text_tool_call:{call.begun.dialect}", source, secret=self._secret)

    def _add(self, call: _Call, text: str) -> tuple[CallProgress | None, RepairDelta | None]:
        call.size += len(text.encode("utf-8", "replace"))
        if call.size > ARGUMENTS_LIMIT:
            first, call.is_cut = not call.is_cut, True
            return None, repair("args_cut", limit=ARGUMENTS_LIMIT) if first else None
        return CallProgress(call.begun.position, call.call_id, None, text), None

    def _assembled(self, call: _Call) -> AssembledCall:
        ended = call.ended
        raw = ended.raw_arguments if ended is not None else ""
        if call.is_cut:
            raw = raw.encode()[:ARGUMENTS_LIMIT].decode("utf-8", "ignore")
        sent = bool(raw.strip())
        return AssembledCall(
            call_id=call.call_id,
            upstream_id=call.begun.upstream_id,
            tool=call.begun.tool,
            raw_arguments=raw if sent else "{}",
            origin=f"text:{call.begun.dialect}",
            repairs=ended.repairs if ended is not None else (),
            arguments_sent=sent,
            complete=ended is not None and ended.complete and not call.is_cut,
            closed=ended is not None and not ended.at_end,
        )


def _value(raw: str) -> str:
    """Arguments so that two ways of writing them are equal."""
    try:
        return json.dumps(json.loads(raw, strict=False), sort_keys=True)
    except (ValueError, RecursionError):
        return raw
