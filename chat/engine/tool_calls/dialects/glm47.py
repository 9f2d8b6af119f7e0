"""GLM 4.7: the calls of GLM 4.5 without newlines between their tags."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.glm4 import TAGS
from chat.engine.tool_calls.grammar import Dialect

# `auto` reads this as `glm4`.
DIALECT = Dialect("glm47", TAGS.rules, auto=())
