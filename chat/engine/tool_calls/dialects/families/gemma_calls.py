"""Gemma's calls: `call:name{key:value}` between two tokens, strings between tokens of their own."""

from __future__ import annotations

from functools import partial

from chat.engine.tool_calls.dialects.families.loose_object import LooseObject
from chat.engine.tool_calls.dialects.families.token_sections import tool_name
from chat.engine.tool_calls.grammar import Rule, Writer
from chat.engine.tool_calls.source import Disproved, Source, Waiting

_CALL = "call:"
# What is left of the opening token where it came in fragments; `call:` is then missing.
_FRAGMENT = "<call>"


def gemma_call_rules(opener: str, closers: tuple[str, ...], quote: str) -> tuple[Rule, ...]:
    """Calls with their tokens, and such as have lost the one before them."""
    grammar = partial(_call, opener=opener, closers=closers, form=LooseObject(quote, closers))
    return (
        Rule(opener, grammar, ends_thought=True),
        Rule(_CALL, grammar, place="line"),
        Rule(_FRAGMENT, grammar, place="line"),
    )


def _call(
    source: Source, writer: Writer, *, opener: str, closers: tuple[str, ...], form: LooseObject
) -> Waiting[None]:
    if not (yield from source.maybe((_FRAGMENT,))):
        yield from source.maybe((opener,))
        yield from source.skip()
        yield from source.one_of((_CALL, f":{_CALL}"))
    tool, _ = yield from tool_name(source, writer.offer)
    yield from source.skip()
    if (yield from source.peek()) != "{":
        raise Disproved
    writer.begin(tool)
    complete = True
    try:
        yield from form.read(source, writer.arguments)
    except Disproved:
        complete = False
    writer.end(complete=complete)
    yield from source.skip()
    yield from source.maybe(closers)
