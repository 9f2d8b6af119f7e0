"""Calls as elements with a name and arguments."""

from __future__ import annotations

from collections.abc import Mapping

from tests.chat.engine.tool_calls.cases import Case
from tests.chat.engine.tool_calls.tagged_calls import FERN, tagged

DIALECT = "xml_elements"


def write(tool: str, values: Mapping[str, str]) -> str:
    inner = "".join(f"<{key}>{value}</{key}>\n" for key, value in values.items())
    arguments = f"<arguments>\n{inner}</arguments>"
    return f"<tool_call>\n<name>{tool}</name>\n{arguments}\n</tool_call>"


CASES = (
    *tagged(write),
    Case(
        "arguments as JSON",
        raw="<function_call><name>water</name>"
        '<arguments>{"plant": "fern"}</arguments></function_call> Done.',
        text="Done.",
        calls=(FERN,),
    ),
    Case(
        "no arguments element",
        raw="<tool_call><name>list_plants</name></tool_call>",
        calls=(("list_plants", {}),),
    ),
    Case(
        "Claude's first notation",
        raw="<function_calls>\n<invoke>\n<tool_name>water</tool_name>\n<parameters>\n"
        "<plant>fern</plant>\n</parameters>\n</invoke>\n</function_calls>",
        calls=(FERN,),
    ),
)
