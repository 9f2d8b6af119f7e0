"""Hermes and Qwen: a JSON object between `<tool_call>` and `</tool_call>`."""

from __future__ import annotations

from tests.chat.engine.tool_calls.cases import Case

DIALECT = "hermes"

CALL = '<tool_call>\n{"name": "water", "arguments": {"plant": "fern"}}\n</tool_call>'
FERN = ("water", {"plant": "fern"})

CASES = (
    Case("a call alone", raw=CALL, calls=(FERN,)),
    Case("a call after words", raw=f"Let me see.\n{CALL}", text="Let me see.", calls=(FERN,)),
    Case(
        "text before, between and after",
        raw=f"One. {CALL} Two. {CALL} Three.",
        text="One.  Two.  Three.",
        calls=(FERN, FERN),
    ),
    Case("two calls", raw=f"{CALL}\n{CALL}", calls=(FERN, FERN)),
    Case(
        "no arguments",
        raw='<tool_call>{"name": "list_plants", "arguments": {}}</tool_call>',
        calls=(("list_plants", {}),),
    ),
    Case(
        "nested and unicode arguments",
        raw='<tool_call>{"name": "water", "arguments": '
        '{"plant": "Bärlauch 🌱", "options": {"a": [1, {"b": null}]}}}</tool_call>',
        calls=(("water", {"plant": "Bärlauch 🌱", "options": {"a": [1, {"b": None}]}}),),
    ),
    Case(
        "its own marks inside an argument",
        raw='<tool_call>{"name": "look_up", "arguments": '
        '{"query": "what is \\"</tool_call>\\" and <tool_call>?"}}</tool_call>',
        calls=(("look_up", {"query": 'what is "</tool_call>" and <tool_call>?'}),),
    ),
    Case(
        "cut off inside an argument",
        raw='<tool_call>{"name": "look_up", "arguments": {"query": "ferns and m',
        calls=(("look_up", '{"query": "ferns and m'),),
    ),
    Case(
        "an unknown tool stays text",
        raw='<tool_call>{"name": "fly", "arguments": {}}</tool_call>',
        text='<tool_call>{"name": "fly", "arguments": {}}</tool_call>',
    ),
    Case(
        "nothing offered, nothing called",
        raw=CALL,
        text=CALL,
        tools={},
    ),
    Case(
        "any name counts where the tools are unknown",
        raw='<tool_call>{"name": "fly", "arguments": {"high": true}}</tool_call>',
        calls=(("fly", {"high": True}),),
        tools=None,
    ),
    Case(
        "the opening mark in prose",
        raw="Calls are written inside <tool_call> tags.",
        text="Calls are written inside <tool_call> tags.",
    ),
    Case(
        "an example in a code block",
        raw=f"Write it so:\n```xml\n{CALL}\n```\nThen wait.",
        text=f"Write it so:\n```xml\n{CALL}\n```\nThen wait.",
    ),
    Case(
        "a thought before the call",
        raw=f"<think>The fern is dry.</think>\n\n{CALL}",
        reasoning="The fern is dry.",
        calls=(FERN,),
    ),
    Case(
        "a thought that the prompt had opened",
        raw=f"The fern is dry.\n</think>\n\n{CALL}",
        reasoning="The fern is dry.",
        calls=(FERN,),
        starts_inside_thinking=True,
    ),
    Case("half of an opening mark", raw="It is small: <tool_c", text="It is small: <tool_c"),
)
