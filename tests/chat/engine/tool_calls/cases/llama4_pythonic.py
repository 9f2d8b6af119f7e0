"""Llama 4: the same as `pythonic`."""

from __future__ import annotations

from tests.chat.engine.tool_calls.cases.pythonic import CASES as PYTHONIC

DIALECT = "llama4_pythonic"
CASES = PYTHONIC[:6]
