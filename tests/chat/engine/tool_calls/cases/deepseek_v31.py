"""DeepSeek V3.1: the name, a separator, and bare JSON."""

from __future__ import annotations

from tests.chat.engine.tool_calls.cases import Case

DIALECT = "deepseek_v31"

BEGIN, END = "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"
FERN = ("water", {"plant": "fern"})


def call(tool: str, arguments: str) -> str:
    return f"<｜tool▁call▁begin｜>{tool}<｜tool▁sep｜>{arguments}<｜tool▁call▁end｜>"


WATER = call("water", '{"plant": "fern"}')

CASES = (
    Case("a call alone", raw=BEGIN + WATER + END, calls=(FERN,)),
    Case(
        "text before and a thought that the prompt had opened",
        raw=f"It is dry.</think>Let me see.{BEGIN}{WATER}{END}",
        reasoning="It is dry.",
        text="Let me see.",
        calls=(FERN,),
        starts_inside_thinking=True,
    ),
    Case(
        "two calls",
        raw=BEGIN + WATER + call("list_plants", "{}") + END,
        calls=(FERN, ("list_plants", {})),
    ),
    Case("no outer tokens", raw=WATER, calls=(FERN,)),
    Case(
        "a fence all the same",
        raw=BEGIN + call("water", '```json\n{"plant": "fern"}\n```'),
        calls=(FERN,),
    ),
    Case(
        "no token behind the first call",
        raw='<｜tool▁call▁begin｜>water<｜tool▁sep｜>{"plant": "fern"}' + WATER,
        calls=(FERN, FERN),
    ),
    Case(
        "a bracket too many is left to the mender",
        raw=BEGIN + call("look_up", '{"query": "moss"}}') + END,
        calls=(("look_up", '{"query": "moss"}}'),),
    ),
    Case(
        "cut off inside an argument",
        raw=f'{BEGIN}<｜tool▁call▁begin｜>look_up<｜tool▁sep｜>{{"query": "fe',
        calls=(("look_up", '{"query": "fe'),),
    ),
    Case(
        "an unknown tool stays text",
        raw=BEGIN + call("fly", "{}"),
        text=BEGIN + call("fly", "{}"),
    ),
    Case(
        "any name counts where the tools are unknown",
        raw=BEGIN + call("fly", '{"high": true}'),
        calls=(("fly", {"high": True}),),
        tools=None,
    ),
)
