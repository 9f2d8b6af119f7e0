"""DeepSeek V4: `<｜DSML｜tool_calls>`, with the kind of each value in its tag."""

from __future__ import annotations

from tests.chat.engine.tool_calls.dsml_calls import dsml

DIALECT = "deepseek_v4_dsml"

CASES = dsml("tool_calls")
