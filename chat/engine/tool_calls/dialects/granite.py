"""Granite 3: `<|tool_call|>[{"name": …, "arguments": {…}}]`, or `<tool_call>` before the list."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.delimited_json import delimited
from chat.engine.tool_calls.dialects.families.marks import swallowed, swallowed_before_text
from chat.engine.tool_calls.dialects.hermes import TOOL_CALL
from chat.engine.tool_calls.grammar import Dialect

TOKEN = delimited("<|tool_call|>", "<|/tool_call|>", "</|tool_call|>", "<|tool_call_end|>")
# The tags round an answer that follows a thought.
RESPONSE = (*swallowed_before_text("<response>"), swallowed("</response>", at_end=True))
DIALECT = Dialect("granite", (TOKEN, TOOL_CALL, *RESPONSE), auto=(TOKEN,))
