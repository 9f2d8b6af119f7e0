"""Llama 3: an object behind `<|python_tag|>`, or bare."""

from __future__ import annotations

from tests.chat.engine.tool_calls.announced_json import FERN, FERN_CALL, announced
from tests.chat.engine.tool_calls.cases import Case

DIALECT = "llama3_json"
LIST_CALL = '{"name": "list_plants", "parameters": {}}'

CASES = (
    *(
        case
        for case in announced("<|python_tag|>", "")
        # What stands in an unknown tool's place may be a bare call here.
        if "unknown" not in case.about
    ),
    Case("the mark at its end", raw=f"<|python_tag|>{FERN_CALL}<|eom_id|>", calls=(FERN,)),
    Case(
        "a built-in tool",
        raw='<|python_tag|>look_up.call(query="moss")',
        calls=(("look_up", {"query": "moss"}),),
    ),
    Case("bare", raw=FERN_CALL, calls=(FERN,)),
    Case("bare and words behind", raw=f"{FERN_CALL} and now?", text="and now?", calls=(FERN,)),
    Case(
        "bare in the midst of words",
        raw=f"I call {LIST_CALL} for you.",
        text="I call  for you.",
        calls=(("list_plants", {}),),
        auto="text",
    ),
    Case(
        "semicolons between",
        raw=f"<|python_tag|>{FERN_CALL}; {LIST_CALL}",
        calls=(FERN, ("list_plants", {})),
    ),
    Case("bare, one to a line", raw=f"{LIST_CALL}\n{FERN_CALL}", calls=(("list_plants", {}), FERN)),
    Case(
        "an answer that is no call",
        raw='<|python_tag|>{"message": "It is dry."}',
        text='<|python_tag|>{"message": "It is dry."}',
    ),
    Case(
        "a description of the tool",
        raw='{"name": "water", "parameters": {"plant": {"type": "string"}}}',
        text='{"name": "water", "parameters": {"plant": {"type": "string"}}}',
    ),
)
