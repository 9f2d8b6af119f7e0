"""DeepSeek V3: `<｜tool▁call▁begin｜>function<｜tool▁sep｜>name` and fenced JSON."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.deepseek import SHAPES, V3, deepseek

DIALECT = deepseek("deepseek_v3", SHAPES, auto=(V3,))
