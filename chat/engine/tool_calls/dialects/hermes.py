"""Hermes and Qwen: `<tool_call>{"name": …, "arguments": {…}}</tool_call>`, any number of them."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.bare_json import bare_calls
from chat.engine.tool_calls.dialects.families.delimited_json import delimited
from chat.engine.tool_calls.grammar import Dialect, Rule, Writer
from chat.engine.tool_calls.source import Source, Waiting

TOOL_CALL = delimited("<tool_call>", "</tool_call>", "</tool_calls>")


def _read_tools(source: Source, writer: Writer) -> Waiting[None]:
    yield from source.literal("<tools>")
    yield from source.skip()
    yield from bare_calls(source, writer)
    yield from source.after(("</tools>",))


# Qwen's coders write calls between the marks of the prompt's list of tools; so only certain ones.
_TOOLS = Rule("<tools>", _read_tools)
DIALECT = Dialect("hermes", (TOOL_CALL, _TOOLS))
