"""Seed-OSS: the calls of Qwen3-Coder between marks of its own."""

from __future__ import annotations

from collections.abc import Mapping

from tests.chat.engine.tool_calls.cases import Case
from tests.chat.engine.tool_calls.cases.qwen3_coder import bare
from tests.chat.engine.tool_calls.tagged_calls import FERN, tagged

DIALECT = "seed_oss"


def write(tool: str, values: Mapping[str, str]) -> str:
    return f"<seed:tool_call>\n{bare(tool, values)}\n</seed:tool_call>"


CASES = (
    *tagged(write),
    Case(
        "its own thought before the call",
        raw=f"<seed:think>It is dry.</seed:think>{write('water', {'plant': 'fern'})}",
        reasoning="It is dry.",
        calls=(FERN,),
    ),
)
