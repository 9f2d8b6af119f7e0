"""Hunyuan 3: `<tool_call>NAME<tool_sep>`, then keys and values; its tags may have a suffix."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.arg_pairs import PairTags
from chat.engine.tool_calls.grammar import Dialect, Rule


def _tags(suffix: str) -> PairTags:
    return PairTags(
        f"<tool_call{suffix}>",
        (f"</tool_call{suffix}>", f"<end_of_tool_call{suffix}>"),
        key=f"<arg_key{suffix}>",
        key_end=f"</arg_key{suffix}>",
        value=f"<arg_value{suffix}>",
        value_end=f"</arg_value{suffix}>",
        separators=(f"<tool_sep{suffix}>",),
        sections=((f"<tool_calls{suffix}>", f"</tool_calls{suffix}>"),),
    )


_RULES: tuple[Rule, ...] = (*_tags("").rules, *_tags(":opensource").rules)

# A call without section and suffix is read by `glm4` already.
DIALECT = Dialect("hy_v3", _RULES, auto=_RULES[1:])
