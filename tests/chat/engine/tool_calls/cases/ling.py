"""Ling: the calls of GLM, into which a thought may go over."""

from __future__ import annotations

from tests.chat.engine.tool_calls.cases import Case
from tests.chat.engine.tool_calls.cases.glm4 import write
from tests.chat.engine.tool_calls.tagged_calls import FERN, tagged

DIALECT = "ling"
WATER = write("water", {"plant": "fern"})

CASES = (
    *tagged(write),
    Case(
        "a thought that the prompt had opened goes over into a call",
        raw=f"The fern is dry.\n{WATER}\nDone.",
        reasoning="The fern is dry.",
        text="Done.",
        calls=(FERN,),
        starts_inside_thinking=True,
    ),
    Case("the end of a turn", raw="It is dry.<|role_end|>", text="It is dry."),
)
