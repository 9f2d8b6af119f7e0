"""Granite 4: the same as Hermes."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.hermes import TOOL_CALL
from chat.engine.tool_calls.grammar import Dialect

DIALECT = Dialect("granite4", (TOOL_CALL,), auto=())
