"""Harmony whose special tokens a server has left out: `analysisWe …assistantfinalHello`."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.channels import CONTENT_TYPES, TO
from chat.engine.tool_calls.dialects.families.token_sections import json_until, tool_name
from chat.engine.tool_calls.dialects.thoughts import rest_of_thought
from chat.engine.tool_calls.grammar import Dialect, Rule, Writer
from chat.engine.tool_calls.source import Disproved, Source, Waiting

_ANALYSIS = "analysis"
_FINAL = "assistantfinal"
_CALLS = ("assistantcommentary", "assistantanalysis")
_COMMENTARY = "commentary"


def _thought(source: Source, writer: Writer) -> Waiting[None]:
    """Only what goes on without a blank: nobody else writes “analysisWe”."""
    yield from source.literal(_ANALYSIS)
    following = yield from source.peek()
    if not (writer.thoughts and (following.isupper() or following in "\"'“")):
        raise Disproved
    writer.commit()
    yield from rest_of_thought(source, writer, (_FINAL,), _CALLS)


def _final(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.literal(_FINAL)
    writer.parts = True


def _call(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.one_of((*_CALLS, _COMMENTARY))
    yield from source.skip()
    yield from source.literal(TO)
    tool, _ = yield from tool_name(source, writer.offer, ("functions.", ""))
    yield from source.skip()
    yield from source.maybe(CONTENT_TYPES)
    if (yield from source.next()) != "{":
        raise Disproved
    writer.begin(tool)
    yield from json_until(source, writer.arguments, (*_CALLS, _FINAL))
    writer.end()


DIALECT = Dialect(
    "harmony_bare",
    (
        # Only behind a thought or a call: anywhere else every “a” would be held for a moment.
        Rule(_ANALYSIS, _thought, place="start", is_call=False),
        Rule(_FINAL, _final, place="start", is_call=False),
        *(Rule(mark, _call, place="start") for mark in (*_CALLS, _COMMENTARY)),
    ),
)
