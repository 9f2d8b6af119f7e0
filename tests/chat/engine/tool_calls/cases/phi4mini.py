"""Phi 4 mini: a list behind the word `functools`."""

from __future__ import annotations

from tests.chat.engine.tool_calls.announced_json import announced

DIALECT = "phi4mini"
CASES = announced("functools", "", is_list=True)
