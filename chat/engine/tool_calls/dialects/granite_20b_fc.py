"""Granite 20B: `<function_call> {"name": …, "arguments": {…}}`, one after the other."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.delimited_json import delimited
from chat.engine.tool_calls.grammar import Dialect

DIALECT = Dialect(
    "granite_20b_fc",
    (
        delimited("<function_call>", "</function_call>"),
        # Glaive's spelling of it.
        delimited("<functioncall>", "</functioncall>"),
    ),
)
