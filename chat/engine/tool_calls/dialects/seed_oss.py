"""Seed-OSS: `<seed:tool_call><function=NAME><parameter=K>V</parameter></function>…`."""

from __future__ import annotations

from dataclasses import replace

from chat.engine.tool_calls.dialects import qwen3_coder
from chat.engine.tool_calls.grammar import Dialect

_TAGS = replace(qwen3_coder.TAGS, sections=(("<seed:tool_call>", "</seed:tool_call>"),))

DIALECT = Dialect("seed_oss", _TAGS.rules, auto=_TAGS.rules[:1])
