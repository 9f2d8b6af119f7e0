"""Dots, GigaChat, DeepSeek V4.1 and Step's research models: one notation, marks of their own."""

from __future__ import annotations

from collections.abc import Mapping

from tests.chat.engine.tool_calls.cases import Case
from tests.chat.engine.tool_calls.cases.minimax_m2 import invoke
from tests.chat.engine.tool_calls.tagged_calls import FERN, tagged

DIALECT = "marked_invokes"
MARKS = (
    ("", "dots_function_call"),
    ("｜GCML｜", "｜GCML｜tool_calls"),
    ("｜DSML｜ ", "｜DSML｜ calls"),
    ("steptml:", "steptml:toolcall"),
)


def write(tool: str, values: Mapping[str, str], marks: tuple[str, str] = MARKS[0]) -> str:
    prefix, section = marks
    return f"<{section}>\n{invoke(tool, values, prefix)}\n</{section}>"


CASES = (
    *tagged(write),
    *(
        Case(
            f"between {section}",
            raw=f"So: {write('water', {'plant': 'fern'}, (prefix, section))}",
            text="So:",
            calls=(FERN,),
        )
        for prefix, section in MARKS[1:]
    ),
)
