"""Llama 3: `<|python_tag|>{"name": …, "parameters": {…}}`, with `;` between, or the bare object."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.bare_json import bare_calls, fenced_calls
from chat.engine.tool_calls.dialects.families.delimited_json import delimited
from chat.engine.tool_calls.dialects.llama3_python_tag import RULES as PYTHON_TAG
from chat.engine.tool_calls.grammar import Dialect, Rule

_TAGGED = delimited("<|python_tag|>", "<|eom_id|>", "<|eot_id|>")
DIALECT = Dialect(
    "llama3_json",
    (
        _TAGGED,
        *PYTHON_TAG,
        # Llama announces in words what it calls; only where it is named, or examples were calls.
        Rule("{", bare_calls),
        Rule("[", bare_calls, place="start"),
        Rule("```", fenced_calls, place="start"),
    ),
    auto=(_TAGGED,),
)
