"""xLAM: a bare list, or a fenced one even after words, or one behind Hermes' or Mistral's mark."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.families.bare_json import fenced_calls
from chat.engine.tool_calls.dialects.generic_json import BARE
from chat.engine.tool_calls.dialects.hermes import TOOL_CALL
from chat.engine.tool_calls.dialects.mistral import TOOL_CALLS
from chat.engine.tool_calls.grammar import Dialect, Rule

_FENCE = Rule("```", fenced_calls, place="line")
DIALECT = Dialect("xlam", (TOOL_CALL, TOOL_CALLS, *BARE, _FENCE), auto=())
