"""InternLM: an object between tokens for actions."""

from __future__ import annotations

from tests.chat.engine.tool_calls.announced_json import announced

DIALECT = "internlm"
CASES = announced("<|action_start|><|plugin|>", "<|action_end|>")
