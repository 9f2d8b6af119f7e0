"""MiniCPM 5: `<function name="NAME"><param name="K">V</param></function>`."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.xml_parameters import Tags
from chat.engine.tool_calls.grammar import Dialect

_TAGS = Tags(
    sections=(),
    call="<function ",
    call_end="</function>",
    parameter="<param ",
    parameter_end="</param>",
    naming="attribute",
    has_cdata=True,
)

DIALECT = Dialect("minicpm5", _TAGS.rules)
