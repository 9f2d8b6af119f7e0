"""Nemotron: `<TOOLCALL>[{"name": …, "arguments": {…}}]</TOOLCALL>`."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.delimited_json import delimited
from chat.engine.tool_calls.grammar import Dialect

DIALECT = Dialect("nemotron_v2", (delimited("<TOOLCALL>", "</TOOLCALL>"),))
