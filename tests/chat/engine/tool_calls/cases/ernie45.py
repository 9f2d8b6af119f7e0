"""Ernie 4.5: Hermes' calls, and tags round the answer."""

from __future__ import annotations

from tests.chat.engine.tool_calls.announced_json import announced
from tests.chat.engine.tool_calls.cases import Case

DIALECT = "ernie45"
ANSWER = "Dry.\n</think>\n\n<response>\nI water it.</response>\n"
CASES = (
    *announced("<tool_call>", "</tool_call>"),
    Case(
        "tags round an answer",
        raw=ANSWER,
        reasoning="Dry.",
        text="I water it.",
        auto="open",
        starts_inside_thinking=True,
    ),
)
