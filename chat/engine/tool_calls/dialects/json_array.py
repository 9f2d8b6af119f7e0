"""A bare list of objects with name and parameters: what guided decoding makes models write."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.generic_json import BARE
from chat.engine.tool_calls.grammar import Dialect

DIALECT = Dialect("json_array", BARE, auto=())
