"""Solar Open: id, name and arguments, each behind a token."""

from __future__ import annotations

from tests.chat.engine.tool_calls.cases import Case

DIALECT = "solar_open"

FERN = ("water", {"plant": "fern"})


def call(upstream_id: str, tool: str, arguments: str) -> str:
    return (
        f"<|tool_call:begin|>{upstream_id}<|tool_call:name|>{tool}<|tool_call:args|>{arguments}"
        "<|tool_call:end|>"
    )


WATER = call("a1b2", "water", '{"plant": "fern"}')

CASES = (
    Case("a call alone", raw=f"<|tool_calls|>{WATER}", calls=(FERN,), ids=("a1b2",)),
    Case(
        "text before, two calls, no section token",
        raw=f"So.\n{WATER}\n{call('c3', 'list_plants', '{}')}",
        text="So.",
        calls=(FERN, ("list_plants", {})),
        ids=("a1b2", "c3"),
    ),
    Case(
        "cut off inside an argument",
        raw='<|tool_call:begin|>x<|tool_call:name|>look_up<|tool_call:args|>{"query": "m',
        calls=(("look_up", '{"query": "m'),),
    ),
    Case(
        "an unknown tool stays text",
        raw=f"<|tool_calls|>{call('x', 'fly', '{}')}",
        text=f"<|tool_calls|>{call('x', 'fly', '{}')}",
    ),
)
