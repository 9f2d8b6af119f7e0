"""A text capture to the line that tells what was read in it."""

from __future__ import annotations

from collections.abc import Iterable

from chat.engine.repairs import repair
from chat.engine.tool_calls.pieces import Mended
from chat.engine.tool_calls.reader import TextReader
from chat.explain.captures import TextCapture
from chat.explain.cuts import Cut
from chat.explain.ids import NumberedIds
from chat.explain.line import Line
from chat.explain.text_answer import TextAnswer, read_text

UNOPENED = "thought_unopened"


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
    """What the text says, thinks and calls, fed in these pieces.

    A capture is all there: where it closes a thought that nothing opened, the prompt had opened
    it, and it is read as one that began inside. A live reader learns it at the closing tag.
    """
    settings = capture.settings
    pieces = [settings.opening, *pieces]
    answer = _read(capture, dialect, pieces, inside=settings.starts_inside_thinking)
    unopened = _unopened(answer)
    if unopened and settings.thoughts and not settings.starts_inside_thinking:
        again = _read(capture, dialect, pieces, inside=True)
        # One closing tag too many is not explained by that.
        if not _unopened(again):
            again.mended = [*unopened, *again.mended]
            return again
    return answer


def _unopened(answer: TextAnswer) -> list[Mended]:
    return [mended for mended in answer.mended if mended.code == UNOPENED]


def _read(capture: TextCapture, dialect: str, pieces: Iterable[str], *, inside: bool) -> TextAnswer:
    reader = TextReader(
        capture.tools,
        dialect=dialect,
        starts_inside_thinking=inside,
        thoughts=capture.settings.thoughts,
    )
    return read_text(reader, (piece for piece in pieces if piece), ended=capture.settings.ended)
