"""Harmony without its special tokens."""

from __future__ import annotations

from tests.chat.engine.tool_calls.cases import Case

DIALECT = "harmony_bare"

FERN = ("water", {"plant": "fern"})

CASES = (
    Case(
        "a thought and an answer",
        raw="analysisThe fern is dry.assistantfinalWater it.",
        reasoning="The fern is dry.",
        text="Water it.",
    ),
    Case(
        "a thought and a call",
        raw='analysisWe water it.assistantcommentary to=functions.water json{"plant": "fern"}',
        reasoning="We water it.",
        calls=(FERN,),
    ),
    Case(
        "two calls",
        raw='commentary to=functions.water json{"plant": "fern"}'
        "assistantcommentary to=functions.list_plants {}",
        calls=(FERN, ("list_plants", {})),
    ),
    Case(
        "cut off inside an argument",
        raw='commentary to=functions.look_up json{"query": "mo',
        calls=(("look_up", '{"query": "mo'),),
    ),
    Case(
        "an unknown tool stays text",
        raw="commentary to=functions.fly json{}",
        text="commentary to=functions.fly json{}",
    ),
    Case(
        "an analysis that is one",
        raw="analysis of the fern: it is dry.\ncommentary to follow.",
        text="analysis of the fern: it is dry.\ncommentary to follow.",
    ),
    Case(
        "thoughts that stay in the text",
        raw="analysisThe fern is dry.",
        text="analysisThe fern is dry.",
        thoughts=False,
    ),
)
