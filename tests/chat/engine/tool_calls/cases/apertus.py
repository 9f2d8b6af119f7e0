"""Apertus: a list of objects whose only key is the tool's name."""

from __future__ import annotations

from tests.chat.engine.tool_calls.cases import Case

DIALECT = "apertus"

FERN = ("water", {"plant": "fern"})
CALL = '<|tools_prefix|>[{"water": {"plant": "fern"}}]<|tools_suffix|>'

CASES = (
    Case("a call alone", raw=CALL, calls=(FERN,)),
    Case("text before and after", raw=f"One. {CALL} Two.", text="One.  Two.", calls=(FERN,)),
    Case(
        "two calls and a thought",
        raw="<|inner_prefix|>It is dry.<|inner_suffix|><|tools_prefix|>"
        '[{"water": {"plant": "fern"}}, {"list_plants": {}}]<|tools_suffix|>',
        reasoning="It is dry.",
        calls=(FERN, ("list_plants", {})),
    ),
    Case(
        "cut off inside an argument",
        raw='<|tools_prefix|>[{"look_up": {"query": "mo',
        calls=(("look_up", '{"query": "mo'),),
    ),
    Case(
        "an unknown tool stays text",
        raw='<|tools_prefix|>[{"fly": {}}]<|tools_suffix|>',
        text='<|tools_prefix|>[{"fly": {}}]<|tools_suffix|>',
    ),
)
