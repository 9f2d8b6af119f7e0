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
    Deciding,
    Event,
    Phase,
    RepairEvent,
    ToolCompletionChunk,
    UsageEvent,
)
from chat.engine.repairs import repair as repair_delta
from chat.engine.tool_calls.assembler import CallProgress, ToolCallAssembler
from chat.engine.tool_calls.calls import AssembledCall, CallIds
from chat.engine.tool_calls.pieces import Mended, Piece, Said, Thought
from chat.engine.tool_calls.reader import TextReader
from chat.engine.tool_calls.text_calls import TextCalls

# An event holds at most 64 KiB; in JSON a character takes up to six bytes (\u0001).
CHUNK_LIMIT = 10_000
# Withheld text is told of from so many characters on: a single "<" is no news.
DECIDING_FROM = 24


class Turn:
    """What the model says in answer to one request; `feed` it, then `finish` or `break_off`."""

    def __init__(
        self,
        phase: Phase,
        round: int,
        *,
        stream: bool,
        ids: CallIds,
        reader: TextReader | None = None,
        secret: str = "",
    ) -> None:
        self.phase: Phase = phase
        self.round = round
        self.calls: list[AssembledCall] = []
        self.finish_reason: str | None = None
        self.has_token = False
        self._stream = stream
        self._wants_calls = phase == "tools"
        self._assembler = ToolCallAssembler(ids)
        self._reader = reader if reader is not None else TextReader({}, thoughts=False)
        self._text_calls = TextCalls(ids, secret)
        self._secret = secret
        self._usage: UsageDelta | None = None
        self._content: list[str] = []
        self._reasoning: list[str] = []
        self._said: list[str] = []
        self._repairs: set[tuple[str, str]] = set()
        self._indexes: dict[str, int] = {}
        self._told_withheld = False

    @property
    def content(self) -> str:
        """The visible text that was given out so far."""
        return "".join(self._said)

    def feed(self, batch: Sequence[Delta]) -> list[Event]:
        """The events of one network read; neighbours of one kind come as one event."""
        if len(batch) == 1 and self._stream:
            # Nearly every read brings one piece of text that cannot become anything else.
            [only] = batch
            if type(only) is TextDelta:
                self.has_token = True
                pieces = self._reader.feed(only.text)
                if len(pieces) == 1 and type(pieces[0]) is Said and not self._reader.held:
                    text = pieces[0].text
                    if len(text) <= CHUNK_LIMIT:
                        self._said.append(text)
                        self._told_withheld = False
                        return [self._chunk(text, None)]
                return [*self._take_pieces(pieces), *self._take_text(), *self._tell_withheld()]
        events: list[Event] = []
        for delta in batch:
            match delta:
                case TextDelta(text):
                    self.has_token = True
                    events += self._take_pieces(self._reader.feed(text))
                case ReasoningDelta(text):
                    self.has_token = True
                    events += self._think(text)
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
            events += self._tell_withheld()
        return events

    def finish(self) -> list[Event]:
        """The end of the turn: what was held back, the repairs and the usage; fills `calls`."""
        events = self._take_pieces(self._reader.finish())
        native = self._assembler.finish()
        for mended in self._assembler.closing_repairs():
            events += self._repair(mended)
        written = self._text_calls.besides(native)
        self.calls = [*native, *written]
        if self.phase == "chat" and self.calls:
            self.calls = []
            events += self._repair(repair_delta("tool_call_unasked"))
        return [*events, *self._take_text(), *self._take_usage()]

    def break_off(self) -> list[Event]:
        """The turn ended early: everything received and not yet given out; calls are dropped."""
        events = self._take_pieces(self._reader.finish())
        return [*events, *self._take_text(), *self._take_usage()]

    def _take_pieces(self, pieces: Sequence[Piece]) -> list[Event]:
        """What the text yields, as events where an order has to be kept."""
        events: list[Event] = []
        for piece in pieces:
            match piece:
                case Said(text):
                    self._content.append(text)
                case Thought(text):
                    events += self._think(text)
                case Mended(code, raw):
                    events += self._repair(repair_delta(code, raw, secret=self._secret))
                case _:
                    progress, repair = self._text_calls.take(piece)
                    if progress is not None:
                        events += self._tell_call(progress)
                    if repair is not None:
                        events += self._repair(repair)
        return events

    def _think(self, text: str) -> list[Event]:
        events = self._take_text() if self._stream and self._content else []
        self._reasoning.append(text)
        return events

    def _feed_call(self, delta: ToolCallDelta) -> list[Event]:
        # What the server reads itself it does not leave in the text as well.
        self._reader.expect_no_calls()
        events: list[Event] = []
        for progress in self._assembler.feed(delta):
            if isinstance(progress, CallProgress):
                events += self._tell_call(progress)
            else:
                events += self._repair(progress)
        return events

    def _tell_call(self, progress: CallProgress) -> list[Event]:
        if not (self._stream and self._wants_calls):
            return []
        index = self._indexes.setdefault(progress.call_id, len(self._indexes))
        return [*self._take_text(), *self._chunks_of(progress, index)]

    def _chunks_of(self, progress: CallProgress, index: int) -> Iterator[Event]:
        tool = progress.tool
        for piece in _pieces(progress.arguments or "") or [""]:
            yield ToolCompletionChunk(
                round=self.round,
                index=index,
                call_id=progress.call_id,
                tool=tool,
                arguments=piece or None,
            )
            tool = None

    def _tell_withheld(self) -> list[Event]:
        withheld = self._reader.held
        if withheld < DECIDING_FROM:
            self._told_withheld = False
            return []
        if self._told_withheld:
            return []
        self._told_withheld = True
        return [Deciding(phase=self.phase, round=self.round, withheld=withheld)]

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
        return [
            *text,
            RepairEvent(
                code=repair.code,
                detail=repair.detail,
                round=self.round,
                phase=self.phase,
                raw=repair.raw,
            ),
        ]


def _pieces(text: str) -> list[str]:
    return [text[at : at + CHUNK_LIMIT] for at in range(0, len(text), CHUNK_LIMIT)]
