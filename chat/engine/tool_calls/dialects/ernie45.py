"""Ernie 4.5: the same as Hermes, with tags round the answer."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.granite import RESPONSE
from chat.engine.tool_calls.dialects.hermes import TOOL_CALL
from chat.engine.tool_calls.grammar import Dialect

DIALECT = Dialect("ernie45", (TOOL_CALL, *RESPONSE), auto=())
