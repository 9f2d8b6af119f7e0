"""Hunyuan 3: keys and values by turns behind a separator, in a section."""

from __future__ import annotations

from collections.abc import Mapping

from tests.chat.engine.tool_calls.cases import Case
from tests.chat.engine.tool_calls.cases.glm4 import pairs
from tests.chat.engine.tool_calls.tagged_calls import FERN, tagged

DIALECT = "hy_v3"


def write(tool: str, values: Mapping[str, str]) -> str:
    call = f"<tool_call>{tool}<tool_sep>\n{pairs(values)}</tool_call>"
    return f"<tool_calls>\n{call}\n</tool_calls>"


CASES = (
    *tagged(write),
    Case(
        "its tags have a suffix",
        raw="<tool_call:opensource>water<tool_sep:opensource>"
        '{"plant": "fern"}\n<end_of_tool_call:opensource>',
        calls=(FERN,),
    ),
)
