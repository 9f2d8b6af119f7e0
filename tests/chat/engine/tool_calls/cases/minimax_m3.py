"""MiniMax M3: a mark before every tag, arguments as nested elements."""

from __future__ import annotations

from collections.abc import Mapping

from tests.chat.engine.tool_calls.cases import TOOLS, Case
from tests.chat.engine.tool_calls.tagged_calls import FERN, tagged

DIALECT = "minimax_m3"
MARK = "]<]minimax[>["


def element(name: str, inner: str) -> str:
    return f"{MARK}<{name}>{inner}{MARK}</{name}>"


def write(tool: str, values: Mapping[str, str]) -> str:
    inner = "".join(element(key, value) for key, value in values.items())
    return element("tool_call", f'\n{MARK}<invoke name="{tool}">{inner}{MARK}</invoke>\n')


ITEMS = element("item", "roof") + element("item", "hall")

CASES = (
    *tagged(write),
    Case(
        "a list and an object as elements",
        raw=write("water", {"places": ITEMS, "options": element("a", element("b", "1"))}),
        calls=(("water", {"places": ["roof", "hall"], "options": {"a": {"b": 1}}}),),
    ),
    Case(
        "elements where tools are unknown",
        raw=write("dig", {"where": ITEMS, "how": element("deep", "true")}),
        calls=(("dig", {"where": ["roof", "hall"], "how": {"deep": True}}),),
        tools=None,
    ),
    Case(
        "an empty list",
        raw=write("water", {"places": "", "plant": "fern"}),
        calls=(("water", {"places": [], "plant": "fern"}),),
        tools=TOOLS,
    ),
    Case(
        "two calls in one section",
        raw=element(
            "tool_call",
            f'{MARK}<invoke name="list_plants">{MARK}</invoke>\n'
            f'{MARK}<invoke name="water">{element("plant", "fern")}{MARK}</invoke>\n',
        ),
        calls=(("list_plants", {}), FERN),
    ),
)
