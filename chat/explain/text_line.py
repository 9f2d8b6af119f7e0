"""A text capture to the line that tells what was read in it."""

from __future__ import annotations

from collections.abc import Iterable

from chat.engine.repairs import repair
from chat.engine.tool_calls.reader import TextReader
from chat.explain.captures import TextCapture
from chat.explain.cuts import Cut
from chat.explain.hindsight import read_with_hindsight
from chat.explain.ids import NumberedIds
from chat.explain.line import Line
from chat.explain.text_answer import TextAnswer, read_text


def explain_text(capture: TextCapture, *, dialect: str, cut: Cut) -> Line:
    """The line of one text, as a person would see it."""
    answer = answer_of(capture, dialect, cut.pieces(capture.text))
    line = Line(
        capture.id,
        text=capture.settings.visible(answer.text),
        reasoning=answer.reasoning,
    )
    ids = NumberedIds()
    for mended in answer.mended:
        line.add_repair(repair(mended.code, mended.raw))
    for call in answer.calls:
        for code in (f"text_tool_call:{call.dialect}", *call.repairs):
            line.add_repair(repair(code, call.source))
        call_id = ids.give(call.upstream_id)
        line.add_call(call_id, call.tool, call.raw_arguments, capture.tools, complete=call.complete)
    return line


def answer_of(capture: TextCapture, dialect: str, pieces: Iterable[str]) -> TextAnswer:
    """What the text says, thinks and calls, fed in these pieces."""
    settings = capture.settings
    pieces = [settings.opening, *pieces]
    if settings.starts_inside_thinking or not settings.thoughts:
        return _read(capture, dialect, pieces, inside=settings.starts_inside_thinking)
    return read_with_hindsight(
        lambda inside: _read(capture, dialect, pieces, inside=inside),
        lambda answer: answer.mended,
        lambda mended: mended.code,
    )


def _read(capture: TextCapture, dialect: str, pieces: Iterable[str], *, inside: bool) -> TextAnswer:
    reader = TextReader(
        capture.tools,
        dialect=dialect,
        starts_inside_thinking=inside,
        thoughts=capture.settings.thoughts,
    )
    return read_text(reader, (piece for piece in pieces if piece), ended=capture.settings.ended)
