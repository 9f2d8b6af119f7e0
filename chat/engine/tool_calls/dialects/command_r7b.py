"""Command R7B and A: channels for thoughts, actions and the answer, each between two tokens."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.delimited_json import delimited
from chat.engine.tool_calls.dialects.families.marks import swallowed, swallowed_before_text
from chat.engine.tool_calls.grammar import Dialect

DIALECT = Dialect(
    "command_r7b",
    (
        delimited("<|START_ACTION|>", "<|END_ACTION|>", ends_thought=True),
        *swallowed_before_text("<|START_RESPONSE|>"),
        *swallowed_before_text("<|START_TEXT|>"),
        swallowed("<|END_RESPONSE|>", at_end=True),
        swallowed("<|END_TEXT|>", at_end=True),
    ),
)
