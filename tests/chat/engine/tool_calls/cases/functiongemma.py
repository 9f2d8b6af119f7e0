"""FunctionGemma: Gemma's calls with tokens of their own."""

from __future__ import annotations

from tests.chat.engine.tool_calls.cases import Case

DIALECT = "functiongemma"

WATER = "<start_function_call>call:water{plant:<escape>fern<escape>}<end_function_call>"
FERN = ("water", {"plant": "fern"})

CASES = (
    Case("a call alone", raw=WATER, calls=(FERN,)),
    Case("text before and two calls", raw=f"So.\n{WATER}{WATER}", text="So.", calls=(FERN, FERN)),
    Case(
        "numbers and booleans",
        raw="<start_function_call>call:water{times:3,misted:false}<end_function_call>",
        calls=(("water", {"times": 3, "misted": False}),),
    ),
    Case(
        "cut off inside a string",
        raw="<start_function_call>call:look_up{query:<escape>moss",
        calls=(("look_up", '{"query": "moss'),),
    ),
    Case(
        "an unknown tool stays text",
        raw="<start_function_call>call:fly{}<end_function_call>",
        text="<start_function_call>call:fly{}<end_function_call>",
    ),
)
