"""Kimi K2: numbered names between special tokens."""

from __future__ import annotations

from tests.chat.engine.tool_calls.cases import Case

DIALECT = "kimi_k2"

BEGIN, END = "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"
FERN = ("water", {"plant": "fern"})


def call(name: str, arguments: str) -> str:
    return f"<|tool_call_begin|>{name}<|tool_call_argument_begin|>{arguments}<|tool_call_end|>"


WATER = call("functions.water:0", '{"plant": "fern"}')

CASES = (
    Case("a call alone", raw=BEGIN + WATER + END, calls=(FERN,), ids=("functions.water:0",)),
    Case(
        "text before, between and after",
        raw=f"One. {BEGIN}{WATER}{END} Two. {BEGIN}{WATER}{END} Three.",
        text="One.  Two.  Three.",
        calls=(FERN, FERN),
    ),
    Case(
        "two calls, one without prefix and one without a number",
        raw=BEGIN + call("water:3", '{"plant": "fern"}') + call("list_plants ", "{}") + END,
        calls=(FERN, ("list_plants", {})),
        ids=("water:3", None),
    ),
    Case("no section tokens", raw=f"Now.{WATER}", text="Now.", calls=(FERN,)),
    Case(
        "the section's name in the singular",
        raw=f"<|tool_call_section_begin|>\n{WATER}\n<|tool_call_section_end|>",
        calls=(FERN,),
    ),
    Case(
        "no arguments at all",
        raw=BEGIN + call("functions.list_plants:1", ""),
        calls=(("list_plants", {}),),
    ),
    Case(
        "no token behind the first call",
        raw="<|tool_call_begin|>functions.list_plants:0<|tool_call_argument_begin|>{}" + WATER,
        calls=(("list_plants", {}), FERN),
    ),
    Case(
        "a number alone, and only one tool that takes such arguments",
        raw=BEGIN + call("0", '{"query": "moss"}') + END,
        calls=(("look_up", {"query": "moss"}),),
        ids=("0",),
    ),
    Case(
        "a number alone, and no tool that takes such arguments",
        raw=BEGIN + call("0", '{"wings": 2}') + END,
        text=BEGIN + call("0", '{"wings": 2}') + END,
    ),
    Case(
        "its own marks inside an argument",
        raw=BEGIN + call("functions.look_up:0", '{"query": "<|tool_call_end|> \\" }"}') + END,
        calls=(("look_up", {"query": '<|tool_call_end|> " }'}),),
    ),
    Case(
        "nested and unicode arguments",
        raw=call("functions.water:0", '{"plant": "水仙", "options": {"a": [[], {}]}}'),
        calls=(("water", {"plant": "水仙", "options": {"a": [[], {}]}}),),
    ),
    Case(
        "cut off inside an argument",
        raw=BEGIN
        + '<|tool_call_begin|>functions.look_up:0<|tool_call_argument_begin|>{"query": "f',
        calls=(("look_up", '{"query": "f'),),
    ),
    Case(
        "cut off before the arguments",
        raw=f"{BEGIN}<|tool_call_begin|>functions.look_up:0",
        text=f"{BEGIN}<|tool_call_begin|>functions.look_up:0",
    ),
    Case(
        "an unknown tool stays text, the next call is read",
        raw=BEGIN + call("functions.fly:0", "{}") + END + BEGIN + WATER + END,
        text=BEGIN + call("functions.fly:0", "{}") + END,
        calls=(FERN,),
    ),
    Case(
        "a thought that was never closed before the call",
        raw=f"<think>The fern is dry.{WATER}",
        reasoning="The fern is dry.",
        calls=(FERN,),
    ),
    Case(
        "a thought that speaks of the mark",
        raw=f"<think>Is <|tool_call_begin|> right?</think>Yes. {WATER}",
        reasoning="Is <|tool_call_begin|> right?",
        text="Yes.",
        calls=(FERN,),
    ),
    Case(
        "the marks quoted",
        raw="It writes “<|tool_call_begin|>” and `<|tool_call_end|>`.",
        text="It writes “<|tool_call_begin|>” and `<|tool_call_end|>`.",
    ),
)
