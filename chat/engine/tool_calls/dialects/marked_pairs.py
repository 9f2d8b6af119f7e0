"""Less known marks round names, keys and values, each tried wherever no dialect is named."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.arg_pairs import PairTags
from chat.engine.tool_calls.grammar import Dialect

_IQUEST = PairTags("<iquest_tool_call>", ("</iquest_tool_call>",))
_K2_HORIZON = PairTags(
    "<ifm|tool_call>",
    ("</ifm|tool_call>",),
    key="<ifm|arg_key>",
    key_end="</ifm|arg_key>",
    value="<ifm|arg_value>",
    value_end="</ifm|arg_value>",
    sections=(("<ifm|tool_calls>", "</ifm|tool_calls>"),),
)
_SOLAR = PairTags(
    "<|tool_call:start|>",
    ("<|tool_call:end|>",),
    key="<|tool_arg:start|>",
    key_end="<|tool_arg:value|>",
    value="",
    value_end="<|tool_arg:end|>",
)

DIALECT = Dialect("marked_pairs", (*_IQUEST.rules, *_K2_HORIZON.rules, *_SOLAR.rules))
