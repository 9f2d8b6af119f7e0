"""Firefunction 2: a list behind the word `functools`."""

from __future__ import annotations

from tests.chat.engine.tool_calls.announced_json import announced

DIALECT = "firefunction_v2"
CASES = announced(" functools", "", is_list=True)
