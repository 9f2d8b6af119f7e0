"""Step 3.5: the calls of Qwen3-Coder."""

from __future__ import annotations

from chat.engine.tool_calls.dialects import qwen3_coder
from chat.engine.tool_calls.grammar import Dialect

# `auto` reads this as `qwen3_coder`.
DIALECT = Dialect("step3p5_xml", qwen3_coder.TAGS.rules, auto=())
