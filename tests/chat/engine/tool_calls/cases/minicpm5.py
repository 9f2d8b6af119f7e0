"""MiniCPM 5: `<function name="…">` and `<param name="…">`."""

from __future__ import annotations

from collections.abc import Mapping

from tests.chat.engine.tool_calls.cases import Case
from tests.chat.engine.tool_calls.tagged_calls import FERN, tagged

DIALECT = "minicpm5"


def write(tool: str, values: Mapping[str, str]) -> str:
    inner = "".join(f'<param name="{key}">{value}</param>' for key, value in values.items())
    return f'<function name="{tool}">{inner}</function>'


CASES = (
    *tagged(write),
    Case(
        "a value in CDATA",
        raw=write("look_up", {"query": "<![CDATA[a </param> b]]>"}),
        calls=(("look_up", {"query": "a </param> b"}),),
    ),
    Case("single quotes", raw=write("water", {"plant": "fern"}).replace('"', "'"), calls=(FERN,)),
)
