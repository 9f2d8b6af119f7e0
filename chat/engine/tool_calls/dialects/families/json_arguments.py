"""The arguments of a call that is certain: JSON in any of the ways in which models write it."""

from __future__ import annotations

from chat.engine.tool_calls.grammar import Writer
from chat.engine.tool_calls.json_grammar import (
    QUOTES,
    json_rest,
    json_string_rest,
    json_string_value,
    json_text,
    json_value,
)
from chat.engine.tool_calls.source import Source, Waiting

_NOTHING = frozenset({"null", "None"})


def call_arguments(source: Source, writer: Writer, *, is_doubled: bool = False) -> Waiting[None]:
    """An object, an object as text in text, or nothing; anything else is passed on as it came."""
    first = yield from source.next()
    if first in QUOTES:
        yield from _quoted(source, writer)
    elif first == "{":
        if is_doubled:
            source.at += 1
        yield from json_value(source, writer.arguments)
        if is_doubled:
            yield from source.after(("}",))
    else:
        raw = yield from json_text(source)
        writer.arguments("{}" if raw in _NOTHING else raw)


def _quoted(source: Source, writer: Writer) -> Waiting[None]:
    """Arguments as text in text, the way of the API itself; or the quotes round them forgotten."""
    quote = yield from source.take(1)
    first = yield from source.peek()
    if first == quote:
        source.at += 1
        writer.arguments("{}")
    elif first != "{":
        writer.arguments(quote)
        yield from json_string_rest(source, writer.arguments, quote)
    else:
        writer.arguments((yield from source.take(1)))
        if quote == '"' and (yield from source.next()) not in '"}':
            yield from json_string_value(source, writer.arguments)
        else:
            yield from json_rest(source, writer.arguments, after="{")
            yield from source.after((quote,))
