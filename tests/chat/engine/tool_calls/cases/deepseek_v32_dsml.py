"""DeepSeek V32: `<｜DSML｜function_calls>`, with the kind of each value in its tag."""

from __future__ import annotations

from collections.abc import Mapping

from tests.chat.engine.tool_calls.cases import Case
from tests.chat.engine.tool_calls.cases.minimax_m2 import invoke
from tests.chat.engine.tool_calls.tagged_calls import FERN, tagged

DIALECT = "deepseek_v32_dsml"
BEGIN, END = "<｜DSML｜function_calls>", "</｜DSML｜function_calls>"
FIRST = '<｜DSML｜invoke name="dig"><｜DSML｜parameter name="depth" string='


def write(tool: str, values: Mapping[str, str]) -> str:
    return f"{BEGIN}\n{invoke(tool, values, '｜DSML｜')}\n{END}"


CASES = (
    *tagged(write),
    Case(
        "an empty element",
        raw=f'{BEGIN}\n<｜DSML｜invoke name="list_plants"/>\n{END}',
        calls=(("list_plants", {}),),
    ),
    Case(
        "a JSON object instead of parameters",
        raw=f'{BEGIN}<｜DSML｜invoke name="water">\n{{"plant": "fern"}}\n</｜DSML｜invoke>{END}',
        calls=(FERN,),
    ),
    Case(
        "the tag says that a value is a string",
        raw=f'{BEGIN}{FIRST}"true">3</｜DSML｜parameter></｜DSML｜invoke>{END}',
        calls=(("dig", {"depth": "3"}),),
        tools=None,
    ),
    Case(
        "the tag says that a value is none",
        raw=f'{BEGIN}{FIRST}"false">3</｜DSML｜parameter></｜DSML｜invoke>{END}',
        calls=(("dig", {"depth": 3}),),
        tools=None,
    ),
    Case(
        "newlines round a string are the string's",
        raw=write("look_up", {"query": "\nferns\n"}),
        calls=(("look_up", {"query": "\nferns\n"}),),
    ),
)
