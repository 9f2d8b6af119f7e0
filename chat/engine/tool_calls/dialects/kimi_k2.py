"""Kimi K2: `<|tool_call_begin|>functions.name:0<|tool_call_argument_begin|>{…}`, in sections."""

from __future__ import annotations

import re

from chat.engine.tool_calls.dialects.families.token_sections import json_arguments, tool_name
from chat.engine.tool_calls.grammar import Dialect, Rule, Writer
from chat.engine.tool_calls.json_grammar import json_text, parse
from chat.engine.tool_calls.source import Disproved, Source, Waiting

_NUMBER = re.compile(r"[0-9]*")
_SECTION_BEGIN = ("<|tool_calls_section_begin|>", "<|tool_call_section_begin|>")
_SECTION_END = ("<|tool_calls_section_end|>", "<|tool_call_section_end|>")
_CALL_BEGIN = "<|tool_call_begin|>"
_ARGUMENTS = "<|tool_call_argument_begin|>"
_CALL_END = "<|tool_call_end|>"
_CLOSERS = (_CALL_END, _CALL_BEGIN, *_SECTION_END)


def _section(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.maybe(_SECTION_BEGIN)
    yield from source.skip()
    yield from source.literal(_CALL_BEGIN)
    yield from _call(source, writer)
    while (yield from source.attempt(_further(source, writer))):
        pass
    yield from source.after(_SECTION_END)


def _further(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.skip()
    yield from source.literal(_CALL_BEGIN)
    yield from _call(source, writer)


def _call(source: Source, writer: Writer) -> Waiting[None]:
    if (yield from source.next()).isdigit() and writer.offer.names:
        yield from _nameless_call(source, writer)
    else:
        name = yield from tool_name(source, writer.offer, ("functions.", ""), numbered=True)
        tool, word = name
        yield from source.skip()
        yield from source.literal(_ARGUMENTS)
        writer.begin(tool, word if word != tool else None)
        yield from json_arguments(source, writer, _CLOSERS)
    yield from source.maybe((_CALL_END,))
    writer.end()


def _nameless_call(source: Source, writer: Writer) -> Waiting[None]:
    """A call under its number alone: where only one tool takes such arguments, it is that one's."""
    start = source.at
    number: list[str] = []
    yield from source.skip(_NUMBER, number.append)
    yield from source.skip()
    yield from source.literal(_ARGUMENTS)
    raw = yield from json_text(source)
    keys = parse(raw)
    tools = [tool for tool in writer.offer.names or () if _takes(writer, tool, keys)]
    if len(tools) != 1:
        if not writer.committed:
            source.at = start
        raise Disproved
    writer.begin(tools[0], "".join(number))
    writer.mend("name_missing")
    writer.arguments(raw)
    yield from source.skip()


def _takes(writer: Writer, tool: str, keys: object) -> bool:
    if not isinstance(keys, dict) or not keys:
        return False
    return keys.keys() <= set(writer.offer.properties(tool))


DIALECT = Dialect(
    "kimi_k2",
    tuple(Rule(opener, _section, ends_thought=True) for opener in (*_SECTION_BEGIN, _CALL_BEGIN)),
)
