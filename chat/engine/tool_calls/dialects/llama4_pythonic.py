"""Llama 4: `<|python_start|>[f(a=1)]<|python_end|>`, the marks often missing."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.pythonic import RULES
from chat.engine.tool_calls.grammar import Dialect

# `auto` reads this as `pythonic`.
DIALECT = Dialect("llama4_pythonic", RULES, auto=())
