"""DeepSeek V3.1: `<｜tool▁call▁begin｜>name<｜tool▁sep｜>` and bare JSON."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.deepseek import SHAPES, V31, deepseek

DIALECT = deepseek("deepseek_v31", SHAPES, auto=(V31,))
