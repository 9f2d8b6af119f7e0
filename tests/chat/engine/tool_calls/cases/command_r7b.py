"""Command R7B and A: a list of actions between tokens, and channels for thoughts and answers."""

from __future__ import annotations

from tests.chat.engine.tool_calls.announced_json import FERN, announced
from tests.chat.engine.tool_calls.cases import Case

DIALECT = "command_r7b"
CALL = (
    '<|START_ACTION|>[\n  {"tool_call_id": "0", "tool_name": "water",'
    ' "parameters": {"plant": "fern"}}\n]<|END_ACTION|>'
)
THOUGHT = "<|START_THINKING|>It is dry.<|END_THINKING|>"

CASES = (
    *announced("<|START_ACTION|>", "<|END_ACTION|>", is_list=True),
    Case(
        "a thought and an action",
        raw=THOUGHT + CALL,
        reasoning="It is dry.",
        calls=(FERN,),
        ids=("0",),
    ),
    Case(
        "a thought and an answer",
        raw=f"{THOUGHT}<|START_RESPONSE|>I water it.<|END_RESPONSE|>",
        reasoning="It is dry.",
        text="I water it.",
    ),
    Case(
        "the newer word for an answer",
        raw="<|END_THINKING|><|START_TEXT|>Yes.\n<|END_TEXT|>\n",
        text="Yes.",
        starts_inside_thinking=True,
    ),
    Case(
        "a thought that the prompt has opened",
        raw=f"It is dry.<|END_THINKING|>{CALL}",
        reasoning="It is dry.",
        calls=(FERN,),
        starts_inside_thinking=True,
    ),
    Case(
        "an action in a thought that was not closed",
        raw=f"It is dry. {CALL}",
        reasoning="It is dry.",
        calls=(FERN,),
        starts_inside_thinking=True,
    ),
    Case(
        "thoughts left in the text",
        raw=f"{THOUGHT}<|START_RESPONSE|>Yes.<|END_RESPONSE|>",
        text=f"{THOUGHT}Yes.",
        thoughts=False,
    ),
    Case(
        "its tokens in prose",
        raw="Between <|START_RESPONSE|> and <|END_RESPONSE|> stands the answer.",
        text="Between <|START_RESPONSE|> and <|END_RESPONSE|> stands the answer.",
    ),
    Case(
        "cut off behind the name",
        raw='<|START_ACTION|>[{"tool_call_id": "0", "tool_name": "water", ',
        calls=(("water", {}),),
    ),
)
