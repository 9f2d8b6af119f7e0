"""DeepSeek V32: `<｜DSML｜function_calls>`, with the kind of each value in its tag."""

from __future__ import annotations

from tests.chat.engine.tool_calls.dsml_calls import dsml

DIALECT = "deepseek_v32_dsml"

CASES = dsml("function_calls")
