"""An answer as the wire tells it: before thought tags, text calls or broken JSON are looked at."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from chat.engine.completions import (
    Delta,
    FinishDelta,
    ObjectDelta,
    ReasoningDelta,
    ReasoningDetailsDelta,
    RefusalDelta,
    RepairDelta,
    TextDelta,
    ToolCallDelta,
    UsageDelta,
)
from chat.engine.tool_calls.assembler import UNNAMED, ToolCallAssembler
from chat.engine.tool_calls.calls import AssembledCall, CallIds
from chat.engine.wire.payload import NotACompletion
from chat.engine.wire.reader import CompletionReader
from chat.engine.wire.sse import LINE_LIMIT, LineTooLong


@dataclass(frozen=True, slots=True)
class WireCall:
    """A native tool call: the upstream's id and name, None where none came, and its arguments."""

    id: str | None
    name: str | None
    arguments: Any
    """Parsed; None where they are no JSON, an empty object where none came."""
    arguments_raw: str | None = None
    """The argument text, only where it is no JSON."""

    def as_record(self) -> dict[str, Any]:
        """The call in the words of a recorded exchange's `expect`."""
        record = {"id": self.id, "name": self.name, "arguments": self.arguments}
        if self.arguments_raw is not None:
            record["arguments_raw"] = self.arguments_raw
        return record


@dataclass(frozen=True, slots=True)
class WireAnswer:
    """What one answer holds. Refusals, reasoning details and object content stand apart."""

    text: str
    reasoning: str
    tool_calls: tuple[WireCall, ...]
    finish_reason: str | None
    """As it was sent."""
    finish: str | None
    """The same in the normal words."""
    usage: dict[str, Any] | None
    """The upstream's last usage object as it was sent."""
    counts: UsageDelta | None
    """Our reading of the counts, wherever they came."""
    errors: tuple[Any, ...]
    refusal: str | None
    reasoning_details: str
    content_object: dict[str, Any] | None
    repairs: tuple[RepairDelta, ...]
    repair_counts: dict[str, int]
    broken: str | None
    """Why the reading stopped before the end, in the engineer's words."""


def read_answer(pieces: Iterable[bytes], *, whole: bool) -> WireAnswer:
    """Read an answer from the pieces in which it came; never raises, whatever they hold."""
    reader = CompletionReader(whole=whole, past_failure=True)
    deltas: list[Delta] = []
    broken: str | None = None
    try:
        for piece in pieces:
            deltas += reader.feed(piece)
        deltas += reader.finish()
        reader.check()
    except LineTooLong as error:
        broken = str(error)
    except NotACompletion as error:
        broken = f"no JSON object: {error}"
    return _answer_of(deltas, reader, broken)


def told_arguments(raw: str) -> tuple[Any, str | None]:
    """Argument text parsed, and the text itself only where it is no JSON."""
    if not raw.strip():
        return {}, None
    try:
        return json.loads(raw, parse_constant=_refuse), None
    except (ValueError, RecursionError):
        return None, raw


def _answer_of(deltas: list[Delta], reader: CompletionReader, broken: str | None) -> WireAnswer:
    texts: dict[type[Delta], list[str]] = {}
    assembler = ToolCallAssembler(CallIds(), arguments_limit=LINE_LIMIT)
    repairs: list[RepairDelta] = []
    finish: str | None = None
    counts: UsageDelta | None = None
    content: dict[str, Any] | None = None
    for delta in deltas:
        match delta:
            case ObjectDelta():
                content = delta.value
            case TextDelta(text) | ReasoningDelta(text):
                texts.setdefault(type(delta), []).append(text)
            case ToolCallDelta():
                repairs += [r for r in assembler.feed(delta) if isinstance(r, RepairDelta)]
            case FinishDelta(reason):
                finish = reason
            case UsageDelta():
                counts = delta
            case RepairDelta():
                repairs.append(delta)
    calls = tuple(map(_wire_call, assembler.finish()))
    repairs += assembler.closing_repairs()
    joined = {kind: "".join(pieces) for kind, pieces in texts.items()}
    return WireAnswer(
        text=joined.get(TextDelta, ""),
        reasoning=joined.get(ReasoningDelta, ""),
        tool_calls=calls,
        finish_reason=reader.finish_sent,
        finish=finish,
        usage=reader.usage_sent,
        counts=counts,
        errors=tuple(reader.errors),
        refusal=joined.get(RefusalDelta),
        reasoning_details=joined.get(ReasoningDetailsDelta, ""),
        content_object=content,
        repairs=tuple(repairs),
        repair_counts={**reader.repair_counts, **assembler.repair_counts},
        broken=broken,
    )


def _wire_call(call: AssembledCall) -> WireCall:
    arguments, raw = told_arguments(call.raw_arguments if call.arguments_sent else "")
    name = None if call.tool == UNNAMED and "name_missing" in call.repairs else call.tool
    return WireCall(call.upstream_id, name, arguments, raw)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
