"""What holds for any input: the laws that fuzzing and the suite's property tests share.

Each raises AssertionError, with what was found, where its law does not hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.corpus_losses import lost_words
from chat.engine.completions import (
    Delta,
    FinishDelta,
    ReasoningDelta,
    RepairDelta,
    TextDelta,
    ToolCallDelta,
    UsageDelta,
)
from chat.engine.tool_calls.assembler import CallProgress, ToolCallAssembler
from chat.engine.tool_calls.calls import CallIds
from chat.engine.tool_calls.reader import TextReader
from chat.engine.wire.payload import NotACompletion
from chat.engine.wire.reader import CompletionReader
from chat.engine.wire.sse import LineTooLong
from chat.explain.cuts import Cut
from chat.explain.text_answer import TextAnswer, read_text

Outcome = tuple[Any, ...]


def framing_is_the_same_in_pieces(data: bytes, cut: str, *, whole: bool = False) -> None:
    """Any bytes give the same deltas however they are cut, or the same typed error."""
    at_once = read_wire(data, "whole", whole=whole)
    in_pieces = read_wire(data, cut, whole=whole)
    assert in_pieces == at_once, f"under {cut}: {in_pieces}, whole: {at_once}"


def read_wire(data: bytes, cut: str, *, whole: bool) -> Outcome:
    """All that an answer's bytes give, neighbours of one channel joined."""
    reader = CompletionReader(whole=whole)
    deltas: list[Delta] = []
    failed = None
    try:
        for piece in Cut.named(cut).pieces(data):
            deltas += reader.feed(piece)
        deltas += reader.finish()
    except (LineTooLong, NotACompletion) as error:
        failed = type(error).__name__
    for delta in deltas:
        if isinstance(delta, TextDelta | ReasoningDelta):
            delta.text.encode()
    return joined(deltas), reader.failure, reader.complete, failed


def joined(deltas: Sequence[Delta]) -> Outcome:
    """Deltas as what they amount to, whatever the reads they came in."""
    text = "".join(d.text for d in deltas if isinstance(d, TextDelta))
    reasoning = "".join(d.text for d in deltas if isinstance(d, ReasoningDelta))
    calls = [(d.index, d.id, d.name, d.arguments) for d in deltas if isinstance(d, ToolCallDelta)]
    rest = [d for d in deltas if isinstance(d, FinishDelta | UsageDelta)]
    repairs = sorted({d.code for d in deltas if isinstance(d, RepairDelta)})
    return text, reasoning, calls, rest, repairs


def assembly_keeps_every_piece(fragments: Sequence[ToolCallDelta]) -> None:
    """Calls never merge or vanish: what was told of each is what each is in the end."""
    assembler = ToolCallAssembler(CallIds())
    told: dict[int, list[str]] = {}
    names: dict[int, str] = {}
    for fragment in fragments:
        for progress in assembler.feed(fragment):
            if isinstance(progress, CallProgress):
                told.setdefault(progress.position, []).append(progress.arguments or "")
                names[progress.position] = progress.tool or names.get(progress.position, "")
    calls = assembler.finish()
    assert len(calls) >= len(told)
    assert len({call.call_id for call in calls}) == len(calls), "two calls have one id"
    for position, call in enumerate(calls):
        pieces = "".join(told.get(position, []))
        replaced = any("replaced" in code for code in call.repairs)
        if call.arguments_sent and not replaced:
            assert call.raw_arguments == pieces, (call, pieces)
        if names.get(position):
            assert call.tool == names[position], (call, names[position])


def text_is_the_same_in_pieces(
    text: str,
    dialect: str,
    tools: Mapping[str, Any] | None,
    cut: str,
    *,
    inside: bool = False,
    thoughts: bool = True,
) -> None:
    """Any text gives the same however it is cut, and nothing of it is lost."""

    def read(how: str) -> TextAnswer:
        reader = TextReader(
            tools, dialect=dialect, starts_inside_thinking=inside, thoughts=thoughts
        )
        answer = read_text(reader, Cut.named(how).pieces(text))
        assert reader.held == 0, f"{reader.held} characters are still held at the end"
        return answer

    whole = read("whole")
    pieces = read(cut)
    assert outcome(pieces) == outcome(whole), f"{outcome(pieces)}, whole: {outcome(whole)}"
    lost = lost_words(text, whole, told=True)
    assert not lost, f"lost {lost}: {outcome(whole)}"
    if tools is not None:
        unknown = [call.tool for call in whole.calls if call.tool not in tools]
        assert not unknown, f"called what was not offered: {unknown}"


def outcome(answer: TextAnswer) -> Outcome:
    """What may not depend on how a text was cut."""
    calls = [(c.tool, c.upstream_id, c.raw_arguments, c.complete, c.dialect) for c in answer.calls]
    return answer.text, answer.reasoning, calls
