"""Claude's notation, with and without its prefix."""

from __future__ import annotations

from collections.abc import Mapping

from tests.chat.engine.tool_calls.cases import Case
from tests.chat.engine.tool_calls.cases.minimax_m2 import invoke
from tests.chat.engine.tool_calls.tagged_calls import FERN, tagged

DIALECT = "function_calls_xml"


def write(tool: str, values: Mapping[str, str]) -> str:
    return f"<function_calls>\n{invoke(tool, values)}\n</function_calls>"


CASES = (
    *tagged(write),
    Case(
        "with the prefix",
        raw=f"<function_calls>{invoke('water', {'plant': 'fern'}, 'antml:')}</function_calls>",
        calls=(FERN,),
    ),
)
