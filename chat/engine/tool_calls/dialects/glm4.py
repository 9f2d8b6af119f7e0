"""GLM 4.5 and 4.6: `<tool_call>NAME<arg_key>K</arg_key><arg_value>V</arg_value>`, in lines."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.arg_pairs import PairTags
from chat.engine.tool_calls.grammar import Dialect

# GLM 5 writes a mark behind the name.
TAGS = PairTags("<tool_call>", ("</tool_call>",), separators=(">", "<tool_sep>"))

DIALECT = Dialect("glm4", TAGS.rules)
