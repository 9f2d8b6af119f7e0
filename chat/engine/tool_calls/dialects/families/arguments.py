"""Arguments as a JSON object that is written as it becomes known."""

from __future__ import annotations

import json

from chat.engine.tool_calls.source import Sink


def escape(text: str) -> str:
    """Text as the inside of a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def quote(text: str) -> str:
    """Text as a JSON string."""
    return json.dumps(text, ensure_ascii=False)


class ArgumentsObject:
    """Writes `{"key": value, …}`: a key, then the value by whoever knows it, then the next key."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._keys = 0

    def key(self, name: str) -> None:
        """The next argument's name; its value's JSON text follows."""
        self._sink(f"{', ' if self._keys else '{'}{quote(name)}: ")
        self._keys += 1

    def close(self) -> None:
        """The object's end."""
        self._sink("}" if self._keys else "{}")
