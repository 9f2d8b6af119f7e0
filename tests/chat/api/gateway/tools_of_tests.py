"""Two tools of a caller, described as its requests describe them and run as it runs them."""

from __future__ import annotations

import json
from typing import Any

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a place.",
        "parameters": {
            "type": "object",
            "properties": {"place": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["place"],
            "additionalProperties": False,
        },
    },
}
CLOCK = {"type": "function", "function": {"name": "get_time", "description": "What time it is."}}
TOOLS: list[dict[str, Any]] = [WEATHER, CLOCK]


def run(name: str, arguments: str) -> str:
    """What the caller's own tool gives; the arguments must be JSON."""
    given = json.loads(arguments)
    return f"sunny in {given['place']}" if name == "get_weather" else "noon"
