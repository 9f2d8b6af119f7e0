"""ReAct: the words `Action:` and `Action Input:`."""

from __future__ import annotations

from tests.chat.engine.tool_calls.cases import Case

DIALECT = "react"
CALL = 'Action: water\nAction Input: {"plant": "fern"}'
FERN = ("water", {"plant": "fern"})

CASES = (
    Case("a call", raw=CALL, calls=(FERN,), auto="text"),
    Case(
        "a thought in words before",
        raw=f"Thought: It is dry.\n{CALL}",
        text="Thought: It is dry.",
        calls=(FERN,),
        auto="text",
    ),
    Case(
        "not JSON",
        raw="Action: water\nAction Input: the fern",
        text="Action: water\nAction Input: the fern",
    ),
    Case(
        "an unknown tool", raw="Action: fly\nAction Input: {}", text="Action: fly\nAction Input: {}"
    ),
    Case("a word", raw="Action: now", text="Action: now"),
    Case(
        "cut off",
        raw='Action: water\nAction Input: {"plant": "fe',
        calls=(("water", '{"plant": "fe'),),
        auto="text",
    ),
)
