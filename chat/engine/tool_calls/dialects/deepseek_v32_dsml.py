"""DeepSeek V3.2: `<｜DSML｜function_calls>`, values with `string="true"` or `"false"`."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.xml_parameters import invoke_tags
from chat.engine.tool_calls.grammar import Dialect

TAGS = invoke_tags("｜DSML｜", "｜DSML｜function_calls", trims=False)

DIALECT = Dialect("deepseek_v32_dsml", TAGS.rules, auto=TAGS.rules[:1])
