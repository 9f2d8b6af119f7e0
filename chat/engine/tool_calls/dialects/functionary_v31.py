"""Functionary v3.1 and Llama 3.1's custom tools: `<function=name>{…}</function>`."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.token_sections import json_until, tool_name
from chat.engine.tool_calls.grammar import Dialect, Rule, Writer
from chat.engine.tool_calls.source import Disproved, Source, Waiting

_OPENER = "<function="
_CLOSER = "</function>"


def _call(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.literal(_OPENER)
    tool, _ = yield from tool_name(source, writer.offer)
    yield from source.literal(">")
    if (yield from source.next()) != "{":
        raise Disproved
    writer.begin(tool)
    yield from json_until(source, writer.arguments, (_CLOSER,))
    writer.end()
    yield from source.skip()
    yield from source.maybe((_CLOSER,))


DIALECT = Dialect("functionary_v31", (Rule(_OPENER, _call),))
