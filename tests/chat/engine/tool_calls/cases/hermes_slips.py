"""Hermes: what every dialect of announced JSON has."""

from __future__ import annotations

from tests.chat.engine.tool_calls.announced_json import announced

DIALECT = "hermes"
CASES = announced("<tool_call>", "</tool_call>")
