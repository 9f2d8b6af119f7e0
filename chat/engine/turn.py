"""One turn of the model: batches of deltas to events, with what is held back on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chat.engine.completions import (
    Delta,
    FinishDelta,
    ReasoningDelta,
    RepairDelta,
    TextDelta,
    ToolCallDelta,
    UsageDelta,
)
from chat.engine.events import (
    ChatCompletionChunk,
    Event,
    Phase,
    RepairEvent,
    ToolCompletionChunk,
    UsageEvent,
)
from chat.engine.tool_calls.assembler import CallProgress, ToolCallAssembler
from chat.engine.tool_calls.calls import AssembledCall, CallIds
from chat.engine.tool_calls.dialect import TextCall, TextDialect

# An event holds at most 64 KiB; in JSON a character takes up to six bytes (\u0001).
CHUNK_LIMIT = 10_000

_UNASKED = "The model called a tool although none was offered; the call was left out."


class Turn:
    """What the model says in answer to one request; `feed` it, then `finish` or `break_off`."""

    def __init__(
        self,
        phase: Phase,
        round: int,
        *,
        stream: bool,
        ids: CallIds,
        dialect: TextDialect | None = None,
    ) -> None:
        self.phase: Phase = phase
        self.round = round
        self.calls: list[AssembledCall] = []
        self.finish_reason: str | None = None
        self.has_token = False
        self._stream = stream
        self._wants_calls = phase == "tools"
        self._ids = ids
        self._assembler = ToolCallAssembler(ids)
        self._dialect = dialect
        self._usage: UsageDelta | None = None
        self._content: list[str] = []
        self._reasoning: list[str] = []
        self._said: list[str] = []
        self._repairs: set[tuple[str, str]] = set()
        self._origin = "native"

    @property
    def content(self) -> str:
        """The visible text that was given out so far."""
        return "".join(self._said)

    def feed(self, batch: Sequence[Delta]) -> list[Event]:
        """The events of one network read; neighbours of one kind come as one event."""
        if len(batch) == 1 and self._stream and self._dialect is None:
            # Nearly every read brings one piece of text; a streamed turn keeps none back.
            [only] = batch
            if type(only) is TextDelta and 0 < len(only.text) <= CHUNK_LIMIT:
                self.has_token = True
                self._said.append(only.text)
                return [self._chunk(only.text, None)]
        events: list[Event] = []
        for delta in batch:
            match delta:
                case TextDelta(text):
                    self.has_token = True
                    if self._dialect is not None:
                        text = self._dialect.feed(text)
                    if text:
                        self._content.append(text)
                case ReasoningDelta(text):
                    self.has_token = True
                    if self._stream and self._content:
                        events += self._take_text()
                    self._reasoning.append(text)
                case ToolCallDelta():
                    self.has_token = True
                    events += self._feed_call(delta)
                case FinishDelta(reason):
                    self.finish_reason = reason
                case UsageDelta():
                    self._usage = delta
                case RepairDelta():
                    events += self._repair(delta)
        if self._stream:
            events += self._take_text()
        return events

    def finish(self) -> list[Event]:
        """The end of the turn: what was held back, the repairs and the usage; fills `calls`."""
        self.calls = self._assembler.finish()
        held, written = self._finish_dialect()
        if written and (self.calls or not self._wants_calls):
            # Text beside calls that the server read itself, or where none was wanted: it is kept.
            held = "".join(call.source for call in written) + held
        if not self.calls:
            self.calls = [self._assembled(call) for call in written]
        self._content.append(held)
        unasked: list[Event] = []
        if self.phase == "chat" and self.calls:
            self.calls = []
            unasked = self._repair(RepairDelta("tool_call_unasked", _UNASKED))
        return [*self._take_text(), *unasked, *self._take_usage()]

    def break_off(self) -> list[Event]:
        """The turn ended early: everything received and not yet given out; calls are dropped."""
        if self._dialect is not None:
            self._content.append(self._dialect.held())
            self._dialect = None
        return [*self._take_text(), *self._take_usage()]

    def _feed_call(self, delta: ToolCallDelta) -> list[Event]:
        events: list[Event] = []
        for progress in self._assembler.feed(delta):
            if isinstance(progress, CallProgress):
                if self._stream and self._wants_calls:
                    events += [*self._take_text(), *self._chunks_of(progress)]
            else:
                events += self._repair(progress)
        return events

    def _chunks_of(self, progress: CallProgress) -> Iterator[Event]:
        tool = progress.tool
        for piece in _pieces(progress.arguments or "") or [""]:
            yield ToolCompletionChunk(
                round=self.round,
                index=progress.position,
                call_id=progress.call_id,
                tool=tool,
                arguments=piece or None,
            )
            tool = None

    def _take_text(self) -> list[Event]:
        content, reasoning = "".join(self._content), "".join(self._reasoning)
        if not content and not reasoning:
            return []
        self._content.clear()
        self._reasoning.clear()
        if content:
            self._said.append(content)
        if len(content) + len(reasoning) <= CHUNK_LIMIT:
            return [self._chunk(content or None, reasoning or None)]
        return [
            *(self._chunk(None, piece) for piece in _pieces(reasoning)),
            *(self._chunk(piece, None) for piece in _pieces(content)),
        ]

    def _chunk(self, content: str | None, reasoning: str | None) -> Event:
        return ChatCompletionChunk(
            phase=self.phase, round=self.round, content=content, reasoning=reasoning
        )

    def _take_usage(self) -> list[Event]:
        usage, self._usage = self._usage, None
        if usage is None:
            return []
        return [
            UsageEvent(
                round=self.round,
                phase=self.phase,
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                reasoning_tokens=usage.reasoning_tokens,
                total_tokens=usage.total_tokens,
            )
        ]

    def _repair(self, repair: RepairDelta) -> list[Event]:
        if (repair.code, repair.detail) in self._repairs:
            return []
        self._repairs.add((repair.code, repair.detail))
        text = self._take_text() if self._stream else []
        return [*text, RepairEvent(code=repair.code, detail=repair.detail)]

    def _finish_dialect(self) -> tuple[str, tuple[TextCall, ...]]:
        dialect, self._dialect = self._dialect, None
        if dialect is None:
            return "", ()
        self._origin = f"text:{dialect.name}"
        return dialect.finish()

    def _assembled(self, call: TextCall) -> AssembledCall:
        return AssembledCall(
            call_id=self._ids.give(call.upstream_id),
            upstream_id=call.upstream_id,
            tool=call.tool,
            raw_arguments=call.raw_arguments,
            origin=self._origin,
        )


def _pieces(text: str) -> list[str]:
    return [text[at : at + CHUNK_LIMIT] for at in range(0, len(text), CHUNK_LIMIT)]
