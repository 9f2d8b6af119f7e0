"""Apertus: `<|tools_prefix|>[{"NAME": {…}}, …]<|tools_suffix|>`."""

from __future__ import annotations

from chat.engine.tool_calls.grammar import Dialect, Rule, Writer
from chat.engine.tool_calls.json_grammar import json_string, json_value
from chat.engine.tool_calls.source import Disproved, Source, Waiting

_OPENER = "<|tools_prefix|>"
_CLOSER = "<|tools_suffix|>"


def _read(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.literal(_OPENER)
    yield from source.expect("[")
    yield from _call(source, writer)
    while (yield from source.attempt(_further(source, writer))):
        pass
    yield from source.after(("]",))
    yield from source.after((_CLOSER,))


def _further(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.expect(",")
    yield from _call(source, writer)


def _call(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.expect("{")
    tool = yield from json_string(source, writer.offer.names)
    if not writer.offer.has(tool):
        raise Disproved
    yield from source.expect(":")
    yield from source.skip()
    writer.begin(tool)
    yield from json_value(source, writer.arguments)
    writer.end()
    yield from source.after(("}",))


DIALECT = Dialect("apertus", (Rule(_OPENER, _read, ends_thought=True),))
