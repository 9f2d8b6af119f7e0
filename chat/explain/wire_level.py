"""A capture in the terms of the wire: before thoughts, text calls or broken JSON are looked at."""

from __future__ import annotations

from chat.engine.wire.answer import read_answer
from chat.explain.captures import TextCapture, WireCapture
from chat.explain.cuts import Cut
from chat.explain.line import Line, malformed


def explain_wire_level(capture: WireCapture, cut: Cut) -> Line:
    """The line of an answer as the server sent it: ids, names and finish reason are its own."""
    answer = read_answer(cut.pieces(capture.data), whole=capture.whole)
    line = Line(
        capture.id,
        text=answer.text,
        reasoning=answer.reasoning,
        tool_calls=[call.as_record() for call in answer.tool_calls],
        finish_reason=answer.finish_reason,
        usage=answer.usage,
        errors=list(answer.errors),
        refusal=answer.refusal,
        content_object=answer.content_object,
    )
    if answer.broken is not None and not (answer.text or answer.reasoning or answer.tool_calls):
        line.errors.append(malformed(answer.broken))
    for repair in answer.repairs:
        line.add_repair(repair)
    return line


def explain_text_at_wire_level(capture: TextCapture) -> Line:
    """The line of a text that no one has looked into."""
    return Line(capture.id, text=capture.text)
