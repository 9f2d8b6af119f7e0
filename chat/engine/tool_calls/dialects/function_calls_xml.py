"""Claude's notation: `<function_calls><invoke name="NAME"><parameter name="K">V</parameter>…`."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.xml_parameters import invoke_tags
from chat.engine.tool_calls.grammar import Dialect

_PLAIN = invoke_tags("", "function_calls")
_MIXED = invoke_tags("antml:", "function_calls")
_PREFIXED = invoke_tags("antml:", "antml:function_calls")

DIALECT = Dialect(
    "function_calls_xml",
    (*_PLAIN.rules, _MIXED.rules[0], *_PREFIXED.rules),
    # A bare `<invoke` is read by `minimax_m2` already.
    auto=(_PLAIN.rules[0], _MIXED.rules[0], *_PREFIXED.rules),
)
