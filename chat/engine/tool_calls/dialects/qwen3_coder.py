"""Qwen3-Coder, Qwen 3.5, Nemotron 3: `<tool_call><function=NAME><parameter=K>V</parameter>…`."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.xml_parameters import Tags
from chat.engine.tool_calls.grammar import Dialect, ending_thoughts

TAGS = Tags(
    sections=(("<tool_call>", "</tool_call>"),),
    call="<function=",
    call_end="</function>",
    parameter="<parameter=",
    parameter_end="</parameter>",
    naming="equals",
)

DIALECT = Dialect("qwen3_coder", (*ending_thoughts(TAGS.rules[:1]), *TAGS.rules[1:]))
