"""Hunyuan: the same as Jamba."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.jamba import TOOL_CALLS
from chat.engine.tool_calls.grammar import Dialect

DIALECT = Dialect("hunyuan", (TOOL_CALLS,), auto=())
