"""Apriel: `<tool_calls>[…]</tool_calls>`, and steps of reasoning before a marked answer."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.marks import swallowed
from chat.engine.tool_calls.dialects.jamba import TOOL_CALLS
from chat.engine.tool_calls.dialects.thoughts import FINAL_RESPONSE, thought
from chat.engine.tool_calls.grammar import Dialect, Rule

_OPENING = "Here are my reasoning steps:"
DIALECT = Dialect(
    "apriel",
    (
        TOOL_CALLS,
        Rule(_OPENING, thought(_OPENING, (FINAL_RESPONSE,)), place="start", is_call=False),
        swallowed(FINAL_RESPONSE, place="line"),
        swallowed("[END FINAL RESPONSE]"),
    ),
    auto=(),
)
