"""Step 3: `<steptml:invoke name="…">` between special tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tests.chat.engine.tool_calls.cases import Case
from tests.chat.engine.tool_calls.cases.minimax_m2 import invoke
from tests.chat.engine.tool_calls.tagged_calls import FERN, tagged

DIALECT = "step3"
BEGIN, END = "<｜tool_calls_begin｜>", "<｜tool_calls_end｜>"


def one(tool: str, values: Mapping[str, str]) -> str:
    body = invoke(tool, values, "steptml:")
    return f"<｜tool_call_begin｜>function<｜tool_sep｜>{body}<｜tool_call_end｜>"


def write(tool: str, values: Mapping[str, str]) -> str:
    return f"{BEGIN}\n{one(tool, values)}\n{END}"


CASES = (
    *(
        # DeepSeek writes its calls into open thoughts behind the same token.
        replace(case, auto="open") if case.about == "a call that is only thought about" else case
        for case in tagged(write)
    ),
    Case(
        "two calls in one section",
        raw=f"{BEGIN}{one('list_plants', {})}\n{one('water', {'plant': 'fern'})}{END}",
        calls=(("list_plants", {}), FERN),
    ),
)
