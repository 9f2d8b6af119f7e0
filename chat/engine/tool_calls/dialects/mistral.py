"""Mistral: `[TOOL_CALLS]` before a list of objects, or before each `name[ARGS]{…}`."""

from __future__ import annotations

import re

from chat.engine.tool_calls.dialects.families.delimited_json import calls
from chat.engine.tool_calls.dialects.families.json_arguments import call_arguments
from chat.engine.tool_calls.dialects.families.token_sections import tool_name
from chat.engine.tool_calls.grammar import Dialect, Rule, Writer
from chat.engine.tool_calls.source import Disproved, Source, Waiting

_OPENER = "[TOOL_CALLS]"
_ID = re.compile(r"[\w.:-]*")


def _read(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.literal(_OPENER)
    if (yield from source.next()) in "[{`":
        yield from calls(source, writer, ("[/TOOL_CALLS]",))
        return
    yield from _named(source, writer)
    while (yield from source.attempt(_next_named(source, writer))):
        pass


def _named(source: Source, writer: Writer) -> Waiting[None]:
    """A tool's name, an id if there is one, and the arguments, marked or not."""
    tool, _ = yield from tool_name(source, writer.offer)
    yield from source.skip()
    ids: list[str] = []
    if (yield from source.maybe(("[CALL_ID]",))):
        yield from source.skip()
        yield from source.skip(_ID, ids.append)
        yield from source.skip()
    is_marked = yield from source.maybe(("[ARGS]",))
    if not is_marked and (yield from source.next()) != "{":
        raise Disproved
    writer.begin(tool, "".join(ids))
    yield from call_arguments(source, writer)
    writer.end()


def _next_named(source: Source, writer: Writer) -> Waiting[None]:
    """Another call behind one opener."""
    yield from source.expect(",;")
    yield from source.next()
    yield from _named(source, writer)


TOOL_CALLS = Rule(_OPENER, _read)
DIALECT = Dialect("mistral", (TOOL_CALLS,))
