"""Cases that the dialects in DSML tags share, whatever their section of calls is called."""

from __future__ import annotations

from collections.abc import Mapping

from tests.chat.engine.tool_calls.cases import Case
from tests.chat.engine.tool_calls.cases.minimax_m2 import invoke
from tests.chat.engine.tool_calls.tagged_calls import FERN, tagged

_OBJECT = '<｜DSML｜invoke name="water">\n{"plant": "fern"}\n</｜DSML｜invoke>'
_FIRST = '<｜DSML｜invoke name="dig"><｜DSML｜parameter name="depth" string='


def dsml(section: str) -> tuple[Case, ...]:
    """The shared cases, in a section of this name."""
    begin, end = f"<｜DSML｜{section}>", f"</｜DSML｜{section}>"

    def write(tool: str, values: Mapping[str, str]) -> str:
        return f"{begin}\n{invoke(tool, values, '｜DSML｜')}\n{end}"

    return (
        *tagged(write),
        Case(
            "an empty element",
            raw=f'{begin}\n<｜DSML｜invoke name="list_plants"/>\n{end}',
            calls=(("list_plants", {}),),
        ),
        Case(
            "a JSON object instead of parameters",
            raw=f"{begin}{_OBJECT}{end}",
            calls=(FERN,),
        ),
        Case(
            "the tag says that a value is a string",
            raw=f'{begin}{_FIRST}"true">3</｜DSML｜parameter></｜DSML｜invoke>{end}',
            calls=(("dig", {"depth": "3"}),),
            tools=None,
        ),
        Case(
            "the tag says that a value is none",
            raw=f'{begin}{_FIRST}"false">3</｜DSML｜parameter></｜DSML｜invoke>{end}',
            calls=(("dig", {"depth": 3}),),
            tools=None,
        ),
        Case(
            "newlines round a string are the string's",
            raw=write("look_up", {"query": "\nferns\n"}),
            calls=(("look_up", {"query": "\nferns\n"}),),
        ),
    )
