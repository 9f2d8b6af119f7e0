"""What small models write of themselves: the turn is JSON, an object or a list, fenced or not.

Where it is named, `{"response": "…"}` is an answer: so prompts tell models without a dialect.
"""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.bare_json import bare_calls, fenced_calls
from chat.engine.tool_calls.grammar import Dialect, Rule, Writer
from chat.engine.tool_calls.json_grammar import json_string, json_string_value
from chat.engine.tool_calls.source import Source, Waiting


def _read_response(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.expect("{")
    yield from json_string(source, ("response",))
    yield from source.expect(":")
    yield from source.expect('"')
    writer.commit()
    yield from json_string_value(source, writer.say)
    yield from source.after(("}",))


BARE = (
    Rule("{", bare_calls, place="start"),
    Rule("[", bare_calls, place="start"),
    Rule("```", fenced_calls, place="start"),
)
DIALECT = Dialect("generic_json", (Rule("{", _read_response, place="start"), *BARE), auto=BARE)
