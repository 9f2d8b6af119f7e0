"""InternLM: `<|action_start|><|plugin|>{"name": …, "parameters": {…}}<|action_end|>`."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.delimited_json import delimited
from chat.engine.tool_calls.grammar import Dialect

DIALECT = Dialect(
    "internlm", (delimited("<|action_start|>", "<|action_end|>", then=("<|plugin|>",)),)
)
