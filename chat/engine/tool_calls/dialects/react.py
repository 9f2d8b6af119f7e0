"""ReAct prompts: `Action: NAME` and `Action Input: {…}`, each on a line of its own.

Only where it is named: plain words announce these calls.
"""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.json_arguments import call_arguments
from chat.engine.tool_calls.dialects.families.token_sections import tool_name
from chat.engine.tool_calls.grammar import Dialect, Rule, Writer
from chat.engine.tool_calls.source import Disproved, Source, Waiting

_OPENER = "Action:"
_INPUTS = ("Action Input:", "Action input:", "Input:")


def _read(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.literal(_OPENER)
    yield from source.next()
    tool, _ = yield from tool_name(source, writer.offer)
    yield from source.next()
    yield from source.one_of(_INPUTS)
    if (yield from source.next()) != "{":
        raise Disproved
    writer.begin(tool)
    yield from call_arguments(source, writer)
    writer.end()


DIALECT = Dialect("react", (Rule(_OPENER, _read, place="line"),), auto=())
