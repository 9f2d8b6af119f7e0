"""Firefunction 2: the same as Phi 4 mini."""

from __future__ import annotations

from chat.engine.tool_calls.dialects.phi4mini import FUNCTOOLS
from chat.engine.tool_calls.grammar import Dialect

DIALECT = Dialect("firefunction_v2", FUNCTOOLS, auto=())
