"""Gemma 4: `<|tool_call>call:name{key:<|"|>value<|"|>}<tool_call|>`, thoughts in a channel."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.gemma_calls import gemma_call_rules
from chat.engine.tool_calls.dialects.thoughts import rest_of_thought
from chat.engine.tool_calls.grammar import Dialect, Rule, Writer
from chat.engine.tool_calls.source import Disproved, Source, Waiting

_OPENER = "<|channel>"
_CLOSER = "<channel|>"
_NAMES = ("thought", "analysis")
_CALL = "<|tool_call>"


def _thought(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.literal(_OPENER)
    while (yield from source.maybe((_OPENER,))):
        pass
    if not writer.thoughts:
        raise Disproved
    yield from source.one_of(_NAMES)
    writer.commit()
    yield from source.skip()
    yield from rest_of_thought(source, writer, (_CLOSER,), (_CALL,))


def _unopened(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.literal(_CLOSER)
    if not writer.thoughts:
        raise Disproved
    writer.note("thought_unopened")


DIALECT = Dialect(
    "gemma4",
    (
        *gemma_call_rules(_CALL, ("<tool_call|>", "<turn|>"), '<|"|>'),
        Rule(_OPENER, _thought, is_call=False),
        Rule(_CLOSER, _unopened, is_call=False),
    ),
    thought_ends=(_CLOSER,),
)
