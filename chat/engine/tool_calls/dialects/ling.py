"""Ling: the calls of GLM; a thought may go over into them."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.glm4 import TAGS
from chat.engine.tool_calls.grammar import Dialect, ending_thoughts

# `auto` reads this as `glm4`.
DIALECT = Dialect("ling", ending_thoughts(TAGS.rules), auto=())
