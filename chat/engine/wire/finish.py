"""The reasons servers give for ending, as the few words of the Chat Completions format."""

from __future__ import annotations

_NORMAL = {
    "stop": "stop",
    "stop_sequence": "stop",
    "end_turn": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "complete": "stop",
    "completed": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_length": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "tool_call": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "safety": "content_filter",
    "recitation": "content_filter",
    "refusal": "content_filter",
}


def normalise_finish(original: str) -> str:
    """The normal word for a finish reason; an unknown one stays itself, lower-cased and bounded."""
    word = original.strip().lower()
    return _NORMAL.get(word, word[:64])
