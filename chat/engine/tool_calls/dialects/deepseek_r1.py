"""DeepSeek R1 and its distillates: the calls of V3, whose tokens they spell in several ways."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.deepseek import SHAPES, deepseek

# `auto` reads these calls as those of deepseek_v3.
DIALECT = deepseek("deepseek_r1", SHAPES, auto=())
