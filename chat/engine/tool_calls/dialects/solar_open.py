"""Solar Open: `<|tool_call:begin|>ID<|tool_call:name|>NAME<|tool_call:args|>{…}`."""

from __future__ import annotations

import re

from chat.engine.tool_calls.dialects.families.token_sections import json_arguments, tool_name
from chat.engine.tool_calls.grammar import Dialect, Rule, Writer
from chat.engine.tool_calls.source import Source, Waiting

_SECTION = "<|tool_calls|>"
_CALL = "<|tool_call:begin|>"
_NAME = "<|tool_call:name|>"
_ARGUMENTS = "<|tool_call:args|>"
_END = "<|tool_call:end|>"

_ID = re.compile(r"[\w.-]*")


def _section(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.maybe((_SECTION,))
    yield from source.skip()
    yield from source.literal(_CALL)
    yield from _call(source, writer)
    while (yield from source.attempt(_further(source, writer))):
        pass


def _further(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.skip()
    yield from source.literal(_CALL)
    yield from _call(source, writer)


def _call(source: Source, writer: Writer) -> Waiting[None]:
    upstream_id: list[str] = []
    yield from source.skip(_ID, upstream_id.append)
    yield from source.literal(_NAME)
    tool, _ = yield from tool_name(source, writer.offer)
    yield from source.literal(_ARGUMENTS)
    writer.begin(tool, "".join(upstream_id))
    yield from json_arguments(source, writer, (_END, _CALL))
    yield from source.maybe((_END,))
    writer.end()


DIALECT = Dialect(
    "solar_open",
    tuple(Rule(opener, _section, ends_thought=True) for opener in (_SECTION, _CALL)),
)
