"""DeepSeek V4: `<｜DSML｜tool_calls>`, otherwise as V3.2; an invocation may hold a JSON object."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.xml_parameters import invoke_tags
from chat.engine.tool_calls.grammar import Dialect, ending_thoughts

_TAGS = invoke_tags("｜DSML｜", "｜DSML｜tool_calls", trims=False)

DIALECT = Dialect("deepseek_v4_dsml", (*ending_thoughts(_TAGS.rules[:1]), *_TAGS.rules[1:]))
