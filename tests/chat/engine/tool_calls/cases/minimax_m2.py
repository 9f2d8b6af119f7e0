"""MiniMax M2: `<invoke name="…">` between `<minimax:tool_call>` tags."""

from __future__ import annotations

from collections.abc import Mapping

from tests.chat.engine.tool_calls.cases import Case
from tests.chat.engine.tool_calls.tagged_calls import FERN, tagged

DIALECT = "minimax_m2"


def invoke(tool: str, values: Mapping[str, str], prefix: str = "", extra: str = "") -> str:
    inner = "".join(
        f'<{prefix}parameter name="{key}"{extra}>{value}</{prefix}parameter>\n'
        for key, value in values.items()
    )
    return f'<{prefix}invoke name="{tool}">\n{inner}</{prefix}invoke>'


def write(tool: str, values: Mapping[str, str]) -> str:
    return f"<minimax:tool_call>\n{invoke(tool, values)}\n</minimax:tool_call>"


CASES = (
    *tagged(write),
    Case(
        "two calls in one section",
        raw="<minimax:tool_call>\n"
        f"{invoke('list_plants', {})}\n{invoke('water', {'plant': 'fern'})}\n</minimax:tool_call>",
        calls=(("list_plants", {}), FERN),
    ),
    Case(
        "an unknown tool behind a known one",
        raw=f"<minimax:tool_call>{invoke('list_plants', {})}"
        f"{invoke('fly', {})}</minimax:tool_call>",
        text=f"{invoke('fly', {})}</minimax:tool_call>",
        calls=(("list_plants", {}),),
    ),
    Case("no section round it", raw=invoke("water", {"plant": "fern"}), calls=(FERN,)),
    Case(
        "single quotes and blanks in the tags",
        raw="<minimax:tool_call><invoke  name = 'water' >"
        "<parameter name='plant'>fern</parameter></invoke></minimax:tool_call>",
        calls=(FERN,),
    ),
    Case(
        "no end of the section",
        raw=f"<minimax:tool_call>{invoke('water', {'plant': 'fern'})}",
        calls=(FERN,),
    ),
)
