"""FunctionGemma: `<start_function_call>call:name{key:<escape>value<escape>}<end_function_call>`."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.gemma_calls import gemma_call_rules
from chat.engine.tool_calls.grammar import Dialect

DIALECT = Dialect(
    "functiongemma",
    gemma_call_rules("<start_function_call>", ("<end_function_call>",), "<escape>"),
)
