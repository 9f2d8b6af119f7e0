"""Jamba and Hunyuan: `<tool_calls>[{"name": …, "arguments": {…}}]</tool_calls>`."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.delimited_json import delimited
from chat.engine.tool_calls.grammar import Dialect

TOOL_CALLS = delimited("<tool_calls>", "</tool_calls>")
DIALECT = Dialect("jamba", (TOOL_CALLS,))
