"""Granite 4: the same as Hermes."""

from __future__ import annotations

from tests.chat.engine.tool_calls.announced_json import announced

DIALECT = "granite4"
CASES = announced("<tool_call>", "</tool_call>")
