"""Llama 3's built-in tools behind `<|python_tag|>`."""

from __future__ import annotations

from tests.chat.engine.tool_calls.cases import Case

DIALECT = "llama3_python_tag"
PYTHON = {"python": {"type": "object", "properties": {"code": {"type": "string"}}}}

CASES = (
    Case(
        "a call",
        raw='<|python_tag|>look_up.call(query="ferns")<|eom_id|>',
        calls=(("look_up", {"query": "ferns"}),),
    ),
    Case(
        "code for a tool that takes code",
        raw='<|python_tag|>import math\nprint("a" < "b")',
        calls=(("python", {"code": 'import math\nprint("a" < "b")'}),),
        tools=PYTHON,
    ),
    Case(
        "code, and no tool for it",
        raw="<|python_tag|>print(1)",
        text="<|python_tag|>print(1)",
    ),
)
