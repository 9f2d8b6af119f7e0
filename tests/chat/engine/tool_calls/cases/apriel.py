"""Apriel: a list between `<tool_calls>` tags, and steps of reasoning before a marked answer."""

from __future__ import annotations

from tests.chat.engine.tool_calls.announced_json import FERN, FERN_CALL, announced
from tests.chat.engine.tool_calls.cases import Case

DIALECT = "apriel"
FINAL = "\n[BEGIN FINAL RESPONSE]\n"

CASES = (
    *announced("<tool_calls>", "</tool_calls>", is_list=True),
    Case(
        "steps that the prompt has opened",
        raw=f"It is dry.{FINAL}I water it.",
        reasoning="It is dry.",
        text="I water it.",
        starts_inside_thinking=True,
    ),
    Case(
        "steps that the model opens",
        raw=f"Here are my reasoning steps:\nIt is dry.{FINAL}I water it.\n[END FINAL RESPONSE]",
        reasoning="It is dry.",
        text="I water it.",
        auto="open",
    ),
    Case(
        "steps and a call",
        raw=f"It is dry.{FINAL}<tool_calls>[{FERN_CALL}]</tool_calls>",
        reasoning="It is dry.",
        calls=(FERN,),
        starts_inside_thinking=True,
    ),
)
