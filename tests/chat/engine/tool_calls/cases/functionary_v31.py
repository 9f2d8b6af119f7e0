"""Functionary v3.1 and Llama 3.1's custom tools: JSON in an element that names the tool."""

from __future__ import annotations

from tests.chat.engine.tool_calls.cases import Case

DIALECT = "functionary_v31"

FERN = ("water", {"plant": "fern"})
CALL = '<function=water>{"plant": "fern"}</function>'

CASES = (
    Case("a call alone", raw=CALL, calls=(FERN,)),
    Case(
        "text before and two calls",
        raw=f"So. {CALL}\n{CALL}<|eot_id|>",
        text="So.",
        calls=(FERN, FERN),
    ),
    Case("no arguments", raw="<function=list_plants>{}</function>", calls=(("list_plants", {}),)),
    Case("no closing mark", raw='<function=water>\n{"plant": "fern"}', calls=(FERN,)),
    Case(
        "its own marks inside an argument",
        raw='<function=look_up>{"query": "</function>"}</function>',
        calls=(("look_up", {"query": "</function>"}),),
    ),
    Case(
        "broken JSON ends with the element",
        raw='<function=look_up>{"query": "moss"</function> So.',
        calls=(("look_up", '{"query": "moss"'),),
        text="So.",
    ),
    Case(
        "cut off inside an argument",
        raw='<function=look_up>{"query": "mo',
        calls=(("look_up", '{"query": "mo'),),
    ),
    Case(
        "an unknown tool stays text",
        raw="<function=fly>{}</function>",
        text="<function=fly>{}</function>",
    ),
    Case(
        "an element of another kind",
        raw="Use <function=water> to water.",
        text="Use <function=water> to water.",
    ),
)
