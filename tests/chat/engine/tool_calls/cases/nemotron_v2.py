"""Nemotron: a list between `<TOOLCALL>` and `</TOOLCALL>`."""

from __future__ import annotations

from tests.chat.engine.tool_calls.announced_json import announced

DIALECT = "nemotron_v2"
CASES = announced("<TOOLCALL>", "</TOOLCALL>", is_list=True)
