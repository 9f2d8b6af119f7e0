"""GLM 4.7: keys and values by turns, without newlines."""

from __future__ import annotations

from collections.abc import Mapping

from tests.chat.engine.tool_calls.cases.glm4 import pairs
from tests.chat.engine.tool_calls.tagged_calls import tagged

DIALECT = "glm47"


def write(tool: str, values: Mapping[str, str]) -> str:
    return f"<tool_call>{tool}{pairs(values, '')}</tool_call>"


CASES = tagged(write)
