"""A captured answer to its line: as a person would see it, or in the terms of the wire."""

from __future__ import annotations

from collections.abc import Iterator

from chat.engine.completions import Delta, RefusalDelta
from chat.engine.events import ChatCompletionChunk, Event, RepairEvent
from chat.engine.tool_calls.reader import TextReader
from chat.engine.turn import Turn
from chat.engine.wire.payload import NotACompletion
from chat.engine.wire.reader import CompletionReader
from chat.engine.wire.sse import LineTooLong
from chat.explain.captures import WireCapture
from chat.explain.cuts import Cut
from chat.explain.hindsight import read_with_hindsight
from chat.explain.ids import NumberedIds
from chat.explain.line import Line, malformed


def explain_wire(capture: WireCapture, *, dialect: str, cut: Cut) -> Line:
    """The line of what a person would see."""
    return read_with_hindsight(
        lambda inside: _View(capture, dialect, inside=inside).watch(cut),
        lambda line: line.repairs,
        lambda repair: repair["code"],
    )


class _View:
    """One reading of a capture, through the reader and the turn that every stage uses."""

    def __init__(self, capture: WireCapture, dialect: str, *, inside: bool) -> None:
        self._capture = capture
        self._wire = CompletionReader(whole=capture.whole, past_failure=True)
        reader = TextReader(capture.tools, dialect=dialect, starts_inside_thinking=inside)
        self._turn = Turn("tools", 1, stream=True, ids=NumberedIds(), reader=reader)
        self._line = Line(capture.id)
        self._said: list[str] = []
        self._thought: list[str] = []
        self._refused: list[str] = []

    def watch(self, cut: Cut) -> Line:
        """Read the capture in these pieces to its end."""
        for deltas in self._batches(cut):
            self._show(deltas)
        self._tell(self._turn.finish())
        line, wire = self._line, self._wire
        line.text, line.reasoning = "".join(self._said), "".join(self._thought)
        line.finish_reason = self._turn.finish_reason or None
        line.usage = wire.usage_sent
        line.errors = [*wire.errors, *line.errors]
        line.refusal = "".join(self._refused) or None
        for call in self._turn.calls:
            line.add_call(
                call.call_id,
                call.tool,
                call.raw_arguments,
                self._capture.tools,
                complete=call.complete,
            )
        return line

    def _batches(self, cut: Cut) -> Iterator[list[Delta]]:
        wire = self._wire
        try:
            for piece in cut.pieces(self._capture.data):
                if deltas := wire.feed(piece):
                    yield deltas
            yield wire.finish()
            wire.check()
        except LineTooLong as error:
            self._line.errors.append(malformed(str(error)))
        except NotACompletion as error:
            self._line.errors.append(malformed(f"no JSON object: {error}"))
        else:
            if not wire.payloads and not wire.errors:
                self._line.errors.append(malformed("nothing in it can be read"))

    def _show(self, deltas: list[Delta]) -> None:
        shown = []
        for delta in deltas:
            if isinstance(delta, RefusalDelta):
                self._refused.append(delta.text)
            else:
                shown.append(delta)
        self._tell(self._turn.feed(shown))

    def _tell(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case ChatCompletionChunk(content=content, reasoning=reasoning):
                    self._said.append(content or "")
                    self._thought.append(reasoning or "")
                case RepairEvent():
                    self._line.add_repair(event)
