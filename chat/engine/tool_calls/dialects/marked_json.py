"""Less known marks round the same JSON, each tried wherever no dialect is named."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.delimited_json import delimited
from chat.engine.tool_calls.grammar import Dialect

DIALECT = Dialect(
    "marked_json",
    (
        delimited("<|tool_calls|>", "<|/tool_calls|>", "</|tool_calls|>", "<|tool_calls_end|>"),
        delimited("<|function_call|>", "<|/function_call|>", "<|function_call_end|>"),
        delimited("<function_calls>", "</function_calls>"),
        delimited("<longcat_tool_call>", "</longcat_tool_call>"),
        delimited("<toolcall>", "</toolcall>"),
        delimited("<tool_code>", "</tool_code>"),
        delimited("<tool>", "</tool>"),
        delimited("[TOOL_CALL]", "[/TOOL_CALL]"),
        # Pangu's tokens, and GigaChat's role.
        delimited("[unused11]", "[unused12]"),
        delimited("function call", "</s>", then=("<|role_sep|>",), place="line"),
    ),
)
