"""Granite 3: a list behind `<|tool_call|>`."""

from __future__ import annotations

from tests.chat.engine.tool_calls.announced_json import announced
from tests.chat.engine.tool_calls.cases import Case

DIALECT = "granite"
ANSWER = "<think>It is dry.</think><response>I water it.</response>"
CASES = (
    *announced("<|tool_call|>", "", is_list=True),
    Case(
        "tags round an answer", raw=ANSWER, reasoning="It is dry.", text="I water it.", auto="open"
    ),
    Case("a tag in prose", raw="Say <response> first.", text="Say <response> first."),
)
