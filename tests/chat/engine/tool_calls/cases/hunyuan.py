"""Hunyuan: a list between `<tool_calls>` and `</tool_calls>`."""

from __future__ import annotations

from tests.chat.engine.tool_calls.announced_json import announced

DIALECT = "hunyuan"
CASES = announced("<tool_calls>", "</tool_calls>", is_list=True)
