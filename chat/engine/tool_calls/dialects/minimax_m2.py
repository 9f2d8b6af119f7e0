"""MiniMax M2: `<minimax:tool_call><invoke name="NAME"><parameter name="K">V</parameter>…`."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.xml_parameters import invoke_tags
from chat.engine.tool_calls.grammar import Dialect

_TAGS = invoke_tags("", "minimax:tool_call")

DIALECT = Dialect("minimax_m2", _TAGS.rules)
