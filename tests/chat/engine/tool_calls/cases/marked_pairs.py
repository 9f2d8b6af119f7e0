"""IQuest, K2 Horizon and Solar Open 2: keys and values by turns, marks of their own."""

from __future__ import annotations

from collections.abc import Mapping

from tests.chat.engine.tool_calls.cases import Case
from tests.chat.engine.tool_calls.cases.glm4 import pairs
from tests.chat.engine.tool_calls.tagged_calls import FERN, tagged

DIALECT = "marked_pairs"


def write(tool: str, values: Mapping[str, str]) -> str:
    return f"<iquest_tool_call>{tool}\n{pairs(values)}</iquest_tool_call>"


CASES = (
    *tagged(write),
    Case(
        "K2 Horizon",
        raw="<ifm|tool_calls><ifm|tool_call>water<ifm|arg_key>plant</ifm|arg_key>"
        "<ifm|arg_value>fern</ifm|arg_value></ifm|tool_call>"
        "<ifm|tool_call>list_plants</ifm|tool_call></ifm|tool_calls>Done.",
        text="Done.",
        calls=(FERN, ("list_plants", {})),
    ),
    Case(
        "Solar Open 2",
        raw="<|tool_call:start|>water\n<|tool_arg:start|>plant<|tool_arg:value|>fern"
        "<|tool_arg:end|>\n<|tool_call:end|>",
        calls=(FERN,),
    ),
)
