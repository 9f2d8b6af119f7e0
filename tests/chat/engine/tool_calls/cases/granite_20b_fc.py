"""Granite 20B: an object behind `<function_call>`."""

from __future__ import annotations

from tests.chat.engine.tool_calls.announced_json import announced

DIALECT = "granite_20b_fc"
CASES = announced("<function_call> ", "")
